//! Every way out gives the terminal back as it was, with the exit code of its reason.

use rustix::process::Signal;

use super::pty::{Exit, FRAME_END, text_of};
use super::*;

/// Asks, sees the answer, leaves.
fn after_an_answer(leave: impl FnOnce(&mut Pty), code: u32) {
    let mut pty = answered();
    assert!(pty.contents().contains("shortfall of a liquidity position"));
    leave(&mut pty);
    assert_eq!(pty.wait_for_exit(), Exit::Code(code), "{}", pty.contents());
    pty.assert_given_back();
    assert_eq!(pty.contents().trim(), "", "nothing is printed on the main screen");
}

#[test]
fn ctrl_q() {
    after_an_answer(|pty| pty.send(CTRL_Q), 0);
}

#[test]
fn ctrl_q_with_a_draft() {
    after_an_answer(
        |pty| {
            pty.send("a draft");
            pty.send(CTRL_Q);
        },
        0,
    );
}

#[test]
fn ctrl_c_with_nothing_written() {
    after_an_answer(|pty| pty.send(CTRL_C), 0);
}

#[test]
fn ctrl_d_with_nothing_written() {
    after_an_answer(|pty| pty.send(CTRL_D), 0);
}

#[test]
fn a_termination() {
    after_an_answer(|pty| pty.signal(Signal::TERM), 143);
}

#[test]
fn a_hang_up() {
    after_an_answer(|pty| pty.signal(Signal::HUP), 129);
}

#[test]
fn an_interrupt_from_outside() {
    after_an_answer(|pty| pty.signal(Signal::INT), 130);
}

#[test]
fn ctrl_c_sets_a_draft_aside_before_it_leaves() {
    let mut pty = started();
    pty.send("a draft");
    pty.wait_for_text("❯ a draft");
    pty.send(CTRL_C);
    pty.wait_for_text("❯ Ask a DeFi question");
    pty.send(UP);
    pty.wait_for_text("❯ a draft");
    pty.send(CTRL_D);
    pty.send("!");
    pty.wait_for_text("❯ a draft!");
    pty.send(CTRL_C);
    pty.send(CTRL_C);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn ctrl_z_stops_the_program_and_it_comes_back_with_a_full_screen() {
    let mut pty = answered();
    pty.send("a draft");
    pty.wait_for_text("❯ a draft");
    let before = pty.contents();
    pty.send(CTRL_Z);
    pty.wait_for_stop();
    pty.wait_for_bytes("\x1b[?1049l", 1);
    pty.assert_given_back();

    // A shell has used the terminal since: what the program does not draw again is lost.
    pty.scribble();
    pty.signal(Signal::CONT);
    pty.wait_for("the screen as it was", |screen| {
        screen.alternate_screen() && text_of(screen) == before
    });
    pty.assert_taken();
    pty.send("!");
    pty.wait_for_text("❯ a draft!");
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn a_stopped_program_that_is_terminated_gives_the_terminal_back_once_it_goes_on() {
    let mut pty = answered();
    pty.signal(Signal::TSTP);
    pty.wait_for_stop();
    pty.signal(Signal::TERM);
    pty.signal(Signal::CONT);
    assert_eq!(pty.wait_for_exit(), Exit::Code(143));
    pty.assert_given_back();
}

#[test]
fn a_program_that_was_stopped_from_outside_draws_everything_again() {
    let mut pty = answered();
    let before = pty.contents();
    pty.signal(Signal::STOP);
    pty.wait_for_stop();
    pty.scribble();
    let frames = pty.count(FRAME_END);
    pty.signal(Signal::CONT);
    pty.wait_for_bytes(FRAME_END, frames + 1);
    pty.wait_for("the screen as it was", |screen| text_of(screen) == before);
    pty.assert_taken();
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

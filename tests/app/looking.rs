//! The screen at every size, the help, the mouse.

use super::pty::Exit;
use super::support::fake_provider::Reply;
use super::*;

#[test]
fn no_size_ends_the_program_and_the_old_size_shows_the_old_screen() {
    let mut pty = answered();
    pty.send("a draft");
    pty.wait_for_text("❯ a draft");
    let before = pty.contents();
    for (columns, rows) in [(80, 24), (40, 12), (1, 1), (3, 3), (2, 40), (120, 1)] {
        pty.resize_and_redraw(rows, columns);
    }
    pty.resize_and_redraw(40, 120);
    assert_eq!(pty.contents(), before);
    pty.send("!");
    pty.wait_for_text("❯ a draft!");
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn a_small_screen_still_answers() {
    let mut pty = started();
    pty.resize_and_redraw(12, 40);
    assert!(!pty.contents().contains("Evidence"), "{}", pty.contents());
    pty.ask(QUESTION);
    pty.wait_for_text("✓ answered");
    assert!(
        pty.contents().contains("Impermanent loss is the"),
        "{}",
        pty.contents()
    );
    pty.send("\x1bOQ");
    pty.wait_for_text("Evidence");
    assert!(!pty.contents().contains("✓ answered"), "{}", pty.contents());
}

#[test]
fn help_opens_with_the_keys_at_every_size_and_closes() {
    let mut pty = ready();
    for (columns, rows) in [(80, 24), (40, 12), (3, 3), (120, 40)] {
        pty.resize_and_redraw(rows, columns);
        pty.send(F1);
        // On nine cells help is a frame like any other: it must only not hurt.
        if columns >= 40 {
            pty.wait_for_text("While writing");
            for shown in ["ask the q", "Alt-Enter"] {
                assert!(pty.contents().contains(shown), "{}", pty.contents());
            }
        }
        pty.send("q");
        if columns >= 40 {
            pty.wait_for("the help to close", |screen| {
                !text_of(screen).contains("While writing")
            });
        }
    }
    pty.send("typed");
    pty.wait_for_text("❯ typed");
}

#[test]
fn a_click_on_a_citation_selects_its_evidence() {
    let server = FakeProvider::start([Reply::answer(&["A loss [1]; compare ", "an average [2]."])]);
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_answer();
    assert!(!pty.contents().contains("▸"), "{}", pty.contents());

    let (row, column) = pty.find("average [2]");
    pty.click((row, column + 9));
    pty.wait_for_text("▸[2]");
    let (row, column) = pty.find("A loss [1]");
    pty.click((row, column + 8));
    pty.wait_for_text("▸[1]");
    assert_eq!(pty.contents().matches("▸").count(), 1, "{}", pty.contents());

    // A second click on the row itself opens the pair in full.
    let place = pty.find("▸[1]");
    pty.click(place);
    pty.wait_for_text("shortfall of a liquidity position");
}

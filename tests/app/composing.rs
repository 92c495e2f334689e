//! Writing a question: pastes, lines, history.

use super::*;

/// As a terminal delivers a paste.
fn pasted(text: &str) -> String {
    format!("\x1b[200~{text}\x1b[201~")
}

#[test]
fn a_paste_of_several_lines_is_text_and_its_escape_sequences_are_gone() {
    let mut pty = started();
    pty.send(&pasted(
        "What is\x1b[31m imper\u{202e}manent\x1b]0;owned\x07 loss?\rsecond line\x1b[2J\r\nthird line",
    ));
    pty.wait_for_text("third line");
    let (row, column) = pty.find("❯ What is impermanent loss?");
    assert_eq!(pty.find("second line"), (row + 1, column + 2));
    assert_eq!(pty.find("third line"), (row + 2, column + 2));
    assert!(pty.contents().contains("3 lines"), "{}", pty.contents());
    assert!(
        !pty.contents().contains("owned") && !pty.contents().contains("[31m"),
        "{}",
        pty.contents()
    );
    assert!(!pty.contents().contains("▌"), "a paste asks nothing by itself");
    assert!(pty.screen().bracketed_paste());

    pty.send(ENTER);
    pty.wait_for_text("▌ What is impermanent loss?");
    pty.wait_for_text("❯ Ask a DeFi question");
}

#[test]
fn alt_enter_starts_a_line_and_up_brings_back_what_was_asked() {
    let mut pty = answered();
    pty.send("first line");
    pty.send(ALT_ENTER);
    pty.send("second line");
    pty.wait_for_text("second line");
    let (row, column) = pty.find("❯ first line");
    assert_eq!(pty.find("second line"), (row + 1, column + 2));
    let asked = pty.contents().matches("✓ answered").count();
    assert_eq!(asked, 1, "a new line asks nothing");

    // Up to the first line, then back in the history.
    pty.send(UP);
    pty.send(UP);
    pty.wait_for_text("❯ What is impermanent loss?");
    pty.send("\x1b[B");
    pty.wait_for_text("❯ first line");
    pty.wait_for_text("second line");
}

#[test]
fn a_burst_of_keys_arrives_whole() {
    let mut pty = ready();
    // More than a terminal library reads at once, and no paste: from a program that types, or an old terminal.
    let burst = format!("{}!", "x".repeat(1100));
    pty.send(&burst);
    pty.wait_for_text("!");
}

#[test]
fn keys_that_come_with_a_resize_are_not_held_back() {
    let mut pty = ready();
    let mut typed = String::from("❯ ");
    for (n, key) in ('a'..='z').enumerate() {
        pty.resize(if n % 2 == 0 { 30 } else { 40 }, 120);
        pty.send(&key.to_string());
        typed.push(key);
        pty.wait_for_text(&typed);
    }
}

#[test]
fn a_draft_survives_the_end_of_the_program() {
    let state = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = program(&["--offline", "--dataset", pairs().to_str().unwrap()]);
        command.env("XDG_STATE_HOME", state.path());
        let mut pty = Pty::spawn(command, 40, 120);
        pty.wait_for_text("Ask a DeFi question.");
        pty
    };
    let mut first = start();
    first.send("what was I about to");
    first.wait_for_text("what was I about to");
    first.signal(rustix::process::Signal::TERM);
    first.wait_for_exit();
    let mut second = start();
    second.wait_for_text("what was I about to");
    second.send(CTRL_C);
    second.wait_for_text("The draft was set aside");
    second.send(CTRL_C);
    second.wait_for_exit();
    let mut third = start();
    third.send("x");
    third.wait_for_text("❯ x");
    assert!(!third.contents().contains("what was I about to"));
}

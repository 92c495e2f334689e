//! Text from outside never steers the terminal: every sequence that reaches it is one that the program draws with.

use std::fs;

use super::pty::Exit;
use super::support::fake_provider::{FakeProvider, Reply};
use super::*;

/// A title, colours, a clear, a clipboard, a device query, 8-bit forms, a reset, an embedding, an invisible tag.
const HOSTILE: &str = "safe\x1b]0;owned\x07 \x1b[38;5;213;5mred\x1b[2J\x1b]52;c;b3duZWQ=\x1b\\ \x1bP+q544e\x1b\\\x1b[6n\
    \u{9b}31m\u{9d}2;owned\u{9c}\x1bc\u{202e}\u{2066}\u{200b}\u{e0041}\x08\x7f\x00 sound";

/// Fails on every byte sequence that the program's own drawing does not use.
fn assert_only_drawing(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("what is written is UTF-8");
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\x1b' {
            let harmless = !c.is_control()
                && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}');
            assert!(harmless || matches!(c, '\r' | '\n'), "{c:?} reached the terminal");
            continue;
        }
        assert_eq!(
            chars.next(),
            Some('['),
            "a sequence that is no control sequence, before {:?}",
            chars.as_str().get(..20)
        );
        let mut parameters = String::new();
        let last = loop {
            match chars.next() {
                Some(last @ '@'..='~') => break last,
                Some(parameter) => parameters.push(parameter),
                None => panic!("a sequence without an end: {parameters:?}"),
            }
        };
        let ours = match last {
            // Place, style, clear a part of a line: nothing that outlives a frame.
            'H' | 'm' | 'K' => !parameters.contains(['?', '>', '<', '=']) && parameters != "38;5;213;5",
            // Clear the screen, which a full frame begins with.
            'J' => parameters == "2",
            'h' | 'l' => [
                "?1049", "?2004", "?1004", "?1000", "?1002", "?1003", "?1006", "?1015", "?25", "?2026",
            ]
            .contains(&parameters.as_str()),
            _ => false,
        };
        assert!(ours, "CSI {parameters}{last} reached the terminal");
    }
}

#[test]
fn hostile_text_of_a_model_in_any_cut_never_reaches_the_terminal() {
    // One character a token, so that every sequence comes in pieces.
    let pieces: Vec<String> = HOSTILE.chars().map(String::from).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let server = FakeProvider::start([Reply::answer(&pieces), Reply::answer(&[HOSTILE, " [1]"])]);
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_text("✓ answered");
    // Alt-R: the same question would be answered with what is kept.
    pty.send("\x1br");
    pty.wait_for_text("1 pair cited");
    let screen = pty.contents();
    assert_eq!(screen.matches("safe red  sound").count(), 2, "{screen}");
    assert!(!screen.contains("owned"), "{screen}");
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    assert_only_drawing(pty.bytes());
}

#[test]
fn hostile_text_of_a_server_that_refuses_never_reaches_the_terminal() {
    let server = FakeProvider::start([Reply::error(400, "bad", HOSTILE)]);
    let mut pty = started_with(&server);
    pty.ask(QUESTION);
    pty.wait_for_text("✗ answer failed");
    assert!(
        pty.complaint().contains("theserversays:safe"),
        "{}",
        pty.contents()
    );
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    assert_only_drawing(pty.bytes());
}

#[test]
fn hostile_text_of_a_data_set_and_its_name_never_reaches_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pairs\u{202e}\u{9b}31m\x1b]0;owned\x07.jsonl");
    let pair = serde_json::json!({
        "id": "hostile",
        "question": format!("What is impermanent loss? {HOSTILE}"),
        "answer": format!("It is {HOSTILE}."),
        "topic": HOSTILE,
        "sources": [HOSTILE],
    });
    fs::write(&file, format!("{pair}\n")).unwrap();
    let mut pty = started_on(&file);
    pty.ask(QUESTION);
    pty.wait_for_answer();
    // The pair in full, too.
    pty.send("\x1b1");
    pty.wait_for_text("▸[1]");
    let place = pty.find("▸[1]");
    pty.click(place);
    pty.wait_for("the open pair", |screen| {
        screen.contents().matches("sound").count() >= 3
    });
    assert!(!pty.contents().contains("owned"), "{}", pty.contents());
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    assert_only_drawing(pty.bytes());
}

#[test]
fn hostile_text_in_a_broken_data_set_never_reaches_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken\u{202e}.jsonl");
    fs::write(&file, format!("{{\"id\": \"a\", \"{HOSTILE}\": 5}}\n")).unwrap();
    let mut pty = started_on(&file);
    pty.wait_for_text("✗ ");
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    assert_only_drawing(pty.bytes());
}

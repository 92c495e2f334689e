//! What does not change is not drawn.

use super::pty::{Exit, FRAME_END};
use super::*;

/// What a reader sees of these bytes: the characters without the sequences around them.
fn printed(bytes: &str) -> String {
    let mut text = String::new();
    let mut chars = bytes.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            assert_eq!(chars.next(), Some('['), "only control sequences are written");
            chars.find(|c| matches!(c, '@'..='~'));
        } else {
            text.push(c);
        }
    }
    text
}

#[test]
fn an_idle_program_writes_nothing_and_a_key_writes_only_its_change() {
    let mut pty = answered();
    pty.send("a");
    pty.wait_for_text("❯ a");
    let (bytes, frames) = (pty.bytes().len(), pty.count(FRAME_END));

    // The window in which nothing happens is as long as another program's whole life.
    let mut other = answered();
    other.send(CTRL_Q);
    assert_eq!(other.wait_for_exit(), Exit::Code(0));

    pty.send("b");
    pty.wait_for_bytes(FRAME_END, frames + 1);
    let since = String::from_utf8(pty.bytes()[bytes..].to_vec()).unwrap();
    assert_eq!(since.matches(FRAME_END).count(), 1, "{since:?}");
    assert_eq!(printed(&since), "b", "{since:?}");
}

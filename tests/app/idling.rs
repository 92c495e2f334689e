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

/// The time in which nothing happens to a program: as long as the whole life of another one.
fn a_while() {
    let mut other = answered();
    other.send(CTRL_Q);
    assert_eq!(other.wait_for_exit(), Exit::Code(0));
}

#[test]
fn an_idle_program_writes_nothing_and_a_key_writes_only_its_change() {
    let mut pty = answered();
    pty.send("a");
    pty.wait_for_text("❯ a");
    let (bytes, frames) = (pty.bytes().len(), pty.count(FRAME_END));
    a_while();
    pty.send("b");
    pty.wait_for_bytes(FRAME_END, frames + 1);
    let since = String::from_utf8(pty.bytes()[bytes..].to_vec()).unwrap();
    assert_eq!(since.matches(FRAME_END).count(), 1, "{since:?}");
    assert_eq!(printed(&since), "b", "{since:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_program_does_not_wake() {
    let pty = answered();
    // Its threads lie down after the answer.
    a_while();
    let before = sleeps(&pty);
    a_while();
    let mut after = sleeps(&pty);
    // A pool lets a thread go that had nothing to do for seconds.
    after.retain(|thread, _| before.contains_key(thread));
    assert!(!after.is_empty());
    for (thread, slept) in after {
        assert_eq!(slept, before[&thread], "{thread} woke");
    }
}

/// How often each thread of a program has gone to sleep.
#[cfg(target_os = "linux")]
fn sleeps(pty: &Pty) -> std::collections::BTreeMap<String, String> {
    let mut sleeps = std::collections::BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{}/task", pty.pid())).unwrap() {
        let task = task.unwrap();
        // A thread may end between the list and the look.
        let Ok(status) = std::fs::read_to_string(task.path().join("status")) else {
            continue;
        };
        let field = |name| status.lines().find_map(|line| line.strip_prefix(name));
        let count = field("voluntary_ctxt_switches:").unwrap().trim().to_owned();
        let name = field("Name:").unwrap().trim();
        sleeps.insert(format!("{name} {}", task.file_name().display()), count);
    }
    sleeps
}

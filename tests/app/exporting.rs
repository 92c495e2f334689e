//! A session on its way out of the application: into a file, and to the terminal's clipboard.

use super::*;

const F8: &str = "\x1b[19~";
const DOWN: &str = "\x1b[B";

/// What sends text to the clipboard, up to the text.
const TO_CLIPBOARD: &str = "\x1b]52;c;";

#[test]
fn the_session_is_exported_to_a_file_that_is_named_and_to_the_clipboard() {
    let folder = tempfile::tempdir().unwrap();
    let data = pairs();
    let mut command = program(&["--offline", "--dataset", data.to_str().unwrap()]);
    command.cwd(folder.path());
    let mut pty = Pty::spawn(command, 40, 120);
    pty.wait_for("everything to be loaded", says_ready);
    pty.ask(QUESTION);
    pty.wait_for_answer();
    pty.send(F8);
    pty.wait_for_text("Export the session as");
    pty.send(ENTER);
    pty.wait_for_text("The session was exported to");
    let document = std::fs::read_to_string(folder.path().join("defi-qa-session-1.md")).unwrap();
    assert!(document.contains(&format!("## {QUESTION}")), "{document}");
    pty.send(F8);
    pty.wait_for_text("Export the session as");
    pty.send(DOWN);
    pty.wait_for_text("▸ Markdown, to the clipboard");
    pty.send(ENTER);
    pty.wait_for_bytes(TO_CLIPBOARD, 1);
    pty.wait_for_text("sent to the terminal's clipboard");
}

#[test]
fn the_command_line_exports_to_the_clipboard_too() {
    let state = tempfile::tempdir().unwrap();
    let data = pairs();
    let mut ask = program(&["--offline", "--dataset", data.to_str().unwrap(), "ask", QUESTION]);
    ask.env("XDG_STATE_HOME", state.path());
    let mut asking = Pty::spawn(ask, 40, 120);
    assert_eq!(asking.wait_for_exit(), pty::Exit::Code(0));
    let mut export = program(&["sessions", "export", "1", "--format", "recording", "--clipboard"]);
    export.env("XDG_STATE_HOME", state.path());
    let mut exporting = Pty::spawn(export, 40, 120);
    // `{"v":1,` in base64, and no other word.
    exporting.wait_for_bytes(&format!("{TO_CLIPBOARD}eyJ2IjoxL"), 1);
    assert_eq!(exporting.wait_for_exit(), pty::Exit::Code(0));
}

//! A session that is recorded, by a flag or by a key, and its replay on the same terminal.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::pty::Exit;
use super::support::fake_provider::{FakeProvider, Reply, token};
use super::*;

const F9: &str = "\x1b[20~";
const RIGHT: &str = "\x1b[C";
const HOME: &str = "\x1b[H";
const END: &str = "\x1b[F";

/// A path of this test run at which there is nothing.
fn fresh(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn recorded(path: &Path, arguments: &[&str]) -> Pty {
    let data = pairs();
    let recording = [
        "--record",
        path.to_str().unwrap(),
        "--dataset",
        data.to_str().unwrap(),
    ];
    let mut pty = Pty::spawn(program(&[&recording[..], arguments].concat()), 40, 120);
    pty.wait_for_text("Ask a DeFi question.");
    pty
}

/// What `replay --json` says of a recording: an object for each question.
fn replayed(path: &Path) -> Vec<Value> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("home");
    let output = Command::new(env!("CARGO_BIN_EXE_defi-qa"))
        .args(["replay", "--json"])
        .arg(path)
        .env_clear()
        .env("HOME", home)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A finished recording of two questions, the second of which was cancelled.
fn two_questions(name: &str) -> PathBuf {
    let path = fresh(name);
    let server = FakeProvider::start([
        Reply::answer(&["A loss against ", "holding [1]."]),
        Reply::stream([token("Half an answer")]).hang(),
    ]);
    let mut pty = recorded(&path, &["--chat", "openai:m", "--base-url", &server.base_url()]);
    pty.ask(QUESTION);
    pty.wait_for_answer();
    pty.ask(OTHER_QUESTION);
    pty.wait_for_text("Half an answer");
    pty.send(ESC);
    pty.wait_for_text("■ cancelled: the text above is incomplete");
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    path
}

#[test]
fn a_session_is_recorded_and_shown_again_without_its_model() {
    let path = two_questions("session.jsonl");
    let said = replayed(&path);
    assert_eq!(said.len(), 2);
    assert_eq!(
        (&said[0]["question"], &said[0]["answer"]),
        (&QUESTION.into(), &"A loss against holding [1].".into())
    );
    assert_eq!(
        (&said[1]["outcome"], &said[1]["error"]["message"]),
        (&"partial".into(), &"cancelled".into())
    );

    let mut pty = Pty::spawn(
        program(&["replay", "--speed", "20", path.to_str().unwrap()]),
        40,
        120,
    );
    pty.wait_for_text(" ■ 20x");
    let screen = pty.contents();
    for shown in [
        "A loss against holding [1].",
        "✓ answered",
        "Half an answer",
        "■ cancelled",
        "question 2 of 2",
        "openai:m",
    ] {
        assert!(screen.contains(shown), "{shown:?} is missing:\n{screen}");
    }
    pty.send("r");
    pty.wait_for_text("This is a recording, which answers nothing");
    pty.send(HOME);
    pty.wait_for_text("event 0 of ");
    assert!(!pty.contents().contains("A loss against"), "{}", pty.contents());
    pty.send(RIGHT);
    pty.wait_for_text("event 1 of ");
    pty.send(END);
    pty.wait_for_text("Half an answer");
    pty.send("q");
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn the_end_of_a_recording_is_shown_at_once_and_its_damage_told() {
    let path = two_questions("damaged.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.trim_end().trim_end_matches('}')).unwrap();
    let mut pty = Pty::spawn(program(&["replay", "--instant", path.to_str().unwrap()]), 40, 120);
    pty.wait_for_text("the last one, is torn: what stands before it plays.");
    assert!(pty.contents().contains("Half an answer"), "{}", pty.contents());
    pty.send(CTRL_C);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
}

#[test]
fn a_program_that_was_killed_leaves_a_recording_of_all_that_was_shown() {
    let path = fresh("killed.jsonl");
    let server = FakeProvider::start([Reply::stream([token("All that "), token("was shown")]).hang()]);
    let mut pty = recorded(&path, &["--chat", "openai:m", "--base-url", &server.base_url()]);
    pty.ask(QUESTION);
    pty.wait_for_text("All that was shown");
    pty.signal(Signal::KILL);
    pty.wait_for_exit();
    let said = replayed(&path);
    assert_eq!(said[0]["answer"], "All that was shown");
    assert_eq!(said[0]["outcome"], "partial");
}

#[test]
fn a_key_records_from_then_on_and_says_where() {
    let folder = fresh("data-home");
    let mut command = program(&["--offline", "--dataset", pairs().to_str().unwrap()]);
    command.env("XDG_DATA_HOME", &folder);
    let mut pty = Pty::spawn(command, 40, 120);
    pty.wait_for_text("Ask a DeFi question.");
    pty.ask(QUESTION);
    pty.wait_for_answer();
    pty.send(F9);
    pty.wait_for_text("Recording to ");
    pty.wait_for_text("● rec");
    pty.ask(OTHER_QUESTION);
    pty.wait_for("two answers", |screen| {
        text_of(screen).matches("✓ answered").count() == 2 && says_ready(screen)
    });
    assert!(pty.contents().contains("● rec"), "{}", pty.contents());
    pty.send(F9);
    pty.wait_for_text("The recording ended after ");
    assert!(!pty.contents().contains("● rec"), "{}", pty.contents());
    let files = std::fs::read_dir(folder.join("defi-qa/recordings")).unwrap();
    let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    let said = replayed(file);
    assert_eq!(said.len(), 1, "only what was asked from then on");
    assert_eq!(said[0]["question"], OTHER_QUESTION);
}

#[test]
fn a_recording_that_cannot_be_made_is_said_before_the_terminal_is_taken() {
    let path = fresh("taken.jsonl");
    std::fs::write(&path, "mine").unwrap();
    let mut pty = Pty::spawn(program(&["--record", path.to_str().unwrap()]), 40, 120);
    assert_eq!(pty.wait_for_exit(), Exit::Code(2));
    let screen = pty.contents().replace('\n', "");
    assert!(screen.contains("that file is there already"), "{screen}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

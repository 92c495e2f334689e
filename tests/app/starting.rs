//! The first frame waits for nothing; what is asked before the parts are there waits where everybody can see it.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use super::pty::{DEADLINE, Exit};
use super::*;

/// A data set that takes as long to read as the test likes: a pipe, which is empty until somebody writes.
struct SlowPairs {
    folder: tempfile::TempDir,
}

impl SlowPairs {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let slow = Self { folder };
        assert!(
            Command::new("mkfifo")
                .arg(slow.path())
                .status()
                .unwrap()
                .success()
        );
        slow
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("slow.jsonl")
    }

    /// Lets the program read the three pairs. On a thread: opening a pipe waits for its reader.
    fn arrive(&self) {
        let path = self.path();
        thread::spawn(move || fs::write(path, fs::read(pairs()).unwrap()).unwrap());
    }
}

#[test]
fn the_first_frame_and_the_keys_do_not_wait_for_the_data_and_a_question_says_what_it_waits_for() {
    let slow = SlowPairs::new();
    let mut pty = started_on(&slow.path());
    assert!(pty.row(0).ends_with("loading the data set"), "{}", pty.contents());

    pty.send("What is imp");
    pty.wait_for_text("❯ What is imp");
    pty.send("ermanent loss?\r");
    pty.wait_for_text("waiting for the data set to load");
    assert!(pty.contents().contains("▌ What is impermanent loss?"));
    assert!(pty.contents().contains("Searching..."));
    pty.send("and next");
    pty.wait_for_text("❯ and next");

    slow.arrive();
    pty.wait_for_answer();
    let screen = pty.contents();
    for shown in [
        "slow (3 pairs)",
        "Impermanent loss is the shortfall",
        "1 pair cited",
        "3 of 3",
        "cos 1.000",
        "❯ and next",
    ] {
        assert!(screen.contains(shown), "{shown:?} is missing:\n{screen}");
    }
    let (row, _) = pty.find("▌ What is impermanent loss?");
    assert!(pty.find("[1]").0 > row);
    assert!(!screen.contains("waiting for"), "{screen}");
}

#[test]
fn what_is_typed_before_the_first_frame_is_in_the_composer() {
    let slow = SlowPairs::new();
    let arguments = ["--offline", "--dataset", &slow.path().display().to_string()];
    let mut pty = Pty::spawn(program(&arguments), 40, 120);
    pty.send("typed ahead");
    pty.wait_for_text("❯ typed ahead");
}

#[test]
fn leaving_does_not_wait_for_what_still_loads() {
    let slow = SlowPairs::new();
    let mut pty = started_on(&slow.path());
    pty.ask(QUESTION);
    pty.wait_for_text("waiting for the data set to load");
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn a_refusal_does_not_wait_for_what_still_loads() {
    let slow = SlowPairs::new();
    let mut program = Command::new(env!("CARGO_BIN_EXE_defi-qa"));
    program.arg("--dataset").arg(slow.path()).stdin(Stdio::null());
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(program.output().unwrap()));
    let output = ended.recv_timeout(DEADLINE).expect("it waits for its data set");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is not a terminal"), "{said}");
}

#[test]
fn a_broken_data_set_is_one_sentence_on_the_screen_and_the_composer_works_on() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.jsonl");
    fs::write(
        &broken,
        "{\"id\":\"a\",\"question\":\"q?\",\"answer\":\"yes\"}\n{\"id\":\"b\",\"question\":5}\n",
    )
    .unwrap();
    let mut pty = started_on(&broken);
    pty.wait_for_text("✗ ");
    assert!(pty.row(0).ends_with("data set failed"), "{}", pty.contents());
    let said = pty.complaint();
    for part in ["broken.jsonl:2:", "`question`"] {
        assert!(said.contains(part), "{part:?} is missing: {said}");
    }

    pty.send("What is TVL");
    pty.wait_for_text("❯ What is TVL");
    pty.send(ENTER);
    pty.wait_for_text("failed: ");
    assert!(pty.complaint().contains("broken.jsonl:2:"), "{}", pty.contents());
    pty.send("still here");
    pty.wait_for_text("❯ still here");
    pty.send(CTRL_C);
    pty.wait_for_text("The draft was set aside");
    pty.send(CTRL_C);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn with_an_embedder_behind_an_endpoint_the_first_frame_does_not_wait_for_the_data_either() {
    let slow = SlowPairs::new();
    let path = slow.path();
    let mut pty = on_first_frame(&[
        "--chat",
        "extractive",
        "--embedder",
        "openai:text-embedding-3-small",
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--dataset",
        path.to_str().unwrap(),
    ]);
    assert!(pty.row(0).ends_with("loading the data set"), "{}", pty.contents());
    pty.ask("What is impermanent loss?");
    pty.wait_for_text("waiting for the data set to load");
    slow.arrive();
    pty.wait_for("what is to be done", |screen| {
        screen.contents().contains("have no vector") && screen.contents().contains("index` once")
    });
    pty.send(CTRL_Q);
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
}

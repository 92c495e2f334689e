//! The terminal application as a user runs it: the real binary in a pseudo-terminal, its screen, its keys, its exit.
//!
//! Every program starts with an empty home, an environment of its own and the three pairs of `pairs.jsonl`, so that it is
//! up in a fraction of a second. A chat model is a fake endpoint on loopback. Nothing sleeps: a test waits for what the
//! screen shows, for what the endpoint saw, or for the process.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "../support/pty.rs"]
mod pty;
#[path = "../support/mod.rs"]
mod support;

mod composing;
mod exporting;
mod hostile;
mod idling;
mod leaving;
mod looking;
mod recording;
mod resuming;
mod starting;
mod streaming;
#[cfg(target_os = "linux")]
mod vanishing;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use portable_pty::CommandBuilder;

use pty::{Pty, text_of};
use support::fake_provider::FakeProvider;

/// A question that the first pair answers.
const QUESTION: &str = "What is impermanent loss?";
/// One that the second answers.
const OTHER_QUESTION: &str = "What is a TWAP oracle?";

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_Q: &str = "\x11";
const CTRL_Z: &str = "\x1a";
const ENTER: &str = "\r";
const ALT_ENTER: &str = "\x1b\r";
const ESC: &str = "\x1b";
const UP: &str = "\x1b[A";
const F1: &str = "\x1bOP";

/// What a full frame begins with.
const CLEAR: &str = "\x1b[2J";

/// The program with nothing of this machine around it, as it is on a terminal of 256 colours.
fn program(arguments: &[&str]) -> CommandBuilder {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("home");
    std::fs::create_dir_all(&home).unwrap();
    // A state of its own for each program: a draft that one leaves behind must not come up in another.
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let state = home.join(format!("state-{}-{number}", std::process::id()));
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_defi-qa"));
    command.env_clear();
    command.env("HOME", &home);
    command.env("XDG_CONFIG_HOME", &home);
    command.env("XDG_STATE_HOME", &state);
    // An answer that another test was given is kept there. The vectors of a data set are the same for all, and computing
    // them takes a test longer than it waits.
    let (cache, vectors) = (state.join("defi-qa"), home.join("vectors"));
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::create_dir_all(&vectors).unwrap();
    let _ = std::os::unix::fs::symlink(&vectors, cache.join("vectors"));
    command.env("XDG_CACHE_HOME", &state);
    command.env("TERM", "xterm-256color");
    command.cwd(&home);
    command.args(arguments);
    command
}

fn pairs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/app/pairs.jsonl")
}

/// Started on a data set, without a network, on its first frame.
fn started_on(dataset: &Path) -> Pty {
    on_first_frame(&["--offline", "--dataset", dataset.to_str().unwrap()])
}

/// Started on the three pairs, answering on its own, on its first frame.
fn started() -> Pty {
    started_on(&pairs())
}

/// Started on the three pairs with a chat model, on its first frame.
fn started_with(model: &FakeProvider) -> Pty {
    on_first_frame(&[
        "--chat",
        "openai:test-model",
        "--base-url",
        &model.base_url(),
        "--dataset",
        pairs().to_str().unwrap(),
    ])
}

/// Started, with everything loaded.
fn ready() -> Pty {
    let mut pty = started();
    pty.wait_for("everything to be loaded", says_ready);
    pty
}

/// Whether the header says that everything is loaded and nothing runs.
fn says_ready(screen: &vt100::Screen) -> bool {
    let text = text_of(screen);
    text.lines()
        .next()
        .is_some_and(|header| header.ends_with("ready"))
}

fn on_first_frame(arguments: &[&str]) -> Pty {
    let mut pty = Pty::spawn(program(arguments), 40, 120);
    pty.wait_for_text("Ask a DeFi question.");
    pty.assert_taken();
    pty
}

impl Pty {
    /// Types a question and sends it off.
    fn ask(&mut self, question: &str) {
        self.send(question);
        self.send(ENTER);
    }

    /// Changes the size of the window and reads the frame that follows: a full one.
    #[track_caller]
    fn resize_and_redraw(&mut self, rows: u16, columns: u16) {
        let full = self.count(CLEAR);
        self.resize(rows, columns);
        self.wait_for_bytes(CLEAR, full + 1);
        self.wait_for("the end of the frame", |_| true);
    }

    /// What follows the last cross on the screen, without its blanks: a sentence may be broken over rows anywhere.
    fn complaint(&self) -> String {
        let text = self.contents();
        let (_, said) = text.rsplit_once('✗').unwrap();
        let rows = said.lines().map(|row| {
            // Between the bar of the question and the rule of the side panel.
            let row = row.trim_start_matches(['▌', '│']);
            row.split('│').next().unwrap_or_default().trim()
        });
        let sentence = rows.take_while(|row| !row.is_empty());
        sentence.flat_map(str::split_whitespace).collect()
    }

    /// Waits until a question was answered and nothing runs or loads any more.
    #[track_caller]
    fn wait_for_answer(&mut self) {
        self.wait_for("an answer and no more to come", |screen| {
            screen.contents().contains("✓ answered") && says_ready(screen)
        });
    }
}

/// Started, asked and answered.
fn answered() -> Pty {
    let mut pty = started();
    pty.ask(QUESTION);
    pty.wait_for_answer();
    // The vector reaches the disk after the answer reaches the screen; until then the count of the cache may still change.
    pty.wait_for("a cache that has been written", |screen| {
        let text = text_of(screen);
        text.contains(" on disk") && !text.contains(" 0 on disk")
    });
    pty
}

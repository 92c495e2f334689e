//! A terminal that is gone ends the program: at once, with the exit code of a hang-up, without a spin.

use std::env;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, WaitId, WaitIdOptions, set_child_subreaper, waitid};

use super::pty::DEADLINE;
use super::support::fake_provider::{Reply, token};
use super::*;

/// Base URL of the model that the window's program asks.
const MODEL: &str = "DEFI_QA_WINDOW_MODEL";
/// The first words of the answer, which never ends.
const FIRST_WORDS: &str = "An answer without an end";

/// A window that closes under the program: its process holds the only master.
#[test]
#[ignore = "a part that another test starts"]
#[expect(clippy::exit, reason = "a window closes without saying goodbye")]
fn window() {
    let model = env::var(MODEL).unwrap();
    let mut pty = on_first_frame(&[
        "--chat",
        "openai:m",
        "--base-url",
        &model,
        "--dataset",
        pairs().to_str().unwrap(),
    ]);
    pty.ask(QUESTION);
    pty.wait_for_text(FIRST_WORDS);
    writeln!(std::io::stdout(), "\npid {}", pty.pid()).unwrap();
    std::process::exit(0);
}

#[tokio::test]
async fn a_closed_window_ends_the_program_and_its_request() {
    let server = FakeProvider::start([Reply::stream([token(FIRST_WORDS)]).hang()]);
    // The program's parent is the window, which goes first: its exit code comes here.
    set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let window = Command::new(env::current_exe().unwrap())
        .args(["--exact", "vanishing::window", "--ignored", "--nocapture"])
        .env(MODEL, server.base_url())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let said = String::from_utf8(window.stdout).unwrap();
    let pid = said
        .lines()
        .find_map(|line| line.strip_prefix("pid ")?.parse().ok())
        .unwrap_or_else(|| panic!("the window did not come so far:\n{said}"));
    assert_eq!(exit_code(Pid::from_raw(pid).unwrap()), Some(129));
    server.disconnected(1).await;
}

fn exit_code(pid: Pid) -> Option<i32> {
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let status = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
        let _ = sender.send(status.unwrap().unwrap().exit_status());
    });
    ended
        .recv_timeout(DEADLINE)
        .expect("the program outlived its window")
}

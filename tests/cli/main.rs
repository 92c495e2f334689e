//! The program as a user starts it: what it prints and how it exits.
//!
//! Every test starts the real binary with an empty home and an environment of its own, so no key or file of the machine
//! gets in. The network is a fake endpoint on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking and reports by printing"
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod bad_input;
mod beside;
mod comparing;
#[cfg(target_os = "linux")]
mod cut_off;
mod data;
mod indexing;
mod measuring;
mod offline;
mod provider;
mod recording;
mod sessions;
mod settings;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program with nothing of this machine around it.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_defi-qa"));
    let home = home();
    command
        .env_clear()
        .env("HOME", &home)
        .env("XDG_CONFIG_HOME", &home)
        .current_dir(&home)
        .stdin(Stdio::null());
    command
}

/// A folder that holds no configuration.
fn home() -> PathBuf {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("home");
    std::fs::create_dir_all(&home).unwrap();
    home
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// The one JSON object on standard output.
fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", stdout(output), stderr(output)))
}

/// The JSON objects on standard output, one a line.
fn objects(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A file of this test run.
fn file(name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

//! The cache across processes: restarts, two at once, kills, a Redis server that comes and goes.
//!
//! Every test has a folder of its own. The program is started as a user starts it; the Redis server is a real one on a
//! free port of loopback.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and reports by printing"
)]

mod files;
mod processes;
mod shared;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use defi_qa::cache::{CacheKey, Row, Store, Wanted, export};
use serde_json::Value;

const MODEL: &str = "test-model";
const DIMENSION: usize = 384;

/// A folder that is the program's home.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The database of the disk tier, where the program looks for it on Linux.
    fn database(&self) -> PathBuf {
        self.path("cache/defi-qa/vectors.sqlite")
    }

    fn store(&self) -> Store {
        Store::open(&self.database()).unwrap()
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_defi-qa"));
        command
            .env_clear()
            .env("HOME", self.0.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().unwrap()
    }
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

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

fn wanted(text: &str) -> Wanted {
    Wanted::new(MODEL, DIMENSION, "query", text)
}

/// A unit vector that differs from text to text.
fn vector(text: &str) -> Arc<[f32]> {
    let mut numbers = vec![0.0; DIMENSION];
    let place = text.bytes().map(usize::from).sum::<usize>() % DIMENSION;
    numbers[place] = 1.0;
    numbers.into()
}

fn row(text: &str) -> Row {
    let key = CacheKey::new(MODEL, DIMENSION, "query", text);
    Row::now(key, MODEL, DIMENSION, vector(text)).unwrap()
}

/// An export of so many rows, each with a text that begins with `prefix`.
fn exported(path: &Path, prefix: &str, rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("vectors.sqlite")).unwrap();
    let rows: Vec<Row> = (0..rows).map(|n| row(&format!("{prefix}{n}"))).collect();
    store.put(&rows).unwrap();
    let mut bytes = Vec::new();
    export(&store, &mut bytes).unwrap();
    std::fs::write(path, bytes).unwrap();
}

//! What is kept of what was asked, and how it is found, exported, deleted and restored.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::support::fake_provider::{FakeProvider, Reply, token};
use super::*;

/// The program with a state of its own.
fn within(state: &Path, arguments: &[&str]) -> Command {
    let mut command = program();
    let pairs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/app/pairs.jsonl");
    command
        .env("XDG_STATE_HOME", state)
        // Its own, or another test's answer to the same question would be told again.
        .env("XDG_CACHE_HOME", state.join("cache"))
        .arg("--dataset")
        .arg(pairs)
        .args(arguments);
    command
}

fn said(state: &Path, arguments: &[&str]) -> String {
    let output = within(state, arguments).output().unwrap();
    assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn what_was_asked_is_listed_found_exported_deleted_restored_and_pruned() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    said(state, &["--offline", "ask", "What is impermanent loss?"]);
    said(
        state,
        &["--offline", "--no-history", "ask", "What is a TWAP oracle?"],
    );
    let listed = said(state, &["sessions", "list"]);
    assert!(
        listed.lines().count() == 1 && listed.contains("    1  ask"),
        "{listed}"
    );
    let found: Value =
        serde_json::from_str(&said(state, &["sessions", "search", "imperm", "--json"])).unwrap();
    assert_eq!(found[0]["question"], "What is impermanent loss?");
    assert_eq!(said(state, &["sessions", "search", "\" OR * NEAR("]), "");
    let document = said(state, &["sessions", "export", "1"]);
    assert!(
        document.contains("## What is impermanent loss?") && document.contains("### Sources"),
        "{document}"
    );
    let object: Value = serde_json::from_str(&said(state, &["sessions", "show", "1", "--json"])).unwrap();
    assert_eq!(object["exchanges"][0]["outcome"], "answered");
    said(state, &["sessions", "rename", "1", "Pools"]);
    said(state, &["sessions", "delete", "1"]);
    assert_eq!(said(state, &["sessions", "list"]), "");
    let refused = within(state, &["sessions", "delete", "1"]).output().unwrap();
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("`defi-qa sessions restore 1` brings it back"));
    said(state, &["sessions", "restore", "1"]);
    assert!(said(state, &["sessions", "list"]).contains("Pools"));
    said(state, &["sessions", "delete", "1"]);
    let pruned = said(state, &["sessions", "prune"]);
    assert_eq!(pruned, "1 sessions with 1 exchanges pruned\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_in_mid_answer_leaves_what_it_showed() {
    let state = tempfile::tempdir().unwrap();
    let server = FakeProvider::start([Reply::stream([token("An answer "), token("without an end")]).hang()]);
    let url = server.base_url();
    let mut asking = within(
        state.path(),
        &[
            "--chat",
            "openai:m",
            "--base-url",
            &url,
            "ask",
            "What is impermanent loss?",
        ],
    )
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let mut shown = String::new();
    let mut output = asking.stdout.take().unwrap();
    while !shown.contains("without an end") {
        let mut byte = [0; 64];
        let read = output.read(&mut byte).unwrap();
        assert!(read > 0, "{shown}");
        shown.push_str(&String::from_utf8_lossy(&byte[..read]));
    }
    // The next checkpoint comes within a frame: each look is a program of its own.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !said(state.path(), &["sessions", "list"]).contains("ask")
        || !said(state.path(), &["sessions", "show", "1"]).contains("without an end")
    {
        assert!(Instant::now() < deadline, "the text was never written");
    }
    asking.kill().unwrap();
    asking.wait().unwrap();
    let object: Value =
        serde_json::from_str(&said(state.path(), &["sessions", "show", "1", "--json"])).unwrap();
    let exchange = &object["exchanges"][0];
    assert_eq!(exchange["answer"], "An answer without an end");
    assert_eq!(exchange["outcome"], "partial");
    assert!(!exchange["hits"].as_array().unwrap().is_empty());
    assert_eq!(exchange["error"]["retryable"], true);
}

#[test]
fn a_session_exported_as_a_recording_plays_as_it_was_asked() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path();
    let live = said(
        state,
        &["--offline", "ask", "--events", "What is impermanent loss?"],
    );
    let file = state.join("exported.jsonl");
    let file = file.to_str().unwrap();
    said(
        state,
        &["sessions", "export", "1", "--format", "recording", "-o", file],
    );
    // Every event at its time, the hits and the words among them.
    assert_eq!(said(state, &["replay", file, "--events"]), live);
    let header = std::fs::read_to_string(file).unwrap();
    let header: Value = serde_json::from_str(header.lines().next().unwrap()).unwrap();
    assert_eq!(header["note"], "Session 1 of defi-qa, exported.");
    let refused = within(state, &["sessions", "export", "1", "--clipboard"])
        .output()
        .unwrap();
    assert_eq!(code(&refused), 2);
}

#[test]
fn how_the_model_is_sampled_is_kept_and_exported() {
    let state = tempfile::tempdir().unwrap();
    let server = FakeProvider::start([Reply::answer(&["Yes [1]."])]);
    let url = server.base_url();
    let asked = [
        "--chat",
        "openai:sampled",
        "--base-url",
        &url,
        "ask",
        "What is impermanent loss?",
    ];
    said(state.path(), &asked);
    let object: Value =
        serde_json::from_str(&said(state.path(), &["sessions", "show", "1", "--json"])).unwrap();
    let sampling = &object["exchanges"][0]["setup"]["sampling"];
    assert_eq!(
        *sampling,
        serde_json::json!({"temperature": 0.2, "max_tokens": 700})
    );
    let document = said(state.path(), &["sessions", "show", "1"]);
    assert!(
        document.contains("openai:sampled · answered · temperature 0.2 · at most 700 tokens"),
        "{document}"
    );
}

#[test]
fn a_key_that_was_pasted_into_a_question_is_in_no_file() {
    const KEY: &str = "sk-proj-0123456789abcdefGHIJ";
    let state = tempfile::tempdir().unwrap();
    let folder = state.path();
    let (log, tape) = (folder.join("log.txt"), folder.join("tape.jsonl"));
    let question = format!("Is my key\n{KEY} safe in an AMM pool?");
    let (log, tape) = (log.to_str().unwrap(), tape.to_str().unwrap());
    let mut asking = within(folder, &["--offline", "--log-file", log, "--record", tape, "ask"]);
    let asked = asking.env("RUST_LOG", "trace").arg(&question).output().unwrap();
    assert!([0, 3].contains(&code(&asked)), "{}", stderr(&asked));
    said(
        folder,
        &[
            "sessions",
            "export",
            "1",
            "--format",
            "recording",
            "-o",
            &format!("{tape}.2"),
        ],
    );
    let mut files = vec![folder.to_owned()];
    let mut read = Vec::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !String::from_utf8_lossy(&bytes).contains(KEY),
            "the key is in {}",
            path.display()
        );
        read.push(path);
    }
    assert!(read.len() >= 4, "the store, the log, two recordings: {read:?}");
}

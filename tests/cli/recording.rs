//! `--record` and `replay`: a recording is the run again, from a file and nothing else.

use super::*;
use support::fake_provider::{FakeProvider, Reply};

/// A path of this test run at which there is nothing.
fn fresh(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

fn record(path: &std::path::Path, arguments: &[&str]) -> Output {
    let mut command = program();
    command.arg("--record").arg(path).args(arguments);
    command.output().unwrap()
}

fn replay(path: &std::path::Path, arguments: &[&str]) -> Output {
    program()
        .arg("replay")
        .arg(path)
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_replay_prints_the_same_object_events_and_text() {
    for (shape, name) in [
        ("--json", "same-json"),
        ("--events", "same-events"),
        ("--text", "same-text"),
    ] {
        let path = fresh(&format!("{name}.jsonl"));
        let live_shape = if shape == "--text" { vec![] } else { vec![shape] };
        let live = record(
            &path,
            &[
                &["--offline", "ask", "What is impermanent loss?"][..],
                &live_shape,
            ]
            .concat(),
        );
        assert_eq!(code(&live), 0, "{}", stderr(&live));
        let again = replay(&path, &[shape]);
        assert_eq!((code(&again), stderr(&again).as_str()), (0, ""));
        if shape == "--text" {
            let question = "> What is impermanent loss?\n\n";
            assert_eq!(stdout(&again), format!("{question}{}\n", stdout(&live)));
        } else {
            assert_eq!(objects(&again), objects(&live));
        }
    }
}

#[test]
fn a_comparison_is_recorded_and_replayed_as_it_was_printed() {
    for (shape, name) in [
        ("--json", "compared-json"),
        ("--events", "compared-events"),
        ("--text", "compared-text"),
    ] {
        let path = fresh(&format!("{name}.jsonl"));
        let live_shape = if shape == "--text" { vec![] } else { vec![shape] };
        let live = record(
            &path,
            &[
                &["--offline", "compare", "what is impermanent loss?", "-k", "4"][..],
                &live_shape,
            ]
            .concat(),
        );
        assert_eq!(code(&live), 0, "{}", stderr(&live));
        let again = replay(&path, &[shape]);
        assert_eq!((code(&again), stderr(&again).as_str()), (0, ""));
        if shape == "--text" {
            assert_eq!(stdout(&again).trim_end(), stdout(&live).trim_end());
        } else {
            let compared = objects(&live);
            assert_eq!(objects(&again), compared);
            assert_eq!(compared[0]["columns"].as_array().unwrap().len(), 3);
        }
    }
}

#[test]
fn a_batch_is_recorded_question_by_question() {
    let batch = file(
        "recorded-batch.jsonl",
        "{\"question\":\"What is impermanent loss?\"}\n{\"question\":\"hello\"}\n{\"question\":\"How do I bake bread?\"}\n",
    );
    let path = fresh("batch-recording.jsonl");
    let live = record(&path, &["--offline", "ask", "--batch", batch.to_str().unwrap()]);
    assert_eq!(code(&live), 0, "{}", stderr(&live));
    assert_eq!(objects(&replay(&path, &["--json"])), objects(&live));
    let outcomes: Vec<Value> = objects(&live)
        .iter()
        .map(|line| line["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["answered", "conversed", "declined"]);
}

#[test]
fn what_ask_prints_as_events_plays_as_well() {
    let live = run(&["--offline", "ask", "--events", "What is impermanent loss?"]);
    let path = file("only-events.jsonl", &live.stdout);
    assert_eq!(stdout(&replay(&path, &["--events"])), stdout(&live));
}

#[test]
fn a_key_gets_into_no_recording_whatever_the_server_says() {
    const KEY: &str = "sk-never-to-be-seen-0123456789";
    let server = FakeProvider::start([
        Reply::error(
            401,
            "invalid_api_key",
            &format!("Incorrect API key provided: {KEY}"),
        ),
        Reply::error(
            401,
            "invalid_api_key",
            &format!("Incorrect API key provided: {KEY}"),
        ),
    ]);
    let path = fresh("secret.jsonl");
    let mut command = program();
    command
        .env("OPENAI_API_KEY", KEY)
        .args(["--chat", "openai:m", "--base-url", &server.base_url(), "--record"])
        .arg(&path)
        .args(["ask", "--json", "What is impermanent loss?"]);
    let live = command.output().unwrap();
    assert!(!server.requests().is_empty(), "{}", stderr(&live));
    let recording = std::fs::read_to_string(&path).unwrap();
    assert!(recording.contains("Incorrect API key provided"), "{recording}");
    for secret in [KEY, "Bearer", "uthorization"] {
        assert!(!recording.contains(secret), "{secret} is in {recording}");
    }
}

#[test]
fn a_recording_that_stops_in_mid_answer_says_so_and_plays() {
    let path = fresh("whole.jsonl");
    record(&path, &["--offline", "ask", "What is impermanent loss?"]);
    let whole = std::fs::read_to_string(&path).unwrap();
    let end = whole.find("\"event\":\"answered\"").unwrap();
    let torn = file("torn.jsonl", &whole[..end + 10]);
    let again = replay(&torn, &["--json"]);
    assert_eq!(code(&again), 0);
    let object = object(&again);
    assert_eq!(object["outcome"], "partial");
    assert_eq!(
        object["error"]["message"],
        "the recording ends before the answer does"
    );
    let line = whole[..end].lines().count();
    assert_eq!(
        stderr(&again),
        format!("defi-qa: Line {line}, the last one, is torn: what stands before it plays.\n")
    );
}

#[test]
fn a_recording_is_for_its_owner_and_never_takes_the_place_of_a_file() {
    let path = fresh("kept.jsonl");
    let ask = ["--offline", "ask", "hello"];
    assert_eq!(code(&record(&path, &ask)), 0);
    let kept = std::fs::read(&path).unwrap();
    let again = record(&path, &ask);
    assert_eq!(code(&again), 2);
    assert!(stderr(&again).contains("is there already"), "{}", stderr(&again));
    assert_eq!(std::fs::read(&path).unwrap(), kept);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn what_cannot_be_recorded_or_played_is_one_sentence() {
    let path = fresh("never.jsonl");
    let output = record(&path, &["search", "TVL"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--record keeps what the application, `ask` and `compare` do"));
    assert!(!path.exists());
    let missing = replay(&path, &["--json"]);
    assert_eq!(code(&missing), 2);
    assert!(
        stderr(&missing).contains("could not be opened"),
        "{}",
        stderr(&missing)
    );
    let prose = file("prose.jsonl", "once upon a time\n");
    let nothing = replay(&prose, &["--json"]);
    assert_eq!(code(&nothing), 2);
    assert!(
        stderr(&nothing).contains("holds nothing to play (Line 1"),
        "{}",
        stderr(&nothing)
    );
}

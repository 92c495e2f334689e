//! Configuration and papers from the command line.

use super::*;

#[test]
fn config_show_says_where_each_value_came_from_and_hides_the_key() {
    let path = file("shown.toml", "[retrieval]\ntop_k = 7\n");
    let output = program()
        .env("OPENAI_API_KEY", "sk-hidden")
        .args([
            "--config",
            path.to_str().unwrap(),
            "--base-url",
            "http://localhost:1/v1",
            "config",
            "show",
        ])
        .output()
        .unwrap();
    let text = stdout(&output);
    let row = |key: &str| {
        text.lines()
            .find(|line| line.starts_with(key))
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(row("retrieval.top_k"), ["retrieval.top_k", "7", "file"]);
    assert_eq!(
        row("chat.base_url"),
        ["chat.base_url", "http://localhost:1/v1", "--base-url"]
    );
    assert_eq!(row("chat.api_key"), ["chat.api_key", "set", "OPENAI_API_KEY"]);
    assert!(!text.contains("sk-hidden"));
}

#[test]
fn config_init_writes_a_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/config.toml");
    let arguments = ["--config", path.to_str().unwrap(), "config", "init"];
    assert_eq!(code(&run(&arguments)), 0);
    let written = std::fs::read_to_string(&path).unwrap();
    let again = run(&arguments);
    assert_eq!(code(&again), 1);
    assert!(stderr(&again).contains("exists already"), "{}", stderr(&again));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
    assert_eq!(
        code(&run(&["--config", path.to_str().unwrap(), "config", "show"])),
        0
    );
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let manual = stdout(&run(&["man"]));
    let completions = stdout(&run(&["completions", "bash"]));
    for command in [
        "ask",
        "search",
        "index",
        "dataset",
        "cache",
        "config",
        "completions",
    ] {
        assert!(
            manual.contains(command) && completions.contains(command),
            "{command}"
        );
    }
}

#[test]
fn the_log_says_what_happened_and_not_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.log");
    let server =
        super::support::fake_provider::FakeProvider::start([super::support::fake_provider::Reply::answer(
            &["secret answer"],
        )]);
    let output = program()
        .env("OPENAI_API_KEY", "sk-hidden")
        .env("DEFI_QA_LOG", "trace")
        .args([
            "--log-file",
            path.to_str().unwrap(),
            "--chat",
            "openai:m",
            "--base-url",
            &server.base_url(),
        ])
        .args(["ask", "what is impermanent loss"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(log.contains("the run ended"), "{log}");
    for kept_out in ["sk-hidden", "secret answer", "impermanent loss"] {
        assert!(!log.contains(kept_out), "{kept_out} is in the log: {log}");
    }
}

//! The offline promise, kept by processes that have no network: what was asked before gives the same vectors and the same
//! evidence to the bit, and what cannot be answered says so and what to do.
//!
//! A process is cut off in a network namespace of its own, in which not even loopback is up, so that nothing it could do
//! would reach anybody. Where the kernel lets nobody make one, its calls for a network socket are counted instead.

use super::*;
use indexing::{Home, serving};

const QUESTION: &str = "What is impermanent loss in a pool?";

/// How a process is kept from the network here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// Run in an empty network namespace.
    Namespace,
    /// Run under strace, which must count no call for a network socket.
    Count,
}

/// The best means that works here; `None` where there is none, which CI does not put up with.
fn means() -> Option<Means> {
    let works = |program: &str, arguments: &[&str]| {
        let tried = Command::new(program).args(arguments).output();
        tried.is_ok_and(|output| output.status.success())
    };
    if works("unshare", &["-rn", "true"]) {
        return Some(Means::Namespace);
    }
    if works("strace", &["-o", "/dev/null", "true"]) {
        return Some(Means::Count);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "neither unshare nor strace works: nothing can be proved"
    );
    eprintln!("neither unshare nor strace works: nothing was proved");
    None
}

/// Runs a command cut off from the network.
#[track_caller]
fn cut_off(means: Means, command: &Command) -> Output {
    let calls = tempfile::NamedTempFile::new().unwrap();
    let mut cut = match means {
        Means::Namespace => {
            let mut cut = Command::new("unshare");
            cut.arg("-rn");
            cut
        }
        Means::Count => {
            let mut cut = Command::new("strace");
            cut.args(["-f", "-e", "trace=socket,connect", "-o"])
                .arg(calls.path());
            cut
        }
    };
    cut.arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            cut.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        cut.current_dir(folder);
    }
    let output = cut.stdin(Stdio::null()).output().unwrap();
    let calls = std::fs::read_to_string(calls.path()).unwrap();
    let network = calls.lines().filter(|line| line.contains("AF_INET"));
    assert_eq!(network.count(), 0, "{calls}");
    output
}

/// The program in a home of its own, with a key and a shared tier that must not tempt it.
fn at_home(home: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .env("OPENAI_API_KEY", "sk-test")
        .current_dir(home)
        .args(arguments);
    command
}

/// What was found and said, without what differs from run to run: times.
fn evidence(output: &Output) -> Value {
    let object = object(output);
    serde_json::json!({
        "answer": object["answer"],
        "citations": object["citations"],
        "outcome": object["outcome"],
        // As text: numbers are compared to their last digit.
        "hits": object["hits"].to_string(),
    })
}

#[test]
fn questions_asked_before_give_the_same_evidence_with_a_warm_and_with_an_imported_cache() {
    let Some(means) = means() else { return };
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ask = ["--chat", "extractive", "ask", "--json", QUESTION];
    let offline = [&["--offline"][..], &ask].concat();
    let live = at_home(first.path(), &ask).output().unwrap();
    assert_eq!(code(&live), 0, "{}", stderr(&live));
    let vectors = |home: &std::path::Path| {
        let exported = cut_off(means, &at_home(home, &["cache", "export", "vectors.jsonl"]));
        assert_eq!(code(&exported), 0, "{}", stderr(&exported));
        std::fs::read(home.join("vectors.jsonl")).unwrap()
    };
    let exported = vectors(first.path());

    let warm = cut_off(means, &at_home(first.path(), &offline));
    assert_eq!(evidence(&warm), evidence(&live), "{}", stderr(&warm));
    assert_eq!(object(&warm)["vector"]["tier"], "disk");

    // Another machine, which was handed the vectors.
    let from = first.path().join("vectors.jsonl");
    let imported = cut_off(
        means,
        &at_home(second.path(), &["cache", "import", from.to_str().unwrap()]),
    );
    assert_eq!(code(&imported), 0, "{}", stderr(&imported));
    let elsewhere = cut_off(means, &at_home(second.path(), &offline));
    assert_eq!(evidence(&elsewhere), evidence(&live), "{}", stderr(&elsewhere));
    assert_eq!(object(&elsewhere)["vector"]["tier"], "disk");
    assert_eq!(vectors(second.path()), exported);

    // What was never asked is answered all the same: the model and the data are in the program.
    let new = cut_off(
        means,
        &at_home(
            second.path(),
            &["--offline", "ask", "--json", "What is a TWAP oracle?"],
        ),
    );
    assert_eq!(object(&new)["outcome"], "answered");
    assert_eq!(object(&new)["vector"], serde_json::json!({}));
}

#[test]
fn vectors_of_a_server_serve_without_it_and_what_it_would_have_to_be_asked_says_so() {
    let Some(means) = means() else { return };
    let (home, server) = (Home::new(), serving());
    assert_eq!(code(&home.index(&server)), 0);
    let question = "How is a mooring loan held?";
    let live = home
        .program(&server.base_url())
        .args(["ask", "--json", question])
        .output()
        .unwrap();
    assert_eq!(code(&live), 0, "{}", stderr(&live));
    let asked = server.requests().len();

    let offline = |question: &str| {
        let mut command = home.program(&server.base_url());
        command.args(["--offline", "ask", "--json", question]);
        cut_off(means, &command)
    };
    let again = offline(question);
    assert_eq!(evidence(&again), evidence(&live), "{}", stderr(&again));

    let new = object(&offline("Who signs for the oracle?"));
    assert_eq!(new["outcome"], "failed");
    assert_eq!(new["error"]["stage"], "embed");
    let said = new["error"]["message"].as_str().unwrap();
    assert!(
        said.contains("--offline forbids") && said.contains("go online once, or use `--embedder local`"),
        "it says neither why nor what to do: {said}"
    );
    assert_eq!(server.requests().len(), asked);

    if means == Means::Namespace {
        // The cut itself is looked at: without --offline the same question asks, reaches nobody, and is searched without
        // the server.
        let mut tempted = home.program(&server.base_url());
        tempted.args(["ask", "--json", "Who signs for the oracle?"]);
        let alone = object(&cut_off(means, &tempted));
        let note = alone["note"].as_str().unwrap();
        assert!(
            note.contains("was not reached") && note.contains(": searched by"),
            "{note}"
        );
        assert_eq!(server.requests().len(), asked);
    }
}

#[test]
fn a_chat_model_offline_is_refused_with_what_to_use_instead() {
    let Some(means) = means() else { return };
    let home = tempfile::tempdir().unwrap();
    let refused = cut_off(
        means,
        &at_home(home.path(), &["--offline", "--chat", "openai:m", "ask", "q"]),
    );
    assert_eq!(code(&refused), 2);
    let said = stderr(&refused);
    assert!(
        said.contains("--offline forbids") && said.contains("extractive"),
        "{said}"
    );
}

#[test]
fn a_recording_plays_with_no_network_no_key_and_no_data() {
    let Some(means) = means() else { return };
    let home = tempfile::tempdir().unwrap();
    let record = [
        "--record",
        "run.jsonl",
        "--chat",
        "extractive",
        "ask",
        "--json",
        QUESTION,
    ];
    let live = at_home(home.path(), &record).output().unwrap();
    assert_eq!(code(&live), 0, "{}", stderr(&live));
    let away = tempfile::tempdir().unwrap();
    let path = home.path().join("run.jsonl");
    let mut replay = program();
    replay
        .env("HOME", away.path())
        .current_dir(away.path())
        .args(["replay", "--json"])
        .arg(&path);
    let again = cut_off(means, &replay);
    assert_eq!(object(&again), object(&live));
    // Nothing was opened that would have been kept.
    assert_eq!(std::fs::read_dir(away.path()).unwrap().count(), 0);
}

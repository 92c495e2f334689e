//! A data set indexed with the embeddings of a server, and asked with them: a fake endpoint on loopback.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::fake_embeddings::{answer, inputs};
use super::support::fake_provider::{FakeProvider, Recorded, Reply};
use super::support::redis_server::Server;
use serde_json::json;

use super::*;

const KEY: &str = "sk-test-0123456789";
const DIMENSION: usize = 64;
const QUESTION: &str = "What is a mooring loan in Zephyr?";

/// A home of a test's own, with a data set and a configuration of small requests in it.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let pairs = r#"[
            {"id": "mooring", "question": "What is a mooring loan in Zephyr?", "answer": "A mooring loan is a Zephyr loan that is held by a vault share."},
            {"id": "keel", "question": "What is the keel ratio of a pool?", "answer": "The keel ratio is the share of a pool that cannot be lent out."},
            {"id": "sextant", "question": "Who runs the sextant oracle?", "answer": "The sextant oracle is run by a committee of nine signers."}
        ]"#;
        std::fs::write(home.path().join("pairs.json"), pairs).unwrap();
        let settings = "[embedding]\nbatch = 50\nprice_per_million = 100.0\n";
        std::fs::write(home.path().join("settings.toml"), settings).unwrap();
        Self(home)
    }

    /// The program with this home, this data set and the embedder of a server at this address.
    pub(crate) fn program(&self, base_url: &str) -> Command {
        let mut command = program();
        command
            .env("HOME", self.0.path())
            .env("XDG_CONFIG_HOME", self.0.path())
            .env("OPENAI_API_KEY", KEY)
            .current_dir(self.0.path())
            .args([
                "--dataset",
                "pairs.json",
                "--config",
                "settings.toml",
                "--chat",
                "extractive",
            ])
            .args(["--embedder", "openai:test-embed", "--base-url", base_url]);
        command
    }

    pub(crate) fn index(&self, server: &FakeProvider) -> Output {
        self.program(&server.base_url())
            .args(["index", "-o", "vectors.bin"])
            .output()
            .unwrap()
    }

    fn ask(&self, base_url: &str, flags: &[&str]) -> Output {
        self.program(base_url)
            .args(flags)
            .args(["ask", "--json", QUESTION])
            .output()
            .unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }
}

pub(crate) fn serving() -> FakeProvider {
    FakeProvider::answering(|request| answer(request, DIMENSION))
}

/// All texts that were sent, each as often as it was.
fn sent(server: &FakeProvider) -> Vec<String> {
    server.requests().iter().flat_map(inputs).collect()
}

fn assert_no_key(output: &Output) {
    assert!(!stdout(output).contains(KEY) && !stderr(output).contains(KEY));
}

#[test]
fn an_indexed_set_is_asked_with_one_request_for_the_question_and_then_with_none() {
    let (home, server) = (Home::new(), serving());
    let indexed = home.index(&server);
    assert_eq!(code(&indexed), 0, "{}", stderr(&indexed));
    assert_no_key(&indexed);
    let said = stdout(&indexed);
    assert!(
        said.contains("vectors of openai:test-embed (64 dimensions)"),
        "{said}"
    );
    assert!(said.contains("tokens, about $"), "{said}");
    assert!(home.file("vectors.bin").exists());

    let before = server.requests().len();
    let answered = home.ask(&server.base_url(), &[]);
    assert_eq!(code(&answered), 0, "{}", stderr(&answered));
    let answer = object(&answered);
    assert_eq!(answer["hits"][0]["id"], "mooring");
    assert!(answer["hits"][0]["dense"]["score"].as_f64().unwrap() > 0.99);
    let asked: Vec<String> = server.requests()[before..].iter().flat_map(inputs).collect();
    assert_eq!(asked, [QUESTION]);

    // The key in the environment must not tempt it, and the address is not there.
    let offline = home.ask("http://127.0.0.1:9/v1", &["--offline"]);
    assert_eq!(object(&offline)["hits"][0]["id"], "mooring");
    assert_eq!(server.requests().len(), before + 1);
}

#[test]
fn when_nobody_answers_the_local_model_is_searched_with_if_it_knows_the_set_and_words_alone_otherwise() {
    let (home, server) = (Home::new(), serving());
    home.index(&server);
    std::fs::write(home.file("settings.toml"), "[chat]\nmax_retries = 0\n").unwrap();
    // Nobody listens there.
    let nowhere = "http://127.0.0.1:9/v1";
    let by_words = home.ask(nowhere, &[]);
    assert_eq!(code(&by_words), 0, "{}", stderr(&by_words));
    let said = object(&by_words);
    assert_eq!(said["hits"][0]["id"], "mooring");
    assert!(said.get("embedder").is_none() && said["hits"][0].get("dense").is_none());
    let note = said["note"].as_str().unwrap();
    assert!(
        note.contains("127.0.0.1:9 was not reached") && note.ends_with(": searched by words alone"),
        "{note}"
    );

    // Its vectors are stored from here on.
    let local = program()
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .current_dir(home.path())
        .args([
            "--dataset",
            "pairs.json",
            "--chat",
            "extractive",
            "ask",
            "--json",
            QUESTION,
        ])
        .output()
        .unwrap();
    assert_eq!(code(&local), 0, "{}", stderr(&local));
    let local = object(&local);
    let instead = object(&home.ask(nowhere, &[]));
    assert_eq!(instead["embedder"], local["embedder"]);
    assert_eq!(instead["hits"][0]["id"], "mooring");
    assert!(instead["hits"][0]["dense"]["score"].as_f64().unwrap() > 0.99);
    let note = instead["note"].as_str().unwrap();
    assert!(
        note.contains("was not reached") && note.ends_with(" instead"),
        "{note}"
    );
}

#[test]
fn indexing_again_sends_nothing() {
    let (home, server) = (Home::new(), serving());
    home.index(&server);
    let before = server.requests().len();
    let first = std::fs::read(home.file("vectors.bin")).unwrap();
    let again = home.index(&server);
    assert_eq!(code(&again), 0, "{}", stderr(&again));
    assert!(
        stdout(&again).contains("0 of them are new (0 tokens"),
        "{}",
        stdout(&again)
    );
    assert_eq!(server.requests().len(), before);
    assert_eq!(std::fs::read(home.file("vectors.bin")).unwrap(), first);
}

#[test]
fn a_set_that_is_not_indexed_is_refused_with_what_to_run() {
    let (home, server) = (Home::new(), serving());
    for arguments in [&["ask", QUESTION][..], &["search", QUESTION], &[]] {
        let output = home.program(&server.base_url()).args(arguments).output().unwrap();
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert_eq!(
            stderr(&output),
            "defi-qa: the texts of the data set have no vector of openai:test-embed yet: run `defi-qa --embedder \
             openai:test-embed index` once, with the same --dataset, or use `--embedder local`\n"
        );
    }
    assert_eq!(
        server.requests().len(),
        0,
        "nothing is sent that nobody asked to pay for"
    );
}

#[test]
fn a_pair_that_is_new_since_the_index_is_counted_in_the_refusal() {
    let (home, server) = (Home::new(), serving());
    home.index(&server);
    let path = home.file("pairs.json");
    let pairs = std::fs::read_to_string(&path)
        .unwrap()
        .replace("nine signers", "ten signers");
    std::fs::write(&path, pairs).unwrap();
    let output = home.ask(&server.base_url(), &[]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("texts of the data set 1 have no vector"),
        "{}",
        stderr(&output)
    );
    let before = sent(&server).len();
    assert_eq!(code(&home.index(&server)), 0);
    assert_eq!(sent(&server).len(), before + 1, "only the new text is sent");
    assert_eq!(code(&home.ask(&server.base_url(), &[])), 0);
}

#[test]
fn offline_a_question_without_a_stored_vector_is_one_sentence() {
    let (home, server) = (Home::new(), serving());
    home.index(&server);
    let before = server.requests().len();
    let output = home.ask(&server.base_url(), &["--offline"]);
    let message = object(&output)["error"]["message"].clone();
    assert_eq!(
        message,
        "openai:test-embed was not asked for a vector that is not stored, which --offline forbids: go online once, or use \
         `--embedder local`"
    );
    assert_eq!(code(&output), 4);
    let index = Home::new()
        .program(&server.base_url())
        .args(["--offline", "index"])
        .output()
        .unwrap();
    assert_eq!(code(&index), 2);
    assert!(stderr(&index).contains("--offline forbids"), "{}", stderr(&index));
    assert_eq!(server.requests().len(), before);
}

/// Refuses the text of one answer.
fn picky(request: &Recorded) -> Reply {
    if inputs(request).iter().any(|text| text.contains("nine signers")) {
        Reply::error(400, "invalid_request_error", "not this one")
    } else {
        answer(request, DIMENSION)
    }
}

#[test]
fn a_refused_text_is_listed_and_absent_and_the_rest_is_kept() {
    let (home, server) = (Home::new(), FakeProvider::answering(picky));
    let output = home.index(&server);
    assert_eq!(code(&output), 4);
    let said = stderr(&output);
    assert!(
        said.contains("the answer of sextant has no vector: asking test-embed at"),
        "{said}"
    );
    assert!(
        said.contains("1 texts have no vector; the others are kept"),
        "{said}"
    );
    let before = sent(&server).len();
    assert_eq!(code(&home.index(&server)), 4);
    assert_eq!(
        sent(&server).len(),
        before + 1,
        "only what is missing is sent again"
    );
}

#[test]
fn a_refused_key_is_a_failure_of_the_provider_and_never_shown() {
    let refusal = Reply::error(401, "invalid_api_key", &format!("Incorrect API key: {KEY}"));
    let (home, server) = (Home::new(), FakeProvider::start([refusal]));
    let output = home.index(&server);
    assert_eq!(code(&output), 4);
    assert!(stderr(&output).contains("(401)"), "{}", stderr(&output));
    assert_no_key(&output);
}

#[test]
fn the_standard_endpoint_needs_a_key_for_vectors() {
    let output = run(&[
        "--embedder",
        "openai:text-embedding-3-small",
        "index",
        "-o",
        "x.bin",
    ]);
    assert_eq!(code(&output), 2);
    let said = stderr(&output);
    assert!(
        said.contains("OPENAI_API_KEY") && said.contains("`--embedder local`"),
        "{said}"
    );
}

/// Ends the program as a power button would: at once, whatever it does.
fn killed(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_at_any_moment_it_sends_again_only_what_was_in_flight() {
    const ANSWERED: usize = 4;
    let home = Home::new();
    let count = Arc::new(AtomicUsize::new(0));
    let server = FakeProvider::answering({
        let count = Arc::clone(&count);
        move |request| {
            // The first asks for the size of a vector.
            if count.fetch_add(1, Ordering::SeqCst) <= ANSWERED {
                answer(request, DIMENSION)
            } else {
                Reply::silent()
            }
        }
    });
    let child = home
        .program(&server.base_url())
        .args(["index", "-o", "vectors.bin"])
        .spawn()
        .unwrap();
    // Five are under way at once, and a further one only goes when one that ended is on disk.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(server.requested(1 + ANSWERED + 5));
    killed(child);
    assert!(!home.file("vectors.bin").exists());
    let first: Vec<Vec<String>> = server.requests().iter().skip(1).map(inputs).collect();
    let done: BTreeSet<&String> = first[..ANSWERED].iter().flatten().collect();
    let in_flight: BTreeSet<&String> = first[ANSWERED..].iter().flatten().collect();
    assert!(done.len() >= 200 && in_flight.len() >= 200);

    let server = serving();
    let output = home.index(&server);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let again = sent(&server);
    let set: BTreeSet<&String> = again.iter().collect();
    assert_eq!(set.len(), again.len(), "nothing is sent twice");
    assert!(set.is_disjoint(&done), "what was answered is not sent again");
    assert!(set.is_superset(&in_flight), "what was in flight is");
    assert_eq!(code(&home.ask(&server.base_url(), &[])), 0, "the set is whole");
}

#[cfg(unix)]
#[test]
fn interrupted_it_keeps_what_it_has_and_says_so() {
    let home = Home::new();
    let count = AtomicUsize::new(0);
    let server = FakeProvider::answering(move |request| {
        if count.fetch_add(1, Ordering::SeqCst) <= 1 {
            answer(request, DIMENSION)
        } else {
            Reply::silent()
        }
    });
    let mut command = home.program(&server.base_url());
    command
        .args(["index"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(server.requested(1 + 1 + 5));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130);
    assert!(
        stderr(&output).contains("what was embedded is kept"),
        "{}",
        stderr(&output)
    );
    let first: BTreeSet<String> = inputs(&server.requests()[1]).into_iter().collect();
    let server = serving();
    assert_eq!(code(&home.index(&server)), 0);
    assert!(sent(&server).iter().all(|text| !first.contains(text)));
}

#[test]
fn the_bundled_set_can_be_indexed_with_a_server_too() {
    let (home, server) = (Home::new(), serving());
    let program = |arguments: &[&str]| {
        let mut command = program();
        command
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path());
        let address = server.base_url();
        command
            .args(["--embedder", "openai:test-embed", "--base-url", &address])
            .args(arguments)
            .output()
            .unwrap()
    };
    let output = program(&["index"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let path = stdout(&output);
    let path = path.split(": ").next().unwrap();
    assert!(Path::new(path).exists(), "{path}");
    let found = program(&["search", "--json", "What is impermanent loss?"]);
    assert!(
        object(&found)["hits"][0]["id"]
            .as_str()
            .unwrap()
            .contains("impermanent"),
        "{}",
        stdout(&found)
    );
}

#[test]
fn what_a_question_for_a_vector_waits_for_is_told_as_of_a_chat_model() {
    let home = Home::new();
    let refused = AtomicUsize::new(0);
    let server = FakeProvider::answering(move |request| {
        let is_question = inputs(request) == ["What is the keel ratio, and why?"];
        if is_question && refused.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::error(503, "overloaded", "busy").header("retry-after-ms", "30");
        }
        answer(request, DIMENSION)
            .header("x-ratelimit-limit-requests", "500")
            .header("x-ratelimit-remaining-requests", "499")
    });
    home.index(&server);
    let asked = home
        .program(&server.base_url())
        .args(["ask", "--events", "What is the keel ratio, and why?"])
        .output()
        .unwrap();
    let events = objects(&asked);
    let of = |name: &str| events.iter().find(|event| event["event"] == name).unwrap();
    assert_eq!(
        (&of("retry")["attempt"], &of("retry")["of"]),
        (&json!(2), &json!(4))
    );
    let of_embed = |name: &str| {
        let found = |event: &&Value| event["event"] == name && event["stage"] == "embed";
        events.iter().find(found).unwrap()
    };
    assert!(of_embed("resumed")["waited_ms"].as_f64().unwrap() >= 30.0);
    let wait_ms = of_embed("stage_finished")["wait_ms"].as_f64().unwrap();
    assert!(wait_ms >= 30.0, "{wait_ms}");
    assert_eq!(of("retrieved")["hits"][0]["id"], "keel");

    let limits = |object: &Value| {
        let limits = &object["embedding_limits"];
        (limits["model"].clone(), limits["requests"]["limit"].clone())
    };
    let told = events.iter().filter(|event| event["event"] == "embedding_limits");
    let told: Vec<&Value> = told.collect();
    assert_eq!(told.len(), 3, "before the wait, after it, and at the end");
    assert_eq!(told[2]["limits"]["requests"]["limit"], 500);
    let another = home.ask(&server.base_url(), &[]);
    assert_eq!(limits(&object(&another)), (json!("test-embed"), json!(500)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_machine_indexed_another_takes_from_the_shared_cache() {
    let (home, there, server) = (Home::new(), Home::new(), serving());
    let Some(redis) = Server::start(home.path(), None).await else {
        return;
    };
    let index = |home: &Home| {
        let mut command = home.program(&server.base_url());
        let command = command.env("DEFI_QA_REDIS_URL", redis.url()).arg("index");
        command.output().unwrap()
    };
    assert_eq!(code(&index(&home)), 0);
    let (requests, texts) = (server.requests().len(), sent(&server).len());
    let indexed = index(&there);
    assert_eq!(code(&indexed), 0, "{}", stderr(&indexed));
    let said = stdout(&indexed);
    assert!(said.contains(" vectors are of the shared cache\n"), "{said}");
    assert!(said.contains("0 of them are new"), "{said}");
    // The size of the vectors is learnt by asking for one, where nothing else tells it.
    assert!(server.requests().len() <= requests + 1 && texts > 1_000);
    drop(redis);
    let alone = there.program(&server.base_url()).arg("index").output().unwrap();
    assert!(stdout(&alone).contains("0 of them are new"), "{}", stdout(&alone));
}

#[test]
fn a_shared_cache_that_is_not_there_is_passed_over_and_said() {
    let (home, server) = (Home::new(), serving());
    let indexed = home
        .program(&server.base_url())
        .env("DEFI_QA_REDIS_URL", "redis://127.0.0.1:1")
        .arg("index")
        .output()
        .unwrap();
    assert_eq!(code(&indexed), 0);
    let said = stderr(&indexed);
    assert!(
        said.contains("the shared cache is passed over: connection refused"),
        "{said}"
    );
}

//! Retrievers measured on a benchmark in BEIR form, and on judged questions.

use super::indexing::{Home, serving};
use super::*;
use crate::support::fake_embeddings::inputs;

const CORPUS: &str = r#"{"_id": "d1", "title": "Mooring", "text": "A mooring loan is held by a vault share."}
{"_id": "d2", "title": "", "text": "The keel ratio is the share of a pool that cannot be lent out."}
{"_id": "d3", "text": "The sextant oracle is run by a committee of nine signers."}
{"_id": "d4", "text": "Ducks swim in a pond and eat what grows there."}
"#;
const QUERIES: &str = r#"{"_id": "q1", "text": "what holds a mooring loan"}
{"_id": "q2", "text": "how much of a pool can be lent"}
{"_id": "q3", "text": "birds on the water"}
{"_id": "q4", "text": "not judged"}
"#;
const QRELS: &str = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\nq3\td4\t1\nq3\td1\t0\n";

/// A benchmark in a folder of its own.
fn benchmark(name: &str, corpus: &str, qrels: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(folder.join("qrels")).unwrap();
    std::fs::write(folder.join("corpus.jsonl"), corpus).unwrap();
    std::fs::write(folder.join("queries.jsonl"), QUERIES).unwrap();
    std::fs::write(folder.join("qrels/test.tsv"), qrels).unwrap();
    folder
}

fn eval(folder: &std::path::Path, arguments: &[&str]) -> Output {
    run(&[&["eval", folder.to_str().unwrap()], arguments].concat())
}

#[test]
fn a_benchmark_is_measured_by_several_retrievers_with_intervals_and_differences() {
    let folder = benchmark("beir-whole", CORPUS, QRELS);
    let specs = [
        "--retriever",
        "dense",
        "--retriever",
        "lexical",
        "--by-disagreement",
        "--json",
    ];
    let output = eval(&folder, &specs);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let report = object(&output);
    assert_eq!((&report["documents"], &report["queries"]), (&4.into(), &3.into()));
    assert_eq!(report["split"], "test");
    let models = &report["models"];
    assert_eq!(models[0], "MiniLM-L6-defi-q4-int8", "{models}");
    let metric = |retriever: usize, name: &str| {
        let metrics = report["retrievers"][retriever]["metrics"].as_array().unwrap();
        let found = metrics.iter().find(|metric| metric["metric"] == name).unwrap();
        found.clone()
    };
    // Words find two of three, and "birds on the water" shares none with the ducks.
    let mean = |value: &Value| value["mean"].as_f64().unwrap();
    assert!(
        (mean(&metric(1, "recall@10")) - 2.0 / 3.0).abs() < 1e-9,
        "{report}"
    );
    assert_eq!(mean(&metric(0, "nDCG@10")), 1.0, "{report}");
    let difference = metric(1, "nDCG@10")["difference"].clone();
    assert!((mean(&difference) + 1.0 / 3.0).abs() < 1e-9, "{difference}");
    assert!(difference["low"].as_f64() <= difference["high"].as_f64());
    assert_eq!(metric(0, "nDCG@10").get("difference"), None);
    assert_eq!(
        report["retrievers"][0]["retriever"],
        "dense(unit=all,embedder=local)"
    );
    let by_query = report["by_query"].as_array().unwrap();
    assert_eq!(
        by_query[0]["id"], "q3",
        "the methods disagree most where words find nothing"
    );
    assert!(by_query[0]["disagreement"].as_f64() > by_query[2]["disagreement"].as_f64());

    let again = object(&eval(&folder, &specs));
    assert_eq!(again, report, "the same figures in every run");
}

#[test]
fn the_table_names_every_metric_and_a_floor_is_for_the_first_retriever() {
    let folder = benchmark("beir-floor", CORPUS, QRELS);
    let lexical = eval(
        &folder,
        &["--retriever", "lexical", "--fail-under", "nDCG@10=0.70"],
    );
    assert_eq!(code(&lexical), 1);
    assert_eq!(stderr(&lexical), "defi-qa: nDCG@10 is 0.6667, below 0.7\n");
    let table = stdout(&lexical);
    assert!(
        table.starts_with("beir-floor (test): 4 documents, 3 queries\n"),
        "{table}"
    );
    let heads: Vec<&str> = table.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(heads, ["nDCG@10", "MRR@10", "recall@10", "recall@100", "MAP"]);
    let both = eval(
        &folder,
        &[
            "--retriever",
            "hybrid",
            "--retriever",
            "lexical",
            "--fail-under",
            "nDCG@10=0.70",
        ],
    );
    assert_eq!(code(&both), 0, "{}", stderr(&both));
    assert!(stdout(&both).contains("\n   to A "), "{}", stdout(&both));
    let unknown = eval(&folder, &["--retriever", "lexical", "--fail-under", "hit@1=0.1"]);
    assert_eq!(stderr(&unknown), "defi-qa: hit@1 was not measured\n");
}

#[test]
fn a_broken_benchmark_is_named_by_file_and_line() {
    for (name, corpus, qrels, sentence) in [
        (
            "beir-cut",
            &CORPUS[..150],
            QRELS,
            "corpus.jsonl:2: EOF while parsing a string",
        ),
        (
            "beir-unknown",
            CORPUS,
            "q1\td9\t1\n",
            "qrels/test.tsv:1: corpus.jsonl has no document \"d9\"; add it there",
        ),
        (
            "beir-stray",
            CORPUS,
            "q9\td1\t1\n",
            "qrels/test.tsv:1: queries.jsonl has no query \"q9\"",
        ),
    ] {
        let output = eval(&benchmark(name, corpus, qrels), &["--retriever", "lexical"]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(sentence), "{}", stderr(&output));
    }
    let folder = benchmark("beir-usage", CORPUS, QRELS);
    for (arguments, sentence) in [
        (
            &["--split", "train"][..],
            "has no judgements named train: it has test",
        ),
        (
            &["--retriever", "dense(unit=question)"],
            "the documents of a benchmark have none: use unit=all",
        ),
        (&["--half", "tuning"], "--half and --wrong are for a file"),
    ] {
        let output = eval(&folder, arguments);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(sentence), "{}", stderr(&output));
    }
}

#[test]
fn documents_are_sent_to_a_server_by_index_alone() {
    let (home, server) = (Home::new(), serving());
    let folder = benchmark("beir-remote", CORPUS, QRELS);
    let asked = |arguments: &[&str]| {
        let output = program()
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .env("OPENAI_API_KEY", "sk-test-0123456789")
            .args([
                "--base-url",
                &server.base_url(),
                "--embedder",
                "openai:test-embed",
            ])
            .args(arguments)
            .output();
        output.unwrap()
    };
    let folder = folder.to_str().unwrap();
    let refused = asked(&["eval", folder]);
    assert_eq!(code(&refused), 2);
    let sentence = stderr(&refused);
    assert!(
        sentence.contains(&format!(
            "run `defi-qa --embedder openai:test-embed --dataset {folder} index` once"
        )),
        "{sentence}"
    );
    assert_eq!(server.requests().len(), 0);

    let indexed = asked(&["--dataset", folder, "index"]);
    assert_eq!(code(&indexed), 0, "{}", stderr(&indexed));
    let before = server.requests().len();
    let measured = asked(&["eval", folder, "--json"]);
    assert_eq!(code(&measured), 0, "{}", stderr(&measured));
    let sent: Vec<String> = server.requests()[before..].iter().flat_map(inputs).collect();
    assert_eq!(sent.len(), 3, "the queries alone: {sent:?}");
    assert_eq!(code(&asked(&["eval", folder])), 0);
    assert_eq!(server.requests().len(), before + 1, "and they once");
}

#[test]
fn judged_questions_are_measured_by_several_retrievers_too() {
    let judged = file(
        "judged.jsonl",
        concat!(
            r#"{"id":"a","question":"what is impermanent loss","style":"terse","topic":"amm","half":"tuning","answers":["amm-what-is-impermanent-loss"]}"#,
            "\n",
            r#"{"id":"b","question":"someone saw my trade waiting and bought first","style":"sentence","topic":"mev","half":"tuning","answers":["mev-sandwich-attack-worked"]}"#,
            "\n",
            r#"{"id":"c","question":"best pizza","style":"terse","topic":"outside","half":"tuning","decline":"trap"}"#,
            "\n"
        ),
    );
    let output = eval(
        &judged,
        &[
            "--retriever",
            "hybrid",
            "--retriever",
            "lexical",
            "--by-disagreement",
            "1",
        ],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let table = stdout(&output);
    assert!(
        table.starts_with("bundled: 1341 documents, 2 queries\n"),
        "{table}"
    );
    assert_eq!(
        table
            .lines()
            .filter(|line| line.contains(" what is imp") || line.contains("someone saw"))
            .count(),
        1
    );
    let split = eval(&judged, &["--split", "test"]);
    assert!(
        stderr(&split).contains("--split test is for a folder in BEIR form"),
        "{}",
        stderr(&split)
    );
}

/// Vectors of a home's cache.
fn kept(home: &std::path::Path) -> u64 {
    let output = program()
        .env("HOME", home)
        .args(["cache", "stats", "--json"])
        .output()
        .unwrap();
    object(&output)["disk"]["entries"].as_u64().unwrap_or(0)
}

#[test]
fn killed_in_the_middle_it_embeds_only_the_rest_when_it_is_run_again() {
    const DOCUMENTS: u64 = 640;
    let lines = (0..DOCUMENTS).map(|n| {
        format!("{{\"_id\": \"d{n}\", \"text\": \"Berth {n} of the harbour holds a vault share and a mooring loan.\"}}\n")
    });
    let folder = benchmark(
        "beir-resumed",
        &lines.collect::<String>(),
        "query-id\tcorpus-id\tscore\nq1\td1\t1\n",
    );
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let measure = || {
        let mut command = program();
        command
            .env("HOME", home.path())
            .env("NO_COLOR", "1")
            .arg("--log-file")
            .arg(&log)
            .args(["eval", folder.to_str().unwrap(), "--retriever", "dense"]);
        command
    };
    let mut child = measure().stdout(Stdio::null()).spawn().unwrap();
    let patience = std::time::Instant::now();
    while kept(home.path()) < 64 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it was killed"
        );
        assert!(patience.elapsed().as_secs() < 120, "nothing was kept");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = kept(home.path());
    assert!((64..DOCUMENTS).contains(&before), "{before}");
    std::fs::remove_file(&log).unwrap();

    let output = measure().output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let log = std::fs::read_to_string(&log).unwrap();
    let said = format!("known={before} missing={}", DOCUMENTS - before);
    assert!(log.contains(&said), "{said} is not in\n{log}");
    // Its one judged query came along.
    assert_eq!(kept(home.path()), DOCUMENTS + 1);
}

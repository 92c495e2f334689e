//! Questions answered by a chat model: a fake endpoint on loopback.

use std::path::Path;

use defi_qa::agent::event::{Event, Exchange};
use serde_json::json;

use super::support::fake_provider::{FakeProvider, Reply, finish, token};
use super::*;

const QUESTION: &str = "What is impermanent loss?";
const KEY: &str = "sk-test-0123456789";

/// Asks with an empty cache: none of the answers to the others is found.
fn ask(server: &FakeProvider, arguments: &[&str]) -> Output {
    ask_with(tempfile::tempdir().unwrap().path(), server, arguments)
}

fn ask_with(cache: &Path, server: &FakeProvider, arguments: &[&str]) -> Output {
    program()
        .env("XDG_CACHE_HOME", cache)
        .env("OPENAI_API_KEY", KEY)
        .args([
            "--chat",
            "openai:test-model",
            "--base-url",
            &server.base_url(),
            "ask",
            QUESTION,
        ])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn an_answer_of_the_model_is_streamed_cited_and_counted() {
    let server = FakeProvider::start([Reply::answer(&["A loss against ", "holding [1", "]. More [2]."])
        .header("x-ratelimit-limit-requests", "500")
        .header("x-ratelimit-remaining-requests", "499")]);
    let output = ask(&server, &["--json"]);
    let object = object(&output);
    assert_eq!(object["outcome"], "answered");
    assert_eq!(object["answer"], "A loss against holding [1]. More [2].");
    let ids: Vec<&Value> = object["hits"]
        .as_array()
        .unwrap()
        .iter()
        .take(2)
        .map(|hit| &hit["id"])
        .collect();
    assert_eq!(
        object["citations"].as_array().unwrap().iter().collect::<Vec<_>>(),
        ids
    );
    assert_eq!(object["limits"]["requests"]["remaining"], 499);
    assert!(
        object["limits"].get("tokens").is_none(),
        "what is not reported is not there"
    );
    let body = server.requests()[0].body.to_string();
    assert!(
        body.contains("impermanent") && body.contains("number=\\\"1\\\""),
        "{body}"
    );
}

/// The events of one run, as `ask --events` prints them, and the object that `ask --json` prints for the same run.
fn folded(lines: &str) -> Exchange {
    let mut exchange = Exchange::default();
    for line in lines.lines() {
        exchange.apply(&serde_json::from_str::<Event>(line).unwrap());
    }
    exchange
}

#[test]
fn tokens_cost_and_times_are_in_the_object_and_in_the_events() {
    let config = file(
        "prices.toml",
        "[prices]\n\"test-model\" = { input = 0.4, output = 1.6, as_of = \"2025-06\" }\n",
    );
    let server = FakeProvider::start([Reply::answer(&["A ", "loss ", "[1]."])
        .header("x-ratelimit-limit-requests", "500")
        .header("x-ratelimit-remaining-requests", "499")]);
    let config = ["--config", config.to_str().unwrap()];
    let object = object(&ask(&server, &[&["--json"], &config[..]].concat()));
    assert_eq!(
        object["usage"],
        json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
    );
    // 7 x 0.4 / 1e6 + 3 x 1.6 / 1e6.
    assert_eq!(
        object["cost"],
        json!({"usd": 0.0000076, "price_as_of": "2025-06"})
    );
    let ms = |name: &str| object["timing"][name].as_f64().unwrap();
    assert!(0.0 < ms("first_token_ms") && ms("first_token_ms") <= ms("total_ms"));
    assert_eq!(
        object["limits"]["in_flight"], 1,
        "as it stood at the newest report"
    );
    assert_eq!(object["limits"]["breaker"], "closed");

    let exchange = folded(&stdout(&ask(&server, &[&["--events"], &config[..]].concat())));
    assert_eq!(json!(exchange.usage), object["usage"]);
    assert_eq!(json!(exchange.cost()), object["cost"]);
    assert_eq!(json!(exchange.limits)["requests"]["remaining"], 499);
    assert!(exchange.vector.is_some() && object["vector"].is_object());
}

#[test]
fn a_model_without_a_price_costs_nobody_knows_what() {
    let server = FakeProvider::start([Reply::answer(&["A loss [1]."])]);
    let object = object(&ask(&server, &["--json"]));
    assert_eq!(
        object["cost"],
        json!({"unknown": "no price of test-model is configured"})
    );
}

#[test]
fn an_answer_that_no_server_made_has_no_cost() {
    let object = object(&run(&["ask", "--json", QUESTION]));
    assert!(object.get("cost").is_none() && object.get("usage").is_none());
    assert!(object["timing"]["total_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_stream_that_is_cut_keeps_its_text_and_is_partial() {
    let server = FakeProvider::start([Reply::stream([token("Half an ans")]).cut()]);
    let output = ask(&server, &["--json"]);
    let object = object(&output);
    assert_eq!(code(&output), 4);
    assert_eq!(
        (&object["outcome"], &object["answer"]),
        (&"partial".into(), &"Half an ans".into())
    );
    assert_eq!(object["error"]["stage"], "answer");
    assert_eq!(object["error"]["retryable"], true);
}

#[test]
fn an_answer_at_its_length_limit_is_partial_and_says_why() {
    let server = FakeProvider::start([Reply::stream([token("Too long"), finish("length")])]);
    let output = ask(&server, &["--json"]);
    let object = object(&output);
    assert_eq!(object["outcome"], "partial");
    assert!(object["note"].as_str().unwrap().contains("length limit"));
}

#[test]
fn a_refused_key_is_one_sentence_and_never_shown() {
    let server = FakeProvider::start([Reply::error(
        401,
        "invalid_api_key",
        &format!("Incorrect API key: {KEY}"),
    )]);
    let output = ask(&server, &[]);
    assert_eq!(code(&output), 4);
    let said = stderr(&output);
    assert!(said.contains("401") && said.contains("OPENAI_API_KEY"), "{said}");
    assert!(!said.contains(KEY) && !stdout(&output).contains(KEY), "{said}");
    assert_eq!(said.lines().count(), 1);
    assert_eq!(server.requests().len(), 1, "a refused key is not tried again");
}

#[test]
fn an_endpoint_that_is_not_there_is_named() {
    let gone = FakeProvider::start([Reply::silent()]).base_url();
    let output = program()
        .args(["--chat", "openai:m", "--base-url", &gone, "ask", QUESTION])
        .output()
        .unwrap();
    assert_eq!(code(&output), 4);
    assert!(stderr(&output).contains("127.0.0.1"), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("Evidence"),
        "the evidence is shown all the same"
    );
}

#[test]
fn hostile_text_of_a_model_reaches_no_terminal() {
    let server = FakeProvider::start([Reply::answer(&[
        "red \u{1b}[3",
        "1m\u{1b}]0;title\u{7} text\u{202e} [1]",
    ])]);
    let text = stdout(&ask(&server, &[]));
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\u{202e}'),
        "{text:?}"
    );
    assert!(text.starts_with("red  text [1]"), "{text}");
}

#[test]
fn a_declined_question_is_never_sent() {
    let server = FakeProvider::start([Reply::answer(&["no"])]);
    let output = program()
        .args([
            "--chat",
            "openai:m",
            "--base-url",
            &server.base_url(),
            "ask",
            "how do I roast a chicken",
        ])
        .output()
        .unwrap();
    assert_eq!(code(&output), 3);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn the_standard_endpoint_needs_a_key() {
    let output = run(&["--chat", "openai:m", "ask", QUESTION]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("OPENAI_API_KEY"), "{}", stderr(&output));
}

#[test]
fn a_key_that_could_break_a_header_is_refused_without_being_shown() {
    let output = program()
        .env("OPENAI_API_KEY", "sk-a\nb")
        .args(["ask", QUESTION])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    assert!(!stderr(&output).contains("sk-a"), "{}", stderr(&output));
}

#[test]
fn when_the_circuit_opens_the_rest_of_a_batch_is_quoted_and_says_so() {
    let server = FakeProvider::start([Reply::stream([token("Half")]).cut()]);
    let lines = format!("{{\"question\": \"{QUESTION}\"}}\n").repeat(7);
    let batch = file("dying-batch.jsonl", lines);
    let output = program()
        .args(["--chat", "openai:m", "--base-url", &server.base_url()])
        .args(["ask", "--batch", batch.to_str().unwrap()])
        .output()
        .unwrap();
    let answers = objects(&output);
    let outcomes: Vec<_> = answers
        .iter()
        .map(|answer| answer["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes[..5], ["partial"; 5]);
    assert_eq!(outcomes[5..], ["answered"; 2]);
    let note = answers[6]["note"].as_str().unwrap();
    assert!(
        note.starts_with("127.0.0.1:") && note.ends_with(": quoted from the evidence instead"),
        "{note}"
    );
    assert!(answers[6]["answer"].as_str().unwrap().contains("[1]"));
    assert_eq!(answers[6]["limits"]["breaker"], "open");
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn an_answer_is_kept_for_the_next_process_wherever_it_asks_and_refreshed_on_demand() {
    let cache = tempfile::tempdir().unwrap();
    let first = FakeProvider::start([Reply::answer(&["A loss ", "[1]."]), Reply::answer(&["Less [2]."])]);
    let ask = |server: &FakeProvider, arguments: &[&str]| {
        object(&ask_with(
            cache.path(),
            server,
            &[&["--json"], arguments].concat(),
        ))
    };
    let asked = ask(&first, &[]);
    assert!(asked.get("kept_answer").is_none());

    let elsewhere = FakeProvider::start([Reply::error(500, "", "not to be asked")]);
    let kept = ask(&elsewhere, &[]);
    assert_eq!(
        (&kept["answer"], &kept["citations"]),
        (&asked["answer"], &asked["citations"])
    );
    assert_eq!(kept["kept_answer"]["tier"], "disk");
    assert_eq!(kept["kept_answer"]["saved_tokens"], 9);
    assert!(kept["kept_answer"]["saved_ms"].is_number() && kept["vector"]["saved_ms"].is_number());
    assert!(kept.get("usage").is_none() && kept.get("cost").is_none());
    assert_eq!(elsewhere.requests().len(), 0);

    assert_eq!(ask(&first, &["--fresh"])["answer"], "Less [2].");
    assert_eq!(ask(&elsewhere, &[])["answer"], "Less [2].");
    assert_eq!((first.requests().len(), elsewhere.requests().len()), (2, 0));

    let told = ask_with(cache.path(), &elsewhere, &[]);
    let said = stderr(&told);
    assert!(
        said.starts_with("The answer is ")
            && said.ends_with(" s old, of the disk tier: --fresh asks the model.\n"),
        "{said}"
    );
}

#[test]
fn an_answer_is_neither_kept_nor_looked_for_when_the_file_says_so() {
    let cache = tempfile::tempdir().unwrap();
    let settings = cache.path().join("settings.toml");
    std::fs::write(&settings, "[cache]\nanswers = false\n").unwrap();
    let server = FakeProvider::start([Reply::answer(&["A loss [1]."]), Reply::answer(&["Less [2]."])]);
    let flags = ["--config", settings.to_str().unwrap(), "--json"];
    for expected in ["A loss [1].", "Less [2]."] {
        let asked = object(&ask_with(cache.path(), &server, &flags));
        assert_eq!(asked["answer"], expected);
        assert!(asked.get("kept_answer").is_none());
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn answers_move_to_another_machine_with_the_vectors() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = FakeProvider::start([Reply::answer(&["A loss [1]."])]);
    assert_eq!(code(&ask_with(here.path(), &server, &[])), 0);
    let export = here.path().join("export.jsonl");
    let cache = |place: &Path, act: &str| {
        let mut command = program();
        command.env("XDG_CACHE_HOME", place).args(["cache", act]);
        command
    };
    let moved = cache(here.path(), "export").arg(&export).output().unwrap();
    assert!(stdout(&moved).ends_with(": 2 rows\n"), "{}", stdout(&moved));
    cache(there.path(), "import").arg(&export).output().unwrap();
    let verified = cache(there.path(), "verify").output().unwrap();
    assert_eq!(stdout(&verified), "2 rows whole, 0 bad\n");
    let stats = stdout(&cache(there.path(), "stats").output().unwrap());
    assert!(
        stats.contains("openai:test-model") && stats.contains("answer"),
        "{stats}"
    );

    let kept = object(&ask_with(there.path(), &server, &["--json"]));
    assert_eq!(kept["kept_answer"]["tier"], "disk");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_extractive_answer_is_made_anew_every_time() {
    let cache = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = program()
            .env("XDG_CACHE_HOME", cache.path())
            .args(["ask", "--json", QUESTION])
            .output()
            .unwrap();
        assert!(object(&output).get("kept_answer").is_none());
    }
}

#[test]
fn the_responses_api_is_asked_when_it_is_chosen() {
    let event = |fields: Value| format!("data: {fields}\n\n");
    let server = FakeProvider::start([Reply::stream([
        event(json!({"type": "response.output_text.delta", "delta": "A loss [1]."})),
        event(
            json!({"type": "response.completed", "response": {"usage": {"input_tokens": 7, "output_tokens": 3}}}),
        ),
    ])]);
    let object = object(&ask(&server, &["--json", "--chat-api", "responses"]));
    assert_eq!(
        (&object["answer"], &object["outcome"]),
        (&json!("A loss [1]."), &json!("answered"))
    );
    assert_eq!(object["usage"]["total_tokens"], 10);
    assert_eq!(server.requests()[0].path, "/v1/responses");
}

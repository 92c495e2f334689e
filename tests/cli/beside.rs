//! Two answers to one question from the same evidence: fake endpoints on loopback.

use std::time::Duration;

use super::support::fake_provider::{DONE, FakeProvider, Recorded, Reply, finish, token, usage};
use super::*;

const QUESTION: &str = "What is impermanent loss?";

fn ask(server: &FakeProvider, arguments: &[&str]) -> Output {
    let cache = tempfile::tempdir().unwrap();
    program()
        .env("XDG_CACHE_HOME", cache.path())
        .env("OPENAI_API_KEY", "sk-test-0123456789")
        .args([
            "--chat",
            "openai:m",
            "--base-url",
            &server.base_url(),
            "ask",
            QUESTION,
        ])
        .args(arguments)
        .output()
        .unwrap()
}

/// How a request is sampled.
fn temperature(request: &Recorded) -> f64 {
    request.body["temperature"].as_f64().unwrap()
}

/// A server whose answer says at which temperature it was given; the warm one takes its time.
fn by_temperature() -> FakeProvider {
    FakeProvider::answering(|request| {
        let warm = temperature(request) > 0.5;
        let pause = Duration::from_millis(if warm { 60 } else { 5 });
        let said = if warm { "warm [2]." } else { "cold [1]." };
        Reply::stream([token("It is ")])
            .pause(pause)
            .piece(token(said))
            .piece(finish("stop"))
            .piece(usage(100, if warm { 20 } else { 10 }))
            .piece(DONE)
    })
}

#[test]
fn two_temperatures_of_one_model_answer_from_the_same_evidence() {
    let config = file(
        "beside_prices.toml",
        "[prices]\n\"m\" = { input = 0.4, output = 1.6, as_of = \"2025-06\" }\n",
    );
    let server = by_temperature();
    let sides = ["--beside", "m(temperature=0)", "--beside", "m(temperature=1)"];
    let output = ask(
        &server,
        &[&["--json", "--config", config.to_str().unwrap()], &sides[..]].concat(),
    );
    let both = object(&output);
    let side = |n: usize| &both["sides"][n];
    assert_eq!(side(0)["side"], "m(temperature=0)");
    assert_eq!(side(0)["answer"], "It is cold [1].");
    assert_eq!(side(1)["answer"], "It is warm [2].");
    assert_eq!(side(0)["citations"][0], both["hits"][0]["id"]);
    assert_eq!(side(1)["citations"][0], both["hits"][1]["id"]);
    assert!(side(0).get("hits").is_none(), "the evidence is told once");
    // 100 x 0.4 / 1e6 + 10 x 1.6 / 1e6, and with 20.
    assert_eq!(side(0)["cost"]["usd"], 0.000_056);
    assert_eq!(side(1)["cost"]["usd"], 0.000_072);
    for n in [0, 1] {
        assert!(side(n)["timing"]["first_token_ms"].as_f64().unwrap() > 0.0);
        assert_eq!(
            side(n)["limits"]["breaker"].as_str().unwrap_or("closed"),
            "closed"
        );
    }
    assert_eq!(code(&output), 0);
    let requests = server.requests();
    let evidence = |n: usize| requests[n].body["messages"].to_string();
    assert_eq!(requests.len(), 2);
    assert_eq!(evidence(0), evidence(1));
}

#[test]
fn the_configured_model_stands_beside_the_one_that_is_named_and_text_shows_both() {
    let server = by_temperature();
    let output = ask(&server, &["--beside", "extractive"]);
    let text = stdout(&output);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}:\n{text}"));
    assert!(at("A  m\n") < at("It is cold [1]."));
    assert!(at("A: answered, ") < at("B  extractive\n"));
    assert!(at("B: answered, ") < at("Evidence of both"));
    assert!(text.contains("100 tokens in, 10 out"), "{text}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn one_side_that_fails_leaves_the_other_whole() {
    let server = FakeProvider::answering(|request| {
        if temperature(request) > 0.5 {
            Reply::error(401, "invalid_api_key", "no such key")
        } else {
            Reply::answer(&["It is cold [1]."])
        }
    });
    let sides = ["--beside", "m(t=0)", "--beside", "m(t=1)"];
    let output = ask(&server, &[&["--json"], &sides[..]].concat());
    let both = object(&output);
    assert_eq!(both["sides"][0]["outcome"], "answered");
    assert_eq!(both["sides"][1]["outcome"], "failed");
    assert!(
        both["sides"][1]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("401")
    );
    assert_eq!(code(&output), 4);
}

#[test]
fn the_events_of_both_runs_say_which_side_they_are() {
    let server = by_temperature();
    let output = ask(&server, &["--events", "--beside", "m(temperature=1)"]);
    let events = objects(&output);
    let started: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "started")
        .collect();
    for (place, event) in started.iter().enumerate() {
        let side = &event["setup"]["side"];
        assert_eq!(
            (&side["of"], &side["place"]),
            (&Value::from(1), &Value::from(place))
        );
    }
    assert_eq!(started[1]["setup"]["side"]["spec"], "m(temperature=1)");
    for run in [1, 2] {
        let own: Vec<_> = events.iter().filter(|event| event["run"] == run).collect();
        let named = |name: &str| own.iter().filter(|event| event["event"] == name).count();
        assert_eq!(
            (named("started"), named("retrieved"), named("answered")),
            (1, 1, 1)
        );
    }
}

#[test]
fn sides_that_cannot_be_asked_are_refused_with_what_to_do() {
    for (arguments, why) in [
        (
            &["ask", "q", "--beside", "m(temperature=3)"][..],
            "use temperature=0..2 and max_tokens=1..32768",
        ),
        (&["ask", "q", "--beside", ""], "no model is named"),
        (
            &["--offline", "ask", "q", "--beside", "m"],
            "asking m needs the network, which --offline forbids: use `extractive`",
        ),
        (&["ask", "q", "--beside", "m"], "asking m needs a key"),
        (
            &["ask", "q", "--beside", "m", "--beside", "m", "--beside", "m"],
            "--beside was given 3 times and there are 2 sides: leave some out",
        ),
    ] {
        let output = run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            stderr(&output).contains(why),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    let output = run(&["--offline", "ask", QUESTION, "--json", "--beside", "extractive"]);
    let both = object(&output);
    assert_eq!(both["sides"][0]["answer"], both["sides"][1]["answer"]);
    assert_eq!(code(&output), 0);
}

#[test]
fn what_both_runs_said_is_a_recording_of_two_whole_answers() {
    let events = run(&["--offline", "ask", QUESTION, "--events", "--beside", "extractive"]);
    let recorded = file("beside.jsonl", &events.stdout);
    let replayed = objects(&run(&["replay", recorded.to_str().unwrap(), "--json"]));
    assert_eq!(replayed.len(), 2);
    for object in &replayed {
        assert_eq!(object["outcome"], "answered", "{object}");
    }
}

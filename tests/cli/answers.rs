//! Questions on embedded defaults.

use std::io::Write as _;
use std::process::Stdio;

use super::*;

const QUESTION: &str = "What is impermanent loss?";

#[test]
fn a_question_is_answered_with_citations_and_evidence() {
    let output = run(&["ask", QUESTION]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("[1]") && text.contains("Evidence") && text.contains("source:"),
        "{text}"
    );
    assert!(!text.to_lowercase().contains("confidence"), "{text}");
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_object_has_the_shape_of_the_contract() {
    let output = run(&["ask", "--json", QUESTION]);
    let object = object(&output);
    assert_eq!(object["question"], QUESTION);
    assert_eq!(object["outcome"], "answered");
    let cited = object["citations"][0].as_str().unwrap();
    assert!(cited.starts_with("amm-"), "{cited}");
    let hit = &object["hits"][0];
    assert_eq!(hit["rank"], 1);
    assert_eq!(hit["id"], cited);
    for (part, kind) in [
        ("/score", "f"),
        ("/percentile", "f"),
        ("/dense/score", "f"),
        ("/lexical/score", "f"),
    ] {
        assert!(hit.pointer(part).unwrap().is_f64(), "{part} {kind}");
    }
    for part in ["/dense/rank", "/lexical/rank"] {
        assert!(hit.pointer(part).unwrap().is_u64(), "{part}");
    }
    assert!(
        hit["lexical"]["terms"]
            .as_array()
            .unwrap()
            .contains(&Value::from("impermanent"))
    );
    let stages: Vec<&str> = object["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    for stage in [
        "parse", "classify", "embed", "dense", "lexical", "fuse", "judge", "answer",
    ] {
        assert!(stages.contains(&stage), "{stage} is not in {stages:?}");
    }
    assert!(object.get("error").is_none());
}

#[test]
fn the_events_tell_the_same_story_as_the_object() {
    let events = objects(&run(&["ask", "--events", QUESTION]));
    let object = object(&run(&["ask", "--json", QUESTION]));
    assert_eq!(events.first().unwrap()["event"], "started");
    let ends: Vec<&Value> = events
        .iter()
        .filter(|e| ["answered", "failed", "cancelled"].contains(&e["event"].as_str().unwrap()))
        .collect();
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0], events.last().unwrap());
    assert_eq!(ends[0]["citations"], object["citations"]);
    let told: String = events
        .iter()
        .filter(|e| e["event"] == "token")
        .map(|e| e["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, object["answer"].as_str().unwrap());
    let retrieved = events.iter().find(|e| e["event"] == "retrieved").unwrap();
    assert_eq!(retrieved["hits"], object["hits"]);
    for event in &events {
        assert_eq!((&event["v"], &event["run"]), (&Value::from(1), &Value::from(1)));
        assert!(event["at_ms"].is_f64());
    }
}

#[test]
fn the_same_question_gives_the_same_answer_to_the_bit() {
    let strip = |mut object: Value| {
        // What took how long, and how old the vector was by then.
        for field in ["stages", "timing", "vector"] {
            object.as_object_mut().unwrap().remove(field);
        }
        object
    };
    let first = strip(object(&run(&["ask", "--json", QUESTION])));
    assert_eq!(first, strip(object(&run(&["ask", "--json", QUESTION]))));
}

#[test]
fn a_question_outside_the_field_is_declined_and_the_nearest_are_offered() {
    let output = run(&["ask", "how long do I roast a chicken at 180 degrees"]);
    assert_eq!(code(&output), 3);
    let text = stdout(&output);
    assert!(text.starts_with("I cannot answer this:"), "{text}");
    assert!(
        text.contains("The nearest questions that I can answer:"),
        "{text}"
    );
}

#[test]
fn live_prices_and_advice_are_declined_with_their_reason() {
    let live = run(&["ask", "what is the ETH price right now"]);
    assert_eq!(code(&live), 3);
    assert!(stdout(&live).contains("stored, not live"), "{}", stdout(&live));
    let advice = run(&["ask", "should I buy SOL"]);
    assert_eq!(code(&advice), 3);
    assert!(
        stdout(&advice).contains("no investment advice"),
        "{}",
        stdout(&advice)
    );
}

#[test]
fn small_talk_needs_no_evidence() {
    let output = run(&["ask", "--json", "hello"]);
    let object = object(&output);
    assert_eq!(
        (code(&output), &object["outcome"]),
        (0, &Value::from("conversed"))
    );
    assert_eq!(object["hits"], Value::Array(Vec::new()));
}

#[test]
fn a_question_is_read_from_standard_input() {
    let mut child = program()
        .args(["ask", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"what is a \x1b[31mhealth factor\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let object = object(&output);
    assert_eq!(object["outcome"], "answered");
    assert_eq!(object["question"], "what is a health factor");
}

#[test]
fn a_batch_keeps_its_order_and_its_ids() {
    let batch = file(
        "batch.jsonl",
        "{\"id\":\"b\",\"question\":\"what is a flash loan\"}\n\n{\"id\":7,\"question\":\"how long do I boil an egg\"}\n{\"question\":\"what is TVL\"}\n",
    );
    let output = run(&["ask", "--batch", batch.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let objects = objects(&output);
    let summary: Vec<_> = objects
        .iter()
        .map(|o| (o.get("id").cloned(), o["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(
        summary,
        [
            (Some("b".into()), "answered"),
            (Some(7.into()), "declined"),
            (None, "answered")
        ]
    );
}

#[test]
fn a_search_prints_what_an_answer_rests_on() {
    let hits = object(&run(&["ask", "--json", QUESTION]))["hits"].clone();
    let found = object(&run(&["search", "--json", QUESTION]));
    assert_eq!(found["hits"], hits);
    assert_eq!(found["retriever"], "hybrid");
}

#[test]
fn each_retriever_ranks_by_its_own_score() {
    for (retriever, pointer) in [("dense", "/dense/score"), ("lexical", "/lexical/score")] {
        let found = object(&run(&[
            "search",
            "--json",
            "--retriever",
            retriever,
            "-k",
            "8",
            QUESTION,
        ]));
        let hits = found["hits"].as_array().unwrap();
        assert_eq!(hits.len(), 8);
        for hit in hits {
            assert_eq!(hit["score"], *hit.pointer(pointer).unwrap());
        }
    }
}

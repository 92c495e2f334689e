//! The event line as it is recorded and sent: what is written here must be readable for ever.

use defi_qa::agent::event::{
    AgentEvent, DenseScore, Event, Hit, Kept, LexicalScore, Limit, Limits, Nearest, Outcome, Price, RunId,
    Setup, Side, Stage, Tier, Usage, VERSION,
};
use serde_json::{Value, json};

fn hit() -> Hit {
    Hit {
        rank: 1,
        id: "amm-price".into(),
        question: "How?".into(),
        answer: "So.".into(),
        topic: Some("amm".into()),
        sources: vec!["A paper".into()],
        as_of: Some("2025-06".into()),
        score: 0.75,
        percentile: Some(99.5),
        dense: Some(DenseScore {
            score: 0.5,
            rank: 2,
            nearest: Some(Nearest::Alias),
        }),
        lexical: Some(LexicalScore {
            score: 4.25,
            rank: 3,
            terms: vec!["pool".into()],
        }),
    }
}

/// Every event, fully and sparsely filled, and the fields of its line.
fn golden() -> Vec<(AgentEvent, Value)> {
    vec![
        (
            AgentEvent::Started {
                question: "How?".into(),
                setup: Setup {
                    chat: "extractive".into(),
                    embedder: "minilm-l6-defi-q4".into(),
                    retriever: "hybrid".into(),
                    dataset: "bundled".into(),
                    pairs: 347,
                    offline: true,
                    price: None,
                    sampling: None,
                    side: None,
                },
            },
            json!({"event": "started", "question": "How?", "setup": {"chat": "extractive",
                "embedder": "minilm-l6-defi-q4", "retriever": "hybrid", "dataset": "bundled", "pairs": 347, "offline": true}}),
        ),
        (
            AgentEvent::Started {
                question: "How?".into(),
                setup: Setup {
                    chat: "openai:gpt-4.1-mini".into(),
                    price: Some(Price {
                        input: 0.4.try_into().unwrap(),
                        output: 1.6.try_into().unwrap(),
                        as_of: "2025-06".into(),
                    }),
                    ..Setup::default()
                },
            },
            json!({"event": "started", "question": "How?", "setup": {"chat": "openai:gpt-4.1-mini", "embedder": "",
                "retriever": "", "dataset": "", "pairs": 0, "offline": false,
                "price": {"input": 0.4, "output": 1.6, "as_of": "2025-06"}}}),
        ),
        (
            AgentEvent::Started {
                question: "How?".into(),
                setup: Setup {
                    chat: "openai:m".into(),
                    side: Some(Side {
                        of: RunId(3),
                        place: 1,
                        spec: "m(temperature=1)".into(),
                    }),
                    ..Setup::default()
                },
            },
            json!({"event": "started", "question": "How?", "setup": {"chat": "openai:m", "embedder": "",
                "retriever": "", "dataset": "", "pairs": 0, "offline": false,
                "side": {"of": 3, "place": 1, "spec": "m(temperature=1)"}}}),
        ),
        (
            AgentEvent::Read {
                text: "How on v3?".into(),
                by: Some("rule".into()),
            },
            json!({"event": "read", "text": "How on v3?", "by": "rule"}),
        ),
        (
            AgentEvent::Read {
                text: "How?".into(),
                by: None,
            },
            json!({"event": "read", "text": "How?"}),
        ),
        (
            AgentEvent::Used {
                stage: Stage::FollowUp,
                usage: Usage {
                    prompt_tokens: 7,
                    completion_tokens: 3,
                    total_tokens: 10,
                },
            },
            json!({"event": "used", "stage": "follow_up",
                "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}),
        ),
        (
            AgentEvent::StageStarted { stage: Stage::Embed },
            json!({"event": "stage_started", "stage": "embed"}),
        ),
        (
            AgentEvent::Waiting {
                stage: Stage::Dense,
                on: "the data set to load".into(),
            },
            json!({"event": "waiting", "stage": "dense", "on": "the data set to load"}),
        ),
        (
            AgentEvent::Resumed {
                stage: Stage::Dense,
                waited_ms: 27.5,
            },
            json!({"event": "resumed", "stage": "dense", "waited_ms": 27.5}),
        ),
        (
            AgentEvent::StageFinished {
                stage: Stage::Embed,
                ms: 8.5,
                wait_ms: 0.0,
                cache: Some(Tier::Memory),
                note: Some("well".into()),
            },
            json!({"event": "stage_finished", "stage": "embed", "ms": 8.5, "wait_ms": 0.0, "cache": "memory", "note": "well"}),
        ),
        (
            AgentEvent::StageFinished {
                stage: Stage::Fuse,
                ms: 0.25,
                wait_ms: 0.0,
                cache: None,
                note: None,
            },
            json!({"event": "stage_finished", "stage": "fuse", "ms": 0.25, "wait_ms": 0.0}),
        ),
        (
            AgentEvent::Cache {
                key: "3f9c12ab".into(),
                kind: Kept::Answer,
                tier: Some(Tier::Disk),
                age_ms: Some(2_500.0),
                saved_ms: Some(3_100.5),
                saved_tokens: Some(1_300),
            },
            json!({"event": "cache", "key": "3f9c12ab", "kind": "answer", "tier": "disk", "age_ms": 2500.0,
                "saved_ms": 3100.5, "saved_tokens": 1300}),
        ),
        (
            AgentEvent::Cache {
                key: "3f9c12ab".into(),
                kind: Kept::Vector,
                tier: None,
                age_ms: None,
                saved_ms: None,
                saved_tokens: None,
            },
            json!({"event": "cache", "key": "3f9c12ab"}),
        ),
        (
            AgentEvent::Fallback {
                stage: Stage::Embed,
                note: "h is not answering: searched with m instead".into(),
                embedder: Some("m".into()),
            },
            json!({"event": "fallback", "stage": "embed", "note": "h is not answering: searched with m instead",
                "embedder": "m"}),
        ),
        (
            AgentEvent::Retrieved { hits: vec![hit()] },
            json!({"event": "retrieved", "hits": [{"rank": 1, "id": "amm-price", "question": "How?", "answer": "So.",
                "topic": "amm", "sources": ["A paper"], "as_of": "2025-06", "score": 0.75, "percentile": 99.5,
                "dense": {"score": 0.5, "rank": 2, "nearest": "alias"},
                "lexical": {"score": 4.25, "rank": 3, "terms": ["pool"]}}]}),
        ),
        (
            AgentEvent::Token { text: "By \n".into() },
            json!({"event": "token", "text": "By \n"}),
        ),
        (
            AgentEvent::Limits {
                limits: Limits {
                    endpoint: "api.openai.com".into(),
                    model: "gpt-4.1-mini".into(),
                    requests: Some(Limit {
                        limit: 500,
                        remaining: 499,
                        reset_ms: Some(120),
                        ..Limit::default()
                    }),
                    ..Limits::default()
                },
            },
            json!({"event": "limits", "limits": {"endpoint": "api.openai.com", "model": "gpt-4.1-mini",
                "requests": {"limit": 500, "remaining": 499, "reset_ms": 120}}}),
        ),
        (
            AgentEvent::Retry {
                why: "busy".into(),
                wait_ms: 250.0,
                attempt: 2,
                of: None,
            },
            json!({"event": "retry", "why": "busy", "wait_ms": 250.0, "attempt": 2}),
        ),
        (
            AgentEvent::Retry {
                why: "busy".into(),
                wait_ms: 250.0,
                attempt: 2,
                of: Some(4),
            },
            json!({"event": "retry", "why": "busy", "wait_ms": 250.0, "attempt": 2, "of": 4}),
        ),
        (
            AgentEvent::Answered {
                outcome: Outcome::Partial,
                citations: vec!["amm-price".into()],
                usage: Some(Usage {
                    prompt_tokens: 7,
                    completion_tokens: 5,
                    total_tokens: 12,
                }),
                note: Some("cut at the length limit".into()),
            },
            json!({"event": "answered", "outcome": "partial", "citations": ["amm-price"],
                "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}, "note": "cut at the length limit"}),
        ),
        (
            AgentEvent::Answered {
                outcome: Outcome::Declined,
                citations: Vec::new(),
                usage: None,
                note: None,
            },
            json!({"event": "answered", "outcome": "declined", "citations": []}),
        ),
        (
            AgentEvent::Failed {
                stage: Stage::Answer,
                message: "busy".into(),
                retryable: true,
            },
            json!({"event": "failed", "stage": "answer", "message": "busy", "retryable": true}),
        ),
        (AgentEvent::Cancelled {}, json!({"event": "cancelled"})),
    ]
}

fn event(what: AgentEvent) -> Event {
    Event {
        v: VERSION,
        run: RunId(7),
        at_ms: 12.5,
        what,
    }
}

fn with_head(mut line: Value) -> Value {
    for (key, value) in [("v", json!(1)), ("run", json!(7)), ("at_ms", json!(12.5))] {
        line[key] = value;
    }
    line
}

fn read(line: &str) -> Event {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn every_event_is_written_as_it_was_agreed_and_read_back() {
    for (what, line) in golden() {
        let event = event(what);
        let written = serde_json::to_string(&event).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&written).unwrap(),
            with_head(line.clone())
        );
        assert!(!written.contains('\n'), "an event is one line: {written}");
        assert_eq!(read(&written), event);
        assert_eq!(read(&with_head(line).to_string()), event);
    }
}

#[test]
fn a_line_begins_with_version_run_and_time() {
    let line = serde_json::to_string(&event(AgentEvent::Token { text: "a".into() })).unwrap();
    assert_eq!(line, r#"{"v":1,"run":7,"at_ms":12.5,"event":"token","text":"a"}"#);
}

#[test]
fn fields_of_a_later_version_are_ignored() {
    for (what, line) in golden() {
        let mut line = with_head(line);
        line["x"] = json!({"deep": [1, null]});
        for field in ["setup", "limits", "usage"] {
            if line[field].is_object() {
                line[field]["x"] = json!(1);
            }
        }
        if line["hits"].is_array() {
            line["hits"][0]["x"] = json!("y");
            line["hits"][0]["dense"]["x"] = json!(true);
        }
        assert_eq!(read(&line.to_string()), event(what));
    }
}

#[test]
fn an_event_of_a_later_version_is_unknown_and_not_an_error() {
    let event = read(r#"{"v":1,"run":1,"at_ms":0,"event":"from_the_future","x":1}"#);
    assert_eq!(event.what, AgentEvent::Unknown);
    assert!(!event.what.ends_run());
    let nested = read(r#"{"v":2,"run":1,"at_ms":0,"event":"from_the_future","x":{"y":[{}]},"text":5}"#);
    assert_eq!(nested.what, AgentEvent::Unknown);
}

#[test]
fn a_reader_of_an_unknown_event_knows_no_more_than_before() {
    let mut exchange = defi_qa::agent::event::Exchange::asked("How?");
    exchange.apply(&event(AgentEvent::Token { text: "By".into() }));
    let before = exchange.clone();
    exchange.apply(&event(AgentEvent::Unknown));
    assert_eq!(exchange, before);
}

#[test]
fn names_of_a_later_version_are_unknown_inside_an_event_too() {
    let what = |rest: &str| read(&format!(r#"{{"v":1,"run":1,"at_ms":0,{rest}}}"#)).what;
    assert_eq!(
        what(r#""event":"stage_started","stage":"rerank""#),
        AgentEvent::StageStarted {
            stage: Stage::Unknown
        }
    );
    assert_eq!(
        what(r#""event":"cache","key":"k","tier":"cloud""#),
        AgentEvent::Cache {
            key: "k".into(),
            kind: Kept::Vector,
            tier: Some(Tier::Unknown),
            age_ms: None,
            saved_ms: None,
            saved_tokens: None,
        }
    );
    let AgentEvent::Answered { outcome, .. } = what(r#""event":"answered","outcome":"sung","citations":[]"#)
    else {
        panic!("not answered");
    };
    assert_eq!(outcome, Outcome::Unknown);
}

#[test]
fn what_an_event_needs_must_be_there() {
    for line in [
        r#"{"v":1,"run":1,"at_ms":0,"event":"token"}"#,
        r#"{"v":1,"run":1,"event":"cancelled"}"#,
        r#"{"v":1,"run":1,"at_ms":0}"#,
        r#"{"v":1,"run":"one","at_ms":0,"event":"cancelled"}"#,
    ] {
        assert!(serde_json::from_str::<Event>(line).is_err(), "{line}");
    }
}

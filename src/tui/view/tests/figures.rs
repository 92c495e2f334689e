//! Limits, waits, caches, tokens and cost: what the screen shows of them in each state.

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::Talk;
use super::fixtures::{self, QUESTION, answer, answered, token};
use super::screens::on_every_size;
use crate::agent::event::{
    AgentEvent, BreakerPhase, Kept, Limit, LimitOrigin, Limits, Price, Setup, Stage, Tier,
};
use crate::app::{Gauges, Message};

/// The state of a session with a chat model whose gate stands so.
fn gauges(limits: Limits) -> Gauges {
    Gauges {
        limits: Some(Box::new(limits)),
        ..fixtures::online()
    }
}

#[test]
fn a_retry_that_is_over_is_told_before_any_word_comes() {
    let mut talk = Talk::with(80, 24, fixtures::online());
    let run = talk.asks(QUESTION);
    talk.finds(run, QUESTION, fixtures::hits())
        .hears(run, 14.0, fixtures::begins(Stage::Answer))
        .hears(run, 250.0, fixtures::retry())
        .at(4_200.0);
    // A figure and its unit are held together.
    let plain = |screen: String| screen.replace('\u{a0}', " ");
    let screen = plain(talk.screen());
    assert_eq!(screen.matches("try 2 of 4 in 1 s").count(), 2, "chat and panel");
    let resumed = AgentEvent::Resumed {
        stage: Stage::Answer,
        waited_ms: 4_000.0,
    };
    let screen = plain(talk.hears(run, 4_250.0, resumed).at(4_250.0).screen());
    assert!(
        screen.contains("waiting for the first word") && !screen.contains("2 of 4"),
        "{screen}"
    );
}

/// A session with these limits live, and a run that tries again.
fn retrying(gate: Limits) -> impl Fn(&mut Talk) {
    move |talk| {
        talk.app.update(Message::Gauges(gauges(gate.clone())));
        let run = talk.asks(QUESTION);
        talk.finds(run, QUESTION, fixtures::hits())
            .hears(run, 14.0, fixtures::begins(Stage::Answer))
            .hears(run, 250.0, fixtures::retry())
            .at(1_000.0);
    }
}

#[test]
fn a_limiter_at_work_and_a_retry() {
    let play = retrying(fixtures::gate());
    on_every_size("limits_busy", &fixtures::online(), &play);
    let mut talk = Talk::with(40, 24, fixtures::online());
    play(&mut talk);
    talk.presses(KeyCode::F(2));
    assert_snapshot!("limits_busy_side_40x24", talk.screen());
}

/// A session whose questions are embedded by a server as well.
fn embedding(chat: Limits, embedding: Limits) -> Gauges {
    Gauges {
        embedder: "openai:text-embedding-3-small".into(),
        embedding_limits: Some(Box::new(embedding)),
        ..gauges(chat)
    }
}

#[test]
fn two_endpoints_at_work_and_a_retry_of_the_one_that_embeds() {
    let told = embedding(fixtures::gate(), fixtures::embedding_gate());
    let play = |talk: &mut Talk| {
        let run = talk.asks(QUESTION);
        talk.hears(run, 0.0, fixtures::started(QUESTION))
            .hears(run, 1.0, fixtures::begins(Stage::Embed))
            .hears(run, 250.0, fixtures::retry())
            .at(1_000.0);
    };
    on_every_size("limits_of_two", &told, play);
    let mut talk = Talk::with(40, 24, told);
    play(&mut talk);
    talk.presses(KeyCode::F(2));
    assert_snapshot!("limits_of_two_side_40x24", talk.screen());
}

#[test]
fn a_server_that_embeds_for_answers_of_this_machine_and_does_not_answer() {
    let opened = Limits {
        model: "text-embedding-3-small".into(),
        ..open()
    };
    let told = Gauges {
        chat: "extractive".into(),
        limits: None,
        ..embedding(opened.clone(), opened)
    };
    on_every_size("limits_of_the_embedder", &told, |talk| {
        talk.at(100.0);
    });
    let mut talk = Talk::with(80, 24, told);
    assert!(talk.at(12_000.0).screen().contains("◐ circuit half-open"));
}

#[test]
fn in_a_low_panel_a_second_endpoint_at_rest_leaves_its_rows_to_the_evidence() {
    let rests = Limits {
        in_flight: Some(0),
        queued: Some(0),
        ..fixtures::embedding_gate()
    };
    let shows = |height, gate: &Limits| {
        let mut talk = Talk::with(80, height, embedding(fixtures::gate(), gate.clone()));
        talk.screen().contains("Embedding")
    };
    assert!(shows(24, &rests));
    assert!(!shows(20, &rests));
    assert!(shows(20, &fixtures::embedding_gate()));
}

/// A circuit that opened just now.
fn open() -> Limits {
    Limits {
        breaker: Some(BreakerPhase::Open),
        probe_in_ms: Some(12_000),
        in_flight: Some(0),
        queued: Some(0),
        next_slot_ms: None,
        ..fixtures::gate()
    }
}

#[test]
fn a_circuit_that_is_open() {
    on_every_size("circuit_open", &gauges(open()), |talk| {
        talk.at(100.0);
    });
}

#[test]
fn time_alone_half_opens_a_circuit() {
    let mut talk = Talk::with(80, 24, gauges(open()));
    let screen = talk.at(12_000.0).screen();
    assert!(
        screen.contains("◐ circuit half-open") && !screen.contains("✗ circuit"),
        "{screen}"
    );
}

#[test]
fn a_pause_that_the_endpoint_asked_for_counts_down_and_goes() {
    let paused = Limits {
        paused_ms: Some(30_000),
        ..fixtures::gate()
    };
    let mut talk = Talk::with(120, 40, gauges(paused));
    let screen = talk.at(500.0).screen();
    assert!(screen.contains("■ paused by the endpoint for 30 s"), "{screen}");
    assert!(!talk.at(30_000.0).screen().contains("paused"));
}

#[test]
fn what_is_not_reported_is_never_a_zero() {
    let unknown = Limits {
        requests: None,
        tokens: None,
        ..fixtures::gate()
    };
    let mut talk = Talk::with(80, 24, gauges(unknown));
    let screen = talk.screen();
    assert_eq!(screen.matches("not reported").count(), 2, "{screen}");
    assert!(!screen.contains("0/"), "{screen}");
}

#[test]
fn enormous_limits_of_an_endpoint_with_a_hostile_name() {
    let most = Limit {
        limit: u64::MAX,
        remaining: 1,
        reset_ms: Some(u64::MAX),
        origin: Some(LimitOrigin::Reported),
        age_ms: Some(u64::MAX),
    };
    let hostile = Limits {
        endpoint: "\u{1b}[31mevil\u{202e}.example".into(),
        model: "a-model-with-a-name-that-is-far-too-long-for-any-panel-流動性\u{1b}]0;owned\u{7}".into(),
        requests: Some(most),
        tokens: Some(Limit {
            reset_ms: None,
            ..most
        }),
        in_flight: Some(u64::MAX),
        queued: Some(u64::MAX),
        next_slot_ms: Some(u64::MAX),
        paused_ms: Some(u64::MAX),
        breaker: Some(BreakerPhase::Open),
        probe_in_ms: Some(u64::MAX),
    };
    on_every_size("limits_hostile", &gauges(hostile), |talk| {
        talk.at(1_000.0);
    });
}

#[test]
fn what_an_answer_took_and_cost() {
    on_every_size("figures", &fixtures::online(), |talk| {
        let run = talk.asks(QUESTION);
        let price = Price {
            input: 0.4.try_into().unwrap(),
            output: 1.6.try_into().unwrap(),
            as_of: "2025-06".into(),
        };
        let setup = Setup {
            chat: "openai:gpt-4.1-mini".into(),
            price: Some(price),
            ..Setup::default()
        };
        let question = QUESTION.to_owned();
        let found = AgentEvent::Cache {
            key: "3f9c12ab".into(),
            kind: Kept::Vector,
            tier: Some(Tier::Disk),
            age_ms: Some(273_600_000.0),
            saved_ms: Some(212.0),
            saved_tokens: None,
        };
        talk.hears(run, 0.0, AgentEvent::Started { question, setup })
            .hears(run, 9.0, found)
            .hears(run, 612.0, token(answer()[0]))
            .hears(run, 2_512.0, token(answer()[1]))
            .hears(run, 2_520.0, answered(Some(fixtures::usage())));
    });
}

#[test]
fn an_answer_that_was_kept() {
    on_every_size("kept_answer", &fixtures::online(), |talk| {
        let run = talk.asks(QUESTION);
        let setup = Setup {
            chat: "openai:gpt-4.1-mini".into(),
            ..Setup::default()
        };
        let question = QUESTION.to_owned();
        let found = AgentEvent::Cache {
            key: "77aa12ab".into(),
            kind: Kept::Answer,
            tier: Some(Tier::Redis),
            age_ms: Some(7_300_000.0),
            saved_ms: Some(2_520.0),
            saved_tokens: Some(1_300),
        };
        talk.hears(run, 0.0, AgentEvent::Started { question, setup })
            .hears(run, 9.0, fixtures::lookup(Some(Tier::Memory)))
            .hears(run, 12.0, found)
            .hears(run, 12.0, token(answer()[0]))
            .hears(run, 13.0, answered(None));
    });
}

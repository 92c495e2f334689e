//! What a run says from its start to its end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use defi_qa::agent::event::{AgentEvent, Nearest, Outcome, Phase, Question, Setup, Stage, Tier, Turn, Usage};
use defi_qa::agent::{Answerer as _, Piece};
use defi_qa::provider::{Limit, Limits};

use super::parts::{Embeds, Step, end, text};
use super::{QUESTION, World, finished, fold, names};

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_from_evidence_and_says_so_in_order() {
    let world = World::ready(vec![text("By the ratio [1]"), text(", not by vote [2]."), end()]);
    let events = world.asks(QUESTION).await;
    assert_eq!(
        names(&events),
        [
            "started",
            "parse..",
            "..parse",
            "classify..",
            "..classify",
            "rewrite..",
            "..rewrite",
            "embed..",
            "miss",
            "..embed",
            "dense..",
            "..dense",
            "lexical..",
            "..lexical",
            "fuse..",
            "..fuse",
            "retrieved",
            "judge..",
            "..judge",
            "answer..",
            "token By the ratio [1]",
            "token , not by vote [2].",
            "..answer",
            "answered",
        ]
    );
    assert_eq!(world.script.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_fold_of_the_events_is_what_was_told() {
    let usage = Usage {
        prompt_tokens: 7,
        completion_tokens: 5,
        total_tokens: 12,
    };
    let limits = Limits {
        endpoint: "localhost".into(),
        model: "m".into(),
        requests: Some(Limit {
            limit: 10,
            remaining: 9,
            reset_ms: None,
            ..Limit::default()
        }),
        ..Limits::default()
    };
    let world = World::ready(vec![
        Step::Says(Piece::Limits(limits.clone())),
        Step::Waits(Duration::from_millis(40)),
        text("By the ratio [1]"),
        Step::Waits(Duration::from_millis(60)),
        text(", see [2, 9]."),
        Step::Says(Piece::End {
            usage: Some(usage),
            cut: None,
        }),
    ]);
    world.embedder.will(&[Embeds::After(Duration::from_millis(9))]);
    let exchange = fold(&world.asks(&format!("  {QUESTION}\u{1b}[0m ")).await);

    assert_eq!(exchange.phase, Phase::Done(Outcome::Answered));
    assert_eq!(exchange.answer, "By the ratio [1], see [2, 9].");
    assert_eq!(
        exchange.setup,
        Setup {
            chat: world.script.name(),
            embedder: "words".into(),
            retriever: "hybrid".into(),
            dataset: "tests".into(),
            pairs: 3,
            offline: true,
            price: None,
            sampling: None,
            side: None,
        }
    );
    let ids: Vec<&str> = exchange.hits.iter().map(|hit| hit.id.as_str()).collect();
    assert_eq!(ids[0], "amm-price");
    assert_eq!(ids.len(), 2, "as many hits as were asked for");
    assert_eq!(*world.script.evidence.lock().unwrap(), std::slice::from_ref(&ids));
    // What points at no evidence is not cited.
    assert_eq!(exchange.citations, ids);
    let best = &exchange.hits[0];
    assert_eq!(best.rank, 1);
    assert_eq!(best.dense.unwrap().nearest, Some(Nearest::Question));
    assert!((best.dense.unwrap().score - 1.0).abs() < 1e-6);
    assert_eq!(
        best.lexical.as_ref().unwrap().terms,
        ["pool", "set", "price"],
        "the question's words"
    );
    assert_eq!((exchange.usage, exchange.limits), (Some(usage), Some(limits)));
    assert_eq!(exchange.first_token_ms, Some(49.0));
    assert_eq!(exchange.at_ms, 109.0);
    let rows: Vec<(Stage, f64, Option<f64>)> = exchange
        .stages
        .iter()
        .map(|row| (row.name, row.start_ms, row.ms))
        .filter(|(_, _, ms)| *ms != Some(0.0))
        .collect();
    assert_eq!(
        rows,
        [(Stage::Embed, 0.0, Some(9.0)), (Stage::Answer, 9.0, Some(100.0))]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_comes_too_early_says_what_it_waits_for_and_counts_it() {
    let world = World::loading(vec![text("By the ratio [1]."), end()]);
    let mut run = world.starts(1, QUESTION, 1024);
    let waits = |stage| move |what: &AgentEvent| matches!(what, AgentEvent::Waiting { stage: on, .. } if *on == stage);
    run.until(waits(Stage::Rewrite)).await;
    assert_eq!(
        names(&run.heard)[5..],
        ["rewrite..", "rewrite waits for the data set to load"]
    );
    tokio::time::advance(Duration::from_millis(30)).await;
    world.loads();
    run.until(waits(Stage::Embed)).await;
    run.until(|what| {
        matches!(
            what,
            AgentEvent::StageFinished {
                stage: Stage::Lexical,
                ..
            }
        )
    })
    .await;
    tokio::time::advance(Duration::from_millis(12)).await;
    world.embedder.loads();
    let events = run.rest().await;
    let waited = |stage| match finished(&events, stage) {
        AgentEvent::StageFinished { ms, wait_ms, .. } => (*ms, *wait_ms),
        other => panic!("{other:?}"),
    };
    assert_eq!(waited(Stage::Rewrite), (30.0, 30.0));
    assert_eq!(waited(Stage::Lexical), (0.0, 0.0));
    assert_eq!(waited(Stage::Embed), (12.0, 12.0));
    assert_eq!(waited(Stage::Dense), (0.0, 0.0));
    assert_eq!(fold(&events).outcome(), Some(Outcome::Answered));
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_told_of_a_wait_for_as_long_as_it_lasts() {
    let world = World::loading(vec![text("By the ratio [1]."), end()]);
    let mut run = world.starts(1, QUESTION, 1024);
    run.until(|what| {
        matches!(
            what,
            AgentEvent::Waiting {
                stage: Stage::Rewrite,
                ..
            }
        )
    })
    .await;
    world.loads();
    run.until(|what| {
        matches!(
            what,
            AgentEvent::StageFinished {
                stage: Stage::Lexical,
                ..
            }
        )
    })
    .await;
    // The lexical search has come and gone; the model is still waited for.
    assert_eq!(
        fold(&run.heard).phase,
        Phase::Waiting(Stage::Embed, "the embedding model to load".into())
    );
    world.embedder.loads();
    run.rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_question_asked_again_is_served_from_memory_with_its_age() {
    let world = World::ready(vec![text("By the ratio [1]."), end()]);
    let lookup = |events: &[_]| {
        let exchange = fold(events);
        let tier = exchange
            .stages
            .iter()
            .find(|row| row.name == Stage::Embed)
            .unwrap()
            .cache;
        let cache = events.iter().find_map(|event: &defi_qa::agent::event::Event| {
            let AgentEvent::Cache {
                key, tier, age_ms, ..
            } = &event.what
            else {
                return None;
            };
            Some((key.clone(), *tier, *age_ms))
        });
        (tier, cache.unwrap())
    };
    let (tier, (key, served, age_ms)) = lookup(&world.asks(QUESTION).await);
    assert_eq!((tier, served, age_ms), (None, None, None));
    tokio::time::advance(Duration::from_millis(2_500)).await;
    let (tier, again) = lookup(&world.asks(QUESTION).await);
    assert_eq!(tier, Some(Tier::Memory));
    assert_eq!(again, (key, Some(Tier::Memory), Some(2_500.0)));
    assert_eq!(world.embedder.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_the_run_down_and_loses_nothing() {
    let pieces: Vec<String> = (0..500).map(|n| format!("{n} ")).collect();
    let steps = pieces.iter().map(|piece| text(piece)).chain([end()]).collect();
    let world = World::ready(steps);
    let mut run = world.starts(1, QUESTION, 1);
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        match run.next().await {
            Some(what) if what.ends_run() => break,
            Some(_) => {}
            None => panic!("no end"),
        }
    }
    let events = run.rest().await;
    let exchange = fold(&events);
    assert_eq!(exchange.answer, pieces.concat());
    // 520 events at 10 ms each: the run waited for its reader and did not pile events up.
    assert!(exchange.at_ms > 5_000.0, "{}", exchange.at_ms);
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_reader_comes_to_its_end() {
    let world = World::ready(vec![text("By the ratio [1]."), end()]);
    let run = world.starts(1, QUESTION, 1);
    drop(run.inbox);
    run.task.await.unwrap();
    assert_eq!(world.script.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_goes_on_is_searched_with_the_one_before_it_and_says_so() {
    let goes_on = |after: Option<&str>| Question {
        text: "and why?".to_owned(),
        before: after
            .map(|question| Turn {
                question: question.to_owned(),
                answer: "By the ratio.".to_owned(),
            })
            .into_iter()
            .collect(),
        ..Question::default()
    };
    let world = World::ready(vec![text("Because [1]."), end()]);
    let events = world.starts(1, goes_on(Some(QUESTION)), 1024).rest().await;
    let exchange = fold(&events);
    assert_eq!(exchange.question, "and why?");
    assert_eq!(exchange.read, Some(format!("{QUESTION} and why?")));
    assert_eq!(exchange.read_by.as_deref(), Some("rule"));
    assert_eq!(exchange.outcome(), Some(Outcome::Answered));

    let alone = fold(&world.starts(2, goes_on(None), 1024).rest().await);
    assert_eq!(alone.read, None);
    assert_eq!(alone.outcome(), Some(Outcome::Declined), "it names nothing");
}

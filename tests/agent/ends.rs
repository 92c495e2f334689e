//! Every path has one end, and it is the right one. [`super::Run::rest`] checks that there is exactly one.

use defi_qa::agent::Piece;
use defi_qa::agent::event::{AgentEvent, Event, LONGEST_QUESTION, Outcome, Phase, Stage};

use super::parts::{Embeds, Step, end, refused, text};
use super::{QUESTION, World, fold, names};

fn answered(events: &[Event]) -> (Outcome, Vec<String>, Option<String>) {
    match &events.last().unwrap().what {
        AgentEvent::Answered {
            outcome,
            citations,
            note,
            ..
        } => (*outcome, citations.clone(), note.clone()),
        other => panic!("{other:?}"),
    }
}

fn failed(events: &[Event]) -> (Stage, String, bool) {
    match &events.last().unwrap().what {
        AgentEvent::Failed {
            stage,
            message,
            retryable,
        } => (*stage, message.clone(), *retryable),
        other => panic!("{other:?}"),
    }
}

/// Every failure goes through the error node.
fn assert_error_node(events: &[Event]) {
    let names = names(events);
    assert_eq!(names[names.len() - 3..names.len() - 1], ["error..", "..error"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_cut_is_partial_and_says_why() {
    let world = World::ready(vec![
        text("By the ratio [1]"),
        Step::Says(Piece::End {
            usage: None,
            cut: Some("cut at the length limit".into()),
        }),
    ]);
    let (outcome, citations, note) = answered(&world.asks(QUESTION).await);
    assert_eq!(outcome, Outcome::Partial);
    assert_eq!(citations, ["amm-price"]);
    assert_eq!(note.as_deref(), Some("cut at the length limit"));
}

#[tokio::test(start_paused = true)]
async fn what_no_pair_answers_is_declined_without_asking_the_answerer() {
    let world = World::ready(vec![end()]);
    let events = world.asks("Who won the football cup?").await;
    assert_eq!(answered(&events).0, Outcome::Declined);
    assert!(fold(&events).answer.starts_with("I cannot answer this: "));
    assert!(world.script.evidence.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn small_talk_is_answered_without_a_search() {
    let world = World::ready(vec![text("Hello."), end()]);
    let events = world.asks("hello there").await;
    assert_eq!(answered(&events), (Outcome::Conversed, Vec::new(), None));
    assert_eq!(
        names(&events)[5..],
        ["converse..", "token Hello.", "..converse", "conversed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_empty_or_too_long_fails_in_parse() {
    let world = World::ready(vec![end()]);
    let events = world.asks(" \u{1b}[2J\n ").await;
    assert_eq!(
        failed(&events),
        (Stage::Parse, "the question is empty: write one".into(), false)
    );
    assert_error_node(&events);
    let events = world.asks(&"x".repeat(LONGEST_QUESTION + 1)).await;
    assert_eq!(
        failed(&events).1,
        "the question has 8001 characters and at most 8000 can be asked: shorten it"
    );
    let events = world.asks(&"x".repeat(LONGEST_QUESTION)).await;
    assert_eq!(answered(&events).0, Outcome::Declined);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_fails_the_run_in_embed() {
    let world = World::ready(vec![end()]);
    world.embedder.will(&[Embeds::Fails]);
    let events = world.asks(QUESTION).await;
    let (stage, message, retryable) = failed(&events);
    assert_eq!(stage, Stage::Embed);
    assert_eq!(
        message,
        "the embedding model has stopped; start the program again"
    );
    assert!(!retryable);
    assert_error_node(&events);
    // A failure is not kept: the next run asks the model again.
    world.embedder.will(&[Embeds::AtOnce]);
    assert_eq!(answered(&world.asks(QUESTION).await).0, Outcome::Answered);
}

#[tokio::test(start_paused = true)]
async fn an_unusable_data_set_fails_the_search() {
    let world = World::ready(vec![end()]);
    world.fails_to_load();
    let events = world.asks(QUESTION).await;
    let (stage, message, retryable) = failed(&events);
    assert_eq!(stage, Stage::Rewrite);
    assert_eq!(message, "The data set has no pair");
    assert!(!retryable);
    assert_error_node(&events);
}

#[tokio::test(start_paused = true)]
async fn a_data_set_that_fails_while_the_model_still_loads_fails_the_run_at_once() {
    let world = World::loading(vec![end()]);
    let run = world.starts(1, QUESTION, 1024);
    world.fails_to_load();
    let events = run.rest().await;
    assert_eq!(failed(&events).0, Stage::Rewrite);
    assert_error_node(&events);
}

#[tokio::test(start_paused = true)]
async fn a_data_set_that_goes_away_fails_in_the_node_that_needs_it_next() {
    let world = World::ready(vec![end()]);
    // With room for one event the run stands still at each of them.
    let mut run = world.starts(1, QUESTION, 1);
    for _ in [Stage::Dense, Stage::Lexical] {
        run.until(|what| {
            matches!(
                what,
                AgentEvent::StageFinished {
                    stage: Stage::Dense | Stage::Lexical,
                    ..
                }
            )
        })
        .await;
    }
    world.fails_to_load();
    let events = run.rest().await;
    assert_eq!(failed(&events).0, Stage::Fuse);
}

#[tokio::test(start_paused = true)]
async fn small_talk_fails_with_the_answerer_and_does_not_wait_for_the_data_set() {
    let world = World::ready(vec![refused(Stage::Converse)]);
    let events = world.asks("hello").await;
    assert_eq!(
        failed(&events),
        (Stage::Converse, "the server is busy".into(), true)
    );
    let world = World::ready(vec![text("Hello."), end()]);
    world.fails_to_load();
    assert_eq!(answered(&world.asks("hello").await).0, Outcome::Conversed);
}

#[tokio::test(start_paused = true)]
async fn an_answerer_that_fails_keeps_what_it_said() {
    let world = World::ready(vec![text("By the "), refused(Stage::Answer)]);
    let events = world.asks(QUESTION).await;
    assert_eq!(
        failed(&events),
        (Stage::Answer, "the server is busy".into(), true)
    );
    assert_error_node(&events);
    let exchange = fold(&events);
    assert_eq!(exchange.answer, "By the ");
    assert_eq!(exchange.outcome(), Some(Outcome::Partial));
    assert_eq!(world.script.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stops_without_its_end_is_no_answer() {
    let world = World::ready(vec![text("By the ratio [1]")]);
    let events = world.asks(QUESTION).await;
    assert_eq!(
        failed(&events),
        (
            Stage::Answer,
            "the answer broke off before its end: ask again".into(),
            true
        )
    );
    let exchange = fold(&events);
    assert_eq!(exchange.answer, "By the ratio [1]");
    assert_eq!(exchange.outcome(), Some(Outcome::Partial));
    assert!(matches!(exchange.phase, Phase::Failed { .. }));

    let silent = World::ready(Vec::new());
    let exchange = fold(&silent.asks(QUESTION).await);
    assert_eq!(exchange.outcome(), Some(Outcome::Failed));
}

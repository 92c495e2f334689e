//! Runs beside each other.

use std::sync::atomic::Ordering;
use std::time::Duration;

use defi_qa::agent::event::{AgentEvent, Event, Outcome, RunId, Tier};
use tokio::sync::mpsc;

use super::parts::{Embeds, Step, end, text};
use super::{QUESTION, World, assert_one_run, fold};

#[tokio::test(start_paused = true)]
async fn two_runs_in_one_channel_interleave_and_do_not_mix() {
    let pause = || Step::Waits(Duration::from_millis(10));
    let world = World::ready(vec![text("a"), pause(), text("b"), pause(), text("c [1]"), end()]);
    let (events, mut inbox) = mpsc::channel(64);
    let unread = || mpsc::channel(1).1;
    let first = world.starts_into(1, QUESTION, events.clone(), unread());
    tokio::time::sleep(Duration::from_millis(5)).await;
    let second = world.starts_into(2, "How does a vote pass?", events, unread());
    let mut all: Vec<Event> = Vec::new();
    while let Some(event) = inbox.recv().await {
        all.push(event);
    }
    first.task.await.unwrap();
    second.task.await.unwrap();

    let tokens: Vec<u64> = all
        .iter()
        .filter(|event| matches!(event.what, AgentEvent::Token { .. }))
        .map(|event| event.run.0)
        .collect();
    assert_eq!(tokens, [1, 2, 1, 2, 1, 2]);
    for (run, cited) in [(1, "amm-price"), (2, "gov-vote")] {
        let mut own = all.clone();
        own.retain(|event| event.run == RunId(run));
        assert_one_run(&own);
        let exchange = fold(&own);
        assert_eq!(exchange.answer, "abc [1]");
        assert_eq!(exchange.citations, [cited]);
        assert_eq!(exchange.at_ms, 20.0, "each run has its own clock");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_question_asked_twice_at_once_is_embedded_once() {
    let world = World::ready(vec![text("By the ratio [1]."), end()]);
    world.embedder.will(&[Embeds::After(Duration::from_millis(9))]);
    let (first, second) = (world.starts(1, QUESTION, 1024), world.starts(2, QUESTION, 1024));
    let (first, second) = tokio::join!(first.rest(), second.rest());
    assert_eq!(world.embedder.asked.load(Ordering::Relaxed), 1);
    let tier = |events: &[Event]| {
        events.iter().find_map(|event| match &event.what {
            AgentEvent::Cache { tier, .. } => Some(*tier),
            _ => None,
        })
    };
    // Which of them comes first is the threads' affair.
    let tiers = [tier(&first).unwrap(), tier(&second).unwrap()];
    assert!(
        tiers.contains(&None) && tiers.contains(&Some(Tier::Memory)),
        "{tiers:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_does_not_take_along_the_one_that_waits_for_the_same_vector() {
    let world = World::ready(vec![text("By the ratio [1]."), end()]);
    world.embedder.will(&[Embeds::Never, Embeds::AtOnce]);
    let first = world.starts(1, QUESTION, 1024);
    tokio::time::sleep(Duration::from_millis(1)).await;
    let second = world.starts(2, QUESTION, 1024);
    tokio::time::sleep(Duration::from_millis(1)).await;
    first.cancel.cancel();
    assert_eq!(fold(&first.rest().await).outcome(), Some(Outcome::Failed));
    assert_eq!(fold(&second.rest().await).outcome(), Some(Outcome::Answered));
    assert_eq!(world.embedder.asked.load(Ordering::Relaxed), 2);
}

//! A run that is cancelled or dropped stops where it stands, and takes its stream with it.

use defi_qa::agent::event::{AgentEvent, Outcome, Phase, Stage};

use super::parts::{Embeds, Step, text};
use super::{QUESTION, World, fold, names};

fn is_token(what: &AgentEvent) -> bool {
    matches!(what, AgentEvent::Token { .. })
}

#[tokio::test(start_paused = true)]
async fn a_run_cancelled_before_it_starts_says_nothing_else() {
    let world = World::ready(vec![Step::Hangs]);
    let run = world.starts(1, QUESTION, 8);
    run.cancel.cancel();
    let events = run.rest().await;
    assert_eq!(names(&events), ["cancelled"]);
    let exchange = fold(&events);
    assert_eq!(exchange.question, QUESTION);
    assert_eq!(exchange.outcome(), Some(Outcome::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_while_it_waits() {
    let world = World::loading(vec![Step::Hangs]);
    let mut run = world.starts(1, QUESTION, 1024);
    world.loads();
    run.until(|what| {
        matches!(
            what,
            AgentEvent::Waiting {
                stage: Stage::Embed,
                ..
            }
        )
    })
    .await;
    run.cancel.cancel();
    let events = run.rest().await;
    assert_eq!(fold(&events).phase, Phase::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_while_its_question_is_embedded() {
    let world = World::ready(vec![Step::Hangs]);
    world.embedder.will(&[Embeds::Never]);
    let mut run = world.starts(1, QUESTION, 1024);
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
    run.cancel.cancel();
    assert_eq!(fold(&run.rest().await).phase, Phase::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_while_it_streams_and_its_stream_is_dropped_first() {
    let world = World::ready(vec![text("By the "), Step::Hangs]);
    let mut run = world.starts(1, QUESTION, 1024);
    run.until(is_token).await;
    assert_eq!(world.script.open(), 1);
    run.cancel.cancel();
    run.until(|what| matches!(what, AgentEvent::Cancelled {})).await;
    assert_eq!(
        world.script.open(),
        0,
        "the stream is gone by the time that the end is told"
    );
    let exchange = fold(&run.rest().await);
    assert_eq!(exchange.answer, "By the ");
    assert_eq!(exchange.outcome(), Some(Outcome::Partial));
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_reader_is_full_is_cancelled_and_still_says_so() {
    let world = World::ready(vec![text("a"), text("b"), text("c"), text("d"), Step::Hangs]);
    let mut run = world.starts(1, QUESTION, 1);
    run.until(is_token).await;
    // Now the run waits for its reader with the next token in its hand.
    run.cancel.cancel();
    let events = run.rest().await;
    assert_eq!(names(&events).last().unwrap(), "cancelled");
    assert_eq!(world.script.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_run_drops_its_stream() {
    let world = World::ready(vec![text("By the "), Step::Hangs]);
    let mut run = world.starts(1, QUESTION, 1024);
    run.until(is_token).await;
    run.task.abort();
    assert!((&mut run.task).await.unwrap_err().is_cancelled());
    assert_eq!(world.script.open(), 0);
    assert_eq!(run.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_after_the_end_changes_nothing() {
    let world = World::ready(vec![text("By the ratio [1]."), super::parts::end()]);
    let mut run = world.starts(1, QUESTION, 1024);
    run.until(AgentEvent::ends_run).await;
    run.cancel.cancel();
    assert_eq!(fold(&run.rest().await).outcome(), Some(Outcome::Answered));
}

//! What an answerer waits for is told, counted and survived.

use std::time::Duration;

use defi_qa::agent::Piece;
use defi_qa::agent::event::{AgentEvent, Outcome, Phase, Stage};

use super::parts::{Step, end, text};
use super::{QUESTION, World, finished, fold, names};

#[tokio::test(start_paused = true)]
async fn a_wait_and_a_retry_are_told_as_they_happen_and_counted_as_waiting() {
    let wait = Duration::from_secs(3);
    let world = World::ready(vec![
        Step::Says(Piece::Waiting {
            on: "the rate limit of h, 3 s".into(),
        }),
        Step::Waits(wait),
        Step::Says(Piece::Resumed { waited: wait }),
        Step::Says(Piece::Retry {
            why: "h failed (500)".into(),
            wait,
            attempt: 2,
            of: 4,
        }),
        Step::Waits(wait),
        Step::Says(Piece::Resumed { waited: wait }),
        text("By the ratio [1]"),
        end(),
    ]);
    let events = world.asks(QUESTION).await;
    let names = names(&events);
    let at = names.iter().position(|name| name == "answer..").unwrap();
    assert_eq!(
        names[at + 1..],
        [
            "answer waits for the rate limit of h, 3 s",
            "resumed",
            "retry",
            "resumed",
            "token By the ratio [1]",
            "..answer",
            "answered"
        ]
    );
    assert_eq!(
        events[at + 3].what,
        AgentEvent::Retry {
            why: "h failed (500)".into(),
            wait_ms: 3_000.0,
            attempt: 2,
            of: Some(4),
        }
    );
    assert_eq!(
        events[at + 4].what,
        AgentEvent::Resumed {
            stage: Stage::Answer,
            waited_ms: 3_000.0
        }
    );
    let AgentEvent::StageFinished { ms, wait_ms, .. } = finished(&events, Stage::Answer) else {
        unreachable!()
    };
    assert_eq!((*ms, *wait_ms), (6_000.0, 6_000.0));
}

#[tokio::test(start_paused = true)]
async fn a_note_stands_beside_an_answer_that_is_whole() {
    let world = World::ready(vec![
        Step::Says(Piece::Note("quoted instead".into())),
        text("By the ratio [1]"),
        end(),
    ]);
    let exchange = fold(&world.asks(QUESTION).await);
    assert_eq!(exchange.phase, Phase::Done(Outcome::Answered));
    assert_eq!(exchange.note.as_deref(), Some("quoted instead"));
}

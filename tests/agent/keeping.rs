//! Answers that are kept: told like any other, with where they came from.

use std::sync::atomic::Ordering;
use std::time::Duration;

use defi_qa::agent::Piece;
use defi_qa::agent::event::{AgentEvent, Event, Freshness, Outcome, Question, Stage, Tier, Usage};

use super::parts::{Step, end, refused, text};
use super::{QUESTION, World, finished, fold, names};

/// Steps of an answer that takes three seconds and costs 1,300 tokens.
fn costly() -> Vec<Step> {
    let usage = Some(Usage {
        prompt_tokens: 1_204,
        completion_tokens: 96,
        total_tokens: 1_300,
    });
    vec![
        text("By the "),
        Step::Waits(Duration::from_secs(3)),
        text("ratio [1]."),
        Step::Says(Piece::End { usage, cut: None }),
    ]
}

fn asked(world: &World) -> usize {
    world.script.asked.load(Ordering::SeqCst)
}

fn answering(events: &[Event]) -> Vec<String> {
    let names = names(events);
    let at = names.iter().position(|name| name == "answer..").unwrap();
    names[at + 1..].to_vec()
}

#[tokio::test(start_paused = true)]
async fn an_answer_asked_for_again_is_told_from_memory_with_what_it_saved() {
    let world = World::keeping(costly());
    let first = world.asks(QUESTION).await;
    assert_eq!(
        answering(&first),
        [
            "answer miss",
            "token By the ",
            "token ratio [1].",
            "..answer",
            "answered"
        ]
    );
    assert_eq!(fold(&first).answer_origin, None);
    tokio::time::advance(Duration::from_secs(60)).await;

    let again = world.asks(QUESTION).await;
    assert_eq!(
        answering(&again),
        ["answer memory", "token By the ratio [1].", "..answer", "answered"]
    );
    let exchange = fold(&again);
    assert_eq!(exchange.citations, ["amm-price"], "read off the text again");
    assert_eq!(exchange.usage, None, "nothing was used this time");
    let origin = exchange.answer_origin.unwrap();
    assert_eq!(origin.tier, Tier::Memory);
    assert_eq!((origin.age_ms, origin.saved_ms), (Some(60_000.0), Some(3_000.0)));
    assert_eq!(origin.saved_tokens, Some(1_300));
    let AgentEvent::StageFinished { cache, .. } = finished(&again, Stage::Answer) else {
        unreachable!()
    };
    assert_eq!((*cache, asked(&world)), (Some(Tier::Memory), 1));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_question_goes_to_the_model_and_its_answer_takes_the_place_of_the_kept_one() {
    let world = World::keeping(costly());
    world.asks(QUESTION).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let fresh = Question {
        text: QUESTION.to_owned(),
        freshness: Freshness::Fresh,
        before: Vec::new(),
    };
    let fresh = world.starts(2, fresh, 1024).rest().await;
    assert_eq!(answering(&fresh)[..2], ["token By the ", "token ratio [1]."]);
    tokio::time::advance(Duration::from_secs(7)).await;
    let age = fold(&world.asks(QUESTION).await).answer_origin.unwrap().age_ms;
    assert_eq!((age, asked(&world)), (Some(7_000.0), 2));
}

#[tokio::test(start_paused = true)]
async fn fifty_who_ask_the_same_at_once_make_one_request() {
    let world = World::keeping(costly());
    let runs: Vec<_> = (1..=50).map(|run| world.starts(run, QUESTION, 1024)).collect();
    let mut waited = 0;
    for run in runs {
        let events = run.rest().await;
        let exchange = fold(&events);
        assert_eq!(exchange.answer, "By the ratio [1].");
        assert_eq!(exchange.outcome(), Some(Outcome::Answered));
        let told = answering(&events);
        if told[0] == "answer waits for the same question, which is being answered" {
            assert_eq!(told[1..3], ["resumed", "answer memory"]);
            let AgentEvent::StageFinished { wait_ms, .. } = finished(&events, Stage::Answer) else {
                unreachable!()
            };
            assert_eq!(*wait_ms, 3_000.0);
            waited += 1;
        }
    }
    assert_eq!((waited, asked(&world)), (49, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_whole_is_told_to_all_who_wait_and_not_kept() {
    let cut = Step::Says(Piece::End {
        usage: None,
        cut: Some("cut at the length limit".into()),
    });
    let noted = Step::Says(Piece::Note("h is not answering: quoted instead".into()));
    let pause = || Step::Waits(Duration::from_secs(1));
    for (steps, outcome) in [
        (vec![text("By the"), pause(), cut], Outcome::Partial),
        (vec![noted, text("By the"), pause(), end()], Outcome::Answered),
        (
            vec![text("By the"), pause(), refused(Stage::Answer)],
            Outcome::Partial,
        ),
        (vec![text("By the"), pause()], Outcome::Partial),
    ] {
        let world = World::keeping(steps);
        let (first, second) = (world.starts(1, QUESTION, 1024), world.starts(2, QUESTION, 1024));
        let (first, second) = tokio::join!(first.rest(), second.rest());
        let (first, second) = (fold(&first), fold(&second));
        assert_eq!(first.outcome(), Some(outcome));
        assert_eq!(
            (&second.answer, &second.note, second.phase),
            (&first.answer, &first.note, first.phase)
        );
        assert_eq!(asked(&world), 1);
        world.asks(QUESTION).await;
        assert_eq!(asked(&world), 2, "it was kept: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waited_asks_for_themselves_when_the_first_is_cancelled() {
    let world = World::keeping(costly());
    let mut first = world.starts(1, QUESTION, 1024);
    first.until(|what| matches!(what, AgentEvent::Token { .. })).await;
    let mut second = world.starts(2, QUESTION, 1024);
    second
        .until(|what| {
            matches!(
                what,
                AgentEvent::Waiting {
                    stage: Stage::Answer,
                    ..
                }
            )
        })
        .await;
    first.cancel.cancel();
    first.rest().await;
    let second = second.rest().await;
    assert_eq!(fold(&second).answer, "By the ratio [1].");
    assert_eq!(answering(&second)[1..3], ["resumed", "answer miss"]);
    assert_eq!((asked(&world), world.script.open()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_question_about_this_moment_is_asked_every_time() {
    let world = World::keeping(costly());
    for _ in 0..2 {
        let events = world.asks("How does a pool set its price today?").await;
        assert_eq!(answering(&events)[0], "token By the ");
    }
    assert_eq!(asked(&world), 2);
}

//! Questions that go on from others: rewritten by the model when there is one, by the rule when there is none.

use std::sync::atomic::Ordering;
use std::time::Duration;

use defi_qa::agent::Piece;
use defi_qa::agent::event::{AgentEvent, Event, Outcome, Question, Stage, Turn, Usage};

use super::parts::{Step, end, refused, text};
use super::{QUESTION, World, finished, fold, names};

const USAGE: Usage = Usage {
    prompt_tokens: 80,
    completion_tokens: 12,
    total_tokens: 92,
};

fn goes_on(text: &str) -> Question {
    Question {
        text: text.to_owned(),
        before: vec![Turn {
            question: QUESTION.to_owned(),
            answer: "By the ratio of its reserves [1].".to_owned(),
        }],
        ..Question::default()
    }
}

fn used() -> Step {
    Step::Says(Piece::End {
        usage: Some(USAGE),
        cut: None,
    })
}

/// A world whose model rewrites by these steps and answers in one word.
fn rewriting(steps: Vec<Step>) -> World {
    let world = World::ready(vec![text("So [1]."), used()]);
    *world.script.rewrites.lock().unwrap() = Some(steps);
    world
}

fn note(events: &[Event]) -> &str {
    match finished(events, Stage::FollowUp) {
        AgentEvent::StageFinished { note, .. } => note.as_deref().unwrap_or(""),
        _ => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_rewrites_it_and_is_said_to_have_done_so() {
    let world = rewriting(vec![
        text("How does a pool set "),
        text("its price on v3?"),
        used(),
    ]);
    let events = world.starts(1, goes_on("and on v3?"), 1024).rest().await;
    let exchange = fold(&events);
    assert_eq!(exchange.question, "and on v3?");
    assert_eq!(
        exchange.read.as_deref(),
        Some("How does a pool set its price on v3?")
    );
    assert_eq!(exchange.read_by.as_deref(), Some("script"));
    assert_eq!(note(&events), "by script");
    let asked = world.script.questions.lock().unwrap().clone();
    assert_eq!(
        asked,
        ["How does a pool set its price on v3?"],
        "the answerer reads it too"
    );
    assert_eq!(exchange.outcome(), Some(Outcome::Answered));
    assert_eq!(exchange.used_before, Some(USAGE));
    assert_eq!(
        exchange.usage,
        Some(USAGE.plus(USAGE)),
        "both requests are counted"
    );
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_or_talks_or_takes_too_long_is_replaced_by_the_rule() {
    let cut = Step::Says(Piece::End {
        usage: None,
        cut: Some("cut at the length limit".to_owned()),
    });
    for (steps, why) in [
        (vec![refused(Stage::FollowUp)], "the server is busy"),
        (vec![text("How does a pool"), cut], "cut at the length limit"),
        (vec![text("How does")], "its reply broke off"),
        (
            vec![text("Sure!\nHere it is:"), end()],
            "its reply is no question",
        ),
        (vec![end()], "its reply is no question"),
        (vec![Step::Hangs], "it took longer than 6 s"),
        (
            vec![Step::Waits(Duration::from_secs(60)), text("late"), end()],
            "it took longer than 6 s",
        ),
    ] {
        let world = rewriting(steps);
        let events = world.starts(1, goes_on("and why?"), 1024).rest().await;
        let exchange = fold(&events);
        assert_eq!(exchange.read, Some(format!("{QUESTION} and why?")), "{why}");
        assert_eq!(exchange.read_by.as_deref(), Some("rule"), "{why}");
        assert_eq!(note(&events), format!("by the rule, not by script: {why}"));
        assert_eq!(exchange.outcome(), Some(Outcome::Answered), "{why}");
        assert!(exchange.at_ms < 6_100.0, "{why}: {}", exchange.at_ms);
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_repeats_the_question_says_that_it_stands_by_itself() {
    // The rule would have taken it for one that goes on.
    let alone = "Is its price the ratio?";
    let world = rewriting(vec![text(alone), used()]);
    let events = world.starts(1, goes_on(alone), 1024).rest().await;
    assert_eq!(note(&events), "stands by itself, says script");
    let exchange = fold(&events);
    assert_eq!((exchange.read, exchange.used_before), (None, Some(USAGE)));
}

#[tokio::test(start_paused = true)]
async fn a_rewriting_is_kept_like_an_answer() {
    let world = rewriting(vec![text("How does a pool set its price on v3?"), used()]);
    world.script.keeps.store(true, Ordering::SeqCst);
    let first = world.starts(1, goes_on("and on v3?"), 1024).rest().await;
    let again = world.starts(2, goes_on("and on v3?"), 1024).rest().await;
    assert_eq!(
        world.script.asked.load(Ordering::SeqCst),
        2,
        "a rewriting and an answer"
    );
    let [first, again] = [fold(&first), fold(&again)];
    assert_eq!(first.read, again.read);
    assert_eq!(again.usage, None, "nobody was asked");
    assert!(again.answer_origin.is_some());

    let other = rewriting(vec![text("How does a pool set its price on v3?"), used()]);
    other.script.keeps.store(true, Ordering::SeqCst);
    let alone = other.starts(1, goes_on("and on v3?"), 1024).rest().await;
    assert_eq!(
        fold(&alone).answer_origin,
        None,
        "the rewriting is not the answer"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_while_its_question_is_rewritten() {
    let world = rewriting(vec![Step::Hangs]);
    let mut run = world.starts(1, goes_on("and on v3?"), 1024);
    run.until(|what| {
        matches!(
            what,
            AgentEvent::StageStarted {
                stage: Stage::FollowUp
            }
        )
    })
    .await;
    run.cancel.cancel();
    assert_eq!(names(&run.rest().await).last().unwrap(), "cancelled");
}

#[tokio::test(start_paused = true)]
async fn no_model_is_asked_about_a_first_question_a_long_one_or_the_same_again() {
    let world = rewriting(vec![text("no"), end()]);
    for question in [
        QUESTION.into(),
        goes_on(&QUESTION.to_lowercase()),
        goes_on(
            "How does a pool of two tokens set its price when one of them is worth more than the other one?",
        ),
    ] {
        let events = world.starts(1, question, 1024).rest().await;
        assert!(
            !names(&events).contains(&"follow_up..".to_owned()),
            "{:?}",
            names(&events)
        );
    }
}

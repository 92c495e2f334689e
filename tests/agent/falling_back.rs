//! When nobody answers at the embedder's endpoint: another embedder, else words alone, and always said.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use defi_qa::agent::event::{AgentEvent, Event, Exchange, Outcome, Phase, Stage};
use defi_qa::agent::{Knowledge, Load, Space, Standby};
use defi_qa::dataset::Dataset;
use defi_qa::embedding::EmbedError;
use defi_qa::provider::{Asked, ProviderError, Said};
use defi_qa::retrieval::Corpus;
use defi_qa::retrieval::comparison::Retriever;

use super::parts::{self, Embeds, Words, end, text};
use super::{QUESTION, World, finished, fold, names};

fn circuit_open() -> EmbedError {
    EmbedError::NotAnswering {
        host: "embed.example".into(),
        retry_in: Duration::from_secs(12),
    }
}

fn asked() -> Asked {
    Asked {
        model: "m".into(),
        host: "embed.example".into(),
    }
}

/// A world whose embedder meets this.
fn failing(error: EmbedError) -> World {
    let world = World::ready(vec![text("By the ratio [1]."), end()]);
    world.embedder.will(&[Embeds::FailsWith(error)]);
    world
}

/// The world with a standby that loads so, and how often that was begun.
fn with_standby(
    mut world: World,
    load: impl Fn() -> Load + Send + Sync + 'static,
) -> (World, Arc<AtomicUsize>) {
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    world.agent.standby = Some(Arc::new(Standby::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let (told, knowledge) = Knowledge::loading("tests");
        told.send_replace(load());
        Space {
            embedder: Arc::new(Words::named("spare")),
            knowledge,
        }
    })));
    (world, begun)
}

fn spare() -> Load {
    Load::Ready(Arc::new(parts::corpus()))
}

fn note_of(events: &[Event], stage: Stage) -> Option<String> {
    match finished(events, stage) {
        AgentEvent::StageFinished { note, .. } => note.clone(),
        _ => None,
    }
}

fn is_answered_with_the_spare(exchange: &Exchange, note: &str) {
    assert_eq!(exchange.phase, Phase::Done(Outcome::Answered));
    assert_eq!(exchange.embedder.as_deref(), Some("spare"));
    assert_eq!(exchange.note.as_deref(), Some(note));
    let best = &exchange.hits[0];
    assert_eq!(best.id, "amm-price");
    assert!((best.dense.unwrap().score - 1.0).abs() < 1e-6);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_searched_round_with_the_standby_and_says_so() {
    let (world, begun) = with_standby(failing(circuit_open()), spare);
    let events = world.asks(QUESTION).await;
    let note = "embed.example is not answering (circuit open, next try in 12 s): searched with spare instead";
    is_answered_with_the_spare(&fold(&events), note);
    assert_eq!(
        note_of(&events, Stage::Embed).as_deref(),
        Some(note),
        "in the trace"
    );
    let names = names(&events);
    let at = names.iter().position(|name| name == "fallback").unwrap();
    assert_eq!(names[at - 2..=at + 1], ["embed..", "miss", "fallback", "..embed"]);
    world.asks("Does a pool vote?").await;
    assert_eq!(begun.load(Ordering::SeqCst), 1, "it is begun once");
}

#[tokio::test(start_paused = true)]
async fn so_is_a_connection_that_is_refused_and_a_server_that_is_silent() {
    let refused = ProviderError::Unreachable {
        asked: asked(),
        why: "connection refused".into(),
    };
    let (world, _) = with_standby(failing(refused.into()), spare);
    let note = "embed.example was not reached (connection refused): searched with spare instead";
    is_answered_with_the_spare(&fold(&world.asks(QUESTION).await), note);
}

#[tokio::test(start_paused = true)]
async fn without_an_index_of_the_standby_words_are_searched_alone_and_their_rule_decides() {
    let (with_none, _) = with_standby(failing(circuit_open()), || {
        Load::Failed("nothing is stored".into())
    });
    let (with_another, _) = with_standby(failing(circuit_open()), || {
        let changed = Dataset::new("tests", vec![parts::corpus().dataset.pairs[1].clone()]);
        Load::Ready(Arc::new(Corpus::lexical_only(changed)))
    });
    for mut world in [failing(circuit_open()), with_none, with_another] {
        // A method that needs vectors ranks by words as well.
        world.agent.retriever = "dense".parse::<Retriever>().unwrap();
        let events = world.asks(QUESTION).await;
        let exchange = fold(&events);
        assert_eq!(exchange.phase, Phase::Done(Outcome::Answered));
        assert_eq!(exchange.embedder, None);
        assert_eq!(
            exchange.note.as_deref(),
            Some("embed.example is not answering (circuit open, next try in 12 s): searched by words alone")
        );
        assert_eq!(
            note_of(&events, Stage::Judge).as_deref(),
            Some("by words alone: a pair holds 100 % of it, a question outside 0 %, known words 100 %")
        );
        let best = &exchange.hits[0];
        assert_eq!(
            (best.id.as_str(), best.dense, best.percentile),
            ("amm-price", None, None)
        );
        assert_eq!(note_of(&events, Stage::Dense).as_deref(), Some("not searched"));
        assert_eq!(note_of(&events, Stage::Fuse).as_deref(), Some("lexical, 1 hits"));
    }
}

#[tokio::test(start_paused = true)]
async fn of_words_alone_a_question_is_declined_that_no_pair_holds() {
    let world = failing(circuit_open());
    let exchange = fold(&world.asks("How does a bridge over a river carry trains?").await);
    assert_eq!(exchange.phase, Phase::Done(Outcome::Declined));
    assert!(
        exchange
            .answer
            .starts_with("I cannot answer this: nothing I know is near enough (by words alone: "),
        "{}",
        exchange.answer
    );
}

#[tokio::test(start_paused = true)]
async fn so_are_refusals_that_outlast_every_try() {
    let limited = ProviderError::RateLimited {
        asked: asked(),
        retry_after: None,
        said: Said::default(),
    };
    let failed = ProviderError::Server {
        asked: asked(),
        status: 503,
        retry_after: None,
        said: Said::default(),
    };
    let cut = ProviderError::StreamCut { asked: asked() };
    for (failure, why) in [
        (limited, "is rate limited (429)"),
        (failed, "failed (503)"),
        (cut, "broke off"),
    ] {
        let (world, _) = with_standby(failing(failure.into()), spare);
        let note = format!("embed.example {why}: searched with spare instead");
        is_answered_with_the_spare(&fold(&world.asks(QUESTION).await), &note);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_wants_something_done_stays_one() {
    let failure = ProviderError::Malformed {
        asked: asked(),
        why: "no vectors".into(),
    };
    let (world, begun) = with_standby(failing(failure.into()), spare);
    let exchange = fold(&world.asks(QUESTION).await);
    assert!(
        matches!(
            exchange.phase,
            Phase::Failed {
                stage: Stage::Embed,
                ..
            }
        ),
        "{:?}",
        exchange.phase
    );
    assert_eq!((exchange.embedder, begun.load(Ordering::SeqCst)), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn an_embedder_that_answers_is_named_and_the_standby_never_begun() {
    let world = World::ready(vec![text("By the ratio [1]."), end()]);
    let (world, begun) = with_standby(world, spare);
    let exchange = fold(&world.asks(QUESTION).await);
    assert_eq!(
        (exchange.embedder.as_deref(), exchange.note),
        (Some("words"), None)
    );
    assert_eq!(begun.load(Ordering::SeqCst), 0);
}

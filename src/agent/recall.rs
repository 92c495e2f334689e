//! An answer that is kept, in place of the model's; and the model's, kept once it is whole.
//!
//! ```text
//! wanted ─► kept? ─yes─► told with its tier and age, then its text      fresh ─► the model ─► whole? ─► takes the kept one's place
//!             │no
//!             └─► asked just now by another? ─yes─► waits, gets what the other got, also when that is an error
//!                   │no
//!                   └─► the model, word by word ─► whole? ─► kept
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::answerer::Piece;
use super::error::AgentError;
use super::event::{Freshness, Usage};
use crate::cache::{Answer, Cache, Provenance, Tier, Tokens, Wanted};

/// Pieces that may wait for a slow reader before the answer waits for it.
const PIECES: usize = 64;

type Said = Result<Piece, AgentError>;

/// What was asked of the cache and what it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The first digits of the key.
    pub key: String,
    /// The answer that was found; `None`: the model is asked.
    pub found: Option<Recalled>,
}

/// A kept answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recalled {
    pub tier: Tier,
    /// Since it was made.
    pub age: Duration,
    /// What it took then, where that is known.
    pub took: Option<Duration>,
    /// Tokens that it cost then, where the server counted.
    pub tokens: Option<u64>,
}

/// An answer that was said and is not kept: everything of it, for those who waited for it.
#[derive(Debug)]
struct Unkept(Vec<Said>);

/// The pieces of the answer that is wanted: of a kept one, or what `asked` says. `asked` is not polled when there is
/// one. Dropping the stream drops `asked`; whoever waited for it then asks for themselves.
pub(super) fn recalled(
    cache: Arc<Cache>,
    wanted: Wanted,
    asked: BoxStream<'static, Said>,
    freshness: Freshness,
) -> BoxStream<'static, Said> {
    let (said, mut heard) = mpsc::channel(PIECES);
    let saying = async move {
        match freshness {
            Freshness::Kept => look_up(&cache, &wanted, asked, &said).await,
            Freshness::Fresh => replace(&cache, &wanted, asked, &said).await,
        }
    };
    let saying = stream::once(saying).filter_map(|()| async { None });
    let heard = stream::poll_fn(move |context| heard.poll_recv(context));
    stream::select(heard, saying).boxed()
}

async fn look_up(cache: &Cache, wanted: &Wanted, asked: BoxStream<'static, Said>, said: &mpsc::Sender<Said>) {
    let mut waiting = cache.is_under_way(&wanted.key).then(Instant::now);
    if waiting.is_some() {
        let on = "the same question, which is being answered".to_owned();
        say(said, Ok(Piece::Waiting { on })).await;
    }
    let mut loaded = false;
    let load = async {
        loaded = true;
        resume(said, waiting.take()).await;
        say(said, Ok(Piece::Looked(lookup(wanted, None)))).await;
        listen(asked, said).await
    };
    let found = cache.answer_or_load(wanted, load).await;
    if loaded {
        // It has said everything itself.
        return;
    }
    resume(said, waiting).await;
    match found {
        Ok(cached) => {
            let (tier, age) = match cached.provenance {
                Provenance::Hit { tier, age } => (tier, age),
                Provenance::Joined | Provenance::Miss => (Tier::Memory, Duration::ZERO),
            };
            let tokens = cached.value.tokens;
            let recalled = Recalled {
                tier,
                age,
                took: cached.took,
                tokens: tokens.map(|tokens| tokens.prompt.saturating_add(tokens.completion)),
            };
            say(said, Ok(Piece::Looked(lookup(wanted, Some(recalled))))).await;
            say(said, Ok(Piece::Text(cached.value.text.clone()))).await;
            // No server counts anything for an answer that it does not give.
            let end = Piece::End {
                usage: None,
                cut: None,
            };
            say(said, Ok(end)).await;
        }
        Err(unkept) => {
            for piece in &unkept.0 {
                say(said, piece.clone()).await;
            }
        }
    }
}

async fn replace(cache: &Cache, wanted: &Wanted, asked: BoxStream<'static, Said>, said: &mpsc::Sender<Said>) {
    let since = Instant::now();
    if let Ok(answer) = listen(asked, said).await {
        cache.replace_answer(wanted, answer, since.elapsed()).await;
    }
}

/// Hands everything on as it comes; the answer at the end, if it is the model's own and whole.
async fn listen(
    mut asked: BoxStream<'static, Said>,
    said: &mpsc::Sender<Said>,
) -> Result<Arc<Answer>, Unkept> {
    let (mut text, mut note) = (String::new(), None);
    let mut last = None;
    while let Some(piece) = asked.next().await {
        match &piece {
            Ok(Piece::Text(more)) => text.push_str(more),
            Ok(Piece::Note(_)) => note = Some(piece.clone()),
            Ok(Piece::End { .. }) | Err(_) => last = Some(piece.clone()),
            Ok(_) => {}
        }
        say(said, piece).await;
        if last.is_some() {
            break;
        }
    }
    match last {
        // A note says that somebody else has answered, or that something is amiss.
        Some(Ok(Piece::End { usage, cut: None })) if note.is_none() && !text.trim().is_empty() => {
            let tokens = usage.map(|usage: Usage| Tokens {
                prompt: usage.prompt_tokens,
                completion: usage.completion_tokens,
            });
            Ok(Arc::new(Answer { text, tokens }))
        }
        last => {
            let text = Some(Ok(Piece::Text(text)));
            Err(Unkept(text.into_iter().chain(note).chain(last).collect()))
        }
    }
}

async fn resume(said: &mpsc::Sender<Said>, waiting: Option<Instant>) {
    if let Some(since) = waiting {
        let waited = since.elapsed();
        say(said, Ok(Piece::Resumed { waited })).await;
    }
}

async fn say(said: &mpsc::Sender<Said>, piece: Said) {
    // Without a reader this is about to be dropped as well.
    let _ = said.send(piece).await;
}

fn lookup(wanted: &Wanted, found: Option<Recalled>) -> Lookup {
    Lookup {
        key: wanted.key.short().to_owned(),
        found,
    }
}

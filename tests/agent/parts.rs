//! An embedder, an answerer and a corpus that do what a test says.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use defi_qa::agent::classify::Talk;
use defi_qa::agent::event::{Hit, Stage, Turn};
use defi_qa::agent::{AgentError, Answerer, Piece, Rewriting};
use defi_qa::cache::Wanted;
use defi_qa::dataset::{Dataset, Pair};
use defi_qa::embedding::{EmbedError, Embedder, Matrix, ModelId, Readiness, Vector};
use defi_qa::retrieval::{Corpus, Views};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::watch;

/// The words whose counts make a vector; the last number keeps a text without any of them from having no direction.
const WORDS: [&str; 3] = ["pool", "vote", "bridge"];

fn embedded(text: &str) -> Vector {
    let text = text.to_lowercase();
    let counts = WORDS.iter().map(|word| text.matches(word).count() as f32);
    Vector::normalised(counts.chain([0.1]).collect(), WORDS.len() + 1).unwrap()
}

/// Three pairs, of which each is about one of the words.
pub(crate) fn corpus() -> Corpus {
    let pair = |id: &str, question: &str, answer: &str| Pair {
        id: id.into(),
        question: question.into(),
        answer: answer.into(),
        ..Pair::default()
    };
    let dataset = Dataset::new(
        "tests",
        vec![
            pair(
                "amm-price",
                "How does a pool set its price?",
                "By the ratio of what the pool holds.",
            ),
            pair("gov-vote", "How does a vote pass?", "When the vote has a quorum."),
            pair(
                "bridge-lock",
                "What does a bridge lock?",
                "The bridge locks the token.",
            ),
        ],
    );
    let vectors: Vec<Vector> = Views::of(&dataset)
        .texts
        .iter()
        .map(|text| embedded(text))
        .collect();
    Corpus::build(dataset, Matrix::of(&vectors).unwrap()).unwrap()
}

/// What the embedder does with its next requests; the last one stays.
#[derive(Clone, Debug)]
pub(crate) enum Embeds {
    AtOnce,
    After(Duration),
    Never,
    Fails,
    FailsWith(EmbedError),
}

/// Embeds a text as the counts of [`WORDS`].
#[derive(Debug)]
pub(crate) struct Words {
    id: ModelId,
    readiness: watch::Sender<Readiness>,
    next: Mutex<Vec<Embeds>>,
    /// Requests so far.
    pub(crate) asked: AtomicUsize,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            id: ModelId {
                name: "words".into(),
                dimension: WORDS.len() + 1,
            },
            readiness: watch::channel(Readiness::Loading).0,
            next: Mutex::new(vec![Embeds::AtOnce]),
            asked: AtomicUsize::new(0),
        }
    }
}

impl Words {
    /// Another model of this name, which is loaded.
    pub(crate) fn named(name: &str) -> Self {
        let words = Self::default();
        words.loads();
        let id = ModelId {
            name: name.into(),
            ..words.id.clone()
        };
        Self { id, ..words }
    }

    pub(crate) fn loads(&self) {
        self.readiness.send_replace(Readiness::Ready { load_ms: 1.0 });
    }

    /// Sets what the next requests meet, one after the other.
    pub(crate) fn will(&self, next: &[Embeds]) {
        *self.next.lock().unwrap() = next.to_vec();
    }
}

impl Embedder for Words {
    fn model_id(&self) -> &ModelId {
        &self.id
    }

    fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.subscribe()
    }

    fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Vec<Vector>, EmbedError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut next = self.next.lock().unwrap();
        let does = if next.len() > 1 {
            next.remove(0)
        } else {
            next[0].clone()
        };
        Box::pin(async move {
            match does {
                Embeds::AtOnce => {}
                Embeds::After(pause) => tokio::time::sleep(pause).await,
                Embeds::Never => std::future::pending().await,
                Embeds::Fails => return Err(EmbedError::Stopped),
                Embeds::FailsWith(error) => return Err(error),
            }
            Ok(texts.iter().map(|text| embedded(text)).collect())
        })
    }
}

/// What an answerer does next.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a script has a handful of steps")]
pub(crate) enum Step {
    Says(Piece),
    Waits(Duration),
    Fails(AgentError),
    /// Nothing more, and no end either.
    Hangs,
}

pub(crate) fn text(text: &str) -> Step {
    Step::Says(Piece::Text(text.into()))
}

pub(crate) fn end() -> Step {
    Step::Says(Piece::End {
        usage: None,
        cut: None,
    })
}

pub(crate) fn refused(stage: Stage) -> Step {
    Step::Fails(AgentError {
        stage,
        message: "the server is busy".into(),
        retryable: true,
    })
}

/// Answers every question by the same steps.
#[derive(Debug, Default)]
pub(crate) struct Script {
    steps: Vec<Step>,
    /// Streams that were handed out, and those of them that were dropped or came to their end.
    pub(crate) opened: AtomicUsize,
    closed: Arc<AtomicUsize>,
    /// Whether its answers may be kept.
    pub(crate) keeps: AtomicBool,
    /// Streams from which anything was taken: questions that a model would have got.
    pub(crate) asked: Arc<AtomicUsize>,
    /// What it says of questions that may go on from others; `None`: it rewrites none.
    pub(crate) rewrites: Mutex<Option<Vec<Step>>>,
    /// The questions that it was asked to answer, as they were read.
    pub(crate) questions: Mutex<Vec<String>>,
    /// Ids of the evidence of each answer.
    pub(crate) evidence: Mutex<Vec<Vec<String>>>,
}

impl Script {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }

    pub(crate) fn open(&self) -> usize {
        self.opened.load(Ordering::SeqCst) - self.closed.load(Ordering::SeqCst)
    }

    fn plays(&self) -> BoxStream<'static, Result<Piece, AgentError>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let guard = Closed(Arc::clone(&self.closed));
        played(self.steps.clone(), guard, Arc::clone(&self.asked))
    }
}

/// The steps one after the other; what is taken first counts as asked.
fn played(
    steps: Vec<Step>,
    guard: Closed,
    asked: Arc<AtomicUsize>,
) -> BoxStream<'static, Result<Piece, AgentError>> {
    let (steps, mut asked) = (steps.into_iter(), Some(asked));
    futures::stream::unfold((steps, guard), move |(mut steps, guard)| {
        if let Some(asked) = asked.take() {
            asked.fetch_add(1, Ordering::SeqCst);
        }
        async move {
            loop {
                match steps.next()? {
                    Step::Says(piece) => return Some((Ok(piece), (steps, guard))),
                    Step::Waits(pause) => tokio::time::sleep(pause).await,
                    Step::Fails(error) => return Some((Err(error), (steps, guard))),
                    Step::Hangs => std::future::pending().await,
                }
            }
        }
    })
    .boxed()
}

/// Counts the drop of the stream that owns it.
struct Closed(Arc<AtomicUsize>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Answerer for Script {
    fn name(&self) -> String {
        "script".into()
    }

    fn kept_as(&self, question: &str, hits: &[Hit]) -> Option<Wanted> {
        let evidence = hits.iter().map(|hit| hit.answer.as_str());
        let prompt: Vec<&str> = evidence.chain([question]).collect();
        let keeps = self.keeps.load(Ordering::SeqCst);
        keeps.then(|| Wanted::answer("script", &prompt, ""))
    }

    fn rewrite(&self, question: &str, before: &[Turn]) -> Option<Rewriting> {
        let steps = self.rewrites.lock().unwrap().clone()?;
        let closed = Closed(Arc::default());
        let keeps = self.keeps.load(Ordering::SeqCst);
        let said = before
            .iter()
            .flat_map(|turn| [turn.question.as_str(), &turn.answer]);
        let prompt: Vec<&str> = said.chain([question]).collect();
        Some(Rewriting {
            kept_as: keeps.then(|| Wanted::answer("script", &prompt, "rewriting")),
            pieces: played(steps, closed, Arc::clone(&self.asked)),
        })
    }

    fn answer(&self, question: &str, hits: &[Hit]) -> BoxStream<'static, Result<Piece, AgentError>> {
        self.questions.lock().unwrap().push(question.to_owned());
        let ids = hits.iter().map(|hit| hit.id.clone()).collect();
        self.evidence.lock().unwrap().push(ids);
        self.plays()
    }

    fn converse(
        &self,
        _question: &str,
        _talk: Talk,
        _pairs: usize,
    ) -> BoxStream<'static, Result<Piece, AgentError>> {
        self.plays()
    }
}

//! Many texts through an embedding model: several requests at once, each that ends handed on at once.
//!
//! ```text
//! plan ─► batch ─► gate ─► request ─┬─► vectors ─► checked one by one ─► kept before the next batch goes
//!   ▲                               ├─► 400: halved, until the text that is refused stands alone
//!   └── as large as the limits let ◄┴─► another fault: its texts have no vector; after some, nothing more is sent
//! ```

use std::collections::VecDeque;
use std::fmt;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::plan::{Batch, Plan, Portion};
use super::{RemoteEmbedder, refused};
use crate::embedding::{EmbedError, Vector, VectorFault};
use crate::provider::{EmbeddingClient, EmbeddingReply, GateEvent, Priority, ProviderError};

/// Requests under way at once: at 200 ms each that is 25 a second, more than most limits allow.
const AT_ONCE: usize = 5;

/// When so many texts were refused alone and none was ever taken, it is not the texts.
const ALL_REFUSED: usize = 4;

/// What became of many texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// One for each text, in the order of the texts; `None` for those in `failed`.
    pub vectors: Vec<Option<Vector>>,
    /// The texts without a vector, ascending.
    pub failed: Vec<FailedText>,
    /// Texts that were longer than the model takes and were cut.
    pub cut: usize,
    /// As the server counted them, and as estimated where it did not.
    pub tokens: u64,
}

/// A text that has no vector.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedText {
    /// Its place, from 0.
    pub index: usize,
    pub why: EmbedError,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Texts that are done, refused ones included, duplicates counted once.
    pub done: usize,
    /// Of these at the end.
    pub total: usize,
    pub tokens: u64,
}

impl fmt::Display for FailedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text number {}: {}", self.index + 1, self.why)
    }
}

impl RemoteEmbedder {
    /// Embeds texts of any number, each distinct one once. `keep` is handed the vectors of a request as soon as they are
    /// there, by the index of the first text that each stands for, and is waited for before a further request goes; when
    /// it fails, all stops. A text that is refused, or whose vector is none, is reported and costs the others nothing.
    ///
    /// # Errors
    /// What `keep` fails with.
    pub async fn embed_all<E>(
        &self,
        texts: &[String],
        priority: Priority,
        mut keep: impl AsyncFnMut(Vec<(usize, Vector)>, Progress) -> Result<(), E>,
    ) -> Result<Embedded, E> {
        let plan = Plan::of(texts);
        let mut run = Run {
            total: plan.len(),
            embedded: Embedded {
                vectors: vec![None; texts.len()],
                cut: plan.cut,
                ..Embedded::default()
            },
            plan,
            embedder: self,
            halved: VecDeque::new(),
            done: 0,
            taken: false,
            refused_alone: 0,
            stop: None,
        };
        for index in std::mem::take(&mut run.plan.blank) {
            run.embedded.failed.push(FailedText {
                index,
                why: EmbedError::Blank { index },
            });
        }
        // Dropped, it takes the requests under way back.
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < AT_ONCE
                && let Some((client, batch)) = run.next()
            {
                under_way.spawn(send(
                    client,
                    batch,
                    priority,
                    self.id.dimension,
                    self.told.clone(),
                ));
            }
            let Some(ended) = under_way.join_next().await else {
                break;
            };
            // A crash of the task is a fault of ours that leaves its texts without a vector, see below.
            let Ok((batch, result)) = ended else { continue };
            let fresh = run.take(batch, result);
            let progress = run.progress();
            keep(fresh, progress).await?;
        }
        Ok(run.end())
    }
}

async fn send(
    client: EmbeddingClient,
    batch: Batch,
    priority: Priority,
    dimension: usize,
    told: Option<mpsc::UnboundedSender<GateEvent>>,
) -> (Batch, Result<Checked, ProviderError>) {
    let tell = |event| {
        tracing::info!(?event, "a batch of texts waits");
        if let Some(told) = &told {
            // Who does not listen any more need not be told.
            let _ = told.send(event);
        }
    };
    let result = client.embed(&batch.inputs, priority, tell).await;
    let result = result.map(|reply| Checked::of(reply, dimension));
    (batch, result)
}

/// The vectors of one request, each looked at: by the request's own task, since several end at once.
struct Checked {
    vectors: Vec<Result<Vector, VectorFault>>,
    tokens: Option<u64>,
}

impl Checked {
    fn of(reply: EmbeddingReply, dimension: usize) -> Self {
        let vectors = reply.vectors.into_iter();
        Self {
            vectors: vectors.map(|raw| Vector::scaled(raw, dimension)).collect(),
            tokens: reply.tokens,
        }
    }
}

struct Run<'a> {
    embedder: &'a RemoteEmbedder,
    plan: Plan,
    halved: VecDeque<Batch>,
    embedded: Embedded,
    total: usize,
    done: usize,
    /// Whether the server ever took a text.
    taken: bool,
    refused_alone: usize,
    /// Why nothing more is sent.
    stop: Option<EmbedError>,
}

impl Run<'_> {
    /// The next request, unless there is none or nothing more is sent.
    fn next(&mut self) -> Option<(EmbeddingClient, Batch)> {
        if self.stop.is_some() {
            return None;
        }
        let client = match self.embedder.client() {
            Ok(client) => client,
            Err(offline) => {
                self.stop = Some(offline);
                return None;
            }
        };
        let most = Portion::within(self.embedder.inputs, client.gate().max_tokens_per_request());
        let batch = self.halved.pop_front().or_else(|| self.plan.next(most))?;
        Some((client.clone(), batch))
    }

    /// Takes in what became of a request; returns the vectors that it brought.
    fn take(&mut self, batch: Batch, result: Result<Checked, ProviderError>) -> Vec<(usize, Vector)> {
        let error = match result {
            Ok(reply) => return self.vectors(&batch, reply),
            Err(error) => error,
        };
        // Only these are about what the request holds.
        let about_the_texts = matches!(
            error,
            ProviderError::BadRequest {
                status: 400 | 413 | 422,
                ..
            }
        );
        let alone = batch.places.len() == 1;
        if about_the_texts && !alone {
            // The smaller ones first: if it is not the texts, that is known after a few requests.
            for half in batch.halves().into_iter().flatten() {
                self.halved.push_front(half);
            }
            return Vec::new();
        }
        if about_the_texts {
            self.refused_alone += 1;
        }
        let hopeless = !self.taken && self.refused_alone >= ALL_REFUSED;
        let stops = hopeless || concerns_all(&error);
        let why = EmbedError::from(error);
        for place in batch.places {
            self.fail(place, &why);
        }
        if stops {
            self.stop.get_or_insert(why);
        }
        Vec::new()
    }

    fn vectors(&mut self, batch: &Batch, reply: Checked) -> Vec<(usize, Vector)> {
        self.taken = true;
        let estimated = || {
            batch
                .inputs
                .iter()
                .map(|text| crate::provider::estimated_tokens(text))
                .sum()
        };
        self.embedded.tokens += reply.tokens.unwrap_or_else(estimated);
        let mut fresh = Vec::with_capacity(batch.places.len());
        for (place, checked) in batch.places.iter().zip(reply.vectors) {
            match checked {
                Ok(vector) => {
                    self.done += 1;
                    for index in self.plan.indices(*place) {
                        if let Some(slot) = self.embedded.vectors.get_mut(*index) {
                            *slot = Some(vector.clone());
                        }
                    }
                    fresh.extend(self.plan.indices(*place).first().map(|index| (*index, vector)));
                }
                Err(fault) => self.fail(*place, &refused(&self.embedder.id, fault)),
            }
        }
        fresh
    }

    fn fail(&mut self, place: usize, why: &EmbedError) {
        self.done += 1;
        let failed = self.plan.indices(place).iter().map(|index| FailedText {
            index: *index,
            why: why.clone(),
        });
        self.embedded.failed.extend(failed);
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.done,
            total: self.total,
            tokens: self.embedded.tokens,
        }
    }

    /// What was neither taken nor refused failed for the reason that stopped it all.
    fn end(mut self) -> Embedded {
        let why = self
            .stop
            .take()
            .unwrap_or_else(|| EmbedError::Run("the request's task crashed".to_owned()));
        let mut known: Vec<bool> = self.embedded.vectors.iter().map(Option::is_some).collect();
        for failed in &self.embedded.failed {
            if let Some(known) = known.get_mut(failed.index) {
                *known = true;
            }
        }
        let unknown = known.iter().enumerate().filter(|(_, known)| !**known);
        self.embedded.failed.extend(unknown.map(|(index, _)| FailedText {
            index,
            why: why.clone(),
        }));
        self.embedded.failed.sort_by_key(|failed| failed.index);
        self.embedded
    }
}

/// Whether the next request would fail in the same way, whatever it holds.
fn concerns_all(error: &ProviderError) -> bool {
    match error {
        ProviderError::Endpoint(_)
        | ProviderError::Unauthorized { .. }
        | ProviderError::NotFound { .. }
        | ProviderError::QuotaExhausted { .. }
        | ProviderError::RateLimited { .. }
        | ProviderError::Tls { .. }
        | ProviderError::CircuitOpen { .. } => true,
        ProviderError::BadRequest { .. }
        | ProviderError::Server { .. }
        | ProviderError::Unreachable { .. }
        | ProviderError::Timeout { .. }
        | ProviderError::StreamCut { .. }
        | ProviderError::Malformed { .. }
        | ProviderError::StreamError { .. } => false,
    }
}

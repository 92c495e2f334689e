//! The vectors of a benchmark: those that the cache has, and the others made, each batch kept as soon as it is there, so that
//! whatever ends the program costs one batch.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cache::{PAIR, QUERY, Row, Store, Wanted};
use crate::cli::parts::stored_vectors;
use crate::cli::{Failure, corpus, embedder};
use crate::config::{Config, EmbedderChoice};
use crate::embedding::remote;
use crate::embedding::{Embedder, LocalEmbedder, Matrix, ModelId, Vector};
use crate::retrieval::comparison::EmbedderName;

/// Texts of one request: what is lost when the program is stopped.
const BATCH: usize = 32;

/// Bytes of a text that decide how long it takes: what the model reads of it.
const READ_BYTES: usize = 1_200;

/// An embedder and the cache.
pub(super) struct Space {
    embedder: Arc<dyn Embedder>,
    /// The model of a server, to which documents are sent by `index` only.
    remote: Option<String>,
    folder: PathBuf,
    store: Option<Store>,
}

/// The vectors of a benchmark by one embedder.
pub(super) struct Embedded {
    pub(super) documents: Matrix,
    queries: Vec<Vector>,
}

impl Embedded {
    /// The vector of the query at a place.
    pub(super) fn query(&self, place: usize) -> Option<Vector> {
        self.queries.get(place).cloned()
    }
}

impl Space {
    /// # Errors
    /// When the configuration cannot work as it is.
    pub(super) fn open(config: &Config, name: &EmbedderName, folder: &Path) -> Result<Self, Failure> {
        let config = crate::cli::lab::embedded_by(config, name)?;
        let store = stored_vectors().and_then(|path| Store::open(&path).ok());
        let (embedder, model): (Arc<dyn Embedder>, _) = match &config.embedder.value {
            EmbedderChoice::Local => (Arc::new(LocalEmbedder::start_int8()), None),
            EmbedderChoice::OpenAi(model) => {
                let stored = corpus::remote_path(Some(folder), model);
                let dimension = embedder::dimension(&config, model, stored.as_deref())
                    .ok_or_else(|| run_index(model, folder, "the documents of the benchmark have"))?;
                (
                    Arc::new(embedder::remote(&config, model, dimension)?),
                    Some(model.clone()),
                )
            }
        };
        Ok(Self {
            embedder,
            remote: model,
            folder: folder.to_owned(),
            store,
        })
    }

    pub(super) fn model(&self) -> &ModelId {
        self.embedder.model_id()
    }

    /// The vectors of all texts; `None` when the user stopped it.
    ///
    /// # Errors
    /// When the embedder fails, or documents would have to be sent to a server.
    pub(super) async fn embed(
        mut self,
        documents: &[String],
        queries: &[String],
    ) -> Result<Option<Embedded>, Failure> {
        let mut known = self.known(PAIR, documents);
        if let Some(model) = &self.remote {
            let missing = known.iter().filter(|vector| vector.is_none()).count();
            if missing > 0 {
                let why = format!(
                    "of the {} documents of the benchmark {missing} have",
                    documents.len()
                );
                return Err(run_index(model, &self.folder, &why));
            }
        }
        let stopped = tokio::signal::ctrl_c();
        let work = async {
            self.complete(PAIR, documents, &mut known).await?;
            let mut asked = self.known(QUERY, queries);
            self.complete(QUERY, queries, &mut asked).await?;
            let documents: Vec<Vector> = known.into_iter().flatten().collect();
            let documents = Matrix::of(&documents).unwrap_or_default();
            Ok(Embedded {
                documents,
                queries: asked.into_iter().flatten().collect(),
            })
        };
        tokio::select! {
            biased;
            embedded = work => embedded.map(Some),
            Ok(()) = stopped => Ok(None),
        }
    }

    fn known(&self, unit: &str, texts: &[String]) -> Vec<Option<Vector>> {
        let model = self.embedder.model_id();
        let look = |text: &String| corpus::cached(self.store.as_ref()?, model, unit, text);
        texts.iter().map(look).collect()
    }

    /// Embeds what is missing, shortest first, since a batch is padded to its longest text.
    async fn complete(
        &mut self,
        unit: &str,
        texts: &[String],
        vectors: &mut [Option<Vector>],
    ) -> Result<(), Failure> {
        let model = self.embedder.model_id().clone();
        let length = |place: usize| texts.get(place).map_or(0, String::len);
        let missing = (0..).zip(vectors.iter()).filter(|(_, vector)| vector.is_none());
        let mut missing: Vec<usize> = missing.map(|(place, _)| place).collect();
        missing.sort_by_key(|place| length(*place));
        let known = texts.len() - missing.len();
        tracing::info!(unit, known, missing = missing.len(), "embedding a benchmark");
        let cost = |place: &usize| length(*place).clamp(1, READ_BYTES);
        let mut progress = Progress::new(missing.len(), missing.iter().map(cost).sum());
        for batch in missing.chunks(BATCH) {
            let asked: Vec<String> = batch
                .iter()
                .filter_map(|place| texts.get(*place).cloned())
                .collect();
            let found = self.embedder.embed(asked).await.map_err(|error| {
                let sentence = error.to_string();
                if self.remote.is_some() {
                    Failure::provider(sentence)
                } else {
                    Failure::other(sentence)
                }
            })?;
            let mut rows = Vec::with_capacity(batch.len());
            for (place, vector) in batch.iter().zip(found) {
                if let Some(text) = texts.get(*place) {
                    let wanted = Wanted::new(&model.name, model.dimension, unit, text);
                    let shared = vector.clone().into_shared();
                    rows.extend(Row::now(wanted.key, wanted.model, model.dimension, shared).ok());
                }
                if let Some(slot) = vectors.get_mut(*place) {
                    *slot = Some(vector);
                }
            }
            if let Some(store) = &mut self.store {
                // Without the cache the next run takes as long as this one, and nothing else is lost.
                let _ = store
                    .put(&rows)
                    .inspect_err(|error| tracing::warn!(%error, "vectors of the benchmark were not kept"));
            }
            progress.tell(batch.len(), batch.iter().map(cost).sum())?;
        }
        progress.end()
    }
}

/// What to do when documents have no stored vector: they are not sent from here, where nobody was asked whether it may cost
/// something.
fn run_index(model: &str, folder: &Path, why: &str) -> Failure {
    let name = remote::name(model);
    Failure::usage(format!(
        "{why} no vector of {name} yet: run `defi-qa --embedder {name} --dataset {} index` once, or use the embedder local",
        folder.display()
    ))
}

/// How far it has come, on a terminal.
struct Progress {
    begun: Instant,
    done: (usize, usize),
    all: (usize, usize),
    shows: bool,
}

impl Progress {
    /// Of so many texts, of so much work together.
    fn new(texts: usize, work: usize) -> Self {
        Self {
            begun: Instant::now(),
            done: (0, 0),
            all: (texts, work),
            shows: stderr().is_terminal(),
        }
    }

    fn tell(&mut self, texts: usize, work: usize) -> Result<(), Failure> {
        self.done = (self.done.0 + texts, self.done.1 + work);
        if self.shows {
            write!(
                stderr(),
                "\r{}\x1b[K",
                line(self.done, self.all, self.begun.elapsed())
            )?;
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Failure> {
        if self.shows && self.all.0 > 0 {
            writeln!(stderr())?;
        }
        Ok(())
    }
}

/// `1024 of 5183 texts embedded, 29/s, 94 s left`: what is left is reckoned by what the model reads, since the longest come last.
fn line(done: (usize, usize), all: (usize, usize), elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let left = seconds * (all.1.saturating_sub(done.1)) as f64 / done.1.max(1) as f64;
    format!(
        "{} of {} texts embedded, {:.0}/s, {:.0} s left",
        done.0,
        all.0,
        done.0 as f64 / seconds,
        left.ceil()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_reckoned_by_the_work_and_not_by_the_number() {
        assert_eq!(
            line((50, 1_000), (100, 4_000), Duration::from_secs(10)),
            "50 of 100 texts embedded, 5/s, 30 s left"
        );
        assert_eq!(
            line((100, 4_000), (100, 4_000), Duration::from_secs(40)),
            "100 of 100 texts embedded, 2/s, 0 s left"
        );
    }
}

//! The model inside the program: all-MiniLM-L6-v2 at 4 bits, on a thread of its own.

mod batch;
mod model;
mod queue;
mod tokenizer;

pub use tokenizer::Tokenizer;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::{EmbedError, Embedder, ModelId, Readiness, Vector};
use model::Model;
use queue::Queue;

/// Name of the bundled model. `q4` is part of it: its vectors differ from those of the f32 model.
const NAME: &str = "all-MiniLM-L6-v2-q4";
const DIMENSION: usize = 384;

/// Loads and runs on an own thread, never on one that serves the screen or the network. A query (few texts) goes
/// before the rest of a batch; a request whose future was dropped is skipped.
pub struct LocalEmbedder {
    id: ModelId,
    queue: Arc<Queue>,
    readiness: watch::Receiver<Readiness>,
}

/// Where a model's files are.
enum Files {
    Bundled,
    OnDisk { model: PathBuf, tokenizer: PathBuf },
}

impl LocalEmbedder {
    /// The id of the bundled model, without starting it.
    pub fn bundled_id() -> ModelId {
        ModelId {
            name: NAME.to_owned(),
            dimension: DIMENSION,
        }
    }

    /// Begins to load the bundled model and returns at once.
    pub fn start() -> Self {
        Self::spawn(Self::bundled_id(), Files::Bundled)
    }

    /// Begins to load an ONNX model of the same form (`input_ids` and `mask` in, `last_hidden_state` out) and its
    /// `tokenizer.json` from disk. The caller names the vector space.
    pub fn start_from(id: ModelId, model: impl Into<PathBuf>, tokenizer: impl Into<PathBuf>) -> Self {
        let files = Files::OnDisk {
            model: model.into(),
            tokenizer: tokenizer.into(),
        };
        Self::spawn(id, files)
    }

    fn spawn(id: ModelId, files: Files) -> Self {
        let queue = Arc::new(Queue::default());
        let (publish, readiness) = watch::channel(Readiness::Loading);
        let worker = {
            let (id, queue, publish) = (id.clone(), Arc::clone(&queue), publish.clone());
            move || work(id, &files, &queue, &publish)
        };
        if let Err(error) = std::thread::Builder::new()
            .name("embedder".to_owned())
            .spawn(worker)
        {
            fail(
                &queue,
                &publish,
                format!(
                    "The embedding model could not get a thread ({error}); close other programs and start again."
                ),
            );
        }
        Self { id, queue, readiness }
    }
}

impl fmt::Debug for LocalEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEmbedder")
            .field("id", &self.id)
            .field("readiness", &*self.readiness.borrow())
            .finish_non_exhaustive()
    }
}

impl Drop for LocalEmbedder {
    /// The thread ends after the run it is in.
    fn drop(&mut self) {
        self.queue.close(EmbedError::Stopped);
    }
}

impl Embedder for LocalEmbedder {
    fn model_id(&self) -> &ModelId {
        &self.id
    }

    fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.clone()
    }

    fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Vec<Vector>, EmbedError>> {
        let queue = Arc::clone(&self.queue);
        Box::pin(async move {
            if let Some(index) = texts.iter().position(|text| text.trim().is_empty()) {
                return Err(EmbedError::Blank { index });
            }
            if texts.is_empty() {
                return Ok(Vec::new());
            }
            queue.push(texts)?.await.unwrap_or(Err(EmbedError::Stopped))
        })
    }
}

/// The thread: loads, says so, and serves the queue until it is closed.
fn work(id: ModelId, files: &Files, queue: &Queue, publish: &watch::Sender<Readiness>) {
    let started = Instant::now();
    match quietly(|| load(id, files)) {
        Ok(Ok(model)) => {
            publish.send_replace(Readiness::Ready {
                load_ms: started.elapsed().as_secs_f64() * 1e3,
            });
            let run = |texts: &[&str]| {
                quietly(|| model.embed(texts)).unwrap_or_else(|crash| Err(EmbedError::Run(crash)))
            };
            queue.serve(run);
        }
        Ok(Err(sentence)) => fail(queue, publish, sentence),
        Err(crash) => fail(
            queue,
            publish,
            unusable(files, &format!("it crashes the runtime: {crash}")),
        ),
    }
}

fn fail(queue: &Queue, publish: &watch::Sender<Readiness>, sentence: String) {
    queue.close(EmbedError::NotLoaded(sentence.clone()));
    publish.send_replace(Readiness::Failed(sentence));
}

/// Loads the files and embeds a word, so that a model of another shape is found out here and not by a question.
fn load(id: ModelId, files: &Files) -> Result<Model, String> {
    let loaded = match files {
        Files::Bundled => Model::bundled(id),
        Files::OnDisk { model, tokenizer } => Model::from_files(id, model, tokenizer),
    };
    let model = loaded.map_err(|reason| unusable(files, &reason))?;
    model
        .embed(&["ready"])
        .map_err(|error| unusable(files, &error.to_string()))?;
    Ok(model)
}

fn unusable(files: &Files, reason: &str) -> String {
    let reason = reason.trim_end_matches('.');
    match files {
        Files::Bundled => {
            format!(
                "The embedding model inside the program could not be loaded ({reason}); install the program again."
            )
        }
        Files::OnDisk { model, .. } => format!(
            "The embedding model {} could not be loaded ({reason}); check the file or use the model inside the program.",
            model.display()
        ),
    }
}

/// Runs code that a damaged file may crash. The message of the panic is the error.
fn quietly<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        message
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no reason given".to_owned())
    })
}

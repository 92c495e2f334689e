//! The model inside the program: all-MiniLM-L6-v2 at 4 bits, on a thread of its own.

mod batch;
mod graph;
mod int8;
mod model;
mod queue;
mod tokenizer;

pub use tokenizer::{Tokenizer, knows_whole_word};

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::{EmbedError, Embedder, ModelId, Readiness, Vector};
use batch::Budget;
use model::Model;
use queue::Queue;

/// Name of the bundled model. `q4` is part of it: its vectors differ from those of the f32 model.
const NAME: &str = "MiniLM-L6-defi-q4";
/// Name of the same weights multiplied as whole numbers: another vector space, near the first.
const INT8_NAME: &str = "MiniLM-L6-defi-q4-int8";
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
    BundledInt8,
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

    /// Begins to load the bundled model with whole-number products: for a set of thousands of texts, and for the queries of
    /// that set, since the two kinds of vectors are not compared with each other.
    pub fn start_int8() -> Self {
        let id = ModelId {
            name: INT8_NAME.to_owned(),
            dimension: DIMENSION,
        };
        Self::spawn(id, Files::BundledInt8)
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
        let budget = match files {
            Files::BundledInt8 => Budget::INT8,
            Files::Bundled | Files::OnDisk { .. } => Budget::F32,
        };
        let queue = Arc::new(Queue::new(budget));
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
                    "the embedding model could not get a thread ({error}); close other programs and start again"
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
        Files::BundledInt8 => Model::bundled_int8(id),
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
        Files::Bundled | Files::BundledInt8 => {
            format!(
                "the embedding model inside the program could not be loaded ({reason}); install the program again"
            )
        }
        Files::OnDisk { model, .. } => format!(
            "the embedding model {} could not be loaded ({reason}); check the file or use the model inside the program",
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::sync::LazyLock;

    #[derive(Deserialize)]
    struct Golden {
        text: String,
        ids: Vec<i32>,
        vector: Vec<f32>,
    }

    fn golden() -> Vec<Golden> {
        serde_json::from_str(include_str!("../../../data/model/golden.json")).unwrap()
    }

    /// One model for all tests of this process.
    static MODEL: LazyLock<LocalEmbedder> = LazyLock::new(LocalEmbedder::start);

    fn cosine(left: &[f32], right: &[f32]) -> f32 {
        let norm = right.iter().map(|number| number * number).sum::<f32>().sqrt();
        left.iter()
            .zip(right)
            .map(|(left, right)| left * right)
            .sum::<f32>()
            / norm
    }

    async fn settled(embedder: &LocalEmbedder) -> Readiness {
        embedder
            .readiness()
            .wait_for(|state| *state != Readiness::Loading)
            .await
            .unwrap()
            .clone()
    }

    #[test]
    fn token_ids_are_those_of_the_reference() {
        let tokenizer = Tokenizer::bundled().unwrap();
        for golden in golden() {
            assert_eq!(
                tokenizer.ids(&golden.text).unwrap(),
                golden.ids,
                "{}",
                golden.text
            );
        }
    }

    #[test]
    fn a_long_text_is_cut_to_256_tokens_between_its_marks() {
        let tokenizer = Tokenizer::bundled().unwrap();
        let text = "pool ".repeat(300);
        let ids = tokenizer.ids(&text).unwrap();
        assert_eq!((ids.len(), ids[0], ids[255]), (256, 101, 102));
        assert_eq!(tokenizer.count(&text).unwrap(), 302);
        let megabytes = "pool ".repeat(1 << 20);
        assert_eq!(tokenizer.ids(&megabytes).unwrap(), ids);
    }

    #[tokio::test]
    async fn vectors_are_those_of_the_reference_in_one_batch_and_one_by_one() {
        let golden = golden();
        let texts: Vec<String> = golden.iter().map(|golden| golden.text.clone()).collect();
        let together = MODEL.embed(texts.clone()).await.unwrap();
        for ((golden, vector), text) in golden.iter().zip(together).zip(texts) {
            let alone = MODEL.embed(vec![text]).await.unwrap().remove(0);
            for vector in [&vector, &alone] {
                let cosine = cosine(vector.as_slice(), &golden.vector);
                assert!(cosine >= 0.9999, "{cosine} for {}", golden.text);
            }
        }
    }

    #[tokio::test]
    async fn whole_number_products_give_vectors_close_to_the_reference_whoever_the_neighbours_are() {
        let embedder = LocalEmbedder::start_int8();
        let golden = golden();
        let texts: Vec<String> = golden.iter().map(|golden| golden.text.clone()).collect();
        let together = embedder.embed(texts.clone()).await.unwrap();
        for ((golden, vector), text) in golden.iter().zip(together).zip(texts) {
            let cosine = cosine(vector.as_slice(), &golden.vector);
            assert!(cosine >= 0.985, "{cosine} for {}", golden.text);
            assert_eq!(embedder.embed(vec![text]).await.unwrap(), [vector]);
        }
        assert_ne!(embedder.model_id(), &LocalEmbedder::bundled_id());
    }

    #[tokio::test]
    async fn it_says_when_it_is_ready() {
        assert!(matches!(settled(&MODEL).await, Readiness::Ready { load_ms } if load_ms > 0.0));
        assert_eq!(MODEL.model_id(), &LocalEmbedder::bundled_id());
    }

    #[tokio::test]
    async fn a_request_of_many_runs_comes_back_in_its_order() {
        let texts: Vec<String> = (0..40)
            .map(|number| format!("pool {}", "fee ".repeat(40 - number)))
            .collect();
        let batch = MODEL.embed(texts.clone()).await.unwrap();
        assert_eq!(batch.len(), 40);
        for place in [0, 17, 39] {
            let alone = MODEL.embed(vec![texts[place].clone()]).await.unwrap().remove(0);
            assert!(
                cosine(batch[place].as_slice(), alone.as_slice()) > 0.9999,
                "text {place}"
            );
        }
    }

    #[tokio::test]
    async fn a_blank_text_is_refused_and_no_text_is_no_work() {
        let blank = MODEL.embed(vec!["pool".into(), " \n".into()]).await;
        assert_eq!(blank, Err(EmbedError::Blank { index: 1 }));
        assert_eq!(MODEL.embed(Vec::new()).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn a_damaged_model_is_one_clear_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let tokenizer = concat!(env!("CARGO_MANIFEST_DIR"), "/data/model/tokenizer.json");
        let good = include_bytes!("../../../data/model/model.onnx");
        for (name, bytes) in [
            ("cut.onnx", &good[..good.len() / 2]),
            ("text.onnx", b"not a model".as_slice()),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let embedder = LocalEmbedder::start_from(LocalEmbedder::bundled_id(), &path, tokenizer);
            let Readiness::Failed(sentence) = settled(&embedder).await else {
                panic!("{name} was loaded");
            };
            let beginning = format!("the embedding model {} could not be loaded (", path.display());
            assert!(sentence.starts_with(&beginning), "{sentence}");
            assert!(
                sentence.ends_with("); check the file or use the model inside the program"),
                "{sentence}"
            );
            let refused = embedder.embed(vec!["pool".into()]).await;
            assert_eq!(refused, Err(EmbedError::NotLoaded(sentence)));
        }
    }

    #[tokio::test]
    async fn a_missing_file_and_another_size_are_found_at_the_start() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/data/model/model.onnx");
        let tokenizer = concat!(env!("CARGO_MANIFEST_DIR"), "/data/model/tokenizer.json");
        let missing =
            LocalEmbedder::start_from(LocalEmbedder::bundled_id(), "/nowhere/model.onnx", tokenizer);
        assert!(
            matches!(settled(&missing).await, Readiness::Failed(sentence) if sentence.contains("/nowhere/model.onnx"))
        );
        let wide = ModelId {
            name: "wide".into(),
            dimension: 768,
        };
        let wide = LocalEmbedder::start_from(wide, model, tokenizer);
        assert!(
            matches!(settled(&wide).await, Readiness::Failed(sentence) if sentence.contains("384") && sentence.contains("768"))
        );
    }
}

//! The corpus of a data set: read, given its vectors, indexed.

mod bundled;
mod own;
mod remote;

pub(super) use bundled::bundled_texts;
pub(super) use own::stored_path;
pub(super) use remote::{StoredSet, cached, known_vectors, named, remote_path};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};

use super::Failure;
use crate::agent::Load;
use crate::dataset::{Dataset, OutsideQuestion, outside_questions};
use crate::embedding::vectors;
use crate::embedding::{Embedder, Matrix, ModelId};
use crate::retrieval::{Corpus, Outside, Views};

/// The data set at a path, or the bundled one.
///
/// # Errors
/// Names the file, the line, the field, and what to do.
pub(super) fn dataset(path: Option<&PathBuf>) -> Result<Dataset, Failure> {
    let read = match path {
        Some(path) => Dataset::load(path),
        None => Dataset::bundled(),
    };
    read.map_err(|error| Failure::other(error.to_string()))
}

/// The reference questions inside the program.
pub(super) fn references() -> Result<Vec<OutsideQuestion>, Failure> {
    outside_questions().map_err(|error| {
        Failure::other(format!(
            "the reference questions inside the program are broken ({error}): install it again"
        ))
    })
}

/// Everything that has a vector: the texts of the pairs, then the reference questions outside the field.
pub(super) fn embedded_texts(dataset: &Dataset) -> Result<(Vec<String>, Vec<OutsideQuestion>), Failure> {
    let questions = references()?;
    let mut texts = Views::of(dataset).texts;
    texts.extend(questions.iter().map(|outside| outside.question.clone()));
    Ok((texts, questions))
}

/// Builds the corpus and says how that went.
pub(super) async fn load(path: Option<PathBuf>, embedder: Arc<dyn Embedder>, told: watch::Sender<Load>) {
    let built = match path {
        None => spawn_blocking(bundled::corpus)
            .await
            .map_err(|error| gone(&error))
            .and_then(|built| built),
        Some(path) => own::build(path, embedder).await,
    };
    tell(&told, built);
}

/// Builds the corpus in the vectors of the model inside the program, if all of them are stored, and says how that went.
pub(super) async fn load_stored(path: Option<PathBuf>, told: watch::Sender<Load>) {
    let built = spawn_blocking(move || match path {
        None => bundled::corpus(),
        Some(path) => own::of_stored(&path),
    });
    tell(
        &told,
        built.await.map_err(|error| gone(&error)).and_then(|built| built),
    );
}

/// What a thread that loads died of.
fn gone(error: &JoinError) -> Failure {
    Failure::other(format!("loading the data set failed: {error}"))
}

/// Builds the corpus of what is known already and says how that went.
pub(super) async fn load_known(set: StoredSet, told: watch::Sender<Load>) {
    let built = spawn_blocking(move || set.read()?.corpus()).await;
    tell(&told, built.map_err(|error| gone(&error)).and_then(|built| built));
}

fn tell(told: &watch::Sender<Load>, built: Result<Corpus, Failure>) {
    told.send_replace(match built {
        Ok(corpus) => Load::Ready(Arc::new(corpus)),
        Err(failure) => Load::Failed(failure.message),
    });
}

/// Without the file the next start is as slow as this one, and nothing else is lost.
fn store_file(path: &Path, model: &ModelId, texts: &[String], vectors: &Matrix) {
    let _ = vectors::save(path, model, texts, vectors)
        .inspect_err(|error| tracing::warn!(%error, "the vectors were not stored"));
}

/// A corpus with its vectors: those of its texts, then those of the reference questions.
fn with_vectors(
    corpus: Corpus,
    questions: Vec<OutsideQuestion>,
    mut vectors: Matrix,
) -> Result<Corpus, Failure> {
    let outside = vectors.split_off(vectors.len() - questions.len());
    let mut corpus = corpus
        .with_vectors(vectors)
        .map_err(|error| Failure::other(error.to_string()))?;
    corpus.outside = Outside::build(questions, outside).unwrap_or_default();
    Ok(corpus)
}

fn in_cache(name: &str, digested: &[u8]) -> Option<PathBuf> {
    let folder = directories::ProjectDirs::from("", "", "defi-qa")?
        .cache_dir()
        .join("vectors");
    let digest = blake3::hash(digested).to_hex();
    Some(folder.join(format!("{name}-{}.bin", digest.get(..12)?)))
}

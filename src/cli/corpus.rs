//! The corpus of a data set: read, given its vectors, indexed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};

use super::Failure;
use crate::agent::Load;
use crate::dataset::{Dataset, OutsideQuestion, outside_questions};
use crate::embedding::vectors::{self, VectorFile, reconcile};
use crate::embedding::{Embedder, ModelId};
use crate::retrieval::{Corpus, Outside, Views, embed_missing};

/// Vectors of the bundled set, computed ahead of time: `defi-qa index -o data/vectors/all-minilm-l6-v2-q4.bin`.
const BUNDLED_VECTORS: &[u8] = include_bytes!("../../data/vectors/all-minilm-l6-v2-q4.bin");

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

/// Everything that has a vector: the texts of the pairs, then the reference questions outside the field.
pub(super) fn embedded_texts(dataset: &Dataset) -> Result<(Vec<String>, Vec<OutsideQuestion>), Failure> {
    let questions = outside_questions().map_err(|error| {
        Failure::other(format!(
            "the reference questions inside the program are broken ({error}): install it again"
        ))
    })?;
    let mut texts = Views::of(dataset).texts;
    texts.extend(questions.iter().map(|outside| outside.question.clone()));
    Ok((texts, questions))
}

/// Builds the corpus and says how that went.
pub(super) async fn load(path: Option<PathBuf>, embedder: Arc<dyn Embedder>, told: watch::Sender<Load>) {
    told.send_replace(match build(path, embedder).await {
        Ok(corpus) => Load::Ready(Arc::new(corpus)),
        Err(failure) => Load::Failed(failure.message),
    });
}

/// Reads and indexes off the async threads. Texts whose vector is stored nowhere are embedded, and then stored, so that
/// a set of the user's own costs that time once.
async fn build(path: Option<PathBuf>, embedder: Arc<dyn Embedder>) -> Result<Corpus, Failure> {
    let gone = |error: JoinError| Failure::other(format!("loading the data set failed: {error}"));
    let other = |error: &dyn std::fmt::Display| Failure::other(error.to_string());
    let model = embedder.model_id().clone();
    let stored = stored_path(path.as_deref());
    let (read_model, read_stored) = (model.clone(), stored.clone());
    let read = move || -> Result<_, Failure> {
        let dataset = dataset(path.as_ref())?;
        let (texts, questions) = embedded_texts(&dataset)?;
        let reconciled = best_file(&read_model, &texts, read_stored.as_deref());
        Ok((dataset, questions, texts, reconciled))
    };
    let (dataset, questions, texts, reconciled) = spawn_blocking(read).await.map_err(gone)??;
    let is_new = !reconciled.missing.is_empty();
    let mut vectors = embed_missing(embedder.as_ref(), &texts, reconciled, |_| {})
        .await
        .map_err(|error| other(&error))?;
    let index = move || {
        if let (true, Some(stored)) = (is_new, &stored) {
            // Without the file the next start is as slow as this one, and nothing else is lost.
            let _ = vectors::save(stored, &model, &texts, &vectors)
                .inspect_err(|error| tracing::warn!(%error, "the vectors were not stored"));
        }
        let outside = vectors.split_off(vectors.len() - questions.len());
        let mut corpus = Corpus::build(dataset, &vectors).map_err(|error| other(&error))?;
        corpus.outside = Outside::build(questions, &outside).unwrap_or_default();
        Ok(corpus)
    };
    spawn_blocking(index).await.map_err(gone)?
}

/// What the bundled vectors know of these texts, or the stored ones if those know more. A file that cannot be trusted
/// costs time, not correctness.
fn best_file(model: &ModelId, texts: &[String], stored: Option<&Path>) -> vectors::Reconciled {
    let known = |file: Result<VectorFile, vectors::VectorFileError>| {
        let file = file
            .inspect_err(|error| tracing::warn!(%error, "vectors are computed anew"))
            .ok();
        reconcile(model, texts, file.as_ref())
    };
    let bundled = known(VectorFile::parse(
        BUNDLED_VECTORS,
        "the file of the bundled vectors",
    ));
    if bundled.missing.is_empty() {
        return bundled;
    }
    match stored.filter(|path| path.exists()) {
        Some(path) => {
            let own = known(VectorFile::load(path));
            if own.missing.len() < bundled.missing.len() {
                own
            } else {
                bundled
            }
        }
        None => bundled,
    }
}

/// Where the vectors of a set are stored: in the platform's cache folder, by the set's path.
fn stored_path(dataset: Option<&Path>) -> Option<PathBuf> {
    let folder = directories::ProjectDirs::from("", "", "defi-qa")?
        .cache_dir()
        .join("vectors");
    let (name, place) = match dataset {
        Some(path) => (
            path.file_stem()?.to_string_lossy().into_owned(),
            path.canonicalize().unwrap_or_else(|_| path.to_owned()),
        ),
        None => ("bundled".to_owned(), PathBuf::new()),
    };
    let digest = blake3::hash(place.as_os_str().as_encoded_bytes()).to_hex();
    Some(folder.join(format!("{name}-{}.bin", digest.get(..12)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::LocalEmbedder;

    #[test]
    fn the_bundled_vectors_are_those_of_the_bundled_texts() {
        let (texts, questions) = embedded_texts(&dataset(None).unwrap()).unwrap();
        let known = best_file(&LocalEmbedder::bundled_id(), &texts, None);
        let missing: Vec<&String> = known
            .missing
            .iter()
            .filter_map(|index| texts.get(*index))
            .collect();
        assert!(
            missing.is_empty(),
            "run `cargo run --release -- index -o data/vectors/all-minilm-l6-v2-q4.bin`; no vector for {missing:#?}"
        );
        assert!(texts.len() > 4 * questions.len());
    }
}

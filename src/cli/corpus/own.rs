//! A set of the user's own in the vectors of the model inside the program: read, embedded once, stored beside the caches.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::{bundled, dataset, embedded_texts, gone, in_cache, store_file, with_vectors};
use crate::cli::Failure;
use crate::dataset::{Dataset, indexed_texts};
use crate::embedding::vectors::{self, VectorFile};
use crate::embedding::{Embedder, LocalEmbedder, Matrix, Vector};
use crate::retrieval::{Corpus, LexicalIndex, embed_missing};
use crate::whole_file;

/// A set of the user's own with the stored vectors of the model inside the program.
pub(super) fn of_stored(path: &Path) -> Result<Corpus, Failure> {
    let dataset = dataset(Some(&path.to_owned()))?;
    let stored = stored_path(path);
    let (texts, questions) = embedded_texts(&dataset)?;
    let model = LocalEmbedder::bundled_id();
    let vectors = vectors::reconcile(&model, &texts, best_file(stored.as_deref())).into_vectors();
    let vectors: Option<Vec<Vector>> = vectors.into_iter().collect();
    let vectors = vectors.ok_or_else(|| {
        Failure::other(format!(
            "not every text of the data set has a stored vector of {}: use `--embedder local` once, with the same --dataset",
            model.name
        ))
    })?;
    let words = words(&dataset, stored.as_deref());
    let corpus = Corpus::with_words(dataset, words);
    with_vectors(corpus, questions, Matrix::of(&vectors).unwrap_or_default())
}

/// Reads and indexes off the async threads, the words beside the vectors: the first answer waits for both. Texts whose
/// vector is stored nowhere are embedded, and then stored, so that a set of the user's own costs that time once.
pub(super) async fn build(path: PathBuf, embedder: Arc<dyn Embedder>) -> Result<Corpus, Failure> {
    let other = |error: &dyn std::fmt::Display| Failure::other(error.to_string());
    let stored = stored_path(&path);
    let is_new = !stored.as_deref().is_some_and(Path::exists);
    let file = spawn_blocking({
        let stored = stored.clone();
        move || best_file(stored.as_deref())
    });
    let corpus = spawn_blocking({
        let stored = stored.clone();
        move || {
            let dataset = dataset(Some(&path))?;
            let words = words(&dataset, stored.as_deref());
            Ok::<_, Failure>(Corpus::with_words(dataset, words))
        }
    });
    let corpus = corpus.await.map_err(|error| gone(&error))??;
    let file = file.await.map_err(|error| gone(&error))?;

    let model = embedder.model_id().clone();
    let reconcile = move || -> Result<_, Failure> {
        let (texts, questions) = embedded_texts(&corpus.dataset)?;
        let reconciled = vectors::reconcile(&model, &texts, file);
        Ok((corpus, questions, texts, model, reconciled))
    };
    let (corpus, questions, texts, model, reconciled) =
        spawn_blocking(reconcile).await.map_err(|error| gone(&error))??;
    // With a file of its own the next start need not look through the bundled vectors.
    let is_new = is_new || !reconciled.missing.is_empty();
    let vectors = embed_missing(embedder.as_ref(), &texts, reconciled, |_| {})
        .await
        .map_err(|error| other(&error))?;
    let index = move || {
        if let (true, Some(stored)) = (is_new, &stored) {
            store_file(stored, &model, &texts, &vectors);
        }
        with_vectors(corpus, questions, vectors)
    };
    spawn_blocking(index).await.map_err(|error| gone(&error))?
}

/// The word index of a set of the user's own: the stored one, or a new one, then stored.
pub(super) fn words(dataset: &Dataset, stored: Option<&Path>) -> LexicalIndex {
    let texts = indexed_texts(dataset);
    let stored = stored.map(|path| path.with_extension("words"));
    // Which of the faults it is changes nothing: the index is built again.
    let known = stored
        .as_ref()
        .and_then(|path| std::fs::read(path).ok())
        .and_then(|bytes| LexicalIndex::decode(&bytes, &texts).ok());
    if let Some(known) = known {
        return known;
    }
    let built = LexicalIndex::build(&texts);
    if let Some((path, bytes)) = stored.zip(built.encode(&texts)) {
        // Without the file the next start is as slow as this one, and nothing else is lost.
        let _ = whole_file::write(&path, &bytes)
            .inspect_err(|error| tracing::warn!(%error, "the word index was not stored"));
    }
    built
}

/// The file that should know a set's vectors: the stored one of a set of the user's own, else the bundled one, which knows
/// at least the references. A file that cannot be trusted costs time, not correctness.
fn best_file(stored: Option<&Path>) -> Option<VectorFile> {
    let warn = |error: &vectors::VectorFileError| tracing::warn!(%error, "vectors are computed anew");
    let stored = stored.filter(|path| path.exists());
    let stored = stored.and_then(|path| VectorFile::load(path).inspect_err(warn).ok());
    // One of a model that an earlier version had knows nothing of this one's vectors.
    let stored = stored.filter(|file| *file.model() == LocalEmbedder::bundled_id());
    stored.or_else(bundled::file)
}

/// Where the vectors of a set of the user's own are stored: in the platform's cache folder, by the set's path.
pub(in crate::cli) fn stored_path(dataset: &Path) -> Option<PathBuf> {
    let place = dataset.canonicalize().unwrap_or_else(|_| dataset.to_owned());
    in_cache(
        &dataset.file_stem()?.to_string_lossy(),
        place.as_os_str().as_encoded_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::ModelId;

    #[test]
    fn a_stored_file_of_an_earlier_model_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.bin");
        let earlier = ModelId {
            name: "earlier".into(),
            dimension: 2,
        };
        let vectors = Matrix::of(&[Vector::normalised(vec![1.0, 0.0], 2).unwrap()]).unwrap();
        vectors::save(&path, &earlier, &["a text".to_owned()], &vectors).unwrap();
        let file = best_file(Some(&path)).unwrap();
        assert_eq!(*file.model(), LocalEmbedder::bundled_id());
    }

    #[test]
    fn a_set_of_the_users_own_takes_over_the_vectors_of_bundled_texts() {
        let dataset = dataset(None).unwrap();
        let (texts, _) = embedded_texts(&dataset).unwrap();
        let known = vectors::reconcile(&LocalEmbedder::bundled_id(), &texts, best_file(None));
        assert_eq!(known.missing, Vec::<usize>::new());
    }
}

//! A set in the vectors of a model behind an endpoint, which were made ahead of time: nothing is sent from here.

use std::path::{Path, PathBuf};

use super::{bundled, dataset, embedded_texts, in_cache, own, store_file, with_vectors};
use crate::cache::{Looked, PAIR, Store, Wanted};
use crate::cli::parts::stored_vectors;
use crate::cli::{Failure, embedder};
use crate::config::Config;
use crate::dataset::{Dataset, OutsideQuestion};
use crate::embedding::vectors::{self, VectorFile};
use crate::embedding::{Embedder, Matrix, ModelId, RemoteEmbedder, Vector};
use crate::retrieval::{Corpus, Scale};

/// A data set and the model behind an endpoint that made its vectors.
pub(in crate::cli) enum StoredSet {
    /// Not looked at yet.
    Named(NamedSet),
    /// All of it.
    Read(Known),
}

impl StoredSet {
    /// Reads what was not read yet.
    ///
    /// # Errors
    /// Says what to run when there are texts without a vector: they are not sent from here, where nobody was asked whether
    /// it may cost something.
    pub(in crate::cli) fn read(self) -> Result<Known, Failure> {
        match self {
            Self::Named(named) => named.read(),
            Self::Read(known) => Ok(known),
        }
    }
}

/// Where a data set and its vectors lie.
pub(in crate::cli) struct NamedSet {
    dataset: Option<PathBuf>,
    /// As the endpoint knows it.
    model: String,
    id: ModelId,
    stored: Option<PathBuf>,
}

/// A data set with the vectors that a model behind an endpoint made of it, all of them.
pub(in crate::cli) struct Known {
    dataset: Dataset,
    questions: Vec<OutsideQuestion>,
    vectors: Matrix,
    stored: Option<PathBuf>,
    is_bundled: bool,
}

impl Known {
    pub(super) fn corpus(self) -> Result<Corpus, Failure> {
        // The bundled words are of the bundled set, whoever embeds it.
        let words = match self.is_bundled {
            true => bundled::words()?,
            false => own::words(&self.dataset, self.stored.as_deref()),
        };
        let corpus = Corpus::with_words(self.dataset, words);
        let mut corpus = with_vectors(corpus, self.questions, self.vectors)?;
        corpus.scale = Scale::of(&corpus.outside.background());
        Ok(corpus)
    }
}

/// The embedder of a model, and where the configured data set and its vectors lie.
///
/// # Errors
/// When the embedder cannot be made, or nothing says how many numbers its vectors have: then there are none.
pub(in crate::cli) fn named(config: &Config, model: &str) -> Result<(RemoteEmbedder, NamedSet), Failure> {
    let dataset = config.dataset.value.clone();
    let stored = remote_path(dataset.as_deref(), model);
    let Some(dimension) = embedder::dimension(config, model, stored.as_deref()) else {
        return Err(embedder::run_index(model, "the texts of the data set have"));
    };
    let embedder = embedder::remote(config, model, dimension)?;
    let named = NamedSet {
        dataset,
        model: model.to_owned(),
        id: embedder.model_id().clone(),
        stored,
    };
    Ok((embedder, named))
}

impl NamedSet {
    /// The data set with its vectors, as the file or the cache has them.
    fn read(self) -> Result<Known, Failure> {
        let dataset = dataset(self.dataset.as_ref())?;
        let (texts, questions) = embedded_texts(&dataset)?;
        let store = stored_vectors().and_then(|path| Store::open(&path).ok());
        let found = known_vectors(&self.id, &texts, self.stored.as_deref(), store.as_ref());
        let missing = found.vectors.iter().filter(|vector| vector.is_none()).count();
        if missing > 0 {
            let why = format!("of the {} texts of the data set {missing} have", texts.len());
            return Err(embedder::run_index(&self.model, &why));
        }
        let vectors: Vec<Vector> = found.vectors.into_iter().flatten().collect();
        let vectors = Matrix::of(&vectors).unwrap_or_default();
        if let (true, Some(stored)) = (found.from_cache, &self.stored) {
            store_file(stored, &self.id, &texts, &vectors);
        }
        Ok(Known {
            is_bundled: self.dataset.is_none(),
            dataset,
            questions,
            vectors,
            stored: self.stored,
        })
    }
}

/// Vectors that need not be asked for.
pub(in crate::cli) struct Found {
    /// One for each text, where there is one.
    pub(in crate::cli) vectors: Vec<Option<Vector>>,
    /// Whether the file lacks any of them.
    pub(in crate::cli) from_cache: bool,
}

/// Looks texts up in the file of their data set, and those that it lacks in the cache.
pub(in crate::cli) fn known_vectors(
    model: &ModelId,
    texts: &[String],
    stored: Option<&Path>,
    store: Option<&Store>,
) -> Found {
    let warn =
        |error: &vectors::VectorFileError| tracing::warn!(%error, "vectors are looked for in the cache");
    let file = stored.filter(|path| path.exists());
    let file = file.and_then(|path| VectorFile::load(path).inspect_err(warn).ok());
    let mut vectors = vectors::reconcile(model, texts, file).into_vectors();
    let mut from_cache = false;
    for (vector, text) in vectors.iter_mut().zip(texts) {
        if vector.is_some() {
            continue;
        }
        *vector = store.and_then(|store| cached(store, model, PAIR, text));
        from_cache |= vector.is_some();
    }
    Found { vectors, from_cache }
}

/// A text's vector in the cache; `unit` says whether somebody asks with it or it is searched in.
pub(in crate::cli) fn cached(store: &Store, model: &ModelId, unit: &str, text: &str) -> Option<Vector> {
    let wanted = Wanted::new(&model.name, model.dimension, unit, text);
    let Ok(Looked::Hit(row)) = store.get(&wanted.key) else {
        return None;
    };
    let numbers = row.vector().filter(|_| row.model == wanted.model)?;
    Vector::from_unit(numbers.clone(), model.dimension).ok()
}

/// Where the vectors are stored that a model behind an endpoint made of a set, the bundled one included.
pub(in crate::cli) fn remote_path(dataset: Option<&Path>, model: &str) -> Option<PathBuf> {
    let (name, place) = match dataset {
        Some(path) => (
            path.file_stem()?.to_string_lossy(),
            path.canonicalize().unwrap_or_else(|_| path.to_owned()),
        ),
        None => ("bundled".into(), PathBuf::new()),
    };
    let mut digested = place.into_os_string().into_encoded_bytes();
    // A byte that stands in no path.
    digested.push(0);
    digested.extend_from_slice(model.as_bytes());
    in_cache(&name, &digested)
}

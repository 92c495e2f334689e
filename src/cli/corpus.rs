//! The corpus of a data set: read, given its vectors, indexed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};

use super::parts::stored_vectors;
use super::{Failure, embedder};
use crate::agent::Load;
use crate::cache::{Looked, PAIR, Store, Wanted};
use crate::config::Config;
use crate::dataset::{Dataset, OutsideQuestion, indexed_texts, outside_questions};
use crate::embedding::vectors::{self, VectorFile};
use crate::embedding::{Embedder, LocalEmbedder, Matrix, ModelId, RemoteEmbedder, Vector};
use crate::retrieval::bundle::{Bundle, BundledTexts};
use crate::retrieval::{Corpus, LexicalIndex, Outside, Scale, Views, embed_missing};
use crate::whole_file;

/// Vectors of the bundled set, computed ahead of time by the command in CONTRIBUTING.md.
static BUNDLED_VECTORS: &[u8] = include_bytes!("../../data/vectors/all-minilm-l6-v2-q4.bin");

/// The word index of the bundled set, made by the same command.
const BUNDLED_WORDS: &[u8] = include_bytes!("../../data/words/bundled.bin");

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

/// Everything of the bundled set that has a vector of the model inside the program.
pub(super) fn bundled_texts(dataset: &Dataset) -> Result<BundledTexts, Failure> {
    let (texts, _) = embedded_texts(dataset)?;
    let owners = Views::owners(dataset).collect();
    Ok(BundledTexts { owners, texts })
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
        None => spawn_blocking(bundled)
            .await
            .map_err(|error| gone(&error))
            .and_then(|built| built),
        Some(path) => build(path, embedder).await,
    };
    tell(&told, built);
}

/// Builds the corpus in the vectors of the model inside the program, if all of them are stored, and says how that went.
pub(super) async fn load_stored(path: Option<PathBuf>, told: watch::Sender<Load>) {
    let built = spawn_blocking(move || match path {
        None => bundled(),
        Some(path) => of_stored(&path),
    });
    tell(
        &told,
        built.await.map_err(|error| gone(&error)).and_then(|built| built),
    );
}

/// A set of the user's own with the stored vectors of the model inside the program.
fn of_stored(path: &Path) -> Result<Corpus, Failure> {
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

/// What a thread that loads died of.
fn gone(error: &JoinError) -> Failure {
    Failure::other(format!("loading the data set failed: {error}"))
}

/// The corpus inside the program. Nothing of it is checked here that a test has checked.
fn bundled() -> Result<Corpus, Failure> {
    let indexes = || {
        let words = LexicalIndex::decode_trusted(BUNDLED_WORDS).map_err(|error| error.to_string())?;
        let vectors = Bundle::read(BUNDLED_VECTORS).map_err(|error| error.to_string())?;
        Ok::<_, String>((words, vectors))
    };
    let (dataset, indexes) = rayon::join(|| dataset(None), indexes);
    let (words, vectors) = indexes.map_err(Failure::other)?;
    let corpus = Corpus::of_bundle(dataset?, words, vectors, references()?);
    corpus.ok_or_else(|| {
        Failure::other("the indexes inside the program are not those of its data: install it again")
    })
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

/// A data set and the model behind an endpoint that made its vectors.
pub(super) enum StoredSet {
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
    pub(super) fn read(self) -> Result<Known, Failure> {
        match self {
            Self::Named(named) => named.read(),
            Self::Read(known) => Ok(known),
        }
    }
}

/// Where a data set and its vectors lie.
pub(super) struct NamedSet {
    dataset: Option<PathBuf>,
    /// As the endpoint knows it.
    model: String,
    id: ModelId,
    stored: Option<PathBuf>,
}

/// A data set with the vectors that a model behind an endpoint made of it, all of them.
pub(super) struct Known {
    dataset: Dataset,
    questions: Vec<OutsideQuestion>,
    vectors: Matrix,
    stored: Option<PathBuf>,
    is_bundled: bool,
}

impl Known {
    fn corpus(self) -> Result<Corpus, Failure> {
        // The bundled words are of the bundled set, whoever embeds it.
        let words = match self.is_bundled {
            true => LexicalIndex::decode_trusted(BUNDLED_WORDS)
                .map_err(|error| Failure::other(error.to_string()))?,
            false => words(&self.dataset, self.stored.as_deref()),
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
pub(super) fn named(config: &Config, model: &str) -> Result<(RemoteEmbedder, NamedSet), Failure> {
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
pub(super) struct Found {
    /// One for each text, where there is one.
    pub(super) vectors: Vec<Option<Vector>>,
    /// Whether the file lacks any of them.
    pub(super) from_cache: bool,
}

/// Looks texts up in the file of their data set, and those that it lacks in the cache.
pub(super) fn known_vectors(
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
pub(super) fn cached(store: &Store, model: &ModelId, unit: &str, text: &str) -> Option<Vector> {
    let wanted = Wanted::new(&model.name, model.dimension, unit, text);
    let Ok(Looked::Hit(row)) = store.get(&wanted.key) else {
        return None;
    };
    let numbers = row.vector().filter(|_| row.model == wanted.model)?;
    Vector::from_unit(numbers.clone(), model.dimension).ok()
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

/// Reads and indexes off the async threads, the words beside the vectors: the first answer waits for both. Texts whose
/// vector is stored nowhere are embedded, and then stored, so that a set of the user's own costs that time once.
async fn build(path: PathBuf, embedder: Arc<dyn Embedder>) -> Result<Corpus, Failure> {
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
fn words(dataset: &Dataset, stored: Option<&Path>) -> LexicalIndex {
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
    stored.or_else(bundled_file)
}

/// The bundled vectors, by their texts.
fn bundled_file() -> Option<VectorFile> {
    let bundle = Bundle::read(BUNDLED_VECTORS).ok()?;
    let texts = bundled_texts(&dataset(None).ok()?).ok()?.texts;
    VectorFile::of(bundle.model(), &texts, bundle.to_matrix())
}

/// Where the vectors of a set of the user's own are stored: in the platform's cache folder, by the set's path.
pub(super) fn stored_path(dataset: &Path) -> Option<PathBuf> {
    let place = dataset.canonicalize().unwrap_or_else(|_| dataset.to_owned());
    in_cache(
        &dataset.file_stem()?.to_string_lossy(),
        place.as_os_str().as_encoded_bytes(),
    )
}

/// Where the vectors are stored that a model behind an endpoint made of a set, the bundled one included.
pub(super) fn remote_path(dataset: Option<&Path>, model: &str) -> Option<PathBuf> {
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

fn in_cache(name: &str, digested: &[u8]) -> Option<PathBuf> {
    let folder = directories::ProjectDirs::from("", "", "defi-qa")?
        .cache_dir()
        .join("vectors");
    let digest = blake3::hash(digested).to_hex();
    Some(folder.join(format!("{name}-{}.bin", digest.get(..12)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REBUILD: &str = "rebuild the indexes as CONTRIBUTING.md says";

    #[test]
    fn the_bundled_vectors_are_those_of_the_bundled_texts() {
        let of = bundled_texts(&dataset(None).unwrap()).unwrap();
        let bundle = Bundle::read(BUNDLED_VECTORS).unwrap();
        assert!(
            Bundle::is_whole(BUNDLED_VECTORS) && bundle.is_of(&of),
            "{REBUILD}"
        );
        assert_eq!(*bundle.model(), LocalEmbedder::bundled_id());
        assert!(bundled().is_ok());
    }

    #[test]
    fn the_scale_of_the_bundled_model_is_one_to_one() {
        let mut rows = Bundle::read(BUNDLED_VECTORS).unwrap().to_matrix();
        let references = references().unwrap();
        let rows = rows.split_off(rows.len() - references.len());
        let reference = Outside::build(references, rows).unwrap().background();
        let (median, high) = (
            reference.quantile(50.0).unwrap(),
            reference.quantile(99.0).unwrap(),
        );
        let scale = Scale::of(&reference);
        for cosine in [0.0, 0.5, 1.0] {
            let scaled = scale.apply(cosine);
            assert!(
                (scaled - cosine).abs() < 0.03,
                "{cosine} becomes {scaled}: {median} and {high} are the ends"
            );
        }
    }

    #[test]
    fn the_bundled_word_index_is_that_of_the_bundled_texts() {
        let texts = indexed_texts(&dataset(None).unwrap());
        let built = LexicalIndex::build(&texts).encode(&texts);
        assert!(built.as_deref() == Some(BUNDLED_WORDS), "{REBUILD}");
    }

    #[test]
    fn a_set_of_the_users_own_takes_over_the_vectors_of_bundled_texts() {
        let dataset = dataset(None).unwrap();
        let (texts, _) = embedded_texts(&dataset).unwrap();
        let known = vectors::reconcile(&LocalEmbedder::bundled_id(), &texts, best_file(None));
        assert_eq!(known.missing, Vec::<usize>::new());
    }
}

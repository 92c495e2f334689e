//! A data set with its indexes: everything that a question is answered from.

use crate::dataset::{Dataset, Pair, indexed_text};
use crate::embedding::vectors::Reconciled;
use crate::embedding::{EmbedError, Embedder, Vector};

use super::{Background, DenseHit, DenseIndex, LexicalIndex, LexicalSearch, Method, Ranked, fuse};

/// Texts that one request to an embedder holds, so that progress can be told and a stop loses little.
const BATCH: usize = 32;

/// Immutable once built; share it behind an `Arc`.
#[derive(Debug)]
pub struct Corpus {
    pub dataset: Dataset,
    /// Empty for a corpus without vectors.
    pub dense: DenseIndex,
    pub lexical: LexicalIndex,
    /// Empty for a corpus of fewer than two vectors.
    pub background: Background,
}

/// Why vectors do not make a corpus of a data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorpusError {
    #[error("The data set \"{name}\" has {pairs} pairs and came with {vectors} vectors; embed it again.")]
    Unequal {
        name: String,
        pairs: usize,
        vectors: usize,
    },
    #[error("The vectors of the data set \"{name}\" differ in size; embed it again with one model.")]
    MixedSizes { name: String },
}

impl Corpus {
    /// Indexes a data set with the vector of `pairs[i]` at `vectors[i]`.
    pub fn build(dataset: Dataset, vectors: &[Vector]) -> Result<Self, CorpusError> {
        if vectors.len() != dataset.pairs.len() {
            return Err(CorpusError::Unequal {
                name: dataset.name,
                pairs: dataset.pairs.len(),
                vectors: vectors.len(),
            });
        }
        let Some(dense) = DenseIndex::build(vectors) else {
            return Err(CorpusError::MixedSizes { name: dataset.name });
        };
        let background = Background::sample(&dense);
        Ok(Self {
            dense,
            background,
            ..Self::lexical_only(dataset)
        })
    }

    /// Indexes a data set without vectors, for a start before the model is there or a life without one.
    pub fn lexical_only(dataset: Dataset) -> Self {
        let lexical = LexicalIndex::build(dataset.pairs.iter().map(indexed_text));
        Self {
            dataset,
            dense: DenseIndex::default(),
            lexical,
            background: Background::default(),
        }
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.dataset.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.dataset.pairs.is_empty()
    }

    /// The pair of a hit.
    pub fn pair(&self, hit: &Ranked) -> Option<&Pair> {
        self.dataset.pairs.get(hit.index)
    }

    /// Orders the candidates of both searches; see [`fuse`].
    pub fn rank(&self, method: Method, dense: &[DenseHit], lexical: &LexicalSearch, k: usize) -> Vec<Ranked> {
        fuse(method, dense, &lexical.hits, k)
    }

    /// Percentile of a hit's cosine in the background; `None` when the dense search did not see the pair.
    pub fn percentile(&self, hit: &Ranked) -> Option<f64> {
        self.background.percentile(hit.dense?.score)
    }
}

/// The texts of a data set that are embedded, parallel to its pairs.
pub fn indexed_texts(dataset: &Dataset) -> Vec<String> {
    dataset.pairs.iter().map(indexed_text).collect()
}

/// Embeds the texts that have no vector yet, a batch at a time; `progress` hears how many of them are done. Texts
/// are taken shortest first over the whole set, so that a batch pads little.
pub async fn embed_missing(
    embedder: &dyn Embedder,
    texts: &[String],
    reconciled: Reconciled,
    mut progress: impl FnMut(usize),
) -> Result<Vec<Vector>, EmbedError> {
    let missing = &reconciled.missing;
    let length = |place: &usize| {
        missing
            .get(*place)
            .and_then(|index| texts.get(*index))
            .map_or(0, String::len)
    };
    let mut order: Vec<usize> = (0..missing.len()).collect();
    order.sort_by_key(length);
    let mut embedded: Vec<Option<Vector>> = vec![None; missing.len()];
    let mut done = 0;
    for batch in order.chunks(BATCH) {
        let batch_texts = batch
            .iter()
            .filter_map(|place| texts.get(*missing.get(*place)?).cloned())
            .collect();
        let vectors = embedder.embed(batch_texts).await?;
        done += vectors.len();
        for (place, vector) in batch.iter().zip(vectors) {
            if let Some(slot) = embedded.get_mut(*place) {
                *slot = Some(vector);
            }
        }
        progress(done);
    }
    let embedded: Option<Vec<Vector>> = embedded.into_iter().collect();
    let complete = embedded.and_then(|embedded| reconciled.complete(embedded));
    complete.ok_or_else(|| EmbedError::Run("it returned fewer vectors than texts".to_owned()))
}

//! What is searched and what is asked: a corpus with its vectors by several embedders, and a query with its own.

use std::sync::Arc;

use super::error::CompareError;
use super::retriever::EmbedderName;
use crate::dataset::Pair;
use crate::embedding::Vector;
use crate::retrieval::{Bm25, Corpus, DenseHit, DenseIndex, LexicalSearch, Unit};

/// A corpus, ready for every retriever whose embedder has an index. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Lab {
    corpus: Arc<Corpus>,
    /// Who is meant by a retriever that names no embedder.
    own: EmbedderName,
    /// Vectors of the corpus's texts, by embedder.
    indexes: Vec<(EmbedderName, Arc<DenseIndex>)>,
}

impl Lab {
    /// A corpus and who made its vectors, which may be missing.
    pub fn new(corpus: Arc<Corpus>, embedder: EmbedderName) -> Self {
        let own = Some(&corpus.dense).filter(|dense| !dense.is_empty());
        Self {
            indexes: own
                .map(|dense| (embedder.clone(), Arc::clone(dense)))
                .into_iter()
                .collect(),
            own: embedder,
            corpus,
        }
    }

    /// Adds vectors of the corpus's texts by another embedder: that of the text `i` of its
    /// [`Views`](crate::retrieval::Views) in the row `i`.
    ///
    /// # Errors
    /// When they are not those of the corpus's texts.
    pub fn with_index(
        mut self,
        embedder: EmbedderName,
        index: Arc<DenseIndex>,
    ) -> Result<Self, CompareError> {
        let owners = (0..index.len()).map(|row| index.owner(row));
        if !owners.eq(self.corpus.owners().map(Some)) {
            return Err(CompareError::Unequal {
                rows: index.len(),
                texts: self.corpus.owners().count(),
                embedder,
            });
        }
        self.indexes.retain(|(other, _)| *other != embedder);
        self.indexes.push((embedder, index));
        Ok(self)
    }

    pub fn corpus(&self) -> &Arc<Corpus> {
        &self.corpus
    }

    /// Embedders whose vectors are there.
    pub fn embedders(&self) -> impl Iterator<Item = &EmbedderName> {
        self.indexes.iter().map(|(name, _)| name)
    }

    /// Who is meant by a retriever that names no embedder.
    pub fn own_embedder(&self) -> &EmbedderName {
        &self.own
    }

    pub(super) fn pair(&self, index: usize) -> Option<&Pair> {
        self.corpus.dataset.pairs.get(index)
    }

    /// Words of the query that a pair holds anywhere, as the query spells them.
    pub(super) fn shared_words(&self, index: usize, query: &Query) -> Vec<String> {
        self.corpus.lexical.shared_words(&query.text, index)
    }

    /// Every pair by its nearest text of the unit.
    pub(super) fn dense(
        &self,
        embedder: &EmbedderName,
        unit: Unit,
        query: &Query,
    ) -> Result<Vec<DenseHit>, CompareError> {
        let index = self.indexes.iter().find(|(name, _)| name == embedder);
        let (_, index) = index.ok_or_else(|| CompareError::NoIndex(embedder.clone()))?;
        let vector = query.vector(embedder)?;
        if vector.dimension() != index.dimension() {
            return Err(CompareError::MixedDimensions {
                embedder: embedder.clone(),
                corpus: index.dimension(),
                query: vector.dimension(),
            });
        }
        Ok(self.corpus.search_vectors(index, unit, vector))
    }

    /// Every pair whose texts of the unit share a word with the query.
    pub(super) fn lexical(&self, unit: Unit, bm25: Bm25, query: &Query) -> LexicalSearch {
        self.corpus.search_words(unit, bm25, &query.text)
    }
}

/// A query with its vector by each embedder that is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    text: String,
    vectors: Vec<Embedded>,
}

/// One vector of a query.
#[derive(Clone, Debug, PartialEq)]
struct Embedded {
    by: EmbedderName,
    vector: Vector,
    ms: f64,
}

impl Query {
    /// A query without vectors, as the searches shall read it.
    ///
    /// # Errors
    /// When there is nothing in it.
    pub fn new(text: impl Into<String>) -> Result<Self, CompareError> {
        let text = text.into();
        if text.trim().is_empty() {
            return Err(CompareError::EmptyQuery);
        }
        Ok(Self {
            text,
            vectors: Vec::new(),
        })
    }

    /// With its vector by an embedder, which took so many milliseconds.
    #[must_use]
    pub fn with_vector(mut self, by: EmbedderName, vector: Vector, ms: f64) -> Self {
        self.vectors.retain(|other| other.by != by);
        self.vectors.push(Embedded { by, vector, ms });
        self
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    fn vector(&self, by: &EmbedderName) -> Result<&Vector, CompareError> {
        let found = self.vectors.iter().find(|other| other.by == *by);
        found
            .map(|found| &found.vector)
            .ok_or_else(|| CompareError::NoVector(by.clone()))
    }

    /// How long embedding it took.
    pub(super) fn embed_ms(&self, by: &EmbedderName) -> Option<f64> {
        let found = self.vectors.iter().find(|other| other.by == *by);
        found.map(|found| found.ms)
    }
}

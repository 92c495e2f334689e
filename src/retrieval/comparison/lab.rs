//! What is searched and what is asked: a corpus with its vectors by several embedders, and a query with its own.

use std::sync::Arc;

use super::error::CompareError;
use super::retriever::EmbedderName;
use crate::dataset::Pair;
use crate::embedding::Vector;
use crate::retrieval::{Bm25, Corpus, DenseHit, LexicalSearch, Unit};

/// A corpus, ready for every retriever whose embedder has an index. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Lab {
    /// The corpus by who made its vectors: first that of a retriever that names no embedder. All hold the same pairs.
    own: (EmbedderName, Arc<Corpus>),
    others: Vec<(EmbedderName, Arc<Corpus>)>,
}

impl Lab {
    /// A corpus and who made its vectors, which may be missing.
    pub fn new(corpus: Arc<Corpus>, embedder: EmbedderName) -> Self {
        Self {
            own: (embedder, corpus),
            others: Vec::new(),
        }
    }

    /// Adds the corpus with vectors by another embedder.
    ///
    /// # Errors
    /// When it does not hold the same pairs in the same order.
    pub fn with_corpus(mut self, embedder: EmbedderName, corpus: Arc<Corpus>) -> Result<Self, CompareError> {
        let ids = |corpus: &Corpus| -> Vec<String> {
            let pairs = corpus.dataset.pairs.iter();
            pairs.map(|pair| pair.id.clone()).collect()
        };
        if ids(&corpus) != ids(self.corpus()) {
            return Err(CompareError::OtherPairs(embedder));
        }
        self.others.retain(|(other, _)| *other != embedder);
        self.others.push((embedder, corpus));
        Ok(self)
    }

    pub fn corpus(&self) -> &Arc<Corpus> {
        &self.own.1
    }

    /// Embedders whose vectors are there.
    pub fn embedders(&self) -> impl Iterator<Item = &EmbedderName> {
        let all = std::iter::once(&self.own).chain(&self.others);
        all.filter(|(_, corpus)| !corpus.dense.is_empty())
            .map(|(name, _)| name)
    }

    /// Who is meant by a retriever that names no embedder.
    pub fn own_embedder(&self) -> &EmbedderName {
        &self.own.0
    }

    pub(super) fn pair(&self, index: usize) -> Option<&Pair> {
        self.corpus().dataset.pairs.get(index)
    }

    /// Words of the query that a pair holds anywhere, as the query spells them.
    pub(super) fn shared_words(&self, index: usize, query: &Query) -> Vec<String> {
        self.corpus().lexical.shared_words(&query.text, index)
    }

    /// Every pair by its nearest text of the unit.
    pub(super) fn dense(
        &self,
        embedder: &EmbedderName,
        unit: Unit,
        query: &Query,
    ) -> Result<Vec<DenseHit>, CompareError> {
        let corpus = std::iter::once(&self.own)
            .chain(&self.others)
            .find(|(name, corpus)| name == embedder && !corpus.dense.is_empty());
        let (_, corpus) = corpus.ok_or_else(|| CompareError::NoIndex(embedder.clone()))?;
        let vector = query.vector(embedder)?;
        if vector.dimension() != corpus.dense.dimension() {
            return Err(CompareError::MixedDimensions {
                embedder: embedder.clone(),
                corpus: corpus.dense.dimension(),
                query: vector.dimension(),
            });
        }
        Ok(corpus.search_vectors(unit, vector))
    }

    /// Every pair whose texts of the unit share a word with the query.
    pub(super) fn lexical(&self, unit: Unit, bm25: Bm25, query: &Query) -> LexicalSearch {
        self.corpus().search_words(unit, bm25, &query.text)
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

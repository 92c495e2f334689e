//! What is searched and what is asked: a corpus with its vectors by several embedders, and a query with its own.

use std::sync::{Arc, OnceLock};

use super::error::CompareError;
use super::retriever::{EmbedderName, Unit};
use crate::dataset::Pair;
use crate::embedding::{Matrix, Vector};
use crate::retrieval::{Bm25, Corpus, DenseHit, DenseIndex, LexicalIndex, LexicalSearch, View, Views};

/// A corpus, ready for every retriever whose embedder has an index. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Lab {
    corpus: Arc<Corpus>,
    /// What each row of vectors was made from.
    views: Vec<View>,
    /// Who made the corpus's own vectors.
    own: EmbedderName,
    /// Vectors of the same texts by others.
    others: Vec<(EmbedderName, DenseIndex)>,
    /// The words of the units that are less than everything, indexed when they are first asked for.
    questions: OnceLock<LexicalIndex>,
    questions_and_answers: OnceLock<LexicalIndex>,
}

impl Lab {
    /// A corpus and who made its vectors.
    pub fn new(corpus: Arc<Corpus>, embedder: EmbedderName) -> Self {
        Self {
            views: Views::owners(&corpus.dataset).map(|(_, view)| view).collect(),
            corpus,
            own: embedder,
            others: Vec::new(),
            questions: OnceLock::new(),
            questions_and_answers: OnceLock::new(),
        }
    }

    /// Adds vectors of the corpus's texts by another embedder: that of the text `i` of its
    /// [`Views`] in the row `i`.
    ///
    /// # Errors
    /// When there is not one for each text.
    pub fn with_vectors(mut self, embedder: EmbedderName, vectors: Matrix) -> Result<Self, CompareError> {
        let unequal = CompareError::Unequal {
            embedder: embedder.clone(),
            rows: vectors.len(),
            texts: self.views.len(),
        };
        let owners = Views::owners(&self.corpus.dataset).map(|(pair, _)| pair);
        let index = DenseIndex::of_pairs(vectors, owners.collect()).ok_or(unequal)?;
        self.others.retain(|(other, _)| *other != embedder);
        self.others.push((embedder, index));
        Ok(self)
    }

    pub fn corpus(&self) -> &Arc<Corpus> {
        &self.corpus
    }

    /// Embedders whose vectors are there.
    pub fn embedders(&self) -> impl Iterator<Item = &EmbedderName> {
        let own = (!self.corpus.dense.is_empty()).then_some(&self.own);
        own.into_iter().chain(self.others.iter().map(|(name, _)| name))
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
        let other = self.others.iter().find(|(name, _)| name == embedder);
        let index = match other {
            Some((_, index)) => index,
            None if *embedder == self.own && !self.corpus.dense.is_empty() => &self.corpus.dense,
            None => return Err(CompareError::NoIndex(embedder.clone())),
        };
        let vector = query.vector(embedder)?;
        if vector.dimension() != index.dimension() {
            return Err(CompareError::MixedDimensions {
                embedder: embedder.clone(),
                corpus: index.dimension(),
                query: vector.dimension(),
            });
        }
        let has = |row: usize| self.views.get(row).is_some_and(|view| unit.has(*view));
        Ok(index.search_among(vector, self.corpus.len(), has))
    }

    /// Every pair whose texts of the unit share a word with the query.
    pub(super) fn lexical(&self, unit: Unit, bm25: Bm25, query: &Query) -> LexicalSearch {
        let built = |slot: &'_ OnceLock<LexicalIndex>, text: fn(&Pair) -> String| {
            let index = slot.get_or_init(|| {
                let texts: Vec<String> = self.corpus.dataset.pairs.iter().map(text).collect();
                LexicalIndex::build(&texts)
            });
            index.search_with(bm25, &query.text, self.corpus.len())
        };
        match unit {
            Unit::Question => built(&self.questions, |pair| pair.question.clone()),
            Unit::QuestionAnswer => built(&self.questions_and_answers, |pair| {
                format!("{}\n{}", pair.question, pair.answer)
            }),
            Unit::All => self
                .corpus
                .lexical
                .search_with(bm25, &query.text, self.corpus.len()),
        }
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

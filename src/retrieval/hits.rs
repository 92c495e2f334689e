//! What the two searches say about a pair.

/// A pair found by its nearest row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DenseHit {
    /// Index of the pair.
    pub index: usize,
    /// Cosine of the query with the nearest row of the pair, -1 to 1.
    pub score: f32,
    /// That row.
    pub row: usize,
    /// Mean cosine of the query with the four nearest rows of the pair, or with all when it has fewer.
    pub mean: f32,
    /// Rank among all pairs, from 1.
    pub rank: usize,
}

/// A text that shares a term with the query.
#[derive(Clone, Debug, PartialEq)]
pub struct LexicalHit {
    /// Index of the pair.
    pub index: usize,
    /// BM25, above 0.
    pub score: f32,
    /// Rank among the pairs that share a term with the query, from 1.
    pub rank: usize,
    /// Words of the query that the pair holds, as the query spells them.
    pub terms: Vec<String>,
    /// Whether the pair asks for just the thing that the query asks the meaning of.
    pub subject: bool,
}

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LexicalSearch {
    /// Best first; equal scores in the order of the pairs.
    pub hits: Vec<LexicalHit>,
    /// How many pairs share a term with the query, found or cut off.
    pub matching: usize,
    /// Content words of the query, as it spells them, each once.
    pub words: Vec<String>,
    /// Those of them that the corpus does not hold anywhere.
    pub unknown: Vec<String>,
}

impl LexicalSearch {
    /// Share, 0 to 1, of the query's content words that the corpus holds at all; 0 for a query without any.
    pub fn known(&self) -> f32 {
        if self.words.is_empty() {
            return 0.0;
        }
        1.0 - self.unknown.len() as f32 / self.words.len() as f32
    }
}

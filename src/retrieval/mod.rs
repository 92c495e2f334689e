//! From text to ranked pairs: exact dense search, BM25, their fusion, and what a cosine is worth in this corpus.
//!
//! The steps are calls of their own, because the agent runs them as nodes of their own:
//! [`LexicalIndex::search`] and [`DenseIndex::search`], then [`Corpus::rank`].

mod background;
pub mod bootstrap;
pub mod bundle;
pub mod comparison;
mod corpus;
mod dense;
mod fusion;
mod hits;
mod lexical;
mod method;
pub mod metrics;
mod outside;
mod postings;
mod scale;
mod spelling;
mod subject;
mod terms;
mod unit;
mod views;

pub use background::Background;
pub use corpus::{Corpus, CorpusError, embed_missing};
pub use dense::DenseIndex;
pub use fusion::{Fusion, Ranked, fuse};
pub use hits::{DenseHit, LexicalHit, LexicalSearch};
pub use lexical::{Bm25, LexicalIndex};
pub use method::{Method, UnknownMethod};
pub use outside::{Outside, OutsideHit};
pub use postings::WordsError;
pub use scale::Scale;
pub use spelling::Corrected;
pub use unit::Unit;
pub use views::{View, Views};

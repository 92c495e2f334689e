//! Why a comparison cannot be made.

use super::retriever::EmbedderName;

/// A sentence with what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    #[error("a comparison has two to four retrievers, and {0} were given; give each with --retriever")]
    Columns(usize),
    #[error("the query is empty; write what to look for")]
    EmptyQuery,
    #[error(
        "there is no index of the corpus by {0}; build it with `defi-qa --embedder {0} index`, with the same --dataset, or \
         name another embedder"
    )]
    NoIndex(EmbedderName),
    #[error("the query has no vector by {0}; embed it before it is compared")]
    NoVector(EmbedderName),
    #[error(
        "the corpus by {embedder} has vectors of {corpus} numbers and the query's has {query}; index the corpus again with \
         `defi-qa --embedder {embedder} index`"
    )]
    MixedDimensions {
        embedder: EmbedderName,
        corpus: usize,
        query: usize,
    },
    #[error(
        "the corpus by {0} does not hold the same pairs as the others; index it again with `defi-qa --embedder {0} index`, with \
         the same --dataset"
    )]
    OtherPairs(EmbedderName),
}

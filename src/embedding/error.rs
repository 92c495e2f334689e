//! Why there is no vector.

use super::VectorFault;

/// Cloneable, because one failure may answer many that wait for the same text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EmbedError {
    /// The sentence says what could not be loaded and what to do.
    #[error("{0}")]
    NotLoaded(String),

    #[error("the embedding model has stopped; start the program again")]
    Stopped,

    #[error("text number {} is blank and has no meaning to embed; leave it out", index + 1)]
    Blank { index: usize },

    #[error("the text could not be cut into tokens ({0}); rephrase it")]
    Tokens(String),

    #[error("the embedding model could not be run ({0}); use another embedder")]
    Run(String),

    #[error("the embedding model {model} returned a useless vector: {fault}; use another embedder")]
    Vector { model: String, fault: VectorFault },
}

//! Why there is no vector.

use std::time::Duration;

use super::VectorFault;
use crate::provider::ProviderError;

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

    #[error(
        "{model} was not asked for a vector that is not stored, which --offline forbids: go online once, or use `--embedder local`"
    )]
    Offline { model: String },

    /// It failed too often of late: nothing was sent.
    #[error(
        "{host} is not answering (circuit open, next try in {} s): try again then, or use `--embedder local`",
        retry_in.as_secs_f64().ceil()
    )]
    NotAnswering { host: String, retry_in: Duration },

    #[error(transparent)]
    Provider(ProviderError),
}

impl EmbedError {
    /// Whether the same text may get its vector later without anybody changing anything.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Provider(error) => error.retryable(),
            Self::NotAnswering { .. } => true,
            _ => false,
        }
    }
}

impl EmbedError {
    /// Who does not answer and how that shows, without advice, when that is why there is no vector.
    pub fn unanswered(&self) -> Option<String> {
        match self {
            Self::NotAnswering { host, retry_in } => Some(format!(
                "{host} is not answering (circuit open, next try in {} s)",
                retry_in.as_secs_f64().ceil()
            )),
            // What was tried again as often as it may be, and may pass. Anything else wants something done about it.
            Self::Provider(
                error @ (ProviderError::Unreachable { .. }
                | ProviderError::Timeout { .. }
                | ProviderError::RateLimited { .. }
                | ProviderError::Server { .. }
                | ProviderError::StreamCut { .. }
                | ProviderError::StreamError { .. }),
            ) => Some(error.in_short()),
            _ => None,
        }
    }
}

impl From<ProviderError> for EmbedError {
    fn from(error: ProviderError) -> Self {
        match error {
            // Its own advice is about chat models.
            ProviderError::CircuitOpen { host, retry_in } => Self::NotAnswering { host, retry_in },
            error => Self::Provider(error),
        }
    }
}

//! From text to vectors: what an embedder is, the model inside the program, models behind an endpoint, and vectors kept
//! in a file.

mod error;
mod local;
mod matrix;
mod quantised;
pub mod remote;
mod vector;
pub mod vectors;

pub use error::EmbedError;
pub use local::{LocalEmbedder, Tokenizer, knows_whole_word};
pub use matrix::Matrix;
pub use quantised::Quantised;
pub(crate) use quantised::{LANES, sum_of_lanes};
pub use remote::RemoteEmbedder;
pub use vector::{Vector, VectorFault};

use std::fmt;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use crate::provider::{GateEvent, Limits};

/// Names a vector space. Vectors of different ids never meet: the id is part of every cache key and file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelId {
    pub name: String,
    /// Numbers in a vector.
    pub dimension: usize,
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} dimensions)", self.name, self.dimension)
    }
}

/// Whether an embedder can answer at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Readiness {
    /// Requests are taken and wait.
    Loading,
    /// Loaded in `load_ms` milliseconds, the first run included.
    Ready { load_ms: f64 },
    /// It will never answer; the reason is a whole sentence.
    Failed(String),
}

/// Turns texts into unit vectors.
pub trait Embedder: Send + Sync + fmt::Debug {
    /// The space of the vectors.
    fn model_id(&self) -> &ModelId;

    /// The newest state; wait on it to see the model come up.
    fn readiness(&self) -> watch::Receiver<Readiness>;

    /// Where it stands with the limits of its endpoint now; `None` when it asks none.
    fn limits(&self) -> Option<Limits> {
        None
    }

    /// As [`Embedder::embed`]; `told` hears of waits and of tries that failed, while they last. Only who asks a server has
    /// any.
    fn embed_telling(
        &self,
        texts: Vec<String>,
        _told: mpsc::UnboundedSender<GateEvent>,
    ) -> BoxFuture<'static, Result<Vec<Vector>, EmbedError>> {
        self.embed(texts)
    }

    /// One vector of length 1 a text, in the order of the texts; all of them or an error. Dropping the future takes
    /// the request back.
    fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Vec<Vector>, EmbedError>>;
}

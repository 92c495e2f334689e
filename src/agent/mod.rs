//! From a question to an answer: a graph of nodes that says everything it does as [`event`]s.
//!
//! [`graph`] decides the order and is pure; `run` carries the nodes out on tokio; [`Answerer`]s write the text, or `recall`
//! finds it where it was kept.

mod answerer;
mod beside;
mod chat_model;
pub mod citation;
pub mod classify;
mod embed;
mod emitter;
mod error;
pub mod event;
mod extractive;
mod fallback;
mod follow_up;
pub mod graph;
pub mod judge;
mod knowledge;
mod live;
mod marks;
mod prompt;
mod recall;
mod run;
mod search;
mod standby;

pub use answerer::{Answerer, Piece, Rewriting};
pub use beside::Beside;
pub use chat_model::ChatModel;
pub use error::AgentError;
pub use extractive::Extractive;
pub use fallback::WithFallback;
pub use knowledge::{Knowledge, Load};
pub use recall::{Lookup, Recalled};
pub use run::Agent;
pub use standby::{Space, Standby};

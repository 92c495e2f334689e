//! Who writes the answer: the extractive answerer or a chat model.

use futures::stream::BoxStream;

use super::classify::Talk;
use super::error::AgentError;
use super::event::{Hit, Limits, Usage};

/// What an answerer says while it writes.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The next piece of the text.
    Text(String),
    /// What the endpoint reported of its limits.
    Limits(Limits),
    /// The text is at its end. `cut` says why it stops early, if it does. A stream without this piece was cut off.
    End {
        usage: Option<Usage>,
        cut: Option<String>,
    },
}

/// Writes answers from evidence. Dropping the stream stops the work.
pub trait Answerer: Send + Sync {
    /// `extractive` or `openai:MODEL`.
    fn name(&self) -> String;

    /// Answers from ranked evidence, citing it as `[n]` by rank.
    fn answer(&self, question: &str, hits: &[Hit]) -> BoxStream<'static, Result<Piece, AgentError>>;

    /// Answers small talk; `pairs` is how many pairs are known.
    fn converse(
        &self,
        question: &str,
        talk: Talk,
        pairs: usize,
    ) -> BoxStream<'static, Result<Piece, AgentError>>;
}

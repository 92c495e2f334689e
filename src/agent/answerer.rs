//! Who writes the answer: the extractive answerer or a chat model.

use std::time::Duration;

use futures::stream::BoxStream;

use super::classify::Talk;
use super::error::AgentError;
use super::event::{Hit, Limits, Price, Sampling, Usage};
use super::recall::Lookup;
use crate::cache::Wanted;

/// What an answerer says while it writes.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The next piece of the text.
    Text(String),
    /// A kept answer was looked for.
    Looked(Lookup),
    /// What is known of the endpoint's limits.
    Limits(Limits),
    /// Nothing comes before this is over, in plain words.
    Waiting { on: String },
    /// The endpoint failed, and is asked again after `wait`; `attempt` is the number of the try that comes, from 2, `of`
    /// that of the last one there can be.
    Retry {
        why: String,
        wait: Duration,
        attempt: u32,
        of: u32,
    },
    /// A wait that was told is over, after so long.
    Resumed { waited: Duration },
    /// What is to be said about the answer beside it.
    Note(String),
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

    /// What its tokens cost, when that is configured.
    fn price(&self) -> Option<Price> {
        None
    }

    /// How its text is chosen, when a model is asked.
    fn sampling(&self) -> Option<Sampling> {
        None
    }

    /// The name of its answer from this evidence, if that may be kept and used again: everything that decides it but
    /// chance.
    fn kept_as(&self, _question: &str, _hits: &[Hit]) -> Option<Wanted> {
        None
    }

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

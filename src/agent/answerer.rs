//! Who writes the answer: the extractive answerer or a chat model.

use std::time::Duration;

use futures::stream::BoxStream;

use super::classify::Talk;
use super::error::AgentError;
use super::event::{Hit, Limits, Price, Sampling, Turn, Usage};
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

    /// Rewrites a question that may go on from others so that it stands by itself: the pieces of that question. `None`: it
    /// cannot.
    fn rewrite(&self, _question: &str, _before: &[Turn]) -> Option<Rewriting> {
        None
    }

    /// Answers small talk; `pairs` is how many pairs are known.
    fn converse(
        &self,
        question: &str,
        talk: Talk,
        pairs: usize,
    ) -> BoxStream<'static, Result<Piece, AgentError>>;
}

/// A question being rewritten.
pub struct Rewriting {
    /// Its name in the cache, if it may be kept.
    pub kept_as: Option<Wanted>,
    pub pieces: BoxStream<'static, Result<Piece, AgentError>>,
}

impl std::fmt::Debug for Rewriting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rewriting")
            .field("kept_as", &self.kept_as)
            .finish_non_exhaustive()
    }
}

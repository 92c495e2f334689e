//! The one vocabulary of everything observable: what a run of the agent says while it works.
//!
//! The screen, `ask --json`, `--events`, a recording and the HTTP stream are all readers of this stream, so they
//! cannot disagree. A line is `{"v":1,"run":ID,"at_ms":MS,"event":NAME, ...}`. Exactly one of `answered`, `failed`,
//! `cancelled` ends a run; a reader ignores names and fields that it does not know.

mod cost;
mod exchange;
mod hit;
mod origin;
mod question;
mod side;
mod timing;

pub use cost::{Cost, NotAPrice, Price, UsdPerMillion};
pub use exchange::{Exchange, Phase, StageRow, Trouble};
pub use hit::{DenseScore, Hit, LexicalScore, Nearest};
pub use origin::{AnswerOrigin, VectorOrigin};
pub use question::{Freshness, Question, Turn};
pub use side::{SIDES, Side, SideError, SideSpec};
pub use timing::Timing;

use serde::{Deserialize, Serialize};

pub use crate::cache::{CacheStats, Tier, TierState, TierStats};
pub use crate::provider::{BreakerPhase, Limit, LimitOrigin, Limits, Usage};

/// Version of the event line. It changes only when an existing field changes its meaning.
pub const VERSION: u8 = 1;

/// The longest question of a run, in characters. The embedded model reads about 1,000, so this loses nobody's question,
/// but it keeps a pasted file out.
pub const LONGEST_QUESTION: usize = 8_000;

/// Identifies one run (one question being answered) within a process or a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Version of the line, [`VERSION`].
    pub v: u8,
    /// The run that says it.
    pub run: RunId,
    /// Milliseconds since the run started.
    pub at_ms: f64,
    /// What is said.
    #[serde(flatten)]
    pub what: AgentEvent,
}

/// What a run can say. The order of a normal run: `started`, stages with what they found, `token`s, an end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AgentEvent {
    /// The run began with this question and set-up.
    Started { question: String, setup: Setup },
    /// The question is searched as this text and not as it was asked: a misspelling put right, or what it goes on from
    /// taken along. `by` says who did the latter: `rule`, or the model (`openai:MODEL`).
    Read {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// A node before the answer asked a model, which counted these tokens. The usage of `answered` has them in it.
    Used { stage: Stage, usage: Usage },
    /// A node of the graph began.
    StageStarted { stage: Stage },
    /// A node cannot go on yet: what it waits for, in plain words ("the embedded model to load").
    Waiting { stage: Stage, on: String },
    /// A wait or a pause before a retry is over, after `waited_ms`: the node works on.
    Resumed { stage: Stage, waited_ms: f64 },
    /// A node ended after `ms`, of which `wait_ms` went into waiting; `cache` is the tier that served it, if one did.
    StageFinished {
        stage: Stage,
        ms: f64,
        wait_ms: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<Tier>,
        /// What the node decided or found, in a few words for the trace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// The cache was asked, for a vector or for an answer. `age_ms` is the age of the entry when it was a hit, `saved_ms`
    /// and `saved_tokens` what it took when it was made, where that is known.
    Cache {
        key: String,
        #[serde(default, skip_serializing_if = "Kept::is_vector")]
        kind: Kept,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tier: Option<Tier>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        age_ms: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saved_ms: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saved_tokens: Option<u64>,
    },
    /// A node's work was done in another way, since nobody answered at an endpoint: `note` says why and how. For `embed`,
    /// `embedder` is the model that did it, and without one only words were searched.
    Fallback {
        stage: Stage,
        note: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        embedder: Option<String>,
    },
    /// The ranked pairs that the answer may use.
    Retrieved { hits: Vec<Hit> },
    /// A piece of the answer, in order.
    Token { text: String },
    /// What the endpoint says about its limits.
    Limits { limits: Limits },
    /// The same of the endpoint that embeds, where there is one: before each wait and after each answer.
    EmbeddingLimits { limits: Limits },
    /// A request is tried again after `wait_ms`; `attempt` is the number of the try that comes, from 2, `of` that of the
    /// last one there can be.
    Retry {
        why: String,
        wait_ms: f64,
        attempt: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u32>,
    },
    /// The run ended with an answer.
    Answered {
        outcome: Outcome,
        /// Ids of the cited pairs, in the order of their first citation.
        citations: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        /// Why the text stops early, when it does ("the model's length limit").
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// The run ended in the error node.
    Failed {
        stage: Stage,
        message: String,
        retryable: bool,
    },
    /// The run was stopped by the user.
    Cancelled {},
    /// A name of a later version.
    #[serde(other)]
    Unknown,
}

impl AgentEvent {
    /// Whether this event is the last of its run.
    pub fn ends_run(&self) -> bool {
        matches!(
            self,
            Self::Answered { .. } | Self::Failed { .. } | Self::Cancelled {}
        )
    }
}

/// What is looked for in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Of the question.
    #[default]
    Vector,
    /// Of the chat model.
    Answer,
    /// Of the chat model: a question rewritten so that it stands by itself.
    Rewriting,
    /// A kind of a later version.
    #[serde(other)]
    Unknown,
}

impl Kept {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_vector(&self) -> bool {
        *self == Self::Vector
    }
}

/// What a run works with, as far as it shapes the result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// `extractive` or `openai:MODEL`.
    pub chat: String,
    /// Model id of the embedder.
    pub embedder: String,
    /// `hybrid`, `dense`, `lexical` or `rrf`.
    pub retriever: String,
    /// Name of the data set.
    pub dataset: String,
    pub pairs: usize,
    pub offline: bool,
    /// What the chat model's tokens cost, when that is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Which side it is, when answers are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// How the chat model's text is chosen, when one is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
}

/// How a chat model chooses its text, as the request says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 to 2; `None` leaves it to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Most tokens of an answer; `None` leaves it to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

/// A node of the agent's graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Parse,
    Classify,
    FollowUp,
    Rewrite,
    Embed,
    Lexical,
    Dense,
    Fuse,
    Judge,
    Answer,
    Converse,
    Decline,
    Error,
    /// A node of a later version.
    #[serde(other)]
    Unknown,
}

impl Stage {
    /// The name as it stands in an event line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Classify => "classify",
            Self::FollowUp => "follow_up",
            Self::Rewrite => "rewrite",
            Self::Embed => "embed",
            Self::Lexical => "lexical",
            Self::Dense => "dense",
            Self::Fuse => "fuse",
            Self::Judge => "judge",
            Self::Answer => "answer",
            Self::Converse => "converse",
            Self::Decline => "decline",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// How a run ended, as the contract of `ask --json` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A complete answer from evidence.
    Answered,
    /// Text that stops before its end; what there is was kept.
    Partial,
    /// No evidence good enough; the nearest pairs were offered instead.
    Declined,
    /// Small talk or a question about the program, answered without evidence.
    Conversed,
    /// Nothing came of it.
    Failed,
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// The name as it stands in an event line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Partial => "partial",
            Self::Declined => "declined",
            Self::Conversed => "conversed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

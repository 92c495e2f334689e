//! The chat model: a request in, a stream of events out.

use std::time::Duration;

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::client::Connection;
use super::endpoint::Endpoint;
use super::error::ProviderError;
use super::gate::Gate;
use super::limits::Limits;
use super::tries;

/// An answer as it comes. It ends after [`ChatEvent::Finished`] or after the first error. Nothing is sent before it is
/// first polled; dropping it closes its connection, or frees its place among those that wait.
pub type ChatStream = BoxStream<'static, Result<ChatEvent, ProviderError>>;

/// A chat model behind an OpenAI-compatible endpoint. Clones share one pool of connections and one gate.
#[derive(Clone, Debug)]
pub struct ChatClient {
    connection: Connection,
    gate: Gate,
}

impl ChatClient {
    /// A client for this endpoint. It takes microseconds and opens no socket: that happens when a stream is polled.
    ///
    /// # Errors
    /// When the key cannot stand in a header.
    pub fn new(endpoint: Endpoint) -> Result<Self, ProviderError> {
        let gate = Gate::new(&endpoint);
        Ok(Self {
            connection: Connection::new(endpoint)?,
            gate,
        })
    }

    /// Asks: `Limits` when the headers report any, then `Token`s, then `Finished`. Before the first token the question
    /// may wait and be tried again, by the endpoint's quota and retry policy, and says so each time.
    pub fn stream(&self, request: ChatRequest) -> ChatStream {
        tries::stream(self.connection.clone(), &self.gate, request)
    }

    /// What stands before the endpoint.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Who is asked.
    pub fn endpoint(&self) -> &Endpoint {
        &self.connection.endpoint
    }
}

/// What the model is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    pub messages: Vec<Message>,
    /// 0 to 2; `None` leaves it to the server, which some models insist on.
    pub temperature: Option<f32>,
    /// Most tokens that the answer may have.
    pub max_tokens: Option<u32>,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

impl Role {
    /// The name as it is sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What an answer consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// What is known about limits, before all text: what a response's headers report, at most once for each try and also
    /// before an error; and how the limiter and the breaker stand, before each wait and each refusal of theirs.
    Limits(Limits),
    /// The question waits to be sent: for what ("the rate limit of HOST"), and how long, as far as can be told.
    Waiting { on: String, wait: Duration },
    /// A try failed, in a few words why, and the next comes after `wait`; `attempt` is its number, from 2, `of` that of
    /// the last one there can be.
    Retrying {
        why: String,
        wait: Duration,
        attempt: u32,
        of: u32,
    },
    /// The waiting is over, after so long, and the question is being sent.
    Resumed { waited: Duration },
    /// A piece of the answer, not empty, as the server sent it: sanitise it before it is shown.
    Token(String),
    /// The answer is whole, or as whole as `reason` lets it be.
    Finished {
        reason: FinishReason,
        /// `None` when the server did not count.
        usage: Option<Usage>,
    },
}

/// Why the model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    Stop,
    /// The length limit, of the request or of the model: the text is incomplete.
    Length,
    ContentFilter,
    ToolCalls,
    /// A reason outside OpenAI's list, as the server wrote it.
    Other(String),
}

impl FinishReason {
    pub(super) fn from_wire(reason: &str) -> Self {
        match reason {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content_filter" => Self::ContentFilter,
            "tool_calls" | "function_call" => Self::ToolCalls,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Tokens as the server counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
}

impl Usage {
    /// The tokens of two requests together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_add(other.completion_tokens),
            total_tokens: self.total_tokens.saturating_add(other.total_tokens),
        }
    }
}

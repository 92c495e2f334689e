//! The chat model: a request in, a stream of events out.

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::answer;
use super::client::Connection;
use super::endpoint::Endpoint;
use super::error::ProviderError;
use super::limits::Limits;

/// An answer as it comes. It ends after [`ChatEvent::Finished`] or after the first error. Nothing is sent before it is
/// first polled; dropping it closes its connection.
pub type ChatStream = BoxStream<'static, Result<ChatEvent, ProviderError>>;

/// A chat model behind an OpenAI-compatible endpoint. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct ChatClient {
    connection: Connection,
}

impl ChatClient {
    /// A client for this endpoint. It takes microseconds and opens no socket: that happens when a stream is polled.
    ///
    /// # Errors
    /// When the key cannot stand in a header.
    pub fn new(endpoint: Endpoint) -> Result<Self, ProviderError> {
        Ok(Self {
            connection: Connection::new(endpoint)?,
        })
    }

    /// Asks once, without retries: `Limits` when the headers report any, then `Token`s, then `Finished`.
    pub fn stream(&self, request: ChatRequest) -> ChatStream {
        answer::stream(self.connection.clone(), request)
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

/// What an answer consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// What the response's headers report about limits; at most once, before all text, and also before an error.
    Limits(Limits),
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

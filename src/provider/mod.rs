//! The only door to the network.
//!
//! ```text
//! ChatRequest ─► chat ─► async-openai ─► client (status and headers are read here) ─► socket
//!      ChatEvent ◄─ chat ◄─ wire ◄─ async-openai ◄─ body (lines, silence, sizes) ◄─────┘
//! ```
//! One file, one idea: `endpoint` says who is asked, `client` carries a request there and sees the response
//! before its first token, `body` guards what comes back, `wire` reads it, `answer` turns it into the events of
//! `chat`, `fault` finds out what a `peer` did wrong, `error` says it in a sentence.

mod answer;
mod body;
mod chat;
mod client;
mod endpoint;
mod error;
mod fault;
mod headers;
mod limiter;
mod limits;
mod peer;
mod wire;

pub use chat::{ChatClient, ChatEvent, ChatRequest, ChatStream, FinishReason, Message, Role, Usage};
pub use endpoint::{ApiKey, BaseUrl, Endpoint, EndpointError, OPENAI_BASE_URL, Timeouts};
pub use error::{Asked, ProviderError, Said, TimeoutKind};
pub use limiter::{LimitState, LimiterState, Paused, Priority, Quota};
pub use limits::{BreakerPhase, Limit, LimitOrigin, Limits};

/// A directive for `tracing_subscriber::EnvFilter` that every subscriber must add after its own.
///
/// async-openai writes a body that it cannot read into the log at the level `error`: the answer of a model, and with
/// an echoing server the question. It is silenced whole; what it would have said comes back as a [`ProviderError`].
pub const LOG_FILTER: &str = "async_openai=off";

//! The only door to the network.
//!
//! ```text
//! ChatRequest ─► chat ─► tries ─► gate ─► async-openai ─► client (status and headers are read here) ─► socket
//!      ChatEvent ◄─ tries ◄─ answer ◄─ wire ◄─ async-openai ◄─ body (lines, silence, sizes) ◄────────────┘
//! ```
//! One file, one idea: `endpoint` says who is asked, `client` carries a request there and sees the response
//! before its first token, `body` guards what comes back, `wire` (and `responses_wire`, of the other interface) reads it, `answer` turns it into the events of
//! `chat`, `fault` finds out what a `peer` did wrong, `error` says it in a sentence.
//!
//! Every request passes the `gate`: the `breaker` stops asking what does not answer, the `limiter` keeps below what is
//! allowed, `retry` says what is tried again; `tries` takes a chat question through it. `embeddings` asks for vectors,
//! which `vector_cut` takes out of the answer while it arrives and `vector_wire` puts in order.

mod answer;
mod body;
mod breaker;
mod chat;
mod client;
mod embeddings;
mod endpoint;
mod error;
mod fault;
mod gate;
mod headers;
mod limiter;
mod limits;
mod peer;
mod responses_wire;
mod retry;
mod tries;
mod vector_cut;
mod vector_wire;
mod wire;

pub use breaker::BreakerState;
pub use chat::{ChatClient, ChatEvent, ChatRequest, ChatStream, FinishReason, Message, Role, Usage};
pub use embeddings::{EmbeddingClient, EmbeddingReply, MAX_INPUTS, estimated_tokens};
pub use endpoint::{ApiKey, BaseUrl, ChatApi, Endpoint, EndpointError, OPENAI_BASE_URL, Timeouts};
pub use error::{Asked, ProviderError, Said, TimeoutKind};
pub use gate::{Gate, GateEvent, Reply};
pub use limiter::{LimitState, LimiterState, Paused, Priority, Quota};
pub use limits::{BreakerPhase, Limit, LimitOrigin, Limits};
pub use retry::RetryPolicy;

/// A directive for `tracing_subscriber::EnvFilter` that every subscriber must add after its own.
///
/// async-openai writes a body that it cannot read into the log at the level `error`: the answer of a model, and with
/// an echoing server the question. It is silenced whole; what it would have said comes back as a [`ProviderError`].
pub const LOG_FILTER: &str = "async_openai=off";

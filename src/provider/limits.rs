//! What is known of an endpoint's limits, as data that a screen shows and a recording keeps.

use serde::{Deserialize, Serialize};

/// A snapshot. `None` means "not known", which is not the same as zero. The limits themselves come from the headers of
/// a response or from the limiter, see [`Limit::origin`]; the figures below them are the limiter's and the breaker's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Host of the endpoint, without credentials or path.
    pub endpoint: String,
    pub model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Limit>,
    /// Requests that went and have not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u64>,
    /// Requests that wait to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<u64>,
    /// Milliseconds until the next request may go, when it has to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_slot_ms: Option<u64>,
    /// Milliseconds for which all requests hold, when the server asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerPhase>,
    /// Milliseconds until an open circuit lets a probe through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_in_ms: Option<u64>,
}

/// One limited quantity of a window: requests or tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many a window allows.
    pub limit: u64,
    /// How many are left in this window.
    pub remaining: u64,
    /// Milliseconds until the window is full again, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_ms: Option<u64>,
    /// Where the figures come from; `None` in recordings from before there was a choice: the endpoint reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<LimitOrigin>,
    /// Milliseconds since the endpoint last reported them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
}

/// Where a figure about a limit comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitOrigin {
    /// The endpoint said it.
    Reported,
    /// The configuration file says it.
    Configured,
    /// Reckoned from what the endpoint said and what was sent and refilled since.
    Estimated,
    /// Nobody said anything; also a word of a later version.
    #[default]
    #[serde(other)]
    NotReported,
}

/// Whether an endpoint is asked at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerPhase {
    /// Every request goes.
    #[default]
    Closed,
    /// It failed too often: no request goes.
    Open,
    /// One request goes, to see whether it is back.
    HalfOpen,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

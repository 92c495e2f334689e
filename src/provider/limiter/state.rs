//! What a limiter shows of itself: plain figures, spans counted from the moment of the snapshot.

use std::time::Duration;

use serde::Serialize;

use super::super::limits::LimitOrigin;

/// Where a limiter stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LimiterState {
    pub requests: LimitState,
    pub tokens: LimitState,
    /// Requests that went and have not ended.
    pub in_flight: usize,
    /// Requests that wait.
    pub queued: usize,
    /// How long until the next request may go; zero when it may go now.
    pub next_slot: Duration,
    pub paused: Option<Paused>,
}

/// One limited quantity: requests or tokens. `None` is "not known", which is not the same as zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LimitState {
    /// How many a window allows.
    pub limit: Option<u64>,
    /// How many are left now.
    pub remaining: Option<u64>,
    /// How long until all are left again, if nobody asks.
    pub reset_in: Option<Duration>,
    pub origin: LimitOrigin,
    /// Since when the last report is known.
    pub age: Option<Duration>,
}

/// Everybody holds, as the server asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paused {
    /// For so long from now.
    pub wait: Duration,
    pub why: String,
}

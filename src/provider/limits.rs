//! What an endpoint says about its limits, as it said it.

use serde::{Deserialize, Serialize};

/// A snapshot taken from the headers of one response. `None` means "not reported", which is not the same as zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Host of the endpoint, without credentials or path.
    pub endpoint: String,
    pub model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Limit>,
}

/// One limited quantity of a window: requests or tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many a window allows.
    pub limit: u64,
    /// How many are left in this window.
    pub remaining: u64,
    /// Milliseconds until the window is full again, when the endpoint says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_ms: Option<u64>,
}

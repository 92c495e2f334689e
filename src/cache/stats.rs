//! What the tiers did and hold, as plain values.

use serde::{Deserialize, Serialize};

/// What the whole cache did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheStats {
    pub memory: TierStats,
    /// Absent when none is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<TierStats>,
    /// Absent when there is no place for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<TierStats>,
    /// Values that no tier had, failed loads included.
    pub loads: u64,
    /// Asked while another looked for the same.
    pub joined: u64,
}

/// What one tier did since the program started, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TierStats {
    pub hits: u64,
    pub misses: u64,
    /// Reads and writes that failed or came too late.
    pub errors: u64,
    /// Values that were there and could not be trusted: misses too.
    pub corrupt: u64,
    /// Rows held; unknown for a server that others fill too. Trails the newest writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Bytes they take, unknown likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    #[serde(flatten)]
    pub state: TierState,
}

/// Whether a tier serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TierState {
    #[default]
    Up,
    /// Being opened or connected to; lookups wait for it a little.
    Opening,
    /// Passed over since `since_ms` and tried again at `next_probe_ms`, both in milliseconds since 1970.
    Down {
        since_ms: u64,
        next_probe_ms: u64,
        /// A few words.
        why: String,
    },
    /// Out of use until the program is started again; a sentence for the user.
    Off { why: String },
}

//! The tiers by name, and where a value came from.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which tier holds a value, from the nearest to the farthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Of this process.
    Memory,
    /// Shared by all who are configured with the same server.
    Redis,
    /// Shared by all processes of this user.
    Disk,
    /// A tier of a later version.
    #[serde(other)]
    Unknown,
}

impl Tier {
    /// The name as it stands in an event line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Disk => "disk",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Was there; it was made `age` ago.
    Hit { tier: Tier, age: Duration },
    /// Found or loaded by another who asked for it at the same time.
    Joined,
    /// Loaded now.
    Miss,
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Cached<T> {
    pub value: T,
    pub provenance: Provenance,
    /// How long it took to make, where that is known: what a hit saves.
    pub took: Option<Duration>,
}

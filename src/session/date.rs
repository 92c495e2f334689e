//! Times as people and files write them, in UTC.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use crate::recording::timestamp;

/// A moment in milliseconds since 1970, shown as `2026-11-23T20:05:09Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utc(pub u64);

impl Utc {
    /// `2026-11-23 20:05`.
    pub fn minute(self) -> String {
        let whole = self.to_string();
        let to_the_minute = whole
            .rsplit_once(':')
            .map_or(whole.as_str(), |(minute, _)| minute);
        to_the_minute.replace('T', " ")
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A moment that the clock cannot hold comes from a damaged file.
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(self.0));
        f.write_str(&timestamp(time.unwrap_or(UNIX_EPOCH)))
    }
}

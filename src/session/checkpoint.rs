//! When a run that goes on is written again: a pure rule that is handed the instant.

use std::time::{Duration, Instant};

/// The least time between two writes of one run: that between two frames, so that what a killed program loses of an answer
/// has hardly been on the screen. A write takes 0.15 to 0.3 ms in a store of 100,000 exchanges (`cargo bench --bench
/// sessions`), so a stream that never pauses costs one to two hundredths of a core.
pub(super) const EVERY: Duration = Duration::from_millis(16);

/// What is written of one run, and what is not yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    written: Instant,
    dirty: bool,
}

impl Checkpoint {
    /// A run that has just been written for the first time.
    pub(super) fn written(at: Instant) -> Self {
        Self {
            written: at,
            dirty: false,
        }
    }

    /// Something happened that is not written.
    pub(super) fn changed(&mut self) {
        self.dirty = true;
    }

    /// How long until it is to be written; `None` while there is nothing new.
    pub(super) fn due_in(&self, now: Instant) -> Option<Duration> {
        let since = now.saturating_duration_since(self.written);
        self.dirty.then(|| EVERY.saturating_sub(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_waits_for_the_rest_of_the_span_and_no_longer() {
        let start = Instant::now();
        let mut checkpoint = Checkpoint::written(start);
        assert_eq!(checkpoint.due_in(start + 9 * EVERY), None);
        checkpoint.changed();
        assert_eq!(checkpoint.due_in(start), Some(EVERY));
        assert_eq!(checkpoint.due_in(start + EVERY / 4), Some(EVERY * 3 / 4));
        // More that comes does not put it off.
        checkpoint.changed();
        assert_eq!(checkpoint.due_in(start + EVERY), Some(Duration::ZERO));
        assert_eq!(checkpoint.due_in(start + 9 * EVERY), Some(Duration::ZERO));
        assert_eq!(Checkpoint::written(start + EVERY).due_in(start + EVERY), None);
    }
}

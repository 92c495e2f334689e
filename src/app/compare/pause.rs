//! When a query that is being typed is compared: once the typing pauses.

use std::time::Duration;

/// A pause in the typing, in milliseconds: longer than the gap between two keys of an unhurried typist (200 ms is 60
/// words a minute), shorter than what is felt as waiting.
const PAUSE_MS: f64 = 220.0;

/// Waits for a pause. It keeps no clock: the caller hands it the time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pause {
    due_ms: Option<f64>,
}

impl Pause {
    /// A key was pressed: the pause begins anew.
    pub fn typed(&mut self, now_ms: f64) {
        self.due_ms = Some(now_ms + PAUSE_MS);
    }

    /// Nothing is waited for any more.
    pub fn stop(&mut self) {
        self.due_ms = None;
    }

    /// How long until the pause is over; `None` when nothing is waited for.
    pub fn left(&self, now_ms: f64) -> Option<Duration> {
        let left = (self.due_ms? - now_ms).max(0.0);
        // Rounded up, so that it is over by then.
        Some(Duration::from_millis(left.ceil() as u64))
    }

    /// Whether the pause is over; true once for each pause.
    pub fn take(&mut self, now_ms: f64) -> bool {
        let over = self.due_ms.is_some_and(|due| due <= now_ms);
        if over {
            self.stop();
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_puts_the_end_of_the_pause_off_and_it_ends_once() {
        let mut pause = Pause::default();
        assert_eq!(pause.left(0.0), None);
        assert!(!pause.take(1e9), "nothing was typed");
        pause.typed(1_000.0);
        assert_eq!(pause.left(1_000.5), Some(Duration::from_millis(220)));
        pause.typed(1_100.0);
        assert!(!pause.take(1_220.0), "a second key came");
        assert_eq!(pause.left(1_220.0), Some(Duration::from_millis(100)));
        assert!(pause.take(1_320.0));
        assert!(!pause.take(1_320.0), "once");
        assert_eq!(pause.left(1_320.0), None);
    }
}

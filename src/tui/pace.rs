//! When to draw: the first change at once, then at most one frame an interval, and nothing while nothing changes.

use std::time::{Duration, Instant};

/// Shortest time between two frames; about 60 a second.
pub const FRAME_INTERVAL: Duration = Duration::from_millis(16);

/// Tells a loop when the next frame is due. It keeps no clock: the caller hands it the instant.
///
/// The loop sleeps until [`next_frame`](Self::next_frame) (for ever when it is `None`), draws, and calls
/// [`drawn`](Self::drawn). Any number of changes in between make one frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct FramePacer {
    due: Option<Instant>,
    last: Option<Instant>,
}

impl FramePacer {
    /// A pacer that has drawn nothing and owes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Something that is on the screen changed. A frame that is already due keeps its time.
    pub fn mark_dirty(&mut self, now: Instant) {
        let earliest = self.last.map_or(now, |last| now.max(last + FRAME_INTERVAL));
        self.due.get_or_insert(earliest);
    }

    /// When the next frame is due; `None` when the screen is up to date.
    pub fn next_frame(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a frame is due now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// A frame was drawn, with all the changes so far.
    pub fn drawn(&mut self, now: Instant) {
        self.due = None;
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_change_is_drawn_at_once() {
        let start = Instant::now();
        let mut pacer = FramePacer::new();
        pacer.mark_dirty(start);
        assert_eq!(pacer.next_frame(), Some(start));
        assert!(pacer.is_due(start));
    }

    #[test]
    fn an_idle_screen_is_never_due() {
        let start = Instant::now();
        let mut pacer = FramePacer::new();
        assert_eq!(pacer.next_frame(), None);
        pacer.mark_dirty(start);
        pacer.drawn(start);
        assert_eq!(pacer.next_frame(), None);
        assert!(!pacer.is_due(start + 1_000 * MS));
    }

    #[test]
    fn changes_right_after_a_frame_share_the_next_one() {
        let start = Instant::now();
        let mut pacer = FramePacer::new();
        pacer.drawn(start);
        for ms in 1..=15 {
            pacer.mark_dirty(start + ms * MS);
            assert!(!pacer.is_due(start + ms * MS));
        }
        assert_eq!(pacer.next_frame(), Some(start + FRAME_INTERVAL));
    }

    #[test]
    fn a_change_after_a_pause_is_drawn_at_once() {
        let start = Instant::now();
        let mut pacer = FramePacer::new();
        pacer.drawn(start);
        pacer.mark_dirty(start + 500 * MS);
        assert_eq!(pacer.next_frame(), Some(start + 500 * MS));
    }

    #[test]
    fn a_flood_of_a_second_makes_at_most_63_frames() {
        let start = Instant::now();
        let mut pacer = FramePacer::new();
        let mut frames = 0;
        for ms in 0..1_000 {
            let now = start + ms * MS;
            pacer.mark_dirty(now);
            if pacer.is_due(now) {
                pacer.drawn(now);
                frames += 1;
            }
        }
        assert_eq!(frames, 63);
    }
}

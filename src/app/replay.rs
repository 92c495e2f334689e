//! A recording as the application plays it: its own clock, which can run faster, stop, and go back.
//!
//! ```text
//! Tick(loop clock) ─► position on the tape ─► the moments up to there ─► the same updates as live
//! ```
//! While a recording plays, [`App::now_ms`] is the recorder's clock. So whatever the panes reckon from it (a spinner, a
//! countdown, an age) stands as it stood then.

use std::time::Duration;

use super::{App, Beginning, Happening, Moment, Notice, Page, Since};
use crate::agent::event::Limits;

/// What is said of a run that the recording has no end of.
pub const CUT: &str = "the recording ends before the answer does";

/// A pause in which nothing was under way is played no longer than this.
const LONGEST_PAUSE_MS: f64 = 2_000.0;
/// A run that said nothing for longer is not waited for: its clock was wrong, or the program slept.
const LONGEST_WAIT_MS: f64 = 120_000.0;
/// The longest time between two looks at the clock that is played: a program that was suspended goes on where it was.
const LONGEST_TICK_MS: f64 = 2_500.0;
/// How often time alone may change the screen, in milliseconds: about a frame.
const FRAME_MS: f64 = 16.0;
/// The slowest and the fastest that the keys go.
const SPEEDS: (f64, f64) = (0.25, 64.0);

/// What a key does to a recording that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Pauses, or goes on; at the end, begins again.
    Pause,
    /// To the event before or after, and stays there.
    Back,
    On,
    /// To the question before or after, and goes on as it did.
    PreviousRun,
    NextRun,
    First,
    Last,
    Slower,
    Faster,
}

/// A recording and how far it has been played.
#[derive(Clone, Debug)]
pub struct Replay {
    moments: Vec<Moment>,
    /// When each moment is due on the tape, in milliseconds from its start: their own times with long pauses cut.
    due_ms: Vec<f64>,
    /// How many moments the application has taken in.
    taken: usize,
    /// Where the tape stands, in milliseconds.
    position_ms: f64,
    playing: bool,
    /// Tape time over time.
    speed: f64,
    /// The loop's clock when the position was true.
    loop_ms: f64,
}

impl Replay {
    /// A tape at its start.
    fn new(moments: Vec<Moment>, speed: f64) -> Self {
        Self {
            due_ms: due(&moments),
            moments,
            taken: 0,
            position_ms: 0.0,
            playing: true,
            speed,
            loop_ms: 0.0,
        }
    }

    pub fn playing(&self) -> bool {
        self.playing
    }

    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Events taken in, and events in all.
    pub fn events(&self) -> (usize, usize) {
        (self.taken, self.moments.len())
    }

    /// Questions and comparisons begun, and those in all.
    pub fn runs(&self) -> (usize, usize) {
        let count = |moments: &[Moment]| moments.iter().filter(|moment| begins(moment)).count();
        (count(&self.moments[..self.taken]), count(&self.moments))
    }

    /// Where the tape stands and how long it is, in milliseconds.
    pub fn position_ms(&self) -> (f64, f64) {
        (self.position_ms, self.length_ms())
    }

    pub fn at_end(&self) -> bool {
        self.taken == self.moments.len()
    }

    fn length_ms(&self) -> f64 {
        self.due_ms.last().copied().unwrap_or(0.0)
    }

    /// The recorder's clock where the tape stands. Time that was cut out is passed over when the next moment comes.
    fn clock_ms(&self) -> f64 {
        let Some(last) = self.taken.checked_sub(1) else {
            return self.moments.first().map_or(0.0, |moment| moment.at_ms);
        };
        let since = (self.position_ms - self.due_ms[last]).max(0.0);
        self.moments[last].at_ms + since
    }

    /// Lets the tape run on to a moment of the loop's clock.
    fn run_to(&mut self, loop_ms: f64) {
        if self.playing {
            let passed = (loop_ms - self.loop_ms).clamp(0.0, LONGEST_TICK_MS) * self.speed;
            self.position_ms = (self.position_ms + passed).min(self.length_ms());
        }
        self.loop_ms = loop_ms;
    }

    /// The next moment, when it is due and the tape runs.
    fn next_due(&mut self) -> Option<Moment> {
        let moment = self.moments.get(self.taken).filter(|_| self.playing)?;
        (self.due_ms[self.taken] <= self.position_ms).then(|| {
            self.taken += 1;
            moment.clone()
        })
    }

    /// Milliseconds of the loop's clock until the next moment; `None` when the tape stands still.
    fn next_in_ms(&self) -> Option<f64> {
        let due = self.due_ms.get(self.taken).filter(|_| self.playing)?;
        Some(((due - self.position_ms) / self.speed).max(0.0))
    }

    /// Which moments have been taken in after a seek: as many as this.
    fn seek(&self, to: Transport) -> usize {
        let run_before = |before: usize| {
            let begun = self.moments[..before].iter().rposition(begins);
            begun.map_or(0, |at| at + 1)
        };
        match to {
            Transport::Back => self.taken.saturating_sub(1),
            Transport::On => self.taken + 1,
            // Just behind a question the one before it is meant.
            Transport::PreviousRun => run_before(self.taken.saturating_sub(1)),
            Transport::NextRun => {
                let next = self.moments[self.taken..].iter().position(begins);
                next.map_or(self.moments.len(), |at| self.taken + at + 1)
            }
            Transport::First => 0,
            Transport::Last => self.moments.len(),
            Transport::Pause | Transport::Slower | Transport::Faster => self.taken,
        }
        .min(self.moments.len())
    }
}

fn begins(moment: &Moment) -> bool {
    matches!(moment.what, Happening::Asked { .. } | Happening::Compared(_))
}

/// When each moment is due.
fn due(moments: &[Moment]) -> Vec<f64> {
    let mut running = 0_usize;
    let (mut due, mut before) = (0.0, None);
    moments
        .iter()
        .map(|moment| {
            let gap = moment.at_ms - before.unwrap_or(moment.at_ms);
            let longest = if running == 0 {
                LONGEST_PAUSE_MS
            } else {
                LONGEST_WAIT_MS
            };
            due += gap.clamp(0.0, longest);
            before = Some(moment.at_ms);
            match &moment.what {
                Happening::Asked { .. } => running += 1,
                Happening::Event(event) if event.what.ends_run() => running = running.saturating_sub(1),
                // A program that ended took its runs along.
                Happening::Began(_) => running = 0,
                Happening::Event(_) | Happening::Gauges(_) | Happening::Compared(_) => {}
            }
            due
        })
        .collect()
}

impl App {
    /// An application that shows what was recorded, and asks nothing. `speed` is tape time over time, above 0.
    pub fn replaying(moments: Vec<Moment>, speed: f64) -> Self {
        Self {
            replay: Some(Replay::new(moments, speed)),
            ..Self::default()
        }
    }

    /// Goes to the end of the recording at once.
    pub fn play_all(&mut self) {
        self.transport(Transport::Last);
    }

    /// Time went on: whatever is due by now happens.
    pub(super) fn play(&mut self, loop_ms: f64) {
        let Some(mut replay) = self.replay.take() else {
            return;
        };
        replay.run_to(loop_ms);
        while let Some(moment) = replay.next_due() {
            self.happens(moment);
        }
        self.now_ms = replay.clock_ms();
        replay.playing &= !replay.at_end();
        self.replay = Some(replay);
    }

    /// A key of the recording.
    pub(super) fn transport(&mut self, key: Transport) {
        let Some(mut replay) = self.replay.take() else {
            return;
        };
        match key {
            Transport::Pause if replay.at_end() => {
                self.go_to(&mut replay, 0);
                replay.playing = true;
            }
            Transport::Pause => replay.playing = !replay.playing,
            Transport::Slower | Transport::Faster => {
                let factor = if key == Transport::Faster { 2.0 } else { 0.5 };
                replay.speed = (replay.speed * factor).clamp(SPEEDS.0, SPEEDS.1);
            }
            Transport::Back | Transport::On => {
                replay.playing = false;
                let to = replay.seek(key);
                self.go_to(&mut replay, to);
            }
            Transport::PreviousRun | Transport::NextRun | Transport::First | Transport::Last => {
                let to = replay.seek(key);
                self.go_to(&mut replay, to);
                replay.playing &= !replay.at_end();
            }
        }
        self.replay = Some(replay);
    }

    /// Goes to where the bar was clicked: so many of its columns lie before the pointer, each a like share of the moments.
    pub(super) fn seek_to(&mut self, column: u16, columns: u16) {
        let Some(mut replay) = self.replay.take() else {
            return;
        };
        let share = f64::from(column + 1) / f64::from(columns.max(1));
        let to = (share.min(1.0) * replay.moments.len() as f64).ceil() as usize;
        // The first column is the beginning, where no other click leads.
        let to = if column == 0 { 0 } else { to };
        self.go_to(&mut replay, to);
        replay.playing &= !replay.at_end();
        self.replay = Some(replay);
    }

    /// Takes in as many moments as `to`. What lies behind is forgotten and told again from the start: a fold has no way
    /// back.
    fn go_to(&mut self, replay: &mut Replay, to: usize) {
        if to < replay.taken {
            self.rewind();
            replay.taken = 0;
        }
        for moment in &replay.moments[replay.taken..to] {
            self.happens(moment.clone());
        }
        replay.taken = to;
        replay.position_ms = to.checked_sub(1).map_or(0.0, |last| replay.due_ms[last]);
        self.now_ms = replay.clock_ms();
    }

    /// Nothing has happened yet; what the user looks at stays.
    fn rewind(&mut self) {
        let fresh = Self::default();
        self.entries = fresh.entries;
        self.selected = fresh.selected;
        self.anchor = fresh.anchor;
        self.overlay = self
            .overlay
            .filter(|overlay| matches!(overlay, super::Overlay::Help { .. }));
        self.gauges = fresh.gauges;
        self.gauges_ms = fresh.gauges_ms;
        self.page = fresh.page;
        self.compare = fresh.compare;
        self.cache = fresh.cache;
        self.limits = fresh.limits;
        self.embedding_limits = fresh.embedding_limits;
        self.now_ms = fresh.now_ms;
        self.rewound += 1;
    }

    /// Takes one moment in, as it was taken in live.
    fn happens(&mut self, moment: Moment) {
        self.now_ms = moment.at_ms;
        match moment.what {
            Happening::Began(state) => self.begins(*state),
            Happening::Asked { run, question } => {
                // A comparison is left by asking; answers side by side are on a page of their own.
                if self.page == Page::Compare {
                    self.page = Page::Chat;
                }
                self.asked(run, &question);
            }
            Happening::Gauges(gauges) => self.told(*gauges),
            Happening::Event(event) => self.agent(&event),
            Happening::Compared(found) => self.was_compared(*found),
        }
    }

    /// A recording begins, maybe behind another one whose runs it has no end of.
    fn begins(&mut self, state: Beginning) {
        for entry in self.entries.iter_mut().filter(|entry| entry.is_live()) {
            entry.exchange.break_off(CUT);
        }
        self.gauges_ms = self.now_ms - state.gauges.ago_ms;
        self.gauges = state.gauges.told;
        let since = |limits: Since<Limits>| (limits.told, self.now_ms - limits.ago_ms);
        self.limits = state.limits.map(since);
        self.embedding_limits = state.embedding_limits.map(since);
        self.cache = state.cache;
    }

    /// When the tape has something to show next; `None` when it stands still.
    pub(super) fn replay_wakes_in(&self, replay: &Replay) -> Option<Duration> {
        let next = replay.next_in_ms()?;
        let moving = self.running() > 0 || self.measured.gauges_shown;
        let ms = if moving {
            next.min(100.0 / replay.speed)
        } else {
            next
        };
        Some(Duration::from_secs_f64(ms.max(FRAME_MS) / 1e3))
    }

    /// A recording is looked at and cannot be asked.
    pub(super) fn refuse_to_ask(&mut self) {
        self.notice = Some(Notice {
            text: "This is a recording, which answers nothing: q ends it, then defi-qa asks.".to_owned(),
            bad: true,
        });
    }
}

//! What is true: the state of the application as plain values. No tokio, no I/O, no clock.
//!
//! A [`Message`] goes into [`App::update`], [`Effect`]s come out. The loop in `tui` carries them out and draws what
//! the state says; nothing else reaches the screen.

mod asking;
pub mod beside;
pub mod compare;
mod composer;
mod effect;
pub mod keymap;
mod message;
mod moment;
mod replay;
mod scroll;
pub mod sessions;
mod update;
mod wake;

pub use beside::Beside;
pub use compare::Compare;
pub use composer::Composer;
pub use effect::Effect;
pub use message::{Gauges, Loading, Measured, Message, Recorded, Seen, Target};
pub use moment::{Beginning, Happening, Moment, Since};
pub use replay::{CUT, Replay, Transport};
pub use sessions::Sessions;
pub use wake::LimitsNow;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::agent::event::{Exchange, Limits, RunId, Tier};

/// A question of this session and the state of its run.
#[derive(Clone, Debug)]
pub struct Entry {
    pub run: RunId,
    pub exchange: Exchange,
    /// On the application's clock, in milliseconds.
    pub asked_ms: f64,
    /// The evidence row that is highlighted, from 0.
    pub evidence: Option<usize>,
}

/// Where keys go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Focus {
    #[default]
    Composer,
    Chat,
    Evidence,
}

/// What fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    #[default]
    Chat,
    Compare,
    /// Two answers side by side.
    Beside,
}

/// What lies over the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// The keys, scrolled down by so many lines.
    Help { top: usize },
    /// One retrieved pair in full: the index of its evidence row, scrolled down by so many lines.
    Pair { hit: usize, top: usize },
    /// The comparison's selected pair in full, scrolled down by so many lines.
    Compared { top: usize },
    /// The comparison's presets, of which one is marked.
    Presets { at: usize },
    /// The judged queries of the comparison, of which one is marked.
    Queries { at: usize },
    /// The sessions that were kept.
    Sessions,
    /// The ways to export a session, of which one is marked.
    Exports { at: usize },
}

/// Which line of the chat stands at the top of its pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// The end is kept in view while text arrives.
    #[default]
    End,
    Line(usize),
    /// The question of this run stands at the top, as far as the text below it reaches.
    Entry(RunId),
}

/// A sentence for the status line, gone at the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub bad: bool,
}

/// What the caches did in this session, counted from `cache` events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheCount {
    pub memory: u64,
    pub redis: u64,
    pub disk: u64,
    pub missed: u64,
    /// What the hits took when they were made, in microseconds, as far as that is known.
    pub saved_us: u64,
    /// Tokens that kept answers cost when they were made.
    pub saved_tokens: u64,
    /// The tiers that served the last lookups, the newest at the end; `None` for what was loaded.
    pub last: VecDeque<Option<Tier>>,
}

/// Lookups that are remembered one by one: more than a side panel has columns for.
const LAST_LOOKUPS: usize = 64;

impl CacheCount {
    fn count(&mut self, tier: Option<Tier>, saved_ms: Option<f64>, saved_tokens: Option<u64>) {
        // What a recording says may be anything; the conversion and the sums stop at the ends.
        self.saved_us = self
            .saved_us
            .saturating_add((saved_ms.unwrap_or(0.0) * 1e3) as u64);
        self.saved_tokens = self.saved_tokens.saturating_add(saved_tokens.unwrap_or(0));
        match tier {
            Some(Tier::Memory) => self.memory += 1,
            Some(Tier::Redis) => self.redis += 1,
            Some(Tier::Disk) => self.disk += 1,
            None => self.missed += 1,
            Some(Tier::Unknown) => {}
        }
        if self.last.len() == LAST_LOOKUPS {
            self.last.pop_front();
        }
        self.last.push_back(tier);
    }

    /// Lookups that a tier served.
    pub fn hits(&self) -> u64 {
        self.memory + self.redis + self.disk
    }

    /// All lookups.
    pub fn asked(&self) -> u64 {
        self.hits() + self.missed
    }
}

/// The whole state.
#[derive(Debug)]
pub struct App {
    pub entries: Vec<Entry>,
    /// Index of the entry whose evidence the side panel shows.
    pub selected: Option<usize>,
    pub composer: Composer,
    pub page: Page,
    pub compare: Compare,
    pub beside: Beside,
    pub sessions: Sessions,
    pub focus: Focus,
    pub overlay: Option<Overlay>,
    pub anchor: Anchor,
    /// Whether the side panel shows the trace instead of the evidence, where both do not fit.
    pub trace: bool,
    /// Whether a narrow screen shows the side panel instead of the chat.
    pub side: bool,
    pub notice: Option<Notice>,
    /// The recording that is shown; `None`: this is a live session.
    pub replay: Option<Replay>,
    /// How often what happened was forgotten to be told again.
    pub rewound: usize,
    /// The file that what happens is recorded in.
    pub recording: Option<String>,
    pub gauges: Gauges,
    /// When the gauges were told, on the application's clock.
    pub gauges_ms: f64,
    pub cache: CacheCount,
    /// The newest that is known of the chat endpoint's limits, and since when on the application's clock.
    pub limits: Option<(Limits, f64)>,
    /// The same of the endpoint that embeds.
    pub embedding_limits: Option<(Limits, f64)>,
    /// The application's clock in milliseconds, as the loop last told it.
    pub now_ms: f64,
    /// What the last frame looked like, as far as scrolling needs it.
    pub measured: Measured,
    next_run: u64,
}

impl Default for App {
    fn default() -> Self {
        Self::new(Gauges::default())
    }
}

impl App {
    /// An empty session.
    pub fn new(gauges: Gauges) -> Self {
        Self {
            entries: Vec::new(),
            selected: None,
            composer: Composer::default(),
            page: Page::default(),
            compare: Compare::default(),
            beside: Beside::default(),
            sessions: Sessions::default(),
            focus: Focus::default(),
            overlay: None,
            anchor: Anchor::default(),
            trace: false,
            side: false,
            notice: None,
            replay: None,
            rewound: 0,
            recording: None,
            limits: gauges.limits.as_deref().map(|limits| (limits.clone(), 0.0)),
            embedding_limits: gauges
                .embedding_limits
                .as_deref()
                .map(|limits| (limits.clone(), 0.0)),
            gauges,
            gauges_ms: 0.0,
            cache: CacheCount::default(),
            now_ms: 0.0,
            measured: Measured::default(),
            next_run: 1,
        }
    }

    /// Shows exchanges of an earlier session, the oldest first; new ones come below them.
    pub fn resume(&mut self, exchanges: Vec<Exchange>) {
        for exchange in exchanges {
            self.composer.remember(&exchange.question);
            self.entries.push(Entry {
                run: RunId(self.next_run),
                exchange,
                asked_ms: self.now_ms,
                evidence: None,
            });
            self.next_run += 1;
        }
        self.selected = self.entries.len().checked_sub(1);
    }

    /// A number for a run that begins.
    fn new_run(&mut self) -> RunId {
        let run = RunId(self.next_run);
        self.next_run += 1;
        run
    }

    /// The entry whose evidence is shown.
    pub fn current(&self) -> Option<&Entry> {
        self.entries.get(self.selected?)
    }

    fn current_mut(&mut self) -> Option<&mut Entry> {
        self.entries.get_mut(self.selected?)
    }

    /// The run that Esc would cancel: the selected one if it is running, else the newest that is.
    pub fn cancellable(&self) -> Option<RunId> {
        if self.replay.is_some() {
            return None;
        }
        let running = |entry: &&Entry| !entry.exchange.phase.ended();
        self.current()
            .filter(running)
            .or_else(|| self.entries.iter().rev().find(running))
            .map(|entry| entry.run)
    }

    /// How many runs have not ended.
    pub fn running(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| !entry.exchange.phase.ended())
            .count()
    }

    /// Where a key pressed now is looked up.
    pub fn context(&self) -> keymap::Context {
        match (&self.overlay, self.focus) {
            (Some(Overlay::Presets { .. }), _) => keymap::Context::Presets,
            (Some(Overlay::Queries { .. }), _) => keymap::Context::Queries,
            (Some(Overlay::Sessions), _) => keymap::Context::Sessions,
            (Some(Overlay::Exports { .. }), _) => keymap::Context::Exports,
            (None, _) if self.page == Page::Compare => match self.compare.typing {
                compare::Typing::Nothing => keymap::Context::Compare,
                _ => keymap::Context::CompareText,
            },
            (None, _) if self.page == Page::Beside => match self.beside.typing {
                beside::Typing::Nothing => keymap::Context::Beside,
                _ => keymap::Context::BesideText,
            },
            (Some(_), _) => keymap::Context::Overlay,
            // A recording has nothing to write into.
            (None, Focus::Composer) if self.replay.is_some() => keymap::Context::Chat,
            (None, Focus::Composer) => keymap::Context::Composer,
            (None, Focus::Chat) => keymap::Context::Chat,
            (None, Focus::Evidence) => keymap::Context::Evidence,
        }
    }
}

//! What can happen to the application.

use serde::{Deserialize, Serialize};
use tui_textarea::Input;

use super::beside;
use super::compare::{Compared, Ranked, Spot};
use super::keymap::Command;
use super::sessions;
use crate::agent::event::{CacheStats, Event, Limits, SIDES};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Message {
    /// A key, as the keymap read it.
    Command(Command),
    /// A key that is text for the composer.
    Edit(Input),
    /// Text put in by the terminal's paste.
    Paste(String),
    /// The mouse was pressed on something.
    Click(Target),
    /// The wheel was turned over a pane: lines down (negative: up).
    Scroll { over: Target, lines: i32 },
    /// A run said something.
    Agent(Box<Event>),
    /// The parts that load in the background changed.
    Gauges(Gauges),
    /// A comparison ended.
    Compared(Compared),
    /// A judged set was ranked.
    Ranked(Ranked),
    /// The store of sessions answered.
    Sessions(sessions::Told),
    /// The time that [`super::App::wakes_in`] named has come.
    Woke,
    /// Time went on: the clock in milliseconds.
    Tick(f64),
    /// The clipboard or another effect could not be served; a sentence for the user.
    Trouble(String),
    /// A recording began or ended.
    Recording(Recorded),
}

/// What came of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// What happens goes into this file.
    To(String),
    /// It is whole.
    Ended { path: String, lines: u64 },
    /// It stopped by itself; a sentence for the user.
    Broken(String),
}

/// What lies under a cell of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A line of the answer or question of the entry with this index.
    Entry(usize),
    /// A citation `[n]` in the answer of the entry with this index.
    Citation { entry: usize, number: usize },
    /// The evidence row with this index.
    Evidence(usize),
    /// The chat pane beside its entries.
    Chat,
    /// The side panel beside its rows.
    Side,
    /// The text area: row and column within its text.
    Composer { row: u16, column: u16 },
    /// Something of the comparison.
    Compare(Spot),
    /// Something of the answers side by side.
    Beside(beside::Spot),
    /// The row of the session list with this index.
    Session(usize),
    /// The line of the ways to export with this index.
    Export(usize),
    /// The bar of a recording that is shown: so many of its columns lie before the pointer.
    Tape { column: u16, columns: u16 },
    /// Whatever lies over the panes.
    Overlay,
}

/// The state of what loads in the background, and how the program was set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gauges {
    /// Who writes the answers: `extractive` or `openai:MODEL`.
    pub chat: String,
    /// Name of the embedding model.
    pub embedder: String,
    pub offline: bool,
    pub dataset: String,
    /// The data set and its index.
    pub knowledge: Loading,
    /// The embedding model.
    pub model: Loading,
    /// How many pairs are known, once they are loaded.
    pub pairs: usize,
    /// What the cache did and which of its tiers serve.
    pub cache: Box<CacheStats>,
    /// Milliseconds until the cache's shared tier is tried again, when it is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis_probe_ms: Option<u64>,
    /// What is known of the chat endpoint's limits, when one is asked: also between runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Box<Limits>>,
    /// The same of the endpoint that embeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_limits: Option<Box<Limits>>,
}

/// Whether something that loads in the background is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loading {
    #[default]
    Loading,
    Ready,
    /// A sentence for the user.
    Failed(String),
}

/// What the last frame looked like, as far as scrolling needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// First line of the chat that was shown.
    pub chat_top: usize,
    /// Lines of the chat in all.
    pub chat_lines: usize,
    /// Lines that the chat pane has room for.
    pub chat_height: usize,
    /// Lines that the overlay has in all, and room for.
    pub overlay_lines: usize,
    pub overlay_height: usize,
    /// Places of a column of the comparison that there is room for.
    pub compare_places: usize,
    /// What of each side is seen, where answers stand side by side.
    pub sides: [Seen; SIDES],
    /// Whether the side panel stands beside the chat, not instead of it.
    pub side_by_side: bool,
    /// Whether the cache and the limits are on the screen.
    pub gauges_shown: bool,
}

/// What of a text is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The first line that was shown.
    pub top: usize,
    /// Lines in all, and room for so many.
    pub lines: usize,
    pub height: usize,
}

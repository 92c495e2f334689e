//! The picker of sessions: those that were kept, searched as the user types, opened, renamed, deleted and restored.
//!
//! ```text
//! key ─► SessionsCommand ─► Effect::FindSessions { ticket, query } ─► the thread of the store
//! Message::Sessions(Told::Found { ticket, rows }) ◄───────────────────┘  an older ticket is dropped
//! ```

pub mod keys;
mod update;

pub use keys::SessionsCommand;

use super::Composer;
use crate::agent::event::Exchange;

/// A session in the list, as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub id: i64,
    /// Its name, else its first question.
    pub title: String,
    /// The name that the user gave it.
    pub name: Option<String>,
    /// When it was last asked in: `2026-11-23 20:05`, in UTC.
    pub when: String,
    pub exchanges: u64,
    /// Whether new questions go into it.
    pub current: bool,
    pub found: Option<Match>,
}

/// Where in a session a query was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// The text around it in order, and whether a part is what was found.
    pub parts: Vec<(String, bool)>,
    /// Whether it stands in a pair that was shown as evidence, not in the question or the answer.
    pub in_evidence: bool,
}

/// What the store of sessions says.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    Found {
        ticket: u64,
        rows: Vec<Row>,
    },
    /// The exchanges of the session that was opened, the oldest first.
    Opened {
        row: Row,
        exchanges: Vec<Exchange>,
    },
    Renamed {
        title: String,
    },
    Deleted {
        id: i64,
        title: String,
    },
    Restored {
        title: String,
    },
    /// A session was exported into this file.
    Exported {
        path: String,
    },
    /// A session was exported for the clipboard.
    Copied {
        text: String,
    },
    /// A sentence for the user.
    Trouble(String),
}

/// What a session is exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Json,
    Recording,
}

/// Where an export goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    File,
    Clipboard,
}

/// A way to export a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    pub format: Format,
    pub to: Destination,
}

impl Export {
    /// All ways, as they are offered, each with its words.
    pub const ALL: [(Self, &'static str); 6] = [
        (
            Self::of(Format::Markdown, Destination::File),
            "Markdown, into a file",
        ),
        (
            Self::of(Format::Markdown, Destination::Clipboard),
            "Markdown, to the clipboard",
        ),
        (Self::of(Format::Json, Destination::File), "JSON, into a file"),
        (
            Self::of(Format::Json, Destination::Clipboard),
            "JSON, to the clipboard",
        ),
        (
            Self::of(Format::Recording, Destination::File),
            "a recording, into a file",
        ),
        (
            Self::of(Format::Recording, Destination::Clipboard),
            "a recording, to the clipboard",
        ),
    ];

    const fn of(format: Format, to: Destination) -> Self {
        Self { format, to }
    }
}

/// The state of the picker. It is kept while it is closed.
#[derive(Debug, Default)]
pub struct Sessions {
    /// What is searched for.
    pub query: Composer,
    /// The new name of the marked session, while it is written.
    pub naming: Option<Composer>,
    pub rows: Vec<Row>,
    /// The marked row.
    pub at: usize,
    /// Whether the rows are of an older query, or there are none yet.
    pub searching: bool,
    /// What the ways to export are offered for: a session of the list, else the one that new questions go into.
    pub exporting: Option<i64>,
    /// What was deleted here, the last at the end: undo takes them back in turn.
    deleted: Vec<i64>,
    /// Of the last search: an answer to another one is dropped.
    ticket: u64,
}

impl Sessions {
    /// Whether something was deleted here that can be taken back.
    pub fn can_undo(&self) -> bool {
        !self.deleted.is_empty()
    }

    /// The marked session.
    pub fn marked(&self) -> Option<&Row> {
        self.rows.get(self.at)
    }
}

#[cfg(test)]
mod tests;

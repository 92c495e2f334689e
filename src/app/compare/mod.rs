//! The comparison: one query through two to four retrievers, as the full-screen view shows it.
//!
//! ```text
//! key ─► CompareCommand ─► retrievers change ─► Effect::Compare { ticket, query, retrievers }
//!                                                   │  embeds only a new query, searches only what is new, ranks
//! Message::Compared { ticket, found } ◄─────────────┘  an older ticket is dropped: the newest set-up wins
//! ```

mod columns;
mod command;
mod found;
pub mod keys;
mod pause;
mod query;
mod selection;
mod set;
mod update;

pub use command::CompareCommand;
pub use found::{Compared, Found, Place};
pub use pause::Pause;
pub use set::{Disputed, JudgedSet, Ranked};

use crate::retrieval::comparison::{Preset, Retriever};

use super::Composer;

/// The state of the comparison. It is kept while the chat is shown.
#[derive(Debug)]
pub struct Compare {
    /// The query line.
    pub query: Composer,
    /// The columns, the reference first.
    pub retrievers: Vec<Retriever>,
    /// The selected column.
    pub column: usize,
    /// Identifier of the selected document: it stays selected from column to column.
    pub document: Option<String>,
    /// Where in its column the selection stands, for columns that do not list the document.
    pub place: usize,
    /// Identifiers of documents that stay marked in all columns.
    pub pinned: Vec<String>,
    pub typing: Typing,
    /// What was found last. It stays while something newer is searched for.
    pub found: Option<Found>,
    pub progress: Progress,
    /// The judged queries that were opened.
    pub set: Option<JudgedSet>,
    /// Number of the newest comparison that was asked for.
    ticket: u64,
    pause: Pause,
}

/// Where text goes.
#[derive(Debug, Default)]
pub enum Typing {
    /// Nowhere: letters are commands.
    #[default]
    Nothing,
    Query,
    /// Into the text form of the selected column's retriever.
    Spec(Box<Composer>),
}

/// How far the newest comparison has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// None is under way.
    #[default]
    Idle,
    Searching,
    /// A sentence for the user.
    Failed(String),
}

/// What the mouse was pressed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The query line, at this column of its text.
    Query { column: u16 },
    /// The head or tab of a column.
    Head(usize),
    /// A document in a column: its row in the joined comparison.
    Document { column: usize, row: usize },
    /// A line of the presets.
    Preset(usize),
    /// A row of the judged queries.
    Judged(usize),
    /// Beside everything.
    Page,
}

impl Default for Compare {
    fn default() -> Self {
        Self {
            query: Composer::default(),
            retrievers: Preset::Methods.retrievers(),
            column: 0,
            document: None,
            place: 0,
            pinned: Vec::new(),
            typing: Typing::default(),
            found: None,
            progress: Progress::default(),
            set: None,
            ticket: 0,
            pause: Pause::default(),
        }
    }
}

impl Compare {
    /// The letter of a column: A for the first, the reference.
    pub fn letter(column: usize) -> char {
        char::from(b'A'.saturating_add(u8::try_from(column).unwrap_or(u8::MAX)))
    }

    /// Whether this comparison is shown: none that was asked for is newer.
    pub fn awaits(&self, compared: &Compared) -> bool {
        compared.ticket == self.ticket
    }

    /// Whether a document is pinned.
    pub fn is_pinned(&self, id: &str) -> bool {
        self.pinned.iter().any(|pinned| pinned == id)
    }

    /// The row of the selected document in the joined comparison.
    pub fn selected_row(&self) -> Option<usize> {
        let (id, found) = (self.document.as_deref()?, self.found.as_ref()?);
        found.row_of(id)
    }

    /// The command line that makes the same comparison.
    pub fn command_line(&self) -> String {
        let mut line = "defi-qa compare".to_owned();
        for retriever in &self.retrievers {
            line.push_str(" --retriever ");
            line.push_str(&quoted(&retriever.to_string()));
        }
        line.push_str(" -- ");
        line.push_str(&quoted(self.query.text().trim()));
        line
    }
}

/// A text as one word of a POSIX shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

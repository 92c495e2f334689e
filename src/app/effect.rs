//! Every side effect that the application can ask for, on one screen.

use super::sessions::Export;
use crate::agent::event::{Question, RunId, SIDES, SideSpec};
use crate::retrieval::comparison::Retriever;

/// What the loop is asked to do; it answers, if at all, with messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a run of the agent; its events come back as [`super::Message::Agent`].
    Ask { run: RunId, question: Question },
    /// Start a run for each side, which answer the question from the same evidence.
    AskBeside {
        question: Question,
        sides: [(RunId, SideSpec); SIDES],
    },
    /// Stop a run; its `cancelled` event comes back.
    Cancel { run: RunId },
    /// Rank a query by these retrievers; [`super::Message::Compared`] comes back with the same ticket, unless a newer
    /// one was asked for before it was done.
    Compare {
        ticket: u64,
        query: String,
        retrievers: Vec<Retriever>,
    },
    /// Rank every query of the judged set by these retrievers; [`super::Message::Ranked`] comes back with the same ticket,
    /// unless something newer was asked for before it was done.
    RankSet { ticket: u64, retrievers: Vec<Retriever> },
    /// Look for sessions, the newest for a blank query; this and the next five are answered with
    /// [`super::Message::Sessions`].
    FindSessions { ticket: u64, query: String },
    /// Read a session, and let new exchanges go there.
    OpenSession { id: i64 },
    /// Give a session a name; a blank one takes its name away.
    RenameSession { id: i64, name: String },
    /// Put a session out of every list.
    DeleteSession { id: i64 },
    /// Take a deletion back.
    RestoreSession { id: i64 },
    /// Export a session, the one that new exchanges go into when none is named.
    ExportSession { id: Option<i64>, what: Export },
    /// Put text on the clipboard of the terminal.
    Copy { text: String },
    /// Begin a recording, or end the one that goes on; what came of it comes back.
    Record,
    /// Leave the terminal, stop the process, and come back when it is continued.
    Suspend,
    /// Leave.
    Quit,
}

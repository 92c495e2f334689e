//! The store as async code uses it: nothing here waits for the disk.

use std::path::PathBuf;
use std::sync::mpsc;

use tokio::sync::oneshot;

use super::SessionId;
use super::kept::Kept;
use super::run::Run;
use super::search::Found;
use super::store::Summary;
use super::writer::{self, Act};
use crate::agent::event::Event;
use crate::text::Redactor;

/// Where new exchanges go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Into {
    /// Into a session that is made with the first of them.
    New,
    /// Into the newest session of this name, which is made when there is none.
    Named(String),
    /// Into this session.
    Session(SessionId),
}

/// What can be wished for beside the keeping itself; the answer comes as [`News`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The sessions that a query finds, the newest when it is blank. Of several that wait, only the last is answered.
    Find { ticket: u64, query: String },
    /// Read a session and let new exchanges go there.
    Open(SessionId),
    /// Answered with the change and with what the last [`Wish::Find`] finds then.
    Change { id: SessionId, change: Change },
}

/// What can be done to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Gives it a name; a blank one takes its name away.
    Rename(String),
    Delete,
    Restore,
}

/// What the store says.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Found {
        /// The ticket of the wish that this answers.
        ticket: u64,
        /// The session that new exchanges go into, once there is one.
        current: Option<SessionId>,
        sessions: Vec<(Summary, Option<Found>)>,
    },
    /// The newest exchanges of the session that was opened.
    Opened { session: Summary, kept: Vec<Kept> },
    /// What was done to a session, which is as it is now.
    Changed { session: Summary, change: Change },
    /// A wish could not be granted; a sentence for the user.
    Trouble(String),
}

/// Keeps what runs say. Dropping it lets what was heard be written in the background; [`Keeper::close`] waits for it.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// Unbounded: events are small, runs are slowed by their own bounded channels, and a run must not wait for a disk.
    acts: mpsc::Sender<Act>,
}

impl Keeper {
    /// Opens the store in the background. When it cannot be opened nothing is kept, which [`Keeper::close`] tells.
    /// `tell` is handed what comes of wishes, on the thread of the store.
    pub fn open(
        path: PathBuf,
        into: Into,
        redactor: Redactor,
        tell: impl FnMut(News) + Send + 'static,
    ) -> Self {
        let (acts, to_do) = mpsc::channel();
        writer::start(path, into, redactor, to_do, Box::new(tell));
        Self { acts }
    }

    /// Takes one event of a run in. All events of a run must come, in order.
    pub fn hear(&self, event: &Event) {
        // Without its thread nothing is kept, which has been logged.
        let _ = self.acts.send(Act::Heard(Box::new(event.clone())));
    }

    /// Asks for something; the answer is told.
    pub fn wish(&self, wish: Wish) {
        // Without its thread there is nothing to find, which has been logged.
        let _ = self.acts.send(Act::Wish(wish));
    }

    /// Reads a session with all that its runs said, the one that new exchanges go into when none is named, and hands it
    /// over on the thread of the store. When that is impossible, [`News::Trouble`] says why.
    pub fn read(&self, id: Option<SessionId>, then: impl FnOnce(&Summary, Vec<Run>) + Send + 'static) {
        let then = Box::new(then);
        // Without its thread there is nothing to read, which has been logged.
        let _ = self.acts.send(Act::Read { id, then });
    }

    /// Waits until all that was heard is written, runs that have not ended with what they said so far. Gives back what
    /// could not be kept, a sentence for the user.
    pub async fn close(&self) -> Option<String> {
        let (reply, done) = oneshot::channel();
        self.acts.send(Act::Flush(reply)).ok()?;
        // A thread that is gone has nothing left to write.
        done.await.ok().flatten()
    }
}

//! The store as async code uses it: nothing here waits for the disk.

use std::path::PathBuf;
use std::sync::mpsc;

use tokio::sync::oneshot;

use super::writer::{self, Act};
use super::{Redactor, SessionId};
use crate::agent::event::Event;

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

/// Keeps what runs say. Dropping it lets what was heard be written in the background; [`Keeper::close`] waits for it.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// Unbounded: events are small, runs are slowed by their own bounded channels, and a run must not wait for a disk.
    acts: mpsc::Sender<Act>,
}

impl Keeper {
    /// Opens the store in the background. When it cannot be opened nothing is kept, which [`Keeper::close`] tells.
    pub fn open(path: PathBuf, into: Into, redactor: Redactor) -> Self {
        let (acts, to_do) = mpsc::channel();
        writer::start(path, into, redactor, to_do);
        Self { acts }
    }

    /// Takes one event of a run in. All events of a run must come, in order.
    pub fn hear(&self, event: &Event) {
        // Without its thread nothing is kept, which has been logged.
        let _ = self.acts.send(Act::Heard(event.clone()));
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

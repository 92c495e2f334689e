//! The thread that owns the store.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::SessionId;
use super::checkpoint::Checkpoint;
use super::error::SessionError;
use super::keeper::{Change, Into, News, Wish};
use super::run::Run;
use super::said::Said;
use super::store::{Store, Summary};
use crate::agent::event::{AgentEvent, Event, Exchange, RunId};
use crate::clock::now_ms;
use crate::text::Redactor;

/// Exchanges of an opened session that are read: more than a person scrolls back through.
const OPENED: usize = 200;

/// Sessions that a search names.
const LISTED: usize = 200;

/// Who is handed the answers to wishes.
pub(super) type Tell = Box<dyn FnMut(News) + Send>;

/// Who is handed a session that was read.
pub(super) type Read = Box<dyn FnOnce(&Summary, Vec<Run>) + Send>;

/// What the thread is asked for.
pub(super) enum Act {
    Heard(Box<Event>),
    Wish(Wish),
    /// Read a session, the one that new exchanges go into when none is named.
    Read {
        id: Option<SessionId>,
        then: Read,
    },
    /// Write everything, then say so, and what went wrong.
    Flush(oneshot::Sender<Option<String>>),
}

/// Starts the thread. It ends when all senders are gone and what was sent is done.
pub(super) fn start(path: PathBuf, into: Into, redactor: Redactor, acts: Receiver<Act>, tell: Tell) {
    let begun = thread::Builder::new().name("sessions".to_owned()).spawn(move || {
        match Store::open(&path, redactor) {
            Ok(store) => Writer::new(store, into, tell).work(&acts),
            Err(error) => refuse(&acts, &error, tell),
        }
    });
    if let Err(error) = begun {
        tracing::warn!(%error, "the thread of the session store could not be started");
    }
}

/// Keeps nothing, and says why whenever something is wished for, and at the end.
fn refuse(acts: &Receiver<Act>, error: &SessionError, mut tell: Tell) {
    tracing::warn!(%error, "nothing is kept");
    for act in acts {
        match act {
            Act::Heard(_) => {}
            Act::Wish(_) | Act::Read { .. } => tell(News::Trouble(sentence(error))),
            // Who does not wait any more need not be told.
            Act::Flush(reply) => drop(reply.send(Some(error.to_string()))),
        }
    }
}

/// A run that has not ended.
struct Open {
    /// Its id in the store.
    id: i64,
    exchange: Exchange,
    said: Said,
    /// Whether the evidence of the exchange is not written yet.
    new_evidence: bool,
    checkpoint: Checkpoint,
}

struct Writer {
    store: Store,
    into: Into,
    /// The session that new exchanges go to, once there is one.
    session: Option<SessionId>,
    open: HashMap<RunId, Open>,
    /// What could not be written since the last flush.
    failed: Option<SessionError>,
    /// The last search, which a change of a session answers anew.
    found: (u64, String),
    tell: Tell,
}

impl Writer {
    fn new(store: Store, into: Into, tell: Tell) -> Self {
        Self {
            store,
            into,
            session: None,
            open: HashMap::new(),
            failed: None,
            found: (0, String::new()),
            tell,
        }
    }

    fn work(mut self, acts: &Receiver<Act>) {
        let mut waiting = VecDeque::new();
        loop {
            let next = match self.due_in(Instant::now()) {
                Some(due) => acts.recv_timeout(due),
                None => acts.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(act) => waiting.push_back(act),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            waiting.extend(acts.try_iter());
            while let Some(act) = waiting.pop_front() {
                match act {
                    Act::Heard(event) => self.hear(&event),
                    // The next one says what is wanted now.
                    Act::Wish(Wish::Find { .. })
                        if waiting
                            .iter()
                            .any(|act| matches!(act, Act::Wish(Wish::Find { .. }))) => {}
                    Act::Wish(wish) => self.grant(wish),
                    Act::Read { id, then } => {
                        if let Err(error) = self.read(id, then) {
                            (self.tell)(News::Trouble(sentence(&error)));
                        }
                    }
                    Act::Flush(reply) => {
                        self.write_if(|_| true);
                        // Who does not wait any more need not be told.
                        let _ = reply.send(self.failed.take().map(|error| error.to_string()));
                    }
                }
            }
            let now = Instant::now();
            self.write_if(|open| open.checkpoint.due_in(now).is_some_and(|due| due.is_zero()));
        }
        self.write_if(|_| true);
    }

    fn due_in(&self, now: Instant) -> Option<Duration> {
        self.open
            .values()
            .filter_map(|open| open.checkpoint.due_in(now))
            .min()
    }

    fn hear(&mut self, event: &Event) {
        if let AgentEvent::Started { .. } = &event.what {
            let mut exchange = Exchange::default();
            exchange.apply(event);
            let mut said = self.store.said();
            said.hear(event);
            match self.begin(&exchange, &mut said) {
                Ok(id) => {
                    let open = Open {
                        id,
                        exchange,
                        said,
                        new_evidence: false,
                        checkpoint: Checkpoint::written(Instant::now()),
                    };
                    self.open.insert(event.run, open);
                }
                Err(error) => self.trouble(error),
            }
            return;
        }
        let Some(open) = self.open.get_mut(&event.run) else {
            return;
        };
        open.exchange.apply(event);
        open.said.hear(event);
        open.new_evidence |= matches!(event.what, AgentEvent::Retrieved { .. });
        open.checkpoint.changed();
        if event.what.ends_run() {
            self.write_if(|open| open.exchange.phase.ended());
            self.open.remove(&event.run);
        }
    }

    fn begin(&mut self, exchange: &Exchange, said: &mut Said) -> Result<i64, SessionError> {
        let session = match (self.session, &self.into) {
            (Some(session), _) => self.there(session)?,
            (None, Into::New) => self.store.create(None)?,
            (None, Into::Named(name)) => self.store.named(name)?,
            (None, Into::Session(id)) => self.there(*id)?,
        };
        self.session = Some(session);
        self.store.add(session, now_ms(), exchange, said)
    }

    /// The session, or a new one when it was deleted or pruned meanwhile: what is asked then must not be lost with it.
    fn there(&mut self, session: SessionId) -> Result<SessionId, SessionError> {
        match self.store.summary(session) {
            Ok(summary) if summary.deleted_ms.is_none() => Ok(session),
            Ok(_) | Err(SessionError::Absent(_)) => self.store.create(None),
            Err(error) => Err(error),
        }
    }

    fn grant(&mut self, wish: Wish) {
        let granted = match wish {
            Wish::Find { ticket, query } => {
                self.found = (ticket, query);
                self.find()
            }
            Wish::Open(id) => self.open(id),
            Wish::Change { id, change } => self.change(id, change),
        };
        if let Err(error) = granted {
            (self.tell)(News::Trouble(sentence(&error)));
        }
    }

    fn find(&mut self) -> Result<(), SessionError> {
        let (ticket, query) = &self.found;
        let (ticket, sessions) = (*ticket, self.store.find(query, LISTED)?);
        let current = self.current();
        (self.tell)(News::Found {
            ticket,
            current,
            sessions,
        });
        Ok(())
    }

    /// The session that new exchanges go into, once there is one.
    fn current(&self) -> Option<SessionId> {
        self.session.or(match self.into {
            Into::Session(id) => Some(id),
            Into::New | Into::Named(_) => None,
        })
    }

    fn read(&mut self, id: Option<SessionId>, then: Read) -> Result<(), SessionError> {
        let id = id.or(self.current()).ok_or(SessionError::None)?;
        // What is being answered is exported as far as it has come.
        self.write_if(|_| true);
        let session = self.store.summary(id)?;
        then(&session, self.store.runs(id)?);
        Ok(())
    }

    fn open(&mut self, id: SessionId) -> Result<(), SessionError> {
        let session = self.store.summary(id)?;
        if session.deleted_ms.is_some() {
            return Err(SessionError::Deleted(id));
        }
        let kept = self.store.exchanges(id, OPENED)?;
        self.session = Some(id);
        (self.tell)(News::Opened { session, kept });
        Ok(())
    }

    fn change(&mut self, id: SessionId, change: Change) -> Result<(), SessionError> {
        match &change {
            Change::Rename(name) => self.store.rename(id, name)?,
            Change::Delete => self.store.delete(id)?,
            Change::Restore => self.store.restore(id)?,
        }
        let session = self.store.summary(id)?;
        (self.tell)(News::Changed { session, change });
        self.find()
    }

    /// Writes the runs that have something new and for which `wanted` holds.
    fn write_if(&mut self, wanted: impl Fn(&Open) -> bool) {
        let mut failed = None;
        for open in self.open.values_mut() {
            let now = Instant::now();
            if open.checkpoint.due_in(now).is_none() || !wanted(open) {
                continue;
            }
            let saved = self
                .store
                .save(open.id, &open.exchange, open.new_evidence, &mut open.said);
            match saved {
                Ok(()) => open.new_evidence = false,
                Err(error) => failed = Some(error),
            }
            // What failed is tried again with the next event, not at once: a full disk must not be hammered.
            open.checkpoint = Checkpoint::written(now);
        }
        if let Some(error) = failed {
            self.trouble(error);
        }
    }

    fn trouble(&mut self, error: SessionError) {
        tracing::warn!(%error, "an exchange could not be kept");
        self.failed = Some(error);
    }
}

/// An error as the picker says it.
fn sentence(error: &SessionError) -> String {
    let said = error.to_string();
    let mut letters = said.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

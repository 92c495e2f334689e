//! The thread that owns the store.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::checkpoint::Checkpoint;
use super::error::SessionError;
use super::keeper::Into;
use super::store::Store;
use super::{Redactor, SessionId};
use crate::agent::event::{AgentEvent, Event, Exchange, RunId};
use crate::clock::now_ms;

/// What the thread is asked for.
pub(super) enum Act {
    Heard(Event),
    /// Write everything, then say so, and what went wrong.
    Flush(oneshot::Sender<Option<String>>),
}

/// Starts the thread. It ends when all senders are gone and what was sent is done.
pub(super) fn start(path: PathBuf, into: Into, redactor: Redactor, acts: Receiver<Act>) {
    let begun = thread::Builder::new().name("sessions".to_owned()).spawn(move || {
        match Store::open(&path, redactor) {
            Ok(store) => Writer::new(store, into).work(&acts),
            Err(error) => refuse(&acts, &error),
        }
    });
    if let Err(error) = begun {
        tracing::warn!(%error, "the thread of the session store could not be started");
    }
}

/// Keeps nothing, and says why at the end.
fn refuse(acts: &Receiver<Act>, error: &SessionError) {
    tracing::warn!(%error, "nothing is kept");
    for act in acts {
        if let Act::Flush(reply) = act {
            // Who does not wait any more need not be told.
            let _ = reply.send(Some(error.to_string()));
        }
    }
}

/// A run that has not ended.
struct Open {
    /// Its id in the store.
    id: i64,
    exchange: Exchange,
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
}

impl Writer {
    fn new(store: Store, into: Into) -> Self {
        Self {
            store,
            into,
            session: None,
            open: HashMap::new(),
            failed: None,
        }
    }

    fn work(mut self, acts: &Receiver<Act>) {
        loop {
            let next = match self.due_in(Instant::now()) {
                Some(due) => acts.recv_timeout(due),
                None => acts.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(Act::Heard(event)) => self.hear(&event),
                Ok(Act::Flush(reply)) => {
                    self.write_if(|_| true);
                    // Who does not wait any more need not be told.
                    let _ = reply.send(self.failed.take().map(|error| error.to_string()));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
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
            match self.begin(&exchange) {
                Ok(id) => {
                    let open = Open {
                        id,
                        exchange,
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
        open.new_evidence |= matches!(event.what, AgentEvent::Retrieved { .. });
        open.checkpoint.changed();
        if event.what.ends_run() {
            self.write_if(|open| open.exchange.phase.ended());
            self.open.remove(&event.run);
        }
    }

    fn begin(&mut self, exchange: &Exchange) -> Result<i64, SessionError> {
        let session = match (self.session, &self.into) {
            (Some(session), _) => session,
            (None, Into::New) => self.store.create(None)?,
            (None, Into::Named(name)) => self.store.named(name)?,
            (None, Into::Session(id)) => *id,
        };
        self.session = Some(session);
        self.store.add(session, now_ms(), exchange)
    }

    /// Writes the runs that have something new and for which `wanted` holds.
    fn write_if(&mut self, wanted: impl Fn(&Open) -> bool) {
        let mut failed = None;
        for open in self.open.values_mut() {
            let now = Instant::now();
            if open.checkpoint.due_in(now).is_none() || !wanted(open) {
                continue;
            }
            match self.store.save(open.id, &open.exchange, open.new_evidence) {
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

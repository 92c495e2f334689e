//! Keeps requests below what an endpoint allows, so that it seldom has to refuse one.
//!
//! ```text
//! turn ─► reserve ─► [queue] ─► a reservation ─► sent ─► answered (headers) ─► settle (usage)
//!                      ▲ buckets of requests and of tokens, and pauses that the server asked for
//! ```
//! Nothing is limited before the endpoint reports a limit (or the configuration sets one). From then on the buckets
//! follow its reports: `bucket` is the arithmetic, `meter` follows reports, `queue` says who goes next, `core` puts them
//! together. All of these are handed the time; only this file waits.

mod bucket;
mod core;
mod meter;
mod queue;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

pub use queue::Priority;
pub(crate) use queue::Turn;
pub use state::{LimitState, LimiterState, Paused};

use self::core::Core;
use super::limits::Limits;

/// Limits that the user sets, per minute. An endpoint's own, when narrower, win over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Requests.
    pub rpm: Option<u32>,
    /// Tokens, of questions and answers together.
    pub tpm: Option<u32>,
}

/// The token buckets of one model at one endpoint. Clones are the same limiter.
#[derive(Clone, Debug)]
pub(crate) struct Limiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    core: Mutex<Core<Arc<Notify>>>,
    state: watch::Sender<LimiterState>,
}

impl Limiter {
    pub(crate) fn new(quota: Quota) -> Self {
        let now = Instant::now();
        let core = Core::new(quota.rpm, quota.tpm, now);
        let state = watch::Sender::new(core.snapshot(now));
        Self(Arc::new(Shared {
            core: Mutex::new(core),
            state,
        }))
    }

    /// A place behind all that have one, which [`Self::reserve`] takes. A request that is tried again keeps its turn.
    pub(crate) fn turn(&self, priority: Priority) -> Turn {
        self.look(|core, _| core.turn(priority))
    }

    /// Waits until one request of so many tokens may go. An estimate above the whole bucket reserves the whole bucket,
    /// see [`Self::max_tokens_per_request`]. Dropping the future frees its place.
    pub(crate) async fn reserve(&self, tokens: u64, turn: Turn) -> Reservation {
        let wake = Arc::new(Notify::new());
        self.change(|core, _| core.enter(turn, tokens, Arc::clone(&wake)));
        let _place = Place { limiter: self, turn };
        loop {
            // A failed try changes nothing, so it wakes nobody, least of all itself.
            let tried = self.look(|core, now| core.depart(turn, now));
            match tried {
                Ok(number) => {
                    return Reservation {
                        limiter: self.clone(),
                        number,
                        used: None,
                    };
                }
                Err(None) => wake.notified().await,
                Err(Some(ready)) => {
                    tokio::select! {
                        () = wake.notified() => {}
                        () = sleep_until(ready) => {}
                    }
                }
            }
        }
    }

    /// For how long a turn that waits will still wait, as far as can be told.
    pub(crate) fn wait_of(&self, turn: Turn) -> Duration {
        self.look(|core, now| core.wait_of(turn, now))
    }

    /// Holds everybody until then, since the server asked for it. Afterwards one request goes as a probe; once the server
    /// has taken it on, the others that had waited follow one by one.
    pub(crate) fn pause_until(&self, until: Instant, why: &str) {
        self.change(|core, _| core.pause(until, why));
    }

    /// The most tokens that one request should be estimated at; `None` when no limit is known.
    pub(crate) fn max_tokens_per_request(&self) -> Option<u64> {
        self.look(|core, _| core.token_capacity())
    }

    /// Where it stands now.
    pub(crate) fn state(&self) -> LimiterState {
        self.look(|core, now| core.snapshot(now))
    }

    /// Where it stood at each change; the newest wins. Spans count from the change.
    pub(crate) fn watch(&self) -> watch::Receiver<LimiterState> {
        self.0.state.subscribe()
    }

    fn look<T>(&self, look: impl FnOnce(&mut Core<Arc<Notify>>, Instant) -> T) -> T {
        let mut core = self.0.core.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut core, Instant::now())
    }

    /// Changes something, then wakes whoever goes next, who may be able to now, and tells those who watch.
    fn change(&self, change: impl FnOnce(&mut Core<Arc<Notify>>, Instant)) {
        self.look(|core, now| {
            change(core, now);
            if let Some(head) = core.head() {
                head.notify_one();
            }
            // Under the lock, so that an older snapshot cannot overtake a newer one.
            self.0.state.send_replace(core.snapshot(now));
        });
    }
}

/// A place in the queue, left however the waiting ends.
struct Place<'a> {
    limiter: &'a Limiter,
    turn: Turn,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.limiter.change(|core, _| core.leave(self.turn));
    }
}

/// The right to send one request. Dropped before [`Self::sent`], it gives everything back; afterwards what was estimated
/// stays taken, unless [`Self::settle`] says what was really used.
#[derive(Debug)]
pub(crate) struct Reservation {
    limiter: Limiter,
    number: u64,
    used: Option<u64>,
}

impl Reservation {
    /// From here on the server may count it.
    pub(crate) fn sent(&self) {
        self.limiter.change(|core, _| core.sent(self.number));
    }

    /// The head of the response has come, with what it reports of limits.
    pub(crate) fn answered(&self, limits: Option<&Limits>) {
        self.limiter
            .change(|core, now| core.answered(self.number, limits, now));
    }

    /// The server took the request on: it did not refuse it.
    pub(crate) fn accepted(&self) {
        self.limiter.change(|core, now| core.accepted(self.number, now));
    }

    /// Ends it with the tokens that the server counted; `None` when it did not count.
    pub(crate) fn settle(mut self, used: Option<u64>) {
        self.used = used;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.limiter
            .change(|core, now| core.end(self.number, self.used, now));
    }
}

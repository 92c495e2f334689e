//! The one way to an endpoint: its breaker, its limiter and its retries around every request.
//!
//! ```text
//! visit ─► breaker: open? ─► limiter: a slot ─► a pass ─► send ─► the pass back with what became of it ─┐
//!   ▲                                                                                                   │
//!   └──── wait (the server's word, else back-off) ◄──── it failed, may pass, and nothing was delivered ─┘
//! ```
//! [`Gate::run`] goes that way for a request that is answered as a whole; a stream takes the same steps by a [`Visit`].

#[cfg(test)]
mod tests;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub(super) use self::visit::{Pass, Step, Visit};
use super::breaker::{Breaker, BreakerState};
use super::endpoint::Endpoint;
use super::error::{Asked, ProviderError};
use super::limiter::{LimitState, Limiter, LimiterState, Priority};
use super::limits::{BreakerPhase, Limit, Limits};
use super::peer::Peer;
use super::retry::RetryPolicy;

/// The breaker, the limiter and the retry policy of one model at one endpoint. Clones share them.
#[derive(Clone, Debug)]
pub struct Gate {
    asked: Arc<Asked>,
    limiter: Limiter,
    breaker: Breaker,
    retry: RetryPolicy,
}

/// What is to be told while a request is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateEvent {
    /// The limiter holds the request; `on` says what for ("the rate limit of HOST"), `wait` for how long, as far as can
    /// be told.
    Waiting { on: String, wait: Duration },
    /// The request failed and is tried again after `wait`; `attempt` is the number of the try that comes, from 2, `of`
    /// that of the last one there can be.
    Retrying {
        why: String,
        wait: Duration,
        attempt: u32,
        of: u32,
    },
    /// The waiting is over, after so long, and the request is being sent.
    Resumed { waited: Duration },
}

/// What came of one request whose response is taken whole.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    /// What the response's headers report, also when it is a refusal.
    pub limits: Option<Limits>,
    /// Tokens as the server counted them, when it did.
    pub tokens: Option<u64>,
    pub result: Result<T, ProviderError>,
}

impl Gate {
    /// The gate of this endpoint, with its quota and its retry policy. It is open and knows no limits yet.
    pub fn new(endpoint: &Endpoint) -> Self {
        Self {
            asked: Arc::new(Peer::of(endpoint).asked),
            limiter: Limiter::new(endpoint.quota),
            breaker: Breaker::default(),
            retry: endpoint.retry,
        }
    }

    /// Sends a request that is answered as a whole, again if need be. `send` makes one try, given its number from 1, and
    /// must only return an error when nothing of the answer was used; `tokens` is an estimate of what question and
    /// answer will use, `tell` hears of waits and retries. Dropping the future cancels.
    ///
    /// # Errors
    /// The last try's, or [`ProviderError::CircuitOpen`] without a try.
    pub async fn run<T, F>(
        &self,
        tokens: u64,
        priority: Priority,
        mut tell: impl FnMut(GateEvent),
        mut send: impl FnMut(u32) -> F,
    ) -> Result<T, ProviderError>
    where
        F: Future<Output = Reply<T>>,
    {
        let mut visit = self.visit(tokens, priority);
        loop {
            let pass = match visit.next().await? {
                Step::Tell(event) => {
                    tell(event);
                    continue;
                }
                Step::Go { pass, waited } => {
                    if !waited.is_zero() {
                        tell(GateEvent::Resumed { waited });
                    }
                    pass
                }
            };
            pass.sent();
            let reply = send(visit.attempt()).await;
            pass.answered(reply.limits.as_ref());
            match reply.result {
                Ok(value) => {
                    pass.succeeded(reply.tokens);
                    return Ok(value);
                }
                Err(error) => visit.failed(pass, error, false)?,
            }
        }
    }

    /// The most tokens that one request should be estimated at: split larger ones. `None` while no limit is known.
    pub fn max_tokens_per_request(&self) -> Option<u64> {
        self.limiter.max_tokens_per_request()
    }

    /// Where the limiter stood at each change; the newest wins.
    pub fn limiter_state(&self) -> watch::Receiver<LimiterState> {
        self.limiter.watch()
    }

    /// Where the breaker stood at each change; the newest wins.
    pub fn breaker_state(&self) -> watch::Receiver<BreakerState> {
        self.breaker.watch()
    }

    /// All that is known of the limits now.
    pub fn limits(&self) -> Limits {
        let state = self.limiter.state();
        Limits {
            requests: limit(&state.requests),
            tokens: limit(&state.tokens),
            ..self.around(&state)
        }
    }

    /// What a response reported, with what is known here beside it and for what it did not report.
    pub(super) fn beside(&self, reported: &Limits) -> Limits {
        let state = self.limiter.state();
        Limits {
            requests: reported.requests.or_else(|| limit(&state.requests)),
            tokens: reported.tokens.or_else(|| limit(&state.tokens)),
            ..self.around(&state)
        }
    }

    fn around(&self, state: &LimiterState) -> Limits {
        let (breaker, probe_in) = match self.breaker.state() {
            BreakerState::Closed => (BreakerPhase::Closed, None),
            BreakerState::Open { probe_in } => (BreakerPhase::Open, Some(probe_in)),
            BreakerState::HalfOpen => (BreakerPhase::HalfOpen, None),
        };
        Limits {
            endpoint: self.asked.host.clone(),
            model: self.asked.model.clone(),
            requests: None,
            tokens: None,
            in_flight: Some(state.in_flight as u64),
            queued: Some(state.queued as u64),
            next_slot_ms: Some(ms(state.next_slot)).filter(|wait| *wait > 0),
            paused_ms: state.paused.as_ref().map(|paused| ms(paused.wait)),
            breaker: Some(breaker),
            probe_in_ms: probe_in.map(ms),
        }
    }

    /// A request on its way in.
    pub(super) fn visit(&self, tokens: u64, priority: Priority) -> Visit {
        Visit::new(self.clone(), tokens, priority)
    }

    fn closed_for(&self, retry_in: Duration) -> ProviderError {
        ProviderError::CircuitOpen {
            host: self.asked.host.clone(),
            retry_in,
        }
    }
}

fn limit(state: &LimitState) -> Option<Limit> {
    Some(Limit {
        limit: state.limit?,
        remaining: state.remaining?,
        reset_ms: state.reset_in.map(ms),
        origin: Some(state.origin),
        age_ms: state.age.map(ms),
    })
}

/// Rounded up, so that what is still to come is not told as zero.
fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

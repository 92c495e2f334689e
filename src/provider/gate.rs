//! The one way to an endpoint: its breaker, its limiter and its retries around every request.
//!
//! ```text
//! visit ─► breaker: open? ─► limiter: a slot ─► a pass ─► send ─► the pass back with what became of it ─┐
//!   ▲                                                                                                   │
//!   └──── wait (the server's word, else back-off) ◄──── it failed, may pass, and nothing was delivered ─┘
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::breaker::{Breaker, BreakerState, Outcome, Permit, outcome_of};
use super::endpoint::Endpoint;
use super::error::{Asked, ProviderError};
use super::limiter::{LimitState, Limiter, LimiterState, Priority, Reservation, Turn};
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
    /// The request failed and is tried again after `wait`; `attempt` is the number of the try that comes, from 2.
    Retrying {
        why: String,
        wait: Duration,
        attempt: u32,
    },
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
                Step::Go { pass, .. } => pass,
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

    /// What a response reported, with what is known here beside it.
    pub(super) fn beside(&self, reported: Limits) -> Limits {
        Limits {
            requests: reported.requests,
            tokens: reported.tokens,
            ..self.around(&self.limiter.state())
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
        Visit {
            gate: self.clone(),
            tokens,
            priority,
            turn: None,
            failed: 0,
            at: At::Door,
            waits: None,
        }
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

/// One request on its way through the gate, over all its tries. Dropping it frees its place.
pub(super) struct Visit {
    gate: Gate,
    tokens: u64,
    priority: Priority,
    /// Taken once: a request that is tried again goes before those that came later.
    turn: Option<Turn>,
    /// Tries that failed.
    failed: u32,
    at: At,
    /// Since when it waits.
    waits: Option<Instant>,
}

enum At {
    Door,
    /// A retry was decided on and has to be told.
    Told(GateEvent, Box<At>),
    /// Waits for its own next try, outside the queue, where it would hold others up.
    BackingOff(Instant),
    /// Waits with everybody else until the server's pause is over.
    Held(Instant, Reserving),
    Queued(Reserving),
}

type Reserving = BoxFuture<'static, Reservation>;

/// What comes next on the way in.
pub(super) enum Step {
    Tell(GateEvent),
    /// One request may be sent, after waiting for `waited`.
    Go {
        pass: Pass,
        waited: Duration,
    },
}

impl Visit {
    /// The number of the try that is next or under way, from 1.
    pub(super) fn attempt(&self) -> u32 {
        self.failed + 1
    }

    /// Goes on, until there is something to tell or the request may be sent.
    pub(super) async fn next(&mut self) -> Result<Step, ProviderError> {
        loop {
            match std::mem::replace(&mut self.at, At::Door) {
                At::Door => {
                    self.gate
                        .breaker
                        .check()
                        .map_err(|wait| self.gate.closed_for(wait))?;
                    let reserving = self.reserving();
                    if let Some(step) = self.at_once(reserving) {
                        return step;
                    }
                }
                At::Told(event, then) => {
                    self.at = *then;
                    return Ok(Step::Tell(event));
                }
                At::BackingOff(until) => sleep_until(until).await,
                At::Held(until, mut reserving) => {
                    tokio::select! {
                        biased;
                        reserved = self.gate.unless_open(&mut reserving) => return self.go(reserved?),
                        () = sleep_until(until) => {}
                    }
                    if let Some(step) = self.at_once(reserving) {
                        return step;
                    }
                }
                At::Queued(mut reserving) => {
                    let reserved = self.gate.unless_open(&mut reserving).await?;
                    return self.go(reserved);
                }
            }
        }
    }

    fn reserving(&mut self) -> Reserving {
        let limiter = self.gate.limiter.clone();
        let turn = *self.turn.get_or_insert_with(|| limiter.turn(self.priority));
        let tokens = self.tokens;
        async move { limiter.reserve(tokens, turn).await }.boxed()
    }

    /// Goes if it may go now; else it queues and says so.
    fn at_once(&mut self, mut reserving: Reserving) -> Option<Result<Step, ProviderError>> {
        if let Some(reservation) = (&mut reserving).now_or_never() {
            return Some(self.go(reservation));
        }
        self.waits.get_or_insert_with(Instant::now);
        self.at = At::Queued(reserving);
        let wait = self.gate.limiter.wait_of(self.turn?);
        Some(Ok(Step::Tell(GateEvent::Waiting {
            on: format!("the rate limit of {}", self.gate.asked.host),
            wait,
        })))
    }

    fn go(&mut self, reservation: Reservation) -> Result<Step, ProviderError> {
        let permit = self
            .gate
            .breaker
            .enter()
            .map_err(|wait| self.gate.closed_for(wait))?;
        let waited = self.waits.take().map_or(Duration::ZERO, |since| since.elapsed());
        Ok(Step::Go {
            pass: Pass { reservation, permit },
            waited,
        })
    }

    /// Takes a pass back whose request failed. When it is `Ok`, a further try comes: go on with [`Self::next`].
    /// `delivered` says that a part of the answer was handed on, after which there is no further try.
    pub(super) fn failed(
        &mut self,
        pass: Pass,
        error: ProviderError,
        delivered: bool,
    ) -> Result<(), ProviderError> {
        let (gate, now) = (self.gate.clone(), Instant::now());
        self.failed += 1;
        let wait = gate
            .retry
            .wait(&error, self.failed, fastrand::f64())
            .filter(|_| !delivered);
        let limited = matches!(error, ProviderError::RateLimited { .. });
        let pause = gate.retry.pause(&error).or(wait.filter(|_| limited));
        if let Some(pause) = pause {
            // Before the pass goes back, whose end may let the next one go.
            gate.limiter
                .pause_until(now + pause, &format!("{} asked for a pause", gate.asked.host));
        }
        pass.failed(&error);
        let Some(wait) = wait else {
            return Err(error);
        };
        gate.breaker.check().map_err(|wait| gate.closed_for(wait))?;
        self.waits.get_or_insert(now);
        let until = now + wait;
        let then = if pause.is_some() {
            At::Held(until, self.reserving())
        } else {
            At::BackingOff(until)
        };
        let event = GateEvent::Retrying {
            why: error.in_short(),
            wait,
            attempt: self.attempt(),
        };
        self.at = At::Told(event, Box::new(then));
        Ok(())
    }
}

impl Gate {
    /// The reservation, unless the circuit opens before it comes.
    async fn unless_open(&self, reserving: &mut Reserving) -> Result<Reservation, ProviderError> {
        tokio::select! {
            biased;
            () = self.breaker.opened() => match self.breaker.check() {
                Err(wait) => Err(self.closed_for(wait)),
                Ok(()) => Ok(reserving.await),
            },
            reservation = &mut *reserving => Ok(reservation),
        }
    }
}

/// The right to send one request, to be given back with what became of it. Dropped, the request was cancelled.
pub(super) struct Pass {
    reservation: Reservation,
    permit: Permit,
}

impl Pass {
    /// From here on the server may count the request.
    pub(super) fn sent(&self) {
        self.reservation.sent();
    }

    /// The head of the response has come, with what it reports.
    pub(super) fn answered(&self, limits: Option<&Limits>) {
        self.reservation.answered(limits);
    }

    /// The server took the request on.
    pub(super) fn accepted(&self) {
        self.reservation.accepted();
    }

    /// The answer is whole, and used so many tokens.
    pub(super) fn succeeded(self, tokens: Option<u64>) {
        self.reservation.accepted();
        self.reservation.settle(tokens);
        self.permit.record(Outcome::Success);
    }

    fn failed(self, error: &ProviderError) {
        self.permit.record(outcome_of(error));
        self.reservation.settle(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Quota, Said};

    fn gate(quota: Quota) -> Gate {
        Gate::new(
            &Endpoint::new("http://127.0.0.1:1/v1", "m")
                .unwrap()
                .with_quota(quota),
        )
    }

    fn reply(tokens: Option<u64>, result: Result<u32, ProviderError>) -> Reply<u32> {
        Reply {
            limits: None,
            tokens,
            result,
        }
    }

    fn limited(gate: &Gate, retry_after: u64) -> ProviderError {
        ProviderError::RateLimited {
            asked: (*gate.asked).clone(),
            retry_after: Some(Duration::from_secs(retry_after)),
            said: Said::default(),
        }
    }

    fn failure(gate: &Gate) -> ProviderError {
        ProviderError::StreamCut {
            asked: (*gate.asked).clone(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_request_is_tried_until_it_succeeds_and_settled_with_what_it_used() {
        let gate = gate(Quota {
            rpm: None,
            tpm: Some(1_000),
        });
        let (start, mut told) = (Instant::now(), Vec::new());
        let sent = gate.run(
            400,
            Priority::Index,
            |event| told.push(event),
            |attempt| {
                let result = if attempt == 1 {
                    Err(limited(&gate, 9))
                } else {
                    Ok(attempt)
                };
                async move { reply(Some(150), result) }
            },
        );
        assert_eq!(sent.await, Ok(2));
        assert_eq!(start.elapsed(), Duration::from_secs(9));
        let [GateEvent::Retrying { wait, attempt: 2, .. }] = told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(wait, Duration::from_secs(9));
        // The refused try keeps its estimate, which 9 s at 1,000 a minute have refilled by 150; the other used 150.
        let left = gate.limits().tokens.unwrap().remaining;
        assert_eq!(left, 1_000 - 400 + 150 - 150);
    }

    #[tokio::test(start_paused = true)]
    async fn an_ask_that_trips_the_circuit_is_refused_like_those_after_it() {
        let gate = gate(Quota::default());
        let tries = std::cell::Cell::new(0);
        let ask = || {
            gate.run(
                1,
                Priority::Chat,
                |_| {},
                |_| {
                    tries.set(tries.get() + 1);
                    let failed = Err(failure(&gate));
                    async { reply(None, failed) }
                },
            )
        };
        assert_eq!(ask().await, Err(failure(&gate)));
        assert_eq!(tries.get(), 4);
        let open = ProviderError::CircuitOpen {
            host: "127.0.0.1:1".to_owned(),
            retry_in: Duration::from_secs(15),
        };
        assert_eq!(ask().await, Err(open.clone()));
        assert_eq!(ask().await, Err(open));
        assert_eq!(tries.get(), 5, "the fifth failure in a row opened it");
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_hear_at_once_that_the_circuit_opened() {
        let gate = gate(Quota {
            rpm: Some(1),
            tpm: None,
        });
        let start = Instant::now();
        let ask = |gate: Gate| async move {
            let send = |_| async { reply(None, Ok(1)) };
            gate.run(1, Priority::Chat, |_| {}, send).await
        };
        assert_eq!(ask(gate.clone()).await, Ok(1));
        let waits = tokio::spawn(ask(gate.clone()));
        tokio::task::yield_now().await;
        assert_eq!(gate.limits().queued, Some(1));
        for _ in 0..5 {
            gate.breaker.enter().unwrap().record(Outcome::Failure);
        }
        let refused = waits.await.unwrap();
        assert!(
            matches!(refused, Err(ProviderError::CircuitOpen { .. })),
            "{refused:?}"
        );
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(gate.limits().queued, Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_tried_again_goes_before_those_that_came_after_it() {
        let gate = gate(Quota::default());
        let order = std::cell::RefCell::new(Vec::new());
        let ask = |name: &'static str, fails: bool| {
            let (gate, order) = (&gate, &order);
            gate.run(
                1,
                Priority::Chat,
                |_| {},
                move |attempt| {
                    order.borrow_mut().push((name, attempt));
                    let result = if fails && attempt == 1 {
                        Err(limited(gate, 3))
                    } else {
                        Ok(1)
                    };
                    async { reply(None, result) }
                },
            )
        };
        let late = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            ask("late", false).await
        };
        let (first, second) = tokio::join!(ask("first", true), late);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(*order.borrow(), [("first", 1), ("first", 2), ("late", 1)]);
    }
}

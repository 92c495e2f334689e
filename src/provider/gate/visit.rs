//! One request on its way through the gate: every wait is a state, so that it can be told before it is waited for.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::super::breaker::{Outcome, Permit, outcome_of};
use super::super::error::ProviderError;
use super::super::limiter::{Priority, Reservation, Turn};
use super::super::limits::Limits;
use super::{Gate, GateEvent};

/// One request on its way through the gate, over all its tries. Dropping it frees its place.
pub(in super::super) struct Visit {
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
pub(in super::super) enum Step {
    Tell(GateEvent),
    /// One request may be sent, after waiting for `waited`.
    Go {
        pass: Pass,
        waited: Duration,
    },
}

impl Visit {
    pub(super) fn new(gate: Gate, tokens: u64, priority: Priority) -> Self {
        Self {
            gate,
            tokens,
            priority,
            turn: None,
            failed: 0,
            at: At::Door,
            waits: None,
        }
    }

    /// The number of the try that is next or under way, from 1.
    pub(in super::super) fn attempt(&self) -> u32 {
        self.failed + 1
    }

    /// Goes on, until there is something to tell or the request may be sent.
    pub(in super::super) async fn next(&mut self) -> Result<Step, ProviderError> {
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
    pub(in super::super) fn failed(
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
            of: gate.retry.max_retries.saturating_add(1),
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
pub(in super::super) struct Pass {
    reservation: Reservation,
    permit: Permit,
}

impl Pass {
    /// From here on the server may count the request.
    pub(in super::super) fn sent(&self) {
        self.reservation.sent();
    }

    /// The head of the response has come, with what it reports.
    pub(in super::super) fn answered(&self, limits: Option<&Limits>) {
        self.reservation.answered(limits);
    }

    /// The server took the request on.
    pub(in super::super) fn accepted(&self) {
        self.reservation.accepted();
    }

    /// The answer is whole, and used so many tokens.
    pub(in super::super) fn succeeded(self, tokens: Option<u64>) {
        self.reservation.accepted();
        self.reservation.settle(tokens);
        self.permit.record(Outcome::Success);
    }

    fn failed(self, error: &ProviderError) {
        self.permit.record(outcome_of(error));
        self.reservation.settle(None);
    }
}

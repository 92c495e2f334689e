//! What the limiter decides, without a lock, a clock or a task: every call is handed the instant.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::limits::Limits;
use super::meter::{Meter, Reported};
use super::queue::{Priority, Queue, Turn};
use super::state::{LimiterState, Paused};

/// After a pause the requests that waited follow each other no closer than this, unless the buckets fill faster.
pub(super) const PACE: Duration = Duration::from_millis(200);

/// The probe after a pause is waited for this long. A slow answer is no refusal: the rest then follows at its pace.
pub(super) const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// The state of a limiter. `W` is what wakes a waiter.
#[derive(Debug)]
pub(super) struct Core<W> {
    requests: Meter,
    tokens: Meter,
    queue: Queue<Waiter<W>>,
    /// Requests that were let go and have not ended, by number.
    flights: BTreeMap<u64, Flight>,
    /// Number of the next turn or flight.
    next: u64,
    flow: Flow,
}

#[derive(Debug)]
struct Waiter<W> {
    tokens: f64,
    wake: W,
}

#[derive(Debug)]
struct Flight {
    /// Tokens that it took.
    tokens: f64,
    /// What had been taken in all once it had taken its share: requests, tokens.
    taken: (f64, f64),
    sent: bool,
    /// The response's head has come, so the server has counted it.
    answered: bool,
    /// The response reported tokens: the server's own account of this request.
    tokens_reported: bool,
}

/// How requests leave. A pause ends with one probe; once that got through, the others that had waited follow at a pace.
#[derive(Debug)]
enum Flow {
    Free,
    Paused { until: Instant, why: String },
    Probing { flight: u64, until: Instant },
    Paced { next: Instant, left: usize },
}

impl<W> Core<W> {
    pub(super) fn new(rpm: Option<u32>, tpm: Option<u32>, now: Instant) -> Self {
        Self {
            requests: Meter::configured(rpm, now),
            tokens: Meter::configured(tpm, now),
            queue: Queue::default(),
            flights: BTreeMap::new(),
            next: 0,
            flow: Flow::Free,
        }
    }

    /// A place behind all that have one.
    pub(super) fn turn(&mut self, priority: Priority) -> Turn {
        Turn {
            number: self.number(),
            priority,
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    pub(super) fn token_capacity(&self) -> Option<u64> {
        self.tokens.capacity()
    }

    pub(super) fn enter(&mut self, turn: Turn, tokens: u64, wake: W) {
        let tokens = tokens as f64;
        self.queue.enter(turn, Waiter { tokens, wake });
    }

    pub(super) fn leave(&mut self, turn: Turn) {
        self.queue.leave(turn);
    }

    /// What wakes the one that goes next.
    pub(super) fn head(&self) -> Option<&W> {
        Some(&self.queue.head()?.1.wake)
    }

    /// Lets `turn` go if it may, as the flight of the number given back; else says when to ask again: `None` when
    /// woken.
    pub(super) fn depart(&mut self, turn: Turn, now: Instant) -> Result<u64, Option<Instant>> {
        let head = self.queue.head().filter(|(head, _)| *head == turn);
        let tokens = self.tokens.share(head.ok_or(None)?.1.tokens);
        let ready = self.ready_at(1.0, tokens, now);
        if ready > now {
            return Err(Some(ready));
        }
        self.queue.go(turn);
        self.requests.take(1.0, now);
        self.tokens.take(tokens, now);
        let number = self.number();
        let flight = Flight {
            tokens,
            taken: (self.requests.taken(), self.tokens.taken()),
            sent: false,
            answered: false,
            tokens_reported: false,
        };
        self.flights.insert(number, flight);
        self.flow = match self.flow {
            Flow::Free => Flow::Free,
            Flow::Paused { .. } => Flow::Probing {
                flight: number,
                until: now + PROBE_PATIENCE,
            },
            Flow::Probing { .. } => self.paced(self.queue.len(), now),
            Flow::Paced { left, .. } => self.paced(left.saturating_sub(1), now),
        };
        Ok(number)
    }

    /// When so many requests with so many tokens in all will have room.
    fn ready_at(&self, requests: f64, tokens: f64, now: Instant) -> Instant {
        let open = match self.flow {
            Flow::Free => now,
            Flow::Paused { until, .. } | Flow::Probing { until, .. } => until.max(now),
            Flow::Paced { next, .. } => next.max(now),
        };
        open.max(self.requests.ready_at(requests, now))
            .max(self.tokens.ready_at(tokens, now))
    }

    fn paced(&self, left: usize, now: Instant) -> Flow {
        if left == 0 {
            return Flow::Free;
        }
        Flow::Paced {
            next: now + self.gap(),
            left,
        }
    }

    fn gap(&self) -> Duration {
        self.requests.interval().unwrap_or(PACE).min(PACE)
    }

    /// For how long a waiting turn will wait, as far as can be told.
    pub(super) fn wait_of(&self, turn: Turn, now: Instant) -> Duration {
        let mut requests = 1.0;
        let mut tokens = self.queue.get(turn).map_or(0.0, |waiter| waiter.tokens);
        tokens = self.tokens.share(tokens);
        for ahead in self.queue.ahead_of(turn) {
            requests += 1.0;
            tokens += self.tokens.share(ahead.tokens);
        }
        let ready = self.ready_at(requests, tokens, now);
        let behind = match self.flow {
            Flow::Free => Duration::ZERO,
            _ => self.gap().mul_f64(requests - 1.0),
        };
        ready.saturating_duration_since(now).max(behind)
    }

    /// Holds everybody until then. A longer pause is not shortened.
    pub(super) fn pause(&mut self, until: Instant, why: &str) {
        if let Flow::Paused { until: already, .. } = &self.flow
            && *already >= until
        {
            return;
        }
        self.flow = Flow::Paused {
            until,
            why: why.to_owned(),
        };
    }

    pub(super) fn sent(&mut self, flight: u64) {
        if let Some(flight) = self.flights.get_mut(&flight) {
            flight.sent = true;
        }
    }

    /// The head of the response has come, with or without a report of limits.
    pub(super) fn answered(&mut self, number: u64, limits: Option<&Limits>, now: Instant) {
        let Some(flight) = self.flights.get_mut(&number) else {
            return;
        };
        flight.answered = true;
        let Some(limits) = limits else { return };
        flight.tokens_reported |= limits.tokens.is_some();
        let taken = flight.taken;
        // What left earlier and is unanswered may not be counted yet, and what left later may not be either.
        let earlier = self
            .flights
            .range(..number)
            .filter(|(_, flight)| !flight.answered);
        let (requests, tokens) = earlier.fold((0.0, 0.0), |(requests, tokens), (_, flight)| {
            (requests + 1.0, tokens + flight.tokens)
        });
        for (meter, said, before, taken) in [
            (&mut self.requests, limits.requests, requests, taken.0),
            (&mut self.tokens, limits.tokens, tokens, taken.1),
        ] {
            if let Some(said) = said {
                let later = (meter.taken() - taken).max(0.0);
                let report = Reported {
                    said,
                    flight: number,
                    next: self.next,
                    uncounted: before + later,
                };
                meter.report(report, now);
            }
        }
    }

    /// The server took the request on.
    pub(super) fn accepted(&mut self, number: u64, now: Instant) {
        if self.probes(number) {
            self.flow = self.paced(self.queue.len(), now);
        }
    }

    /// The request has ended. `used` are the tokens as the server counted them, when it did.
    pub(super) fn end(&mut self, number: u64, used: Option<u64>, now: Instant) {
        if self.probes(number) {
            // It said nothing about the limit: the next one is the probe.
            self.pause_ended(now);
        }
        let Some(flight) = self.flights.remove(&number) else {
            return;
        };
        if !flight.sent {
            self.requests.give(1.0, now);
            self.tokens.give(flight.tokens, now);
        } else if let Some(used) = used {
            let over = used as f64 - flight.tokens;
            // What the server has already reported about this request needs no giving back on top.
            if over > 0.0 {
                self.tokens.take(over, now);
            } else if !flight.tokens_reported {
                self.tokens.give(-over, now);
            }
        }
    }

    fn probes(&self, number: u64) -> bool {
        matches!(self.flow, Flow::Probing { flight, .. } if flight == number)
    }

    fn pause_ended(&mut self, now: Instant) {
        self.flow = Flow::Paused {
            until: now,
            why: String::new(),
        };
    }

    pub(super) fn snapshot(&self, now: Instant) -> LimiterState {
        let head = self.queue.head();
        let tokens = self.tokens.share(head.map_or(1.0, |(_, waiter)| waiter.tokens));
        LimiterState {
            requests: self.requests.snapshot(now),
            tokens: self.tokens.snapshot(now),
            in_flight: self.flights.len(),
            queued: self.queue.len(),
            next_slot: self.ready_at(1.0, tokens, now).saturating_duration_since(now),
            paused: match &self.flow {
                Flow::Paused { until, why } if *until > now => Some(Paused {
                    wait: *until - now,
                    why: why.clone(),
                }),
                _ => None,
            },
        }
    }
}

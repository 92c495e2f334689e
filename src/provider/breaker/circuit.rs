//! The circuit as a state machine that is handed the time.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::BreakerState;

/// So many failures in a row open it.
pub(super) const IN_A_ROW: u32 = 5;
/// So do failures that make up half of the newest outcomes, when there are this many of them...
pub(super) const LEAST: usize = 10;
/// ...among this many at the most...
pub(super) const NEWEST: usize = 20;
/// ...none older than this.
pub(super) const WINDOW: Duration = Duration::from_secs(120);

/// How long it stays open the first time, and at the most: each probe that fails doubles the time.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(15);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// What is told to those who come while the one probe is under way.
pub(super) const PROBE_HINT: Duration = Duration::from_secs(1);

/// What became of a request that was let through, as far as it says something about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A whole answer.
    Success,
    /// The endpoint answered; that it refused is the caller's fault, or a rate limit's. It is not counted, and shows
    /// that the endpoint is there.
    Refusal,
    /// No answer, or one that died.
    Failure,
    /// It says nothing: the user cancelled, or the set-up is wrong.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Circuit {
    state: State,
    /// The newest outcomes while it is closed: when, and whether it was a failure.
    recent: VecDeque<(Instant, bool)>,
    in_a_row: u32,
    /// How long it will stay open next.
    pause: Duration,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    /// Up to then; afterwards the first request is the probe.
    Open {
        until: Instant,
    },
    /// One probe is under way.
    Probing,
}

impl Default for Circuit {
    fn default() -> Self {
        Self {
            state: State::Closed,
            recent: VecDeque::new(),
            in_a_row: 0,
            pause: FIRST_PAUSE,
        }
    }
}

impl Circuit {
    /// Whether a request may go; if not, for how long it may not.
    pub(super) fn check(&self, now: Instant) -> Result<(), Duration> {
        match self.state {
            State::Open { until } if until > now => Err(until - now),
            State::Probing => Err(PROBE_HINT),
            State::Closed | State::Open { .. } => Ok(()),
        }
    }

    /// Lets a request go, if it may; tells whether it is the probe.
    pub(super) fn enter(&mut self, now: Instant) -> Result<bool, Duration> {
        self.check(now)?;
        let probe = matches!(self.state, State::Open { .. });
        if probe {
            self.state = State::Probing;
        }
        Ok(probe)
    }

    /// Takes in what became of a request. While the circuit is not closed only the probe counts: the others left before
    /// it opened.
    pub(super) fn record(&mut self, probe: bool, outcome: Outcome, now: Instant) {
        match (self.state, outcome) {
            (State::Probing, Outcome::Success | Outcome::Refusal) if probe => *self = Self::default(),
            (State::Probing, Outcome::Failure) if probe => {
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                self.open(now);
            }
            // The next request is the probe.
            (State::Probing, Outcome::Nothing) if probe => self.state = State::Open { until: now },
            (State::Closed, Outcome::Success | Outcome::Failure) => {
                self.count(outcome == Outcome::Failure, now);
            }
            _ => {}
        }
    }

    fn count(&mut self, failed: bool, now: Instant) {
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
        self.recent.push_back((now, failed));
        if self.recent.len() > NEWEST {
            self.recent.pop_front();
        }
        self.recent
            .retain(|(at, _)| now.saturating_duration_since(*at) <= WINDOW);
        let failures = self.recent.iter().filter(|(_, failed)| *failed).count();
        let half = self.recent.len() >= LEAST && failures * 2 >= self.recent.len();
        if failed && (half || self.in_a_row >= IN_A_ROW) {
            self.open(now);
        }
    }

    fn open(&mut self, now: Instant) {
        self.state = State::Open {
            until: now + self.pause,
        };
        self.recent.clear();
        self.in_a_row = 0;
    }

    pub(super) fn snapshot(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { until } if until > now => BreakerState::Open {
                probe_in: until - now,
            },
            State::Open { .. } | State::Probing => BreakerState::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fails(circuit: &mut Circuit, times: u32, now: Instant) {
        for _ in 0..times {
            circuit.record(false, Outcome::Failure, now);
        }
    }

    fn opened(now: Instant) -> Circuit {
        let mut circuit = Circuit::default();
        fails(&mut circuit, IN_A_ROW, now);
        circuit
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let t = Instant::now();
        let mut circuit = Circuit::default();
        fails(&mut circuit, 4, t);
        circuit.record(false, Outcome::Success, t);
        fails(&mut circuit, 4, t);
        assert_eq!(circuit.check(t), Ok(()));
        fails(&mut circuit, 1, t);
        assert_eq!(circuit.check(t), Err(FIRST_PAUSE));
    }

    #[test]
    fn half_of_the_last_ten_failing_opens_it_unless_they_are_old() {
        let t = Instant::now();
        let alternating = |circuit: &mut Circuit, apart: Duration| {
            for n in 0..10u32 {
                let outcome = if n % 2 == 0 {
                    Outcome::Success
                } else {
                    Outcome::Failure
                };
                circuit.record(false, outcome, t + apart * n);
            }
            circuit.snapshot(t + apart * 9)
        };
        assert_eq!(
            alternating(&mut Circuit::default(), s(1)),
            BreakerState::Open {
                probe_in: FIRST_PAUSE
            }
        );
        assert_eq!(
            alternating(&mut Circuit::default(), s(20)),
            BreakerState::Closed,
            "the window holds seven of them"
        );
    }

    #[test]
    fn a_third_failing_does_not_open_it() {
        let t = Instant::now();
        let mut circuit = Circuit::default();
        for n in 0..300 {
            let failed = n % 3 == 0;
            circuit.record(
                false,
                if failed {
                    Outcome::Failure
                } else {
                    Outcome::Success
                },
                t,
            );
        }
        assert_eq!(circuit.snapshot(t), BreakerState::Closed);
    }

    #[test]
    fn refusals_and_cancellations_are_not_counted() {
        let t = Instant::now();
        let mut circuit = Circuit::default();
        for _ in 0..100 {
            circuit.record(false, Outcome::Refusal, t);
            circuit.record(false, Outcome::Nothing, t);
        }
        assert_eq!(circuit.snapshot(t), BreakerState::Closed);
    }

    #[test]
    fn after_the_pause_exactly_one_probe_goes_and_its_success_closes() {
        let t = Instant::now();
        let mut circuit = opened(t);
        assert_eq!(circuit.enter(t + s(14)), Err(s(1)));
        let later = t + s(15);
        assert_eq!(circuit.snapshot(later), BreakerState::HalfOpen);
        assert_eq!(circuit.enter(later), Ok(true));
        assert_eq!(circuit.enter(later), Err(PROBE_HINT));
        circuit.record(false, Outcome::Success, later);
        assert_eq!(
            circuit.enter(later),
            Err(PROBE_HINT),
            "a request from before it opened is no probe"
        );
        circuit.record(true, Outcome::Success, later);
        assert_eq!(circuit.enter(later), Ok(false));
        fails(&mut circuit, 4, later);
        assert_eq!(circuit.snapshot(later), BreakerState::Closed, "it starts afresh");
    }

    #[test]
    fn each_probe_that_fails_doubles_the_pause_up_to_two_minutes() {
        let mut now = Instant::now();
        let mut circuit = opened(now);
        let mut pauses = Vec::new();
        for _ in 0..5 {
            let Err(pause) = circuit.check(now) else { panic!() };
            pauses.push(pause.as_secs());
            now += pause;
            assert_eq!(circuit.enter(now), Ok(true));
            circuit.record(true, Outcome::Failure, now);
        }
        assert_eq!(pauses, [15, 30, 60, 120, 120]);
    }

    #[test]
    fn a_probe_that_was_cancelled_leaves_its_place_to_the_next() {
        let t = Instant::now();
        let mut circuit = opened(t);
        let later = t + s(20);
        assert_eq!(circuit.enter(later), Ok(true));
        circuit.record(true, Outcome::Nothing, later);
        assert_eq!(circuit.enter(later), Ok(true));
        circuit.record(true, Outcome::Refusal, later);
        assert_eq!(circuit.snapshot(later), BreakerState::Closed, "it answers");
    }
}

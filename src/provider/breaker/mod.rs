//! Stops asking an endpoint that fails: each ask would only cost a wait. [`circuit`] decides, this file shares it.

mod circuit;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use self::circuit::Circuit;
pub(crate) use self::circuit::Outcome;
use super::error::{ProviderError, TimeoutKind};

/// Where a circuit stands. Spans count from the snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum BreakerState {
    /// Every request goes.
    #[default]
    Closed,
    /// None goes.
    Open {
        /// Until one goes as a probe.
        probe_in: Duration,
    },
    /// One probe goes, or is under way.
    HalfOpen,
}

/// The circuit breaker of one endpoint. Clones are the same breaker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    circuit: Mutex<Circuit>,
    state: watch::Sender<BreakerState>,
}

impl Breaker {
    /// Whether a request may go now; if not, for how long it may not.
    pub(crate) fn check(&self) -> Result<(), Duration> {
        self.look(|circuit, now| circuit.check(now))
    }

    /// Lets one request go, if it may; if not, says for how long it may not.
    pub(crate) fn enter(&self) -> Result<Permit, Duration> {
        let probe = self.look(Circuit::enter)?;
        Ok(Permit {
            breaker: self.clone(),
            probe,
            outcome: Outcome::Nothing,
        })
    }

    /// Waits until it is open.
    pub(crate) async fn opened(&self) {
        let mut state = self.watch();
        // The sender lives in `self`.
        let _ = state
            .wait_for(|state| matches!(state, BreakerState::Open { .. }))
            .await;
    }

    /// Where it stands now.
    pub(crate) fn state(&self) -> BreakerState {
        self.look(|circuit, now| circuit.snapshot(now))
    }

    /// Where it stood at each change; the newest wins.
    pub(crate) fn watch(&self) -> watch::Receiver<BreakerState> {
        self.0.state.subscribe()
    }

    fn look<T>(&self, look: impl FnOnce(&mut Circuit, Instant) -> T) -> T {
        let mut circuit = self.0.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let result = look(&mut circuit, now);
        let state = circuit.snapshot(now);
        // Under the lock, so that an older state cannot overtake a newer one.
        self.0.state.send_if_modified(|last| {
            let other = std::mem::discriminant(last) != std::mem::discriminant(&state);
            *last = state;
            other
        });
        result
    }
}

/// One request that was let through. Dropped without an outcome it counts for nothing.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Breaker,
    probe: bool,
    outcome: Outcome,
}

impl Permit {
    /// Says what became of the request.
    pub(crate) fn record(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.breaker
            .look(|circuit, now| circuit.record(self.probe, self.outcome, now));
    }
}

/// What a failure says about the endpoint.
pub(crate) fn outcome_of(error: &ProviderError) -> Outcome {
    match error {
        ProviderError::Server { .. }
        | ProviderError::Unreachable { .. }
        | ProviderError::StreamCut { .. }
        | ProviderError::StreamError { .. }
        | ProviderError::Timeout {
            kind: TimeoutKind::Connect | TimeoutKind::Idle | TimeoutKind::Total,
            ..
        } => Outcome::Failure,
        ProviderError::Unauthorized { .. }
        | ProviderError::NotFound { .. }
        | ProviderError::RateLimited { .. }
        | ProviderError::QuotaExhausted { .. }
        | ProviderError::BadRequest { .. } => Outcome::Refusal,
        // A wrong address or certificate has a sentence of its own, which an open circuit would hide.
        ProviderError::Endpoint(_)
        | ProviderError::Tls { .. }
        | ProviderError::Malformed { .. }
        | ProviderError::CircuitOpen { .. } => Outcome::Nothing,
    }
}

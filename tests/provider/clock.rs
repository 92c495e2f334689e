//! A clock that stands still while sockets work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// The test's time. It moves only when the test moves it, and with it what [`Clock::ms`] shows to a server.
pub(crate) struct Clock {
    ms: Arc<AtomicU64>,
    _held: mpsc::Sender<()>,
}

impl Clock {
    /// For a test that starts with a paused clock: paused later, it would stand between two milliseconds, and timers,
    /// which count whole ones, would go off late.
    pub(crate) fn stopped() -> Self {
        // A paused clock jumps to the next timer when nothing runs, though a socket may be about to bring something;
        // it does not while a blocking task runs.
        let (held, until) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || until.recv());
        Self {
            ms: Arc::default(),
            _held: held,
        }
    }

    /// Milliseconds since the test began.
    pub(crate) fn ms(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.ms)
    }

    pub(crate) async fn advance(&self, span: Duration) {
        let ms = u64::try_from(span.as_millis()).unwrap();
        self.ms.fetch_add(ms, Ordering::SeqCst);
        tokio::time::advance(Duration::from_millis(ms)).await;
    }
}

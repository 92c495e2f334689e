//! The one connection to the server: who has it, when it broke, when it is tried again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use crate::cache::stats::{TierState, TierStats};
use crate::clock::now_ms;

/// The connection and its state. Its `Debug` shows neither the address nor a password.
pub(super) struct Link {
    client: Client,
    patience: Duration,
    /// Held for an instant each time, never over an await.
    inner: Mutex<Inner>,
    broken: Notify,
    pub(super) stats: watch::Sender<TierStats>,
}

#[derive(Default)]
struct Inner {
    live: Option<Live>,
    /// How many connections there have been.
    number: u64,
    backoff: Backoff,
    /// How long the server is left alone after its last failure.
    wait: Duration,
    /// Since when the server is down, in milliseconds since 1970.
    down_since: Option<u64>,
}

/// A connection that works as far as is known.
#[derive(Clone)]
pub(super) struct Live {
    /// Tells a late failure of an earlier connection from one of this.
    pub(super) number: u64,
    pub(super) connection: MultiplexedConnection,
}

impl Link {
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        Self {
            client,
            patience,
            inner: Mutex::default(),
            broken: Notify::new(),
            stats: watch::Sender::new(TierStats {
                state: TierState::Opening,
                ..TierStats::default()
            }),
        }
    }

    /// The connection, if the server is up; waits only while the first one is being made.
    pub(super) async fn live(&self) -> Option<Live> {
        let opening = |stats: &TierStats| stats.state == TierState::Opening;
        if opening(&self.stats.borrow()) {
            // The sender is ours, so the channel cannot close.
            let _ = self.stats.subscribe().wait_for(|stats| !opening(stats)).await;
        }
        self.inner().live.clone()
    }

    /// A command was answered.
    pub(super) fn worked(&self) {
        self.inner().backoff.worked();
    }

    /// A command over connection `number` failed. One that shows the server gone closes the connection.
    pub(super) fn failed(&self, number: u64, fault: &RedisError) {
        if fault.is_io_error() || fault.is_timeout() || fault.is_unrecoverable_error() {
            self.broke(number, cause(fault));
        } else {
            tracing::warn!(code = fault.code(), "the Redis tier refused a command");
            self.stats.send_modify(|stats| stats.errors += 1);
        }
    }

    /// Connection `number` is of no use any more.
    pub(super) fn broke(&self, number: u64, why: &str) {
        let mut inner = self.inner();
        if inner.live.as_ref().is_some_and(|live| live.number == number) {
            inner.live = None;
            drop(inner);
            self.down(why);
            self.broken.notify_one();
        }
    }

    fn up(&self, connection: MultiplexedConnection) {
        let mut inner = self.inner();
        inner.number += 1;
        inner.down_since = None;
        inner.live = Some(Live {
            number: inner.number,
            connection,
        });
        drop(inner);
        tracing::info!("the Redis tier is up");
        self.stats.send_modify(|stats| stats.state = TierState::Up);
    }

    /// The state after a failure, with the time of the next try.
    fn down(&self, why: &str) {
        let now = now_ms();
        let mut inner = self.inner();
        let since_ms = *inner.down_since.get_or_insert(now);
        let wait = inner.backoff.failed();
        inner.wait = wait;
        drop(inner);
        tracing::warn!(why, "the Redis tier is down");
        self.stats.send_modify(|stats| {
            stats.errors += 1;
            stats.state = TierState::Down {
                since_ms,
                next_probe_ms: now + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                why: why.to_owned(),
            };
        });
    }

    /// A connection over which the server has answered.
    async fn connect(&self) -> Result<MultiplexedConnection, String> {
        // The one bound is ours: it covers the name, the connection, the password and the first answer together.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connecting = async {
            let mut connection = self
                .client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            redis::cmd("PING").query_async::<()>(&mut connection).await?;
            Ok(connection)
        };
        match timeout(self.patience, connecting).await {
            Ok(connected) => connected.map_err(|fault: RedisError| cause(&fault).to_owned()),
            Err(_) => Err("no answer within 500 ms".to_owned()),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("stats", &*self.stats.borrow())
            .finish_non_exhaustive()
    }
}

/// Keeps the connection: makes it, waits until it breaks, pauses, makes it again.
pub(super) async fn keep(link: std::sync::Arc<Link>) {
    loop {
        match link.connect().await {
            Ok(connection) => {
                link.up(connection);
                link.broken.notified().await;
            }
            Err(why) => link.down(&why),
        }
        let wait = link.inner().wait;
        sleep(wait).await;
    }
}

/// Why a command failed, in words of our own: the server's could hold anything.
fn cause(fault: &RedisError) -> &'static str {
    if fault.is_connection_refusal() {
        "connection refused"
    } else if fault.is_timeout() {
        "no answer in time"
    } else if matches!(fault.kind(), ErrorKind::AuthenticationFailed) {
        "it refused the password"
    } else if fault.is_io_error() {
        "connection lost"
    } else {
        "it answered with an error"
    }
}

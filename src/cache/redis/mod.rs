//! The shared tier: a Redis server, which may be down at any time and must never cost an answer.
//!
//! One connection, multiplexed. The first failure that shows the server gone closes it: from then on lookups pass the
//! tier by without waiting, and a task tries the server again, first after a second, then less and less often. Not
//! redis' own connection manager, because that one makes the caller wait while it connects again.

mod backoff;
mod link;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::key::{CacheKey, Wanted};
use super::row::Row;
use super::stats::{TierState, TierStats};
use link::{Link, Live};

/// The longest that one lookup waits for the server, connecting included. Once it has waited in vain, nothing waits.
const PATIENCE: Duration = Duration::from_millis(500);

/// What every key begins with: other programs may use the server too, and a later version another layout.
const NAMESPACE: &str = "defi-qa:v1:";

/// Writes that may wait for the server; those beyond are not kept.
const WRITES: usize = 1_024;

/// Rows that are sent at once: at 6 KB a vector, 400 KB within [`PATIENCE`] are 6 Mbit/s.
const BUNDLE: usize = 64;

/// The shared tier. Dropping it closes the connection.
#[derive(Debug)]
pub struct Redis {
    link: Arc<Link>,
    writes: mpsc::Sender<Write>,
    /// The task that keeps the connection and the one that writes; both end with this.
    _tasks: JoinSet<()>,
}

/// Where a server is, password and all; no `Debug` shows it.
#[derive(Clone)]
pub struct RedisAddress(redis::Client);

/// Why an address cannot be one. It does not repeat the address, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no address of a Redis server: write redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS"
)]
pub struct NotAnAddress;

#[derive(Debug)]
enum Write {
    Row(Row),
    Flush(oneshot::Sender<()>),
}

impl RedisAddress {
    /// Reads an address, `redis://` or `rediss://`. Opens nothing.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(url: &str) -> Result<Self, NotAnAddress> {
        redis::Client::open(url).map(Self).map_err(|_| NotAnAddress)
    }
}

impl std::fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisAddress(..)")
    }
}

impl Redis {
    /// Begins to connect in the background; a value lives `ttl` (at least a second) on the server. Must be called
    /// within a tokio runtime. A server that is down is no error: the tier's state says it.
    pub fn connect(RedisAddress(client): RedisAddress, ttl: Duration) -> Self {
        let link = Arc::new(Link::new(client, PATIENCE));
        let (writes, queue) = mpsc::channel(WRITES);
        let mut tasks = JoinSet::new();
        tasks.spawn(link::keep(Arc::clone(&link)));
        tasks.spawn(write(Arc::clone(&link), queue, ttl));
        Self {
            link,
            writes,
            _tasks: tasks,
        }
    }

    /// The row that is wanted, if the server is up and has it whole.
    pub async fn get(&self, wanted: &Wanted) -> Option<Row> {
        let mut asked = None;
        let asking = async {
            let live = self.link.live().await?;
            asked = Some(live.number);
            // No more than the length that is expected is read, and one byte, which shows that there is more.
            let mut command = redis::cmd("GETRANGE");
            command.arg(name(&wanted.key)).arg(0).arg(wire::length(wanted));
            Some(ask::<Vec<u8>>(live, &command).await)
        };
        let Ok(answer) = timeout(PATIENCE, asking).await else {
            if let Some(number) = asked {
                self.link.broke(number, "no answer within 500 ms");
            }
            return None;
        };
        let bytes = match answer? {
            Ok(bytes) => bytes,
            Err(fault) => {
                self.link.failed(asked?, &fault);
                return None;
            }
        };
        self.link.worked();
        let row = if bytes.is_empty() {
            None
        } else {
            Some(
                wire::decode(wanted.key.as_str(), &bytes)
                    .ok()
                    .filter(|row| wanted.is(row)),
            )
        };
        self.link.stats.send_modify(|stats| match &row {
            Some(Some(_)) => stats.hits += 1,
            Some(None) => {
                stats.misses += 1;
                stats.corrupt += 1;
            }
            None => stats.misses += 1,
        });
        if let Some(None) = row {
            tracing::warn!(key = wanted.key.short(), "a value of the Redis tier is corrupt");
        }
        row.flatten()
    }

    /// Writes a row when its turn comes and the server is up; nobody waits for it.
    pub(super) fn put_behind(&self, row: Row) {
        if self.writes.try_send(Write::Row(row)).is_err() {
            self.link.stats.send_modify(|stats| stats.errors += 1);
        }
    }

    /// Writes a row when its turn comes and the server is up; waits for room in the queue, so that many rows at once all
    /// get in.
    pub async fn put(&self, row: Row) {
        // The task that writes lives as long as this does.
        let _ = self.writes.send(Write::Row(row)).await;
    }

    /// Waits until every row that was put before has been sent, or the server is given up.
    pub async fn flush(&self) {
        let (reply, done) = oneshot::channel();
        if self.writes.send(Write::Flush(reply)).await.is_ok() {
            // A task that is gone has nothing to send any more.
            let _ = done.await;
        }
    }

    /// The state once the first attempt to connect has ended.
    pub async fn settled(&self) -> TierState {
        // Whether there is a connection does not matter here: the state says it.
        let _ = self.link.live().await;
        self.link.stats.borrow().state.clone()
    }

    /// The statistics, and when they change.
    pub(super) fn watch(&self) -> watch::Receiver<TierStats> {
        self.link.stats.subscribe()
    }
}

fn name(key: &CacheKey) -> String {
    format!("{NAMESPACE}{key}")
}

async fn ask<T: redis::FromRedisValue>(live: Live, command: &redis::Cmd) -> Result<T, RedisError> {
    let mut connection: MultiplexedConnection = live.connection;
    command.query_async(&mut connection).await
}

/// Sends rows, as many at once as wait, up to [`BUNDLE`]. While the server is down they are dropped: the disk tier keeps
/// them.
async fn write(link: Arc<Link>, mut queue: mpsc::Receiver<Write>, ttl: Duration) {
    let mut taken = Vec::with_capacity(BUNDLE);
    while queue.recv_many(&mut taken, BUNDLE).await > 0 {
        let (mut bundle, mut flushes) = (redis::pipe(), Vec::new());
        for write in taken.drain(..) {
            match write {
                Write::Row(row) => {
                    let Some(bytes) = wire::encode(&row) else { continue };
                    bundle
                        .cmd("SET")
                        .arg(name(&row.key))
                        .arg(bytes)
                        .arg("EX")
                        .arg(ttl.as_secs().max(1))
                        .ignore();
                }
                Write::Flush(reply) => flushes.push(reply),
            }
        }
        if !bundle.is_empty() {
            send(&link, &bundle).await;
        }
        for reply in flushes {
            // Who does not wait any more need not be told.
            let _ = reply.send(());
        }
    }
}

async fn send(link: &Link, bundle: &redis::Pipeline) {
    let Ok(Some(mut live)) = timeout(PATIENCE, link.live()).await else {
        return;
    };
    match timeout(PATIENCE, bundle.query_async::<()>(&mut live.connection)).await {
        Ok(Ok(())) => link.worked(),
        Ok(Err(fault)) => link.failed(live.number, &fault),
        Err(_) => link.broke(live.number, "no answer within 500 ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(url: &str) -> Redis {
        Redis::connect(RedisAddress::parse(url).unwrap(), Duration::from_secs(1))
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for wrong in ["", "localhost", "http://user:s3cret@host", "redis://"] {
            let error = RedisAddress::parse(wrong).unwrap_err();
            assert!(!error.to_string().contains("s3cret"));
        }
    }

    #[tokio::test]
    async fn nobody_shows_the_password() {
        let url = "redis://user:s3cret@127.0.0.1:1/0";
        let shown = format!("{:?} {:?}", RedisAddress::parse(url).unwrap(), connect(url));
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_down_with_a_time_for_the_next_try() {
        // Port 1 of loopback: nobody listens, so the connection is refused at once.
        let redis = connect("redis://127.0.0.1:1");
        let wanted = Wanted::new("m", 2, "query", "text");
        assert_eq!(redis.get(&wanted).await, None);
        let stats = redis.watch().borrow().clone();
        let TierState::Down {
            since_ms,
            next_probe_ms,
            why,
        } = stats.state
        else {
            panic!("{:?}", stats.state);
        };
        assert!(next_probe_ms >= since_ms + 1_000);
        assert_eq!(why, "connection refused");
        // Down, a lookup does not even ask.
        assert_eq!(redis.get(&wanted).await, None);
        redis.put_behind(Row::now(wanted.key, "m", 2, [0.6, 0.8].into()).unwrap());
        redis.flush().await;
    }

    #[tokio::test]
    async fn a_server_that_accepts_and_says_nothing_costs_one_bounded_wait() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", silent.local_addr().unwrap());
        let redis = connect(&url);
        let wanted = Wanted::new("m", 2, "query", "text");
        let begun = std::time::Instant::now();
        assert_eq!(redis.get(&wanted).await, None);
        assert!(begun.elapsed() < PATIENCE * 3, "{:?}", begun.elapsed());
        let mut stats = redis.watch();
        stats
            .wait_for(|stats| matches!(stats.state, TierState::Down { .. }))
            .await
            .unwrap();
        let begun = std::time::Instant::now();
        for _ in 0..100 {
            assert_eq!(redis.get(&wanted).await, None);
        }
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    }
}

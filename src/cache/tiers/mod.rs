//! The tiers behind one another: memory, Redis, disk, and the load that fills them.
//!
//! ```text
//! look up ─► memory ─► Redis ─► disk ─► load          one flight a key: whoever comes meanwhile waits for it
//!              ▲         ▲        ▲       │
//!              └─────────┴────────┴───────┘           memory at once; Redis and disk behind the answer's back
//! ```
//! What a tier serves is written to the nearer ones. What Redis serves is written to disk as well, so that a server
//! that goes away takes nothing along.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::disk::{Disk, DiskError};
use super::key::{CacheKey, Wanted};
use super::memory::{self, Entry, Memory};
use super::redis::Redis;
use super::row::Row;
use super::stats::{CacheStats, TierState, TierStats};
use super::tier::{Cached, Provenance, Tier};
use super::value::{Answer, Keep};

/// Of the bytes in memory, one part in so many is for answers: a vector is asked for with every question.
const ANSWERS_SHARE: u64 = 5;

/// Unit vectors and answers by what they were made from, in one to three tiers.
pub struct Cache {
    vectors: Memory<Arc<[f32]>>,
    answers: Memory<Arc<Answer>>,
    /// Keys that are being looked for or loaded. Held for an instant each time, never over an await.
    under_way: Mutex<HashSet<CacheKey>>,
    redis: Option<Redis>,
    disk: Option<Disk>,
    counts: Counts,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    loads: AtomicU64,
    joined: AtomicU64,
}

/// Follows the statistics of a cache without keeping it alive.
#[derive(Debug)]
pub struct Changes {
    memory: watch::Receiver<()>,
    redis: Option<watch::Receiver<TierStats>>,
    disk: Option<watch::Receiver<TierStats>>,
}

impl Cache {
    /// A cache in memory of at most `bytes` bytes.
    pub fn with_capacity(bytes: u64) -> Self {
        Self {
            vectors: memory::bounded(bytes - bytes / ANSWERS_SHARE),
            answers: memory::bounded(bytes / ANSWERS_SHARE),
            under_way: Mutex::default(),
            redis: None,
            disk: None,
            counts: Counts::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// With a shared tier behind the memory.
    #[must_use]
    pub fn with_redis(mut self, redis: Redis) -> Self {
        self.redis = Some(redis);
        self
    }

    /// With a disk tier behind the others.
    #[must_use]
    pub fn with_disk(mut self, disk: Disk) -> Self {
        self.disk = Some(disk);
        self
    }

    /// The vector that is wanted, loaded when no tier has it. Of many who ask at once, one looks and loads and the
    /// others get what it found; when that one is dropped, the next of them takes over. An error is handed to all who
    /// waited and not kept.
    pub async fn get_or_load<E: Send + Sync + 'static>(
        &self,
        wanted: &Wanted,
        load: impl Future<Output = Result<Arc<[f32]>, E>>,
    ) -> Result<Cached<Arc<[f32]>>, Arc<E>> {
        self.find(&self.vectors, wanted, load).await
    }

    /// The answer that is wanted, in the same way.
    pub async fn answer_or_load<E: Send + Sync + 'static>(
        &self,
        wanted: &Wanted,
        load: impl Future<Output = Result<Arc<Answer>, E>>,
    ) -> Result<Cached<Arc<Answer>>, Arc<E>> {
        self.find(&self.answers, wanted, load).await
    }

    /// Puts an answer that took so long in the place of the one that is kept, in every tier.
    pub async fn replace_answer(&self, wanted: &Wanted, answer: Arc<Answer>, took: Duration) {
        let entry = Entry::aged(Arc::clone(&answer), Some(took), Duration::ZERO);
        self.answers.insert(wanted.key.clone(), entry).await;
        self.keep(wanted, &answer, took);
        self.changed.send_replace(());
    }

    /// Whether somebody looks for this value or loads it now, so that asking for it means to wait for them.
    pub fn is_under_way(&self, key: &CacheKey) -> bool {
        self.under_way().contains(key)
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<CacheKey>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn find<T: Keep, E: Send + Sync + 'static>(
        &self,
        memory: &Memory<T>,
        wanted: &Wanted,
        load: impl Future<Output = Result<T, E>>,
    ) -> Result<Cached<T>, Arc<E>> {
        if let Some(entry) = memory.get(&wanted.key).await {
            count(&self.counts.hits);
            self.changed.send_replace(());
            return Ok(Cached {
                provenance: Provenance::Hit {
                    tier: Tier::Memory,
                    age: entry.age(),
                },
                took: entry.took,
                value: entry.value,
            });
        }
        // Said by the one who flies; who joined says so.
        let mut provenance = Provenance::Joined;
        let flight = async {
            let _flight = Flight::begin(self, &wanted.key);
            let (entry, from) = self.fly(wanted, load).await?;
            provenance = from;
            Ok(entry)
        };
        let entry = memory.entry_by_ref(&wanted.key).or_try_insert_with(flight).await;
        if provenance == Provenance::Joined && entry.is_ok() {
            count(&self.counts.joined);
        }
        self.changed.send_replace(());
        let entry = entry?.into_value();
        Ok(Cached {
            value: entry.value,
            provenance,
            took: entry.took,
        })
    }

    /// Looks in the farther tiers and loads what none of them has.
    async fn fly<T: Keep, E>(
        &self,
        wanted: &Wanted,
        load: impl Future<Output = Result<T, E>>,
    ) -> Result<(Entry<T>, Provenance), E> {
        if let Some((tier, row)) = self.look(wanted).await
            && let Some(value) = T::of(&row.value)
        {
            let (age, took) = (row.age(), row.took_ms.map(Duration::from_millis));
            self.put_behind(&row, Some(tier));
            return Ok((Entry::aged(value, took, age), Provenance::Hit { tier, age }));
        }
        count(&self.counts.loads);
        let since = Instant::now();
        let value = load.await?;
        let took = since.elapsed();
        self.keep(wanted, &value, took);
        Ok((Entry::aged(value, Some(took), Duration::ZERO), Provenance::Miss))
    }

    /// Writes a value that was made just now to the farther tiers.
    fn keep<T: Keep>(&self, wanted: &Wanted, value: &T, took: Duration) {
        let made = Row::made(
            wanted.key.clone(),
            wanted.model.clone(),
            value.value(),
            Some(took),
        );
        match made.map(|row| wanted.is(&row).then_some(row)) {
            Ok(Some(row)) => self.put_behind(&row, None),
            // Whoever asked will say what is wrong with it; no other process shall have it.
            Ok(None) => tracing::warn!("a loaded value is not what was wanted, and not kept"),
            Err(fault) => tracing::warn!(%fault, "a loaded value is not kept"),
        }
    }

    async fn look(&self, wanted: &Wanted) -> Option<(Tier, Row)> {
        if let Some(redis) = &self.redis
            && let Some(row) = redis.get(wanted).await
        {
            return Some((Tier::Redis, row));
        }
        let row = self.disk.as_ref()?.get(wanted).await?;
        Some((Tier::Disk, row))
    }

    /// Writes a row to the tiers that did not serve it.
    fn put_behind(&self, row: &Row, from: Option<Tier>) {
        if let Some(redis) = self.redis.as_ref().filter(|_| from != Some(Tier::Redis)) {
            redis.put_behind(row.clone());
        }
        if let Some(disk) = self.disk.as_ref().filter(|_| from != Some(Tier::Disk)) {
            disk.put_behind(row.clone());
        }
    }

    /// Waits until what was loaded so far is written to the farther tiers. An orderly end of the program calls this.
    ///
    /// # Errors
    /// When the disk tier could not be written. Redis is best effort.
    pub async fn flush(&self) -> Result<(), Arc<DiskError>> {
        let redis = async {
            if let Some(redis) = &self.redis {
                redis.flush().await;
            }
        };
        let disk = async {
            match &self.disk {
                Some(disk) => disk.flush().await,
                None => Ok(()),
            }
        };
        tokio::join!(redis, disk).1
    }

    /// A cheap look at the numbers. Entries and bytes trail the newest writes by the tiers' housekeeping.
    pub fn stats(&self) -> CacheStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let loads = read(&self.counts.loads);
        let newest = |watch: watch::Receiver<TierStats>| watch.borrow().clone();
        let redis = self.redis.as_ref().map(|redis| newest(redis.watch()));
        let disk = self.disk.as_ref().map(|disk| newest(disk.watch()));
        // Every flight began with a miss in memory, and ended in a farther tier or in a load.
        let farther = |stats: &Option<TierStats>| stats.as_ref().map_or(0, |stats| stats.hits);
        CacheStats {
            memory: TierStats {
                hits: read(&self.counts.hits),
                misses: loads + farther(&redis) + farther(&disk),
                entries: Some(self.vectors.entry_count() + self.answers.entry_count()),
                bytes: Some(self.vectors.weighted_size() + self.answers.weighted_size()),
                state: TierState::Up,
                ..TierStats::default()
            },
            redis,
            disk,
            loads,
            joined: read(&self.counts.joined),
        }
    }

    /// Tells when [`Cache::stats`] may have changed.
    pub fn changes(&self) -> Changes {
        Changes {
            memory: self.changed.subscribe(),
            redis: self.redis.as_ref().map(Redis::watch),
            disk: self.disk.as_ref().map(Disk::watch),
        }
    }
}

impl Changes {
    /// Waits for the next change; `None` once the cache is gone.
    pub async fn next(&mut self) -> Option<()> {
        async fn of(watch: &mut Option<watch::Receiver<TierStats>>) {
            let gone = match watch {
                Some(watch) => watch.changed().await.is_err(),
                None => true,
            };
            if gone {
                std::future::pending::<()>().await;
            }
        }
        tokio::select! {
            changed = self.memory.changed() => changed.ok(),
            () = of(&mut self.redis) => Some(()),
            () = of(&mut self.disk) => Some(()),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Says of a key that it is under way, until it is dropped.
struct Flight<'a> {
    cache: &'a Cache,
    key: &'a CacheKey,
}

impl<'a> Flight<'a> {
    fn begin(cache: &'a Cache, key: &'a CacheKey) -> Self {
        cache.under_way().insert(key.clone());
        Self { cache, key }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.cache.under_way().remove(self.key);
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("stats", &self.stats()).finish()
    }
}

#[cfg(test)]
mod tests;

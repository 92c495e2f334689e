//! The tiers behind one another: memory, Redis, disk, and the load that fills them.
//!
//! ```text
//! get_or_load ─► memory ─► Redis ─► disk ─► load      one flight a key: whoever comes meanwhile waits for it
//!                  ▲         ▲        ▲       │
//!                  └─────────┴────────┴───────┘       memory at once; Redis and disk behind the answer's back
//! ```
//! What a tier serves is written to the nearer ones. What Redis serves is written to disk as well, so that a server
//! that goes away takes nothing along.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::disk::{Disk, DiskError};
use super::key::Wanted;
use super::memory::{self, Entry, Memory};
use super::redis::Redis;
use super::row::Row;
use super::stats::{CacheStats, TierState, TierStats};
use super::tier::{Cached, Provenance, Tier};

/// Unit vectors by what they were made from, in one to three tiers.
pub struct VectorCache {
    memory: Memory,
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

impl VectorCache {
    /// A cache in memory of at most `bytes` bytes.
    pub fn with_capacity(bytes: u64) -> Self {
        Self {
            memory: memory::bounded(bytes),
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

    /// The value that is wanted, loaded when no tier has it. Of many who ask at once, one looks and loads and the
    /// others get what it found; when that one is dropped, the next of them takes over. An error is handed to all who
    /// waited and not kept.
    pub async fn get_or_load<E: Send + Sync + 'static>(
        &self,
        wanted: &Wanted,
        load: impl Future<Output = Result<Arc<[f32]>, E>>,
    ) -> Result<Cached, Arc<E>> {
        if let Some(entry) = self.memory.get(&wanted.key).await {
            count(&self.counts.hits);
            self.changed.send_replace(());
            return Ok(Cached {
                provenance: Provenance::Hit {
                    tier: Tier::Memory,
                    age: entry.age(),
                },
                vector: entry.vector,
            });
        }
        // Said by the one who flies; who joined says so.
        let mut provenance = Provenance::Joined;
        let flight = async {
            let (entry, from) = self.fly(wanted, load).await?;
            provenance = from;
            Ok(entry)
        };
        let entry = self
            .memory
            .entry_by_ref(&wanted.key)
            .or_try_insert_with(flight)
            .await;
        if provenance == Provenance::Joined && entry.is_ok() {
            count(&self.counts.joined);
        }
        self.changed.send_replace(());
        Ok(Cached {
            vector: entry?.into_value().vector,
            provenance,
        })
    }

    /// Looks in the farther tiers and loads what none of them has.
    async fn fly<E>(
        &self,
        wanted: &Wanted,
        load: impl Future<Output = Result<Arc<[f32]>, E>>,
    ) -> Result<(Entry, Provenance), E> {
        if let Some((tier, row)) = self.look(wanted).await {
            let age = row.age();
            self.put_behind(&row, Some(tier));
            return Ok((Entry::aged(row.vector, age), Provenance::Hit { tier, age }));
        }
        count(&self.counts.loads);
        let vector = load.await?;
        match Row::now(
            wanted.key.clone(),
            wanted.model.as_str(),
            wanted.dimension,
            Arc::clone(&vector),
        ) {
            Ok(row) => self.put_behind(&row, None),
            // Whoever asked will say what is wrong with it; no other process shall have it.
            Err(fault) => tracing::warn!(%fault, "a loaded vector is not kept"),
        }
        Ok((Entry::aged(vector, Duration::ZERO), Provenance::Miss))
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
                entries: Some(self.memory.entry_count()),
                bytes: Some(self.memory.weighted_size()),
                state: TierState::Up,
                ..TierStats::default()
            },
            redis,
            disk,
            loads,
            joined: read(&self.counts.joined),
        }
    }

    /// Tells when [`VectorCache::stats`] may have changed.
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

impl fmt::Debug for VectorCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VectorCache")
            .field("stats", &self.stats())
            .finish()
    }
}

#[cfg(test)]
mod tests;

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
mod tests {
    use super::*;
    use crate::cache::{Looked, Store};
    use std::path::Path;

    fn wanted(text: &str) -> Wanted {
        Wanted::new("m", 2, "query", text)
    }

    fn vector() -> Arc<[f32]> {
        [0.6, 0.8].into()
    }

    async fn load() -> Result<Arc<[f32]>, String> {
        Ok(vector())
    }

    async fn never() -> Result<Arc<[f32]>, String> {
        panic!("the value was there")
    }

    fn in_memory() -> VectorCache {
        VectorCache::with_capacity(1 << 20)
    }

    fn on_disk(path: &Path) -> VectorCache {
        in_memory().with_disk(Disk::open(path.to_owned()))
    }

    fn tier(cached: &Cached) -> Option<Tier> {
        match cached.provenance {
            Provenance::Hit { tier, .. } => Some(tier),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_ask_is_a_hit_with_its_age() {
        let cache = in_memory();
        let first = cache.get_or_load(&wanted("a"), load()).await.unwrap();
        assert_eq!(first.provenance, Provenance::Miss);
        tokio::time::advance(Duration::from_secs(7)).await;
        let second = cache.get_or_load(&wanted("a"), never()).await.unwrap();
        assert_eq!(
            second.provenance,
            Provenance::Hit {
                tier: Tier::Memory,
                age: Duration::from_secs(7)
            }
        );
        assert_eq!(second.vector, first.vector);
        let stats = cache.stats();
        assert_eq!((stats.memory.hits, stats.loads, stats.joined), (1, 1, 0));
        assert_eq!((stats.redis, stats.disk), (None, None));
    }

    #[tokio::test]
    async fn fifty_askers_at_once_load_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = on_disk(&folder.path().join("vectors.sqlite"));
        let (go, gate) = watch::channel(false);
        let loads = AtomicU64::new(0);
        let asks = (0..50).map(|_| {
            let mut gate = gate.clone();
            let loads = &loads;
            let cache = &cache;
            async move {
                let load = async {
                    loads.fetch_add(1, Ordering::Relaxed);
                    gate.wait_for(|open| *open).await.unwrap();
                    load().await
                };
                cache.get_or_load(&wanted("a"), load).await.unwrap().provenance
            }
        });
        let open = async {
            // Every ask has been polled before this one: they all wait for the one flight.
            tokio::task::yield_now().await;
            go.send(true).unwrap();
        };
        let (provenances, ()) = tokio::join!(futures::future::join_all(asks), open);
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        let count = |wanted| {
            provenances
                .iter()
                .filter(|provenance| **provenance == wanted)
                .count()
        };
        assert_eq!((count(Provenance::Miss), count(Provenance::Joined)), (1, 49));
        let stats = cache.stats();
        assert_eq!((stats.joined, stats.loads), (49, 1));
        // One flight looked on disk, not fifty.
        assert_eq!(stats.disk.unwrap().misses, 1);
    }

    #[tokio::test]
    async fn a_dropped_loader_hands_over_to_the_next() {
        let cache = &in_memory();
        let wanted = wanted("a");
        let mut stuck =
            Box::pin(cache.get_or_load(&wanted, std::future::pending::<Result<Arc<[f32]>, String>>()));
        assert!(futures::poll!(&mut stuck).is_pending());
        let mut next = Box::pin(cache.get_or_load(&wanted, load()));
        assert!(futures::poll!(&mut next).is_pending());
        drop(stuck);
        assert_eq!(next.await.unwrap().vector, vector());
    }

    #[tokio::test]
    async fn an_error_is_told_and_not_kept() {
        let cache = in_memory();
        let failed = cache
            .get_or_load(&wanted("a"), async { Err("no model".to_owned()) })
            .await;
        assert_eq!(*failed.unwrap_err(), "no model");
        let loaded = cache.get_or_load(&wanted("a"), load()).await.unwrap();
        assert_eq!(loaded.provenance, Provenance::Miss);
    }

    #[tokio::test]
    async fn a_new_process_with_a_warm_disk_loads_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let first = on_disk(&path);
        for n in 0..20 {
            first.get_or_load(&wanted(&n.to_string()), load()).await.unwrap();
        }
        first.flush().await.unwrap();
        drop(first);
        let second = on_disk(&path);
        for n in 0..20 {
            let cached = second
                .get_or_load(&wanted(&n.to_string()), never())
                .await
                .unwrap();
            assert_eq!(tier(&cached), Some(Tier::Disk));
            assert_eq!(cached.vector, vector());
        }
        let again = second.get_or_load(&wanted("7"), never()).await.unwrap();
        assert_eq!(tier(&again), Some(Tier::Memory));
        let stats = second.stats();
        assert_eq!((stats.loads, stats.memory.hits, stats.memory.misses), (0, 1, 20));
        assert_eq!(stats.disk.unwrap().hits, 20);
    }

    #[tokio::test]
    async fn a_corrupt_row_is_a_miss_and_mended_by_what_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let first = on_disk(&path);
        first.get_or_load(&wanted("a"), load()).await.unwrap();
        first.flush().await.unwrap();
        drop(first);
        let broken = rusqlite::Connection::open(&path).unwrap();
        broken
            .execute(
                "UPDATE entry SET value = CAST(x'00' || substr(value, 2) AS BLOB)",
                [],
            )
            .unwrap();
        let second = on_disk(&path);
        let cached = second.get_or_load(&wanted("a"), load()).await.unwrap();
        assert_eq!(cached.provenance, Provenance::Miss);
        second.flush().await.unwrap();
        assert_eq!(second.stats().disk.unwrap().corrupt, 1);
        let Looked::Hit(row) = Store::open(&path).unwrap().get(&wanted("a").key).unwrap() else {
            panic!("not mended");
        };
        assert_eq!(row.vector, vector());
    }

    #[tokio::test]
    async fn what_is_no_unit_vector_reaches_no_disk() {
        let folder = tempfile::tempdir().unwrap();
        let cache = on_disk(&folder.path().join("vectors.sqlite"));
        for (text, wrong) in [
            ("a", vec![0.0, 0.0]),
            ("b", vec![1.0]),
            ("c", vec![f32::NAN, 1.0]),
        ] {
            let load = async { Ok::<_, String>(Arc::from(wrong)) };
            cache.get_or_load(&wanted(text), load).await.unwrap();
        }
        cache.flush().await.unwrap();
        assert_eq!(cache.stats().disk.unwrap().entries, Some(0));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_opened_costs_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let cache = on_disk(folder.path());
        let cached = cache.get_or_load(&wanted("a"), load()).await.unwrap();
        assert_eq!(cached.provenance, Provenance::Miss);
        assert!(matches!(cache.stats().disk.unwrap().state, TierState::Off { .. }));
    }

    #[tokio::test]
    async fn changes_are_heard_until_the_cache_is_gone() {
        let cache = in_memory();
        let mut changes = cache.changes();
        cache.get_or_load(&wanted("a"), load()).await.unwrap();
        assert_eq!(changes.next().await, Some(()));
        drop(cache);
        assert_eq!(changes.next().await, None);
    }
}

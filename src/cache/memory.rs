//! The memory tier: bounded by bytes, one load for all who ask for the same key at once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use tokio::time::Instant;

use super::CacheKey;

/// Bytes of an entry besides its numbers: the key's 64 digits and the books that the cache keeps on it, rounded up.
const OVERHEAD: usize = 256;

/// Vectors by key.
pub struct VectorCache {
    entries: Cache<CacheKey, Entry>,
    capacity: u64,
    counts: Counts,
}

#[derive(Clone)]
struct Entry {
    vector: Arc<[f32]>,
    stored: Instant,
}

#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    joined: AtomicU64,
}

/// Which tier holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    Memory,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Was there, since `age`.
    Hit { tier: Tier, age: Duration },
    /// Loaded by another who asked for it at the same time.
    Joined,
    /// Loaded now.
    Miss,
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Cached {
    pub vector: Arc<[f32]>,
    pub provenance: Provenance,
}

/// What the cache did and holds. Entries and bytes trail the newest writes by the cache's housekeeping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    pub hits: u64,
    /// Loads, failed ones included.
    pub misses: u64,
    /// Asked while another loaded the same.
    pub joined: u64,
    pub entries: u64,
    pub bytes: u64,
    /// Bound of `bytes`.
    pub capacity: u64,
}

impl VectorCache {
    /// A cache of at most `bytes` bytes.
    pub fn with_capacity(bytes: u64) -> Self {
        let weigh = |_: &CacheKey, entry: &Entry| {
            u32::try_from(OVERHEAD + size_of_val(&*entry.vector)).unwrap_or(u32::MAX)
        };
        Self {
            entries: Cache::builder().max_capacity(bytes).weigher(weigh).build(),
            capacity: bytes,
            counts: Counts::default(),
        }
    }

    /// The value of a key if it is there.
    pub async fn get(&self, key: &CacheKey) -> Option<Cached> {
        let entry = self.entries.get(key).await?;
        self.counts.hits.fetch_add(1, Ordering::Relaxed);
        Some(Cached {
            provenance: Provenance::Hit {
                tier: Tier::Memory,
                age: entry.stored.elapsed(),
            },
            vector: entry.vector,
        })
    }

    /// The value of a key, loaded when it is not there. Of many who ask at once, one loads and the others get what it
    /// loaded; when that one is dropped, the next of them loads. An error is handed to all who waited and not kept.
    pub async fn get_or_load<E: Send + Sync + 'static>(
        &self,
        key: &CacheKey,
        load: impl Future<Output = Result<Arc<[f32]>, E>>,
    ) -> Result<Cached, Arc<E>> {
        if let Some(cached) = self.get(key).await {
            return Ok(cached);
        }
        let counted = async {
            self.counts.misses.fetch_add(1, Ordering::Relaxed);
            let vector = load.await?;
            let stored = Instant::now();
            Ok(Entry { vector, stored })
        };
        let entry = self.entries.entry_by_ref(key).or_try_insert_with(counted).await?;
        let provenance = if entry.is_fresh() {
            Provenance::Miss
        } else {
            self.counts.joined.fetch_add(1, Ordering::Relaxed);
            Provenance::Joined
        };
        let vector = entry.into_value().vector;
        Ok(Cached { vector, provenance })
    }

    /// Puts a value in.
    pub async fn insert(&self, key: CacheKey, vector: Arc<[f32]>) {
        let stored = Instant::now();
        self.entries.insert(key, Entry { vector, stored }).await;
    }

    /// Drops every entry; the counts stay.
    pub fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// Does the housekeeping now, so that the next snapshot is exact.
    pub async fn settle(&self) {
        self.entries.run_pending_tasks().await;
    }

    /// A cheap look at the numbers.
    pub fn snapshot(&self) -> CacheStats {
        CacheStats {
            hits: self.counts.hits.load(Ordering::Relaxed),
            misses: self.counts.misses.load(Ordering::Relaxed),
            joined: self.counts.joined.load(Ordering::Relaxed),
            entries: self.entries.entry_count(),
            bytes: self.entries.weighted_size(),
            capacity: self.capacity,
        }
    }
}

impl fmt::Debug for VectorCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VectorCache")
            .field("stats", &self.snapshot())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> CacheKey {
        CacheKey::new("m", 4, "query", text)
    }

    fn vector(number: f32) -> Arc<[f32]> {
        vec![number; 4].into()
    }

    async fn never() -> Result<Arc<[f32]>, String> {
        panic!("the value was there")
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_ask_is_a_hit_with_its_age() {
        let cache = VectorCache::with_capacity(1 << 20);
        let first = cache
            .get_or_load(&key("a"), async { Ok::<_, String>(vector(1.0)) })
            .await
            .unwrap();
        assert_eq!(first.provenance, Provenance::Miss);
        tokio::time::advance(Duration::from_secs(7)).await;
        let second = cache.get_or_load(&key("a"), never()).await.unwrap();
        assert_eq!(
            second.provenance,
            Provenance::Hit {
                tier: Tier::Memory,
                age: Duration::from_secs(7)
            }
        );
        assert_eq!(second.vector, first.vector);
        let stats = cache.snapshot();
        assert_eq!((stats.hits, stats.misses, stats.joined), (1, 1, 0));
    }

    #[tokio::test]
    async fn fifty_askers_at_once_load_once() {
        let cache = VectorCache::with_capacity(1 << 20);
        let (go, gate) = tokio::sync::watch::channel(false);
        let loads = AtomicU64::new(0);
        let asks = (0..50).map(|_| {
            let mut gate = gate.clone();
            let loads = &loads;
            let cache = &cache;
            async move {
                let load = async {
                    loads.fetch_add(1, Ordering::Relaxed);
                    gate.wait_for(|open| *open).await.unwrap();
                    Ok::<_, String>(vector(2.0))
                };
                cache.get_or_load(&key("a"), load).await.unwrap().provenance
            }
        });
        let open = async {
            // Every ask has been polled before this one: they all wait for the one load.
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
        assert_eq!(cache.snapshot().joined, 49);
    }

    #[tokio::test]
    async fn a_dropped_loader_hands_over_to_the_next() {
        let cache = VectorCache::with_capacity(1 << 20);
        let cache = &cache;
        let key = key("a");
        let mut stuck =
            Box::pin(cache.get_or_load(&key, std::future::pending::<Result<Arc<[f32]>, String>>()));
        assert!(futures::poll!(&mut stuck).is_pending());
        let mut next = Box::pin(cache.get_or_load(&key, async { Ok::<_, String>(vector(3.0)) }));
        assert!(futures::poll!(&mut next).is_pending());
        drop(stuck);
        assert_eq!(next.await.unwrap().vector, vector(3.0));
    }

    #[tokio::test]
    async fn an_error_is_told_and_not_kept() {
        let cache = VectorCache::with_capacity(1 << 20);
        let failed = cache
            .get_or_load(&key("a"), async { Err("no model".to_owned()) })
            .await;
        assert_eq!(*failed.unwrap_err(), "no model");
        let loaded = cache
            .get_or_load(&key("a"), async { Ok::<_, String>(vector(1.0)) })
            .await
            .unwrap();
        assert_eq!(loaded.provenance, Provenance::Miss);
    }

    #[tokio::test]
    async fn what_it_holds_stays_below_its_bytes() {
        let entry = (OVERHEAD + 16) as u64;
        let cache = VectorCache::with_capacity(10 * entry);
        for number in 0..100_u8 {
            cache
                .insert(key(&number.to_string()), vector(f32::from(number)))
                .await;
        }
        cache.settle().await;
        let stats = cache.snapshot();
        assert!((1..=10).contains(&stats.entries), "{stats:?}");
        assert_eq!(stats.bytes, stats.entries * entry);
        assert_eq!(stats.capacity, 10 * entry);
        cache.clear();
        cache.settle().await;
        assert_eq!(cache.snapshot().entries, 0);
    }
}

//! The memory tier: bounded by bytes.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tokio::time::Instant;

use super::key::CacheKey;

/// Bytes of an entry besides its numbers: the key's 64 digits and the books that the cache keeps on it, rounded up.
const OVERHEAD: usize = 256;

/// Vectors by key. moka looks after the bound and after one load for all who ask at once.
pub(super) type Memory = Cache<CacheKey, Entry>;

/// A vector in memory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) vector: Arc<[f32]>,
    /// When it came into memory, and how old it was then.
    since: Instant,
    age: Duration,
}

impl Entry {
    /// A vector that was computed `age` ago.
    pub(super) fn aged(vector: Arc<[f32]>, age: Duration) -> Self {
        Self {
            vector,
            since: Instant::now(),
            age,
        }
    }

    /// How long ago it was computed.
    pub(super) fn age(&self) -> Duration {
        self.age + self.since.elapsed()
    }
}

/// An empty memory of at most `bytes` bytes.
pub(super) fn bounded(bytes: u64) -> Memory {
    let weigh = |_: &CacheKey, entry: &Entry| {
        u32::try_from(OVERHEAD + size_of_val(&*entry.vector)).unwrap_or(u32::MAX)
    };
    Cache::builder().max_capacity(bytes).weigher(weigh).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_it_holds_stays_below_its_bytes() {
        let entry = (OVERHEAD + 16) as u64;
        let memory = bounded(10 * entry);
        for number in 0..100_u8 {
            let key = CacheKey::new("m", 4, "query", &number.to_string());
            let vector: Arc<[f32]> = [f32::from(number); 4].into();
            memory.insert(key, Entry::aged(vector, Duration::ZERO)).await;
        }
        memory.run_pending_tasks().await;
        let entries = memory.entry_count();
        assert!((1..=10).contains(&entries), "{entries}");
        assert_eq!(memory.weighted_size(), entries * entry);
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_ages_from_when_it_was_computed() {
        let entry = Entry::aged([1.0].into(), Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(entry.age(), Duration::from_secs(67));
    }
}

//! The memory tier: bounded by bytes.

use std::time::Duration;

use moka::future::Cache;
use tokio::time::Instant;

use super::key::CacheKey;
use super::value::Keep;

/// Bytes of an entry besides its value: the key's 64 digits and the books that the cache keeps on it, rounded up.
const OVERHEAD: usize = 256;

/// Values by key. moka looks after the bound and after one load for all who ask at once.
pub(super) type Memory<T> = Cache<CacheKey, Entry<T>>;

/// A value in memory.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) value: T,
    /// How long it took to make, where that is known.
    pub(super) took: Option<Duration>,
    /// When it came into memory, and how old it was then.
    since: Instant,
    age: Duration,
}

impl<T> Entry<T> {
    /// A value that was made `age` ago.
    pub(super) fn aged(value: T, took: Option<Duration>, age: Duration) -> Self {
        Self {
            value,
            took,
            since: Instant::now(),
            age,
        }
    }

    /// How long ago it was made.
    pub(super) fn age(&self) -> Duration {
        self.age + self.since.elapsed()
    }
}

/// An empty memory of at most `bytes` bytes.
pub(super) fn bounded<T: Keep>(bytes: u64) -> Memory<T> {
    let weigh =
        |_: &CacheKey, entry: &Entry<T>| u32::try_from(OVERHEAD + entry.value.size()).unwrap_or(u32::MAX);
    Cache::builder().max_capacity(bytes).weigher(weigh).build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn what_it_holds_stays_below_its_bytes() {
        let entry = (OVERHEAD + 16) as u64;
        let memory = bounded(10 * entry);
        for number in 0..100_u8 {
            let key = CacheKey::new("m", 4, "query", &number.to_string());
            let vector: Arc<[f32]> = [f32::from(number); 4].into();
            memory
                .insert(key, Entry::aged(vector, None, Duration::ZERO))
                .await;
        }
        memory.run_pending_tasks().await;
        let entries = memory.entry_count();
        assert!((1..=10).contains(&entries), "{entries}");
        assert_eq!(memory.weighted_size(), entries * entry);
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_ages_from_when_it_was_computed() {
        let entry = Entry::aged((), None, Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(entry.age(), Duration::from_secs(67));
    }
}

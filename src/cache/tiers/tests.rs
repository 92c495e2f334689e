use super::*;
use crate::cache::{Answer, Looked, Store};
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

fn in_memory() -> Cache {
    Cache::with_capacity(1 << 20)
}

fn on_disk(path: &Path) -> Cache {
    in_memory().with_disk(Disk::open(path.to_owned()))
}

fn tier<T>(cached: &Cached<T>) -> Option<Tier> {
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
    assert_eq!(second.value, first.value);
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
    assert_eq!(next.await.unwrap().value, vector());
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
        assert_eq!(cached.value, vector());
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
    assert_eq!(row.vector(), Some(&vector()));
    assert!(row.took_ms.is_some(), "it was made here");
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
    // The answer does not wait for the file to be opened, so the state may not be known yet; the flush waits.
    let _ = cache.flush().await;
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

fn answer(text: &str) -> Arc<Answer> {
    Arc::new(Answer {
        text: text.into(),
        tokens: None,
    })
}

#[tokio::test]
async fn an_answer_outlives_its_process_beside_the_vectors_and_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors.sqlite");
    let wanted_answer = Wanted::answer("m", &["user", "How?"], "t=0");
    let first = on_disk(&path);
    first.get_or_load(&wanted("a"), load()).await.unwrap();
    let made = async { Ok::<_, String>(answer("old")) };
    let made = first.answer_or_load(&wanted_answer, made).await.unwrap();
    assert_eq!(made.provenance, Provenance::Miss);
    first.flush().await.unwrap();

    let second = on_disk(&path);
    let unasked = || async { Err::<Arc<Answer>, _>("asked") };
    let kept = second.answer_or_load(&wanted_answer, unasked()).await.unwrap();
    assert_eq!((tier(&kept), &*kept.value), (Some(Tier::Disk), &*answer("old")));
    assert!(kept.took.is_some());
    let took = Duration::from_millis(1_234);
    second.replace_answer(&wanted_answer, answer("new"), took).await;
    let kept = second.answer_or_load(&wanted_answer, unasked()).await.unwrap();
    assert_eq!((tier(&kept), &*kept.value), (Some(Tier::Memory), &*answer("new")));
    second.flush().await.unwrap();

    let third = on_disk(&path);
    let kept = third.answer_or_load(&wanted_answer, unasked()).await.unwrap();
    assert_eq!((tier(&kept), kept.took), (Some(Tier::Disk), Some(took)));
    assert_eq!(*kept.value, *answer("new"));
    assert_eq!(
        tier(&third.get_or_load(&wanted("a"), never()).await.unwrap()),
        Some(Tier::Disk)
    );
    assert_eq!(Store::open(&path).unwrap().entries().unwrap(), 2);
}

#[tokio::test]
async fn who_asks_is_under_way_until_it_ends_or_is_dropped() {
    let cache = in_memory();
    let wanted = Wanted::answer("m", &["user", "How?"], "t=0");
    let asking = cache.answer_or_load(&wanted, std::future::pending::<Result<_, String>>());
    let mut asking = Box::pin(asking);
    assert!(!cache.is_under_way(&wanted.key));
    assert!(futures::poll!(&mut asking).is_pending());
    assert!(cache.is_under_way(&wanted.key));
    drop(asking);
    assert!(!cache.is_under_way(&wanted.key));
}

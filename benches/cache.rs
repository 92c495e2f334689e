//! What the cache costs: a lookup in memory and on disk, and writing ten thousand vectors behind the answers.
//!
//! `cargo bench --bench cache`

#![expect(
    clippy::expect_used,
    reason = "a benchmark without its data must stop and not pass over it"
)]

use std::convert::Infallible;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use defi_qa::cache::{Cache, Disk, Provenance, Row, Store, Tier, Wanted};
use tokio::runtime::Runtime;

const MODEL: &str = "bench";
const DIMENSION: usize = 384;
const ROWS: usize = 10_000;

fn wanted(number: usize) -> Wanted {
    Wanted::new(MODEL, DIMENSION, "query", &format!("question {number}"))
}

fn vector() -> Arc<[f32]> {
    vec![(DIMENSION as f32).sqrt().recip(); DIMENSION].into()
}

async fn load() -> Result<Arc<[f32]>, Infallible> {
    Ok(vector())
}

fn filled(path: &Path) -> Store {
    let mut store = Store::open(path).expect("a store");
    let rows: Vec<Row> = (0..ROWS)
        .map(|n| Row::now(wanted(n).key, MODEL, DIMENSION, vector()).expect("a row"))
        .collect();
    store.put(&rows).expect("room on the disk");
    store
}

fn lookups(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vectors.sqlite");
    let store = filled(&path);
    let mut group = criterion.benchmark_group("get one of 10,000 vectors of 384 numbers");

    let memory = Cache::with_capacity(64 << 20);
    runtime.block_on(async {
        for n in 0..ROWS {
            memory.get_or_load(&wanted(n), load()).await.expect("a vector");
        }
    });
    let mut next = (0..ROWS).cycle();
    let mut pick = || wanted(next.next().unwrap_or_default() * 7_919 % ROWS);
    group.bench_function("memory", |bencher| {
        bencher.iter_batched(
            &mut pick,
            |wanted| {
                let cached = runtime
                    .block_on(memory.get_or_load(&wanted, load()))
                    .expect("a vector");
                assert!(matches!(
                    cached.provenance,
                    Provenance::Hit {
                        tier: Tier::Memory,
                        ..
                    }
                ));
            },
            BatchSize::SmallInput,
        );
    });

    // Nothing fits into this memory, so every lookup goes on to the disk tier and its thread.
    let disk = Cache::with_capacity(0).with_disk(Disk::open(path));
    group.bench_function("disk, from async code", |bencher| {
        bencher.iter_batched(
            &mut pick,
            |wanted| {
                let cached = runtime
                    .block_on(disk.get_or_load(&wanted, load()))
                    .expect("a vector");
                assert!(matches!(
                    cached.provenance,
                    Provenance::Hit { tier: Tier::Disk, .. }
                ));
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("disk, the row alone", |bencher| {
        bencher.iter_batched(
            &mut pick,
            |wanted| black_box(store.get(&wanted.key).expect("a row")),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("write");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10))
        .throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("10,000 loads, flushed to a new disk tier", |bencher| {
        bencher.iter_batched(
            || tempfile::tempdir().expect("a folder"),
            |folder| {
                let path = folder.path().join("vectors.sqlite");
                let cache = Cache::with_capacity(64 << 20).with_disk(Disk::open(path.clone()));
                runtime.block_on(async {
                    for n in 0..ROWS {
                        cache.get_or_load(&wanted(n), load()).await.expect("a vector");
                        // The queue holds 4,096: these loads take no time, as no model's do.
                        if n % 2_048 == 0 {
                            cache.flush().await.expect("room on the disk");
                        }
                    }
                    cache.flush().await.expect("room on the disk");
                });
                let entries = cache.stats().disk.and_then(|stats| stats.entries);
                assert_eq!(entries, Some(ROWS as u64));
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, lookups, writing);
criterion_main!(benches);

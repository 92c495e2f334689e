//! Exact search over large sets, beside a plain read of the same memory in the same run: what the machine could do at best.
//!
//! `cargo bench --bench dense`

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark without its data must stop, and says what it found"
)]

use std::collections::HashSet;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use defi_qa::embedding::{Matrix, Vector};
use defi_qa::retrieval::{DenseIndex, LexicalIndex};
use rayon::prelude::*;

const DIMENSION: usize = 1_536;
const QUERIES: usize = 20;

/// Unit vectors in random directions, the same in every run.
fn vectors(count: usize) -> Vec<Vector> {
    let mut state = 1_u64;
    let mut number = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    let raw = |_| (0..DIMENSION).map(|_| number()).collect();
    (0..count)
        .map(raw)
        .filter_map(|raw| Vector::normalised(raw, DIMENSION).ok())
        .collect()
}

/// Adds up all numbers, as fast as memory gives them, on all cores.
fn plain_read(numbers: &[f32]) -> f32 {
    let part = |part: &[f32]| {
        pulp::Arch::new().dispatch(|| {
            let mut sums = [0.0_f32; 64];
            for block in part.as_chunks::<64>().0 {
                for (sum, number) in sums.iter_mut().zip(block) {
                    *sum += number;
                }
            }
            sums.iter().sum::<f32>()
        })
    };
    numbers.par_chunks(1 << 20).map(part).sum()
}

/// Share of the ten nearest by one pass that two passes find as well.
fn recall(once: &DenseIndex, twice: &DenseIndex, queries: &[Vector]) -> f64 {
    let ten = |index: &DenseIndex, query: &Vector| -> HashSet<usize> {
        index.search(query, 10).iter().map(|hit| hit.index).collect()
    };
    let found = queries
        .iter()
        .map(|query| ten(once, query).intersection(&ten(twice, query)).count());
    found.sum::<usize>() as f64 / (10 * queries.len()) as f64
}

fn dense(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exact search, 1,536 dimensions, top 10");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for rows in [10_000, 100_000] {
        let mut rows_of = vectors(rows + QUERIES);
        let queries = rows_of.split_off(rows);
        let matrix = Matrix::of(&rows_of).expect("vectors of one size");
        drop(rows_of);
        let query = queries.first().expect("a query");
        group.throughput(Throughput::Bytes((rows * DIMENSION * size_of::<f32>()) as u64));
        group.bench_function(BenchmarkId::new("plain read", rows), |bencher| {
            bencher.iter(|| plain_read(black_box(matrix.numbers())));
        });
        let twice = DenseIndex::build(matrix);
        let once = twice.clone().in_one_pass();
        println!(
            "recall@10 of two passes at {rows}: {:.4}",
            recall(&once, &twice, &queries)
        );
        group.bench_function(BenchmarkId::new("f32", rows), |bencher| {
            bencher.iter(|| once.search(black_box(query), 10));
        });
        group.bench_function(BenchmarkId::new("int8, then f32", rows), |bencher| {
            bencher.iter(|| twice.search(black_box(query), 10));
        });
    }
    group.finish();
}

/// Texts of 60 words out of 50,000, by Zipf's law, as prose has them.
fn texts(count: usize) -> Vec<String> {
    let mut state = 7_u64;
    let mut unit = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let text = |_| {
        let words = (0..60).map(|_| format!("w{}x", 50_000_f64.powf(unit()) as u32));
        words.collect::<Vec<_>>().join(" ")
    };
    (0..count).map(text).collect()
}

fn lexical(criterion: &mut Criterion) {
    let texts = texts(100_000);
    let mut group = criterion.benchmark_group("BM25, 100,000 texts");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("build", |bencher| {
        bencher.iter(|| LexicalIndex::build(black_box(&texts)));
    });
    let index = LexicalIndex::build(&texts);
    group.sample_size(100);
    group.bench_function("query of five words, top 10", |bencher| {
        bencher.iter(|| index.search(black_box("w12x w160x w999x w7000x w31000x"), 10));
    });
    group.finish();
}

criterion_group!(benches, dense, lexical);
criterion_main!(benches);

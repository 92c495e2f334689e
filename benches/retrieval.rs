//! What a question costs: embedding it, searching vectors and words, building the indexes.
//!
//! `cargo bench --bench retrieval`

#![expect(
    clippy::expect_used,
    reason = "a benchmark without its data must stop and not pass over it"
)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use defi_qa::dataset::{Dataset, indexed_texts};
use defi_qa::embedding::{Embedder, LocalEmbedder, Matrix, Vector};
use defi_qa::retrieval::{Background, Corpus, DenseIndex, LexicalIndex, Method, Views};

const DIMENSION: usize = 384;
const SHORT: &str = "What is impermanent loss?";
/// 20 tokens with the marks of the model.
const TWENTY_TOKENS: &str = "How does a lending pool set the borrow rate when most of its cash is lent out?";

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

fn matrix(vectors: &[Vector]) -> Matrix {
    Matrix::of(vectors).expect("vectors of one size")
}

fn embedding(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let embedder = LocalEmbedder::start();
    let embed = |texts: Vec<String>| runtime.block_on(embedder.embed(texts)).expect("vectors");
    let mut group = criterion.benchmark_group("embed");
    for (name, text) in [("short", SHORT), ("20 tokens", TWENTY_TOKENS)] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| vec![text.to_owned()], embed, BatchSize::SmallInput);
        });
    }
    group.sample_size(10).throughput(Throughput::Elements(16));
    let long = [TWENTY_TOKENS; 14].join(" ");
    for (name, text) in [
        ("16 texts of 20 tokens", TWENTY_TOKENS),
        ("16 texts of 256 tokens", long.as_str()),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| vec![text.to_owned(); 16], embed, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn dense(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dense search, 384 dimensions, top 200");
    for rows in [1_000, 10_000, 100_000] {
        let rows_of = vectors(rows + 1);
        let (query, rows_of) = rows_of.split_last().expect("a vector more than rows");
        let index = DenseIndex::build(matrix(rows_of));
        group.throughput(Throughput::Bytes(
            (rows_of.len() * DIMENSION * size_of::<f32>()) as u64,
        ));
        group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
            bencher.iter(|| index.search(black_box(query), 200));
        });
    }
    group.finish();
}

fn lexical(criterion: &mut Criterion) {
    let dataset = Dataset::bundled().expect("the bundled set");
    let texts = indexed_texts(&dataset);
    let mut group = criterion.benchmark_group("BM25, top 200");
    // The bundled set, and as often as it fits into a set of the largest size that is meant to be searched exactly.
    for copies in [1, 100_000 / texts.len().max(1)] {
        let index = LexicalIndex::build(&vec![texts.clone(); copies].concat());
        for (name, query) in [("short", SHORT), ("20 tokens", TWENTY_TOKENS)] {
            group.bench_function(BenchmarkId::new(name, index.len()), |bencher| {
                bencher.iter(|| index.search(black_box(query), 200));
            });
        }
    }
    group.finish();
}

fn fusing(criterion: &mut Criterion) {
    let dataset = Dataset::bundled().expect("the bundled set");
    let rows = vectors(Views::of(&dataset).texts.len());
    let corpus = Corpus::build(dataset, matrix(&rows)).expect("a corpus");
    let query = rows.first().expect("a vector");
    let (dense, lexical) = (corpus.dense.search(query, 200), corpus.lexical.search(SHORT, 200));
    criterion.bench_function("fuse 200 with 200", |bencher| {
        bencher.iter(|| corpus.rank(Method::Hybrid, black_box(&dense), black_box(&lexical), 10));
    });
}

fn building(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("read and check the bundled set", |bencher| {
        bencher.iter(Dataset::bundled);
    });
    let dataset = Dataset::bundled().expect("the bundled set");
    let rows = vectors(Views::of(&dataset).texts.len());
    group.bench_function("corpus of the bundled set", |bencher| {
        bencher.iter_batched(
            || (dataset.clone(), matrix(&rows)),
            |(dataset, rows)| Corpus::build(dataset, rows).expect("a corpus"),
            BatchSize::SmallInput,
        );
    });
    let index = DenseIndex::build(matrix(&vectors(10_000)));
    group.bench_function("background of 10,000 vectors", |bencher| {
        bencher.iter(|| Background::sample(&index));
    });
    group.finish();
}

criterion_group!(benches, embedding, dense, lexical, fusing, building);
criterion_main!(benches);

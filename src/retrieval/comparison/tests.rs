//! A comparison as its readers see it.

use std::cell::Cell as Counter;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::dataset::{Dataset, Pair};
use crate::embedding::{Matrix, Vector};
use crate::retrieval::Corpus;

fn vector(x: f32, y: f32) -> Vector {
    Vector::normalised(vec![x, y], 2).unwrap()
}

fn other() -> EmbedderName {
    "openai:other".parse().unwrap()
}

/// Four pairs of three texts each.
fn dataset() -> Dataset {
    let pair = |id: &str, question: &str, alias: &str, answer: &str| Pair {
        id: id.into(),
        question: question.into(),
        aliases: vec![alias.into()],
        answer: answer.into(),
        ..Pair::default()
    };
    Dataset::new(
        "test",
        vec![
            pair("a", "What is gas?", "fuel", "A fee."),
            pair(
                "b",
                "What is a vault?",
                "safe",
                "It holds shares of one pool among other things.",
            ),
            pair("c", "Who needs a pool?", "liquidity", "It holds tokens."),
            pair(
                "d",
                "Who needs a pool of pools?",
                "pool",
                "A pool that holds pool shares.",
            ),
        ],
    )
}

/// By meaning the query (1, 0) finds a, b, c, d, by the word "pool" d, c, b.
fn corpus() -> Corpus {
    let rows: Vec<Vector> = [1.0_f32, 0.6, 0.3, 0.1]
        .into_iter()
        .flat_map(|near| [vector(near, 0.5), vector(near, 1.0), vector(near, 2.0)])
        .collect();
    Corpus::build(dataset(), Matrix::of(&rows).unwrap()).unwrap()
}

fn bench() -> Workbench {
    let lab = Lab::new(Arc::new(corpus()), EmbedderName::local());
    let query = Query::new("pool").unwrap();
    let query = query.with_vector(EmbedderName::local(), vector(1.0, 0.0), 4.0);
    Workbench::new(Arc::new(lab), query)
}

fn retrievers(specs: &[&str]) -> Vec<Retriever> {
    specs.iter().map(|spec| spec.parse().unwrap()).collect()
}

fn compare(specs: &[&str]) -> Comparison {
    bench().compare(&retrievers(specs), &|| Duration::ZERO).unwrap()
}

fn ids(comparison: &Comparison, column: usize) -> Vec<&str> {
    let pairs = comparison.columns[column].shown();
    let id = |index| {
        comparison
            .rows
            .iter()
            .find(|row| row.index == index)
            .map(|row| row.id.as_str())
    };
    pairs.filter_map(id).collect()
}

#[test]
fn rows_are_joined_by_document_with_the_delta_against_the_first_column() {
    let comparison = compare(&["dense(k=3)", "lexical(k=2)"]);
    assert_eq!(ids(&comparison, 0), ["a", "b", "c"]);
    assert_eq!(ids(&comparison, 1), ["d", "c"]);
    let rows: Vec<_> = comparison
        .rows
        .iter()
        .map(|row| {
            let ranks: Vec<_> = row
                .cells
                .iter()
                .map(|cell| cell.map(|cell| (cell.rank, cell.shown)))
                .collect();
            (
                row.id.as_str(),
                ranks,
                row.cells[1].and_then(|cell| cell.delta),
                row.only,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("a", vec![Some((1, true)), None], None, Some(0)),
            ("b", vec![Some((2, true)), Some((3, false))], Some(-1), Some(0)),
            ("c", vec![Some((3, true)), Some((2, true))], Some(1), None),
            ("d", vec![Some((4, false)), Some((1, true))], Some(3), Some(1)),
        ]
    );
    assert!(
        comparison
            .rows
            .iter()
            .all(|row| row.cells[0].is_none_or(|cell| cell.delta.is_none()))
    );
    assert_eq!(comparison.rows[0].terms, Vec::<String>::new());
    assert_eq!(comparison.rows[2].terms, ["pool"]);
}

#[test]
fn a_cell_has_its_score_in_a_named_scale_and_its_margin_to_the_next() {
    let comparison = compare(&["dense", "hybrid", "rrf", "lexical"]);
    let scales: Vec<_> = comparison.columns.iter().map(|column| column.scale).collect();
    assert_eq!(scales, ["cosine", "fused 0..1", "sum of 1/(rrf_k+rank)", "BM25"]);
    let cell = |row: usize, column: usize| comparison.rows[row].cells[column].unwrap();
    let margin = cell(0, 0).score - cell(1, 0).score;
    assert_eq!(cell(0, 0).margin, Some(margin));
    assert_eq!(cell(3, 0).margin, None, "the last has no next");
    let ranked: Vec<_> = comparison.columns.iter().map(|column| column.ranked).collect();
    assert_eq!(ranked, [4, 4, 4, 3]);
}

#[test]
fn a_changed_weight_ranks_again_and_searches_nothing() {
    let mut bench = bench();
    let reads = Counter::new(0_u32);
    // Every look at the clock is a millisecond.
    let clock = || {
        reads.set(reads.get() + 1);
        Duration::from_millis(reads.get().into())
    };
    let first = bench
        .compare(&retrievers(&["hybrid(w=1)", "lexical"]), &clock)
        .unwrap();
    let times = first.columns[0].times;
    assert_eq!(times.embed, Some(StageTime { ms: 4.0, kept: false }));
    assert_eq!(times.dense, Some(StageTime { ms: 1.0, kept: false }));
    assert_eq!(
        first.columns[1].times.lexical,
        Some(StageTime { ms: 1.0, kept: true }),
        "one search serves both columns"
    );
    assert_eq!(first.columns[1].times.embed, None);
    assert_eq!(ids(&first, 0)[0], "a");

    let again = bench
        .compare(&retrievers(&["hybrid(w=0)", "lexical"]), &clock)
        .unwrap();
    let times = again.columns[0].times;
    for stage in [times.embed, times.dense, times.lexical] {
        assert!(stage.unwrap().kept, "{times:?}");
    }
    assert_eq!(ids(&again, 0)[0], "d");

    let searched = bench
        .compare(&retrievers(&["hybrid(k1=2)", "lexical"]), &clock)
        .unwrap();
    assert!(!searched.columns[0].times.lexical.unwrap().kept);
    assert!(searched.columns[0].times.dense.unwrap().kept);
}

#[test]
fn a_unit_searches_its_texts_only() {
    let question = compare(&[
        "lexical(unit=question)",
        "lexical(unit=question+answer)",
        "lexical",
    ]);
    let mut found = [0, 1, 2].map(|column| ids(&question, column));
    found.iter_mut().for_each(|ids| ids.sort_unstable());
    assert_eq!(found, [vec!["c", "d"], vec!["b", "c", "d"], vec!["b", "c", "d"]]);
    let dense = compare(&["dense(unit=question)", "dense"]);
    // The nearest text of each pair is its question, so nothing changes.
    assert_eq!(ids(&dense, 0), ids(&dense, 1));
    let agreement = dense.columns[1].agreement.unwrap();
    assert_eq!((agreement.overlap, agreement.tau_b), (1.0, Some(1.0)));
    assert!(dense.columns[0].agreement.is_none());
}

#[test]
fn two_embedders_stand_beside_each_other() {
    let reversed: Vec<Vector> = [0.1_f32, 0.3, 0.6, 1.0]
        .into_iter()
        .flat_map(|near| vec![Vector::normalised(vec![near, 0.5, 0.0], 3).unwrap(); 3])
        .collect();
    let lab = Lab::new(Arc::new(corpus()), EmbedderName::local())
        .with_corpus(
            other(),
            Arc::new(Corpus::build(dataset(), Matrix::of(&reversed).unwrap()).unwrap()),
        )
        .unwrap();
    let query = Query::new("pool")
        .unwrap()
        .with_vector(EmbedderName::local(), vector(1.0, 0.0), 1.0)
        .with_vector(other(), Vector::normalised(vec![1.0, 0.0, 0.0], 3).unwrap(), 90.0);
    let mut bench = Workbench::new(Arc::new(lab), query);
    let specs = retrievers(&["dense", "dense(embedder=openai:other)"]);
    let comparison = bench.compare(&specs, &|| Duration::ZERO).unwrap();
    assert_eq!(ids(&comparison, 1), ["d", "c", "b", "a"]);
    assert_eq!(
        comparison.columns[0].retriever.to_string(),
        "dense(unit=all,embedder=local,k=10)",
        "a set-up that is shown names its embedder"
    );
    assert_eq!(comparison.columns[1].agreement.unwrap().tau_b, Some(-1.0));
    assert!(
        (comparison.disagreement().unwrap() - (1.0 - comparison.agreement(1, 0).unwrap().rbo)).abs() < 1e-12
    );
}

#[test]
fn what_cannot_be_compared_is_refused_with_what_to_do() {
    let refused = |bench: &mut Workbench, specs: &[&str]| {
        let error = bench.compare(&retrievers(specs), &|| Duration::ZERO).unwrap_err();
        error.to_string()
    };
    let mut whole = bench();
    assert!(
        refused(&mut whole, &["dense"])
            .starts_with("a comparison has two to four retrievers, and 1 were given")
    );
    assert!(refused(&mut whole, &["dense"; 5]).contains("5 were given"));
    assert_eq!(
        refused(&mut whole, &["lexical", "dense(embedder=openai:other)"]),
        "there is no index of the corpus by openai:other; build it with `defi-qa --embedder openai:other index`, with the same \
         --dataset, or name another embedder"
    );
    let lab = Arc::clone(whole.lab());
    let mut bare = Workbench::new(Arc::clone(&lab), Query::new("pool").unwrap());
    assert!(refused(&mut bare, &["lexical", "dense"]).starts_with("the query has no vector by local"));
    bare.add_vector(
        EmbedderName::local(),
        Vector::normalised(vec![1.0; 3], 3).unwrap(),
        0.0,
    );
    assert_eq!(
        refused(&mut bare, &["lexical", "dense"]),
        "the corpus by local has vectors of 2 numbers and the query's has 3; index the corpus again with \
         `defi-qa --embedder local index`"
    );
    assert_eq!(Query::new(" \n\u{a0}").unwrap_err(), CompareError::EmptyQuery);
    let mut fewer = dataset();
    fewer.pairs.pop();
    let refused = Lab::new(Arc::new(corpus()), EmbedderName::local())
        .with_corpus(other(), Arc::new(Corpus::lexical_only(fewer)))
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("the corpus by openai:other does not hold the same pairs as the others")
    );
}

#[test]
fn a_query_that_nothing_shares_a_word_with_leaves_an_empty_column() {
    let lab = Arc::clone(bench().lab());
    let mut bench = Workbench::new(lab, Query::new("zebra").unwrap());
    let comparison = bench
        .compare(&retrievers(&["lexical", "lexical(k1=2)"]), &|| Duration::ZERO)
        .unwrap();
    assert_eq!((comparison.rows.len(), comparison.columns[1].ranked), (0, 0));
    assert_eq!(comparison.columns[1].agreement, None);
    assert_eq!(comparison.disagreement(), None);
}

//! A small corpus that is really searched, for the tests of the model and of the view.

#[cfg(test)]
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::{Compared, Found};
use crate::agent::event::Hit;
use crate::app::Effect;
use crate::dataset::{Dataset, Pair};
use crate::embedding::{Matrix, Vector};
use crate::retrieval::comparison::{EmbedderName, Lab, Query, Workbench};
use crate::retrieval::{Corpus, View, Views};

/// By meaning the first is the nearest to every query, and so on; by words whatever the query says.
pub(crate) const PAIRS: &[(&str, &str, &str)] = &[
    (
        "mev-sandwich",
        "How does a sandwich attack work?",
        "Somebody sees a trade that waits, buys before it and sells after it, at the price that the trade moved.",
    ),
    (
        "mev-backrunning",
        "What is backrunning?",
        "Trading right after a transaction that moved a price.",
    ),
    (
        "mev-mempool",
        "Who can see my transaction before it is mined?",
        "Everybody who listens to the public mempool, where a trade waits.",
    ),
    (
        "amm-price-impact",
        "What is price impact?",
        "How far a trade moves the price of its pool.",
    ),
    (
        "amm-slippage",
        "What is slippage?",
        "The difference between the price asked and the price paid.",
    ),
    (
        "lending-liquidation",
        "When is a loan liquidated?",
        "When its health factor falls below 1.",
    ),
    (
        "insurance-cover",
        "Can I still buy cover when a trade has gone wrong?",
        "No: a cover is bought before the loss.",
    ),
    (
        "governance-votes",
        "Who bought the votes of the DAO?",
        "Whoever bought the tokens before the snapshot.",
    ),
];

/// A lab over pairs of identifier, question and answer.
pub(crate) fn lab(pairs: &[(&str, &str, &str)]) -> Arc<Lab> {
    let pairs = pairs.iter().map(|(id, question, answer)| Pair {
        id: (*id).to_owned(),
        question: (*question).to_owned(),
        answer: (*answer).to_owned(),
        sources: vec!["Flash Boys 2.0 (2019)".to_owned()],
        ..Pair::default()
    });
    let dataset = Dataset::new("test", pairs.collect());
    let near = |(place, view)| {
        // The question is nearer than the answer.
        let x = 0.9 - 0.07 * place as f32 - if view == View::Question { 0.0 } else { 0.1 };
        Vector::normalised(vec![x, 1.0 - x], 2).unwrap()
    };
    let rows: Vec<Vector> = Views::owners(&dataset).map(near).collect();
    let corpus = Corpus::build(dataset, Matrix::of(&rows).unwrap()).unwrap();
    Arc::new(Lab::new(Arc::new(corpus), EmbedderName::local()))
}

/// Serves an effect as the task of the program does; `None` for any other effect. Every look at the clock is 0.3 ms.
pub(crate) fn serve(lab: &Arc<Lab>, effect: &Effect) -> Option<Compared> {
    let Effect::Compare {
        ticket,
        query,
        retrievers,
    } = effect
    else {
        return None;
    };
    let asked = query.clone();
    let query = Query::new(query).unwrap().with_vector(
        EmbedderName::local(),
        Vector::normalised(vec![1.0, 0.0], 2).unwrap(),
        8.6,
    );
    let reads = Cell::new(0_u32);
    let clock = || {
        reads.set(reads.get() + 1);
        Duration::from_micros(300) * reads.get()
    };
    let compared = Workbench::new(Arc::clone(lab), query).compare(retrievers, &clock);
    let result = compared.map_err(|error| error.to_string()).map(|comparison| {
        let pairs = comparison.rows.iter().map(|row| {
            let pair = &lab.corpus().dataset.pairs[row.index];
            Hit {
                id: pair.id.clone(),
                question: pair.question.clone(),
                answer: pair.answer.clone(),
                sources: pair.sources.clone(),
                ..Hit::default()
            }
        });
        Box::new(Found {
            asked,
            retrievers: retrievers.clone(),
            pairs: pairs.collect(),
            comparison,
            read_as: Vec::new(),
        })
    });
    Some(Compared {
        ticket: *ticket,
        result,
    })
}

//! The figures of rankings: of each query, and over all of them with how sure they are.

use serde::Serialize;

use super::Metric;
use crate::retrieval::bootstrap::{self, Difference, Interval};
use crate::retrieval::comparison::Retriever;
use crate::retrieval::metrics;

/// One ranking of one query.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct RankingFigures {
    pub(super) ndcg_10: f64,
    pub(super) mrr_10: f64,
    pub(super) recall_10: f64,
    pub(super) recall_100: f64,
    pub(super) map: f64,
}

/// The metrics of a ranking, in the order of the table.
pub(super) const METRICS: [Metric; 5] = [
    Metric::Ndcg10,
    Metric::Mrr10,
    Metric::Recall10,
    Metric::Recall100,
    Metric::Map,
];

impl RankingFigures {
    pub(super) fn get(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Ndcg10 => Some(self.ndcg_10),
            Metric::Mrr10 => Some(self.mrr_10),
            Metric::Recall10 => Some(self.recall_10),
            Metric::Recall100 => Some(self.recall_100),
            Metric::Map => Some(self.map),
            _ => None,
        }
    }
}

/// The figures of a ranking, given as the grades of its documents, best first, and of everything that was judged.
pub(super) fn of(ranked: &[u8], judged: &[u8], least: u8) -> RankingFigures {
    let relevant = judged.iter().filter(|grade| **grade >= least).count();
    RankingFigures {
        ndcg_10: metrics::ndcg(ranked, judged, 10),
        mrr_10: metrics::reciprocal_rank(ranked, least, 10),
        recall_10: metrics::recall(ranked, relevant, least, 10),
        recall_100: metrics::recall(ranked, relevant, least, 100),
        map: metrics::average_precision(ranked, relevant, least),
    }
}

/// One query through every retriever.
#[derive(Debug, Serialize)]
pub(super) struct QueryFigures {
    pub(super) id: String,
    pub(super) query: String,
    /// One for each retriever.
    pub(super) figures: Vec<RankingFigures>,
    /// 0 to 1; absent for one retriever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disagreement: Option<f64>,
}

/// One retriever over all queries.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) retriever: Retriever,
    pub(super) metrics: Vec<Mean>,
}

/// One metric over all queries.
#[derive(Debug, Serialize)]
pub(super) struct Mean {
    #[serde(serialize_with = "by_name")]
    pub(super) metric: Metric,
    #[serde(flatten)]
    pub(super) interval: Interval,
    /// To the first retriever, query by query; absent for the first itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) difference: Option<Difference>,
}

fn by_name<S: serde::Serializer>(metric: &Metric, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(metric.name())
}

impl Measured {
    pub(super) fn mean(&self, metric: Metric) -> Option<f64> {
        let found = self.metrics.iter().find(|mean| mean.metric == metric);
        found.map(|mean| mean.interval.mean)
    }
}

/// Every retriever over all queries, the others beside the first.
pub(super) fn measured(retrievers: &[Retriever], rows: &[QueryFigures]) -> Vec<Measured> {
    let values = |column: usize, metric: Metric| -> Vec<f64> {
        let figures = rows.iter().filter_map(|row| row.figures.get(column));
        figures.filter_map(|figures| figures.get(metric)).collect()
    };
    let of = |(column, retriever): (usize, &Retriever)| Measured {
        retriever: retriever.clone(),
        metrics: METRICS
            .into_iter()
            .filter_map(|metric| {
                let own = values(column, metric);
                Some(Mean {
                    metric,
                    interval: bootstrap::interval(&own)?,
                    difference: (column > 0)
                        .then(|| bootstrap::difference(&own, &values(0, metric)))
                        .flatten(),
                })
            })
            .collect(),
    };
    retrievers.iter().enumerate().map(of).collect()
}

//! How good a ranking is, against judgements of what answers the query.
//!
//! A ranking is given as the grades of its documents, best first: 0 for one that does not help. Ranks count from 1.

/// The grade of a document that answers the query by itself.
pub const ANSWERS: u8 = 2;
/// The grade of one that helps and does not answer.
pub const RELATED: u8 = 1;

/// Whether one of the first `k` documents answers the query.
pub fn hit(ranking: &[u8], k: usize) -> bool {
    ranking.iter().take(k).any(|grade| *grade >= ANSWERS)
}

/// 1 over the rank of the first document of the grade `least` or above, 0 when none of the first `k` is. Its mean over queries is MRR@k.
pub fn reciprocal_rank(ranking: &[u8], least: u8, k: usize) -> f64 {
    let found = ranking.iter().take(k).position(|grade| *grade >= least);
    found.map_or(0.0, |place| 1.0 / (place + 1) as f64)
}

/// Share of the relevant documents that are among the first `k`; 0 when there are none. A document is relevant from the
/// grade `least` on, and there are `relevant` of them.
pub fn recall(ranking: &[u8], relevant: usize, least: u8, k: usize) -> f64 {
    let found = ranking.iter().take(k).filter(|grade| **grade >= least).count();
    if relevant == 0 {
        0.0
    } else {
        found as f64 / relevant as f64
    }
}

/// Average precision: the mean, over the relevant documents, of the precision at the rank of each; 0 for one that is not
/// ranked. Its mean over queries is MAP (C. Buckley, E. Voorhees, "Evaluating Evaluation Measure Stability", SIGIR 2000;
/// `map` of trec_eval).
pub fn average_precision(ranking: &[u8], relevant: usize, least: u8) -> f64 {
    let found = ranking.iter().zip(1_u32..).filter(|(grade, _)| **grade >= least);
    let precisions = found
        .zip(1_u32..)
        .map(|((_, rank), found)| f64::from(found) / f64::from(rank));
    let sum: f64 = precisions.sum();
    if relevant == 0 { 0.0 } else { sum / relevant as f64 }
}

/// Normalised discounted cumulative gain of the first `k` documents, 0 to 1: the sum of `grade / log2(rank + 1)` over
/// that of the best order of `judged`, the grades of all documents that were judged for the query (K. Jarvelin,
/// J. Kekalainen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002; the gain is the grade itself, as in
/// trec_eval). 0 when nothing was judged to help.
pub fn ndcg(ranking: &[u8], judged: &[u8], k: usize) -> f64 {
    let mut best = judged.to_vec();
    best.sort_unstable_by(|left, right| right.cmp(left));
    let ideal = discounted_gain(&best, k);
    if ideal > 0.0 {
        discounted_gain(ranking, k) / ideal
    } else {
        0.0
    }
}

fn discounted_gain(grades: &[u8], k: usize) -> f64 {
    let ranked = grades.iter().take(k).zip(1_u32..);
    ranked
        .map(|(grade, rank)| f64::from(*grade) / f64::from(rank + 1).log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_document_that_answers_decides() {
        assert!(hit(&[1, 0, 2], 3));
        assert!(!hit(&[1, 0, 2], 2), "a related document is no hit");
        assert!(!hit(&[], 3));
        assert_eq!(reciprocal_rank(&[1, 0, 2, 2], ANSWERS, 10), 1.0 / 3.0);
        assert_eq!(reciprocal_rank(&[1, 0, 2], ANSWERS, 2), 0.0);
    }

    #[test]
    fn ndcg_is_that_of_the_published_example() {
        // https://en.wikipedia.org/wiki/Discounted_cumulative_gain: six documents of the grades 3 2 3 0 1 2, two more of
        // the grades 3 and 2 that were not ranked: DCG 6.861, ideal DCG 8.740, nDCG 0.785.
        let ndcg = ndcg(&[3, 2, 3, 0, 1, 2], &[3, 2, 3, 0, 1, 2, 3, 2], 6);
        assert!((ndcg - 0.785).abs() < 5e-4, "{ndcg}");
    }

    #[test]
    fn the_example_of_ranx_comes_out() {
        // https://github.com/AmenRa/ranx, "Usage": map@5 0.6416, mrr 0.75, ndcg@5 0.7861.
        let queries = [([5, 0, 3, 0, 0, 0], [5, 3]), ([0, 6, 0, 0, 1, 0], [6, 1])];
        let mean = |metric: &dyn Fn(&[u8], &[u8]) -> f64| {
            let values = queries.iter().map(|(ranking, judged)| metric(ranking, judged));
            values.sum::<f64>() / 2.0
        };
        let map = mean(&|ranking, judged| average_precision(&ranking[..5], judged.len(), RELATED));
        let mrr = mean(&|ranking, _| reciprocal_rank(ranking, RELATED, 10));
        let ndcg_5 = mean(&|ranking, judged| ndcg(ranking, judged, 5));
        assert!((map - 0.641_666_666_666_666_6).abs() < 1e-12, "{map}");
        assert!((mrr - 0.75).abs() < 1e-12, "{mrr}");
        assert!((ndcg_5 - 0.786_126_109_927_695_2).abs() < 1e-12, "{ndcg_5}");
    }

    #[test]
    fn graded_rankings_come_out_as_trec_eval_has_them() {
        // pytrec_eval 0.5.11, which runs trec_eval: twelve documents of these grades, and three that were not found.
        let ranking = [2, 0, 1, 0, 0, 3, 0, 1, 0, 0, 0, 2];
        let judged = [ranking.as_slice(), &[3, 1, 0]].concat();
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        near(average_precision(&ranking, 7, RELATED), 0.440_476_190_476_190_4);
        near(ndcg(&ranking, &judged, 5), 0.350_091_259_768_380_24);
        near(ndcg(&ranking, &judged, 10), 0.496_017_971_779_291_5);
        near(recall(&ranking, 7, RELATED, 5), 0.285_714_285_714_285_7);
        near(recall(&ranking, 7, RELATED, 10), 0.571_428_571_428_571_4);
        // With relevance_level=2.
        near(average_precision(&ranking, 4, ANSWERS), 0.395_833_333_333_333_3);
        near(recall(&ranking, 4, ANSWERS, 5), 0.25);
        near(recall(&ranking, 4, ANSWERS, 10), 0.5);
        near(recall(&ranking, 0, ANSWERS, 10), 0.0);
        near(average_precision(&ranking, 0, ANSWERS), 0.0);
    }

    #[test]
    fn ndcg_is_1_for_the_best_order_and_0_without_judgements() {
        assert!((ndcg(&[2, 1, 0], &[1, 2], 10) - 1.0).abs() < 1e-12);
        assert!(ndcg(&[1, 2, 0], &[1, 2], 10) < 1.0);
        assert_eq!(ndcg(&[0, 0], &[], 10), 0.0);
    }
}

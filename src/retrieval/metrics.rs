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

/// 1 over the rank of the first document that answers, 0 when none of the first `k` does. Its mean over queries is MRR@k.
pub fn reciprocal_rank(ranking: &[u8], k: usize) -> f64 {
    let found = ranking.iter().take(k).position(|grade| *grade >= ANSWERS);
    found.map_or(0.0, |place| 1.0 / (place + 1) as f64)
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
        assert_eq!(reciprocal_rank(&[1, 0, 2, 2], 10), 1.0 / 3.0);
        assert_eq!(reciprocal_rank(&[1, 0, 2], 2), 0.0);
    }

    #[test]
    fn ndcg_is_that_of_the_published_example() {
        // https://en.wikipedia.org/wiki/Discounted_cumulative_gain: six documents of the grades 3 2 3 0 1 2, two more of
        // the grades 3 and 2 that were not ranked: DCG 6.861, ideal DCG 8.740, nDCG 0.785.
        let ndcg = ndcg(&[3, 2, 3, 0, 1, 2], &[3, 2, 3, 0, 1, 2, 3, 2], 6);
        assert!((ndcg - 0.785).abs() < 5e-4, "{ndcg}");
    }

    #[test]
    fn ndcg_is_1_for_the_best_order_and_0_without_judgements() {
        assert!((ndcg(&[2, 1, 0], &[1, 2], 10) - 1.0).abs() < 1e-12);
        assert!(ndcg(&[1, 2, 0], &[1, 2], 10) < 1.0);
        assert_eq!(ndcg(&[0, 0], &[], 10), 0.0);
    }
}

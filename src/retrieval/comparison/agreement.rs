//! How far two rankings agree.

use serde::{Deserialize, Serialize};

/// The `p` of rank-biased overlap here: the chance that a reader goes on from one rank to the next. With 0.9 the first
/// ten ranks carry 86 % of the measure ([`weight_of_first`]), which are those that are shown.
pub const PERSISTENCE: f64 = 0.9;

/// How far two rankings agree, by several measures. All but `tau_b` are 0 for nothing in common and 1 for the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Documents of each ranking that were looked at, at most.
    pub depth: usize,
    /// How many of them both have.
    pub shared: usize,
    /// `shared / depth`: overlap@k, where a search that found fewer than k makes k smaller.
    pub overlap: f64,
    /// `shared` over how many there are in both together (P. Jaccard, 1901).
    pub jaccard: f64,
    /// [`rank_biased_overlap`] with [`PERSISTENCE`].
    pub rbo: f64,
    /// [`kendall_tau_b`] of the scores of the shared documents; absent where it is not defined.
    pub tau_b: Option<f64>,
}

impl Agreement {
    /// Of two rankings without repetitions, each a list of documents and their scores, best first, to the depth `k`.
    /// `None` when neither found anything.
    pub fn of(left: &[(usize, f32)], right: &[(usize, f32)], k: usize) -> Option<Self> {
        let (left, right) = (left.get(..k.min(left.len()))?, right.get(..k.min(right.len()))?);
        let depth = left.len().max(right.len());
        let scores_in = |list: &[(usize, f32)], document: usize| {
            let found = list.iter().find(|(other, _)| *other == document);
            found.map(|(_, score)| f64::from(*score))
        };
        let both = left
            .iter()
            .filter_map(|(document, score)| Some((f64::from(*score), scores_in(right, *document)?)));
        let (in_left, in_right): (Vec<f64>, Vec<f64>) = both.unzip();
        let shared = in_left.len();
        let documents =
            |list: &[(usize, f32)]| list.iter().map(|(document, _)| *document).collect::<Vec<_>>();
        (depth > 0).then(|| Self {
            depth,
            shared,
            overlap: shared as f64 / depth as f64,
            jaccard: shared as f64 / (left.len() + right.len() - shared) as f64,
            rbo: rank_biased_overlap(&documents(left), &documents(right), PERSISTENCE),
            tau_b: kendall_tau_b(&in_left, &in_right),
        })
    }
}

/// Extrapolated rank-biased overlap of two rankings without repetitions, 0 to 1: W. Webber, A. Moffat, J. Zobel, "A
/// Similarity Measure for Indefinite Rankings", ACM TOIS 28(4), 2010, equation 32. `p` is above 0 and below 1. Two
/// empty rankings are the same; an empty one and another have nothing in common.
pub fn rank_biased_overlap<T: PartialEq>(left: &[T], right: &[T], p: f64) -> f64 {
    let (short, long) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let (s, l) = (short.len(), long.len());
    if s == 0 {
        return f64::from(u8::from(l == 0));
    }
    // The common documents of the first `depth` of each; beyond its end the short one has no more.
    let common = |depth: usize| {
        let of_long = long.get(..depth).unwrap_or(long);
        let of_short = short.get(..depth).unwrap_or(short);
        of_short
            .iter()
            .filter(|document| of_long.contains(document))
            .count() as f64
    };
    let (common_s, common_l) = (common(s), common(l));
    let mut sum = 0.0;
    for depth in 1..=l {
        let at = depth as f64;
        let mut agreement = common(depth) / at;
        if depth > s {
            // What the unseen rest of the short one is taken to agree in.
            agreement += common_s * (at - s as f64) / (s as f64 * at);
        }
        sum += agreement * p.powf(at);
    }
    let extrapolated = (common_l - common_s) / l as f64 + common_s / s as f64;
    (1.0 - p) / p * sum + extrapolated * p.powf(l as f64)
}

/// The share of rank-biased overlap that the first `depth` ranks decide, 0 to 1: equation 21 of the same paper.
pub fn weight_of_first(depth: usize, p: f64) -> f64 {
    let seen: f64 = (1..depth).map(|rank| p.powf(rank as f64) / rank as f64).sum();
    let depth = depth as f64;
    1.0 - p.powf(depth - 1.0) + (1.0 - p) / p * depth * ((1.0 / (1.0 - p)).ln() - seen)
}

/// Kendall's tau-b of two lists of scores of the same documents, -1 for the reverse order to 1 for the same, ties
/// taken into account: M. Kendall, "The Treatment of Ties in Ranking Problems", Biometrika 33, 1945. `None` for lists of
/// different lengths, for fewer than two documents, and where all scores of a list are equal.
pub fn kendall_tau_b(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.len() != right.len() {
        return None;
    }
    let (mut concordant, mut in_left, mut in_right) = (0_i64, 0_i64, 0_i64);
    let sign = |one: f64, other: f64| i64::from(one > other) - i64::from(one < other);
    let documents: Vec<(f64, f64)> = left.iter().copied().zip(right.iter().copied()).collect();
    for (place, one) in documents.iter().enumerate() {
        for other in documents.iter().skip(place + 1) {
            let (left, right) = (sign(one.0, other.0), sign(one.1, other.1));
            concordant += left * right;
            in_left += left * left;
            in_right += right * right;
        }
    }
    let untied = (in_left as f64 * in_right as f64).sqrt();
    (untied > 0.0).then(|| concordant as f64 / untied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    fn letters(list: &str) -> Vec<char> {
        list.chars().collect()
    }

    #[test]
    fn rank_biased_overlap_is_that_of_an_independent_implementation() {
        // `RankingSimilarity(left, right).rbo_ext(p)` of the Python package rbo 0.1.3.
        for (left, right, p, expected) in [
            ("abcdefgh", "badcfehg", 0.9, 0.852_285_985_714_285_7),
            ("abcdefghij", "klabmcdnop", 0.9, 0.347_601_473_742_857_16),
            ("abcd", "dcbaefgh", 0.9, 0.783),
            ("abcd", "bacxyz", 0.5, 0.468_75),
            ("cdeabfg", "xabcyz", 0.98, 0.472_440_736_32),
            ("abcde", "abcde", 0.9, 1.0),
            ("abc", "xyz", 0.9, 0.0),
        ] {
            near(rank_biased_overlap(&letters(left), &letters(right), p), expected);
        }
        // The example of https://github.com/b4ny4n/rankmeasures, to its three decimals.
        let published = rank_biased_overlap(&[1, 2, 3, 4, 5], &[2, 3, 4, 1, 5], 0.9);
        assert!((published - 0.828).abs() < 5e-4, "{published}");
        near(rank_biased_overlap::<u8>(&[], &[], 0.9), 1.0);
        near(rank_biased_overlap(&[1], &[], 0.9), 0.0);
    }

    #[test]
    fn the_first_ten_ranks_weigh_what_the_paper_says() {
        // Webber, Moffat and Zobel, below equation 21: with p = 0.9 the first 10 ranks have 86 % of the weight.
        assert_eq!(format!("{:.2}", weight_of_first(10, PERSISTENCE)), "0.86");
        near(weight_of_first(1, 0.5), 2.0_f64.ln());
    }

    #[test]
    fn tau_b_is_that_of_scipy() {
        // The example of scipy.stats.kendalltau in SciPy's reference, then what scipy 1.17.1 gives.
        near(
            kendall_tau_b(&[12.0, 2.0, 1.0, 12.0, 2.0], &[1.0, 4.0, 7.0, 1.0, 0.0]).unwrap(),
            -0.471_404_520_791_031_6,
        );
        near(
            kendall_tau_b(&[1.0, 2.0, 3.0, 4.0, 5.0], &[3.0, 4.0, 1.0, 2.0, 5.0]).unwrap(),
            0.2,
        );
        near(
            kendall_tau_b(&[1.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 2.0, 4.0]).unwrap(),
            0.8,
        );
        assert_eq!(kendall_tau_b(&[1.0], &[1.0]), None);
        assert_eq!(kendall_tau_b(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(kendall_tau_b(&[1.0, 2.0], &[1.0]), None);
    }

    #[test]
    fn overlap_and_jaccard_count_what_both_have() {
        let list = |documents: &[usize]| -> Vec<(usize, f32)> {
            let scored = documents.iter().zip(0..);
            scored
                .map(|(document, place)| (*document, 10.0 - place as f32))
                .collect()
        };
        let agreement = Agreement::of(&list(&[1, 2, 3, 4, 9]), &list(&[2, 1, 7, 3]), 4).unwrap();
        assert_eq!((agreement.depth, agreement.shared), (4, 3));
        near(agreement.overlap, 0.75);
        near(agreement.jaccard, 3.0 / 5.0);
        near(agreement.tau_b.unwrap(), 1.0 / 3.0);
        let nothing = Agreement::of(&list(&[1, 2]), &[], 4).unwrap();
        assert_eq!(
            (nothing.overlap, nothing.jaccard, nothing.rbo, nothing.tau_b),
            (0.0, 0.0, 0.0, None)
        );
        assert_eq!(Agreement::of(&[], &[], 4), None);
    }

    proptest! {
        #[test]
        fn agreement_is_the_same_from_both_sides_and_1_with_itself(
            left in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
            right in Just((4..16_usize).collect::<Vec<_>>()).prop_shuffle(),
            cut in (1..=12_usize, 1..=12_usize), p in 0.05_f64..0.99
        ) {
            let (left, right) = (&left[..cut.0], &right[..cut.1]);
            let one = rank_biased_overlap(left, right, p);
            prop_assert!((one - rank_biased_overlap(right, left, p)).abs() < 1e-12);
            prop_assert!((-1e-12..=1.0 + 1e-12).contains(&one));
            prop_assert!((rank_biased_overlap(left, left, p) - 1.0).abs() < 1e-9);
        }
    }
}

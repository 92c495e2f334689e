//! What a cosine is worth here: how pairs of this corpus that are not about the same thing look to the model.
//!
//! A raw cosine says little, because models squeeze texts of one field together. Its percentile among the cosines of
//! different pairs of the corpus says how far it stands out.

use serde::{Deserialize, Serialize};

use super::DenseIndex;
use super::dense::dot;

/// Rows that are compared with others at most, evenly spaced over the corpus.
const ROWS: usize = 1_000;
/// Other rows that each of them is compared with, drawn at random. 25,000 cosines make a percentile good to about 0.15
/// points at the 95th (`sqrt(0.95 * 0.05 / 25,000)`), and take 4 ms of a start with a set of the user's own.
const OTHERS: usize = 25;

/// Cosines between different pairs of a corpus, ascending.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Background {
    cosines: Vec<f32>,
}

impl Background {
    /// Every two rows of different pairs when there are few, otherwise [`ROWS`] times [`OTHERS`] of them, the same ones each time.
    pub fn sample(index: &DenseIndex) -> Self {
        let rows = index.len();
        let all = rows * rows.saturating_sub(1) / 2;
        let mut cosines: Vec<f32> = pulp::Arch::new().dispatch(|| {
            // Two texts of one pair say the same thing, and are no background.
            let cosine = |(left, right)| {
                (index.owner(left) != index.owner(right)).then_some(())?;
                Some(dot(index.row(left)?, index.row(right)?))
            };
            if all <= ROWS * OTHERS {
                let pairs = (0..rows).flat_map(|left| (left + 1..rows).map(move |right| (left, right)));
                pairs.filter_map(cosine).collect()
            } else {
                let mut random = SplitMix(0);
                let pairs = (0..ROWS * OTHERS).map(|draw| {
                    // The left row stays for a while, and with it what the processor has of it at hand.
                    let left = draw / OTHERS * rows / ROWS;
                    // Another row than `left`, each with the same chance.
                    let right = random.below(rows - 1);
                    (left, if right >= left { right + 1 } else { right })
                });
                pairs.filter_map(cosine).collect()
            }
        });
        cosines.sort_unstable_by(f32::total_cmp);
        Self { cosines }
    }

    /// Number of cosines.
    pub fn len(&self) -> usize {
        self.cosines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.cosines.is_empty()
    }

    /// Share, in percent, of the sampled cosines below this one; `None` for a corpus of fewer than two vectors.
    pub fn percentile(&self, cosine: f32) -> Option<f64> {
        let below = self.cosines.partition_point(|other| *other < cosine);
        (!self.is_empty()).then(|| 100.0 * below as f64 / self.len() as f64)
    }

    /// The cosine below which `percent` of the sample lies; `None` for an empty sample.
    pub fn quantile(&self, percent: f64) -> Option<f32> {
        let place = (percent / 100.0 * self.len() as f64) as usize;
        self.cosines.get(place.min(self.len().checked_sub(1)?)).copied()
    }
}

/// Random numbers that are the same on every machine (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014).
pub(super) struct SplitMix(u64);

impl SplitMix {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, by the high half of a product (D. Lemire, 2019); its bias is below 2^-40 here.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Matrix;
    use crate::embedding::Vector;

    fn index(rows: usize) -> DenseIndex {
        let mut random = SplitMix(7);
        let mut number = || random.below(2_000_001) as f32 / 1e6 - 1.0;
        let vectors: Vec<Vector> = (0..rows)
            .map(|_| Vector::normalised(vec![number(), number(), number()], 3).unwrap())
            .collect();
        DenseIndex::build(Matrix::of(&vectors).unwrap())
    }

    #[test]
    fn a_small_corpus_compares_every_two_pairs() {
        assert_eq!(Background::sample(&index(5)).len(), 10);
    }

    #[test]
    fn texts_of_one_pair_are_no_background() {
        let vector = |x: f32| Vector::normalised(vec![x, 1.0], 2).unwrap();
        let rows = [vector(0.0), vector(1.0), vector(2.0)];
        let index = DenseIndex::of_pairs(Matrix::of(&rows).unwrap(), vec![0, 0, 1]).unwrap();
        assert_eq!(Background::sample(&index).len(), 2);
    }

    #[test]
    fn a_large_corpus_is_sampled_the_same_way_each_time() {
        let index = index(1_000);
        let sample = Background::sample(&index);
        assert_eq!(sample.len(), ROWS * OTHERS);
        assert_eq!(sample, Background::sample(&index));
        assert!(
            sample.quantile(100.0).unwrap() <= 1.0 + 1e-6,
            "no row is compared with itself more than by chance"
        );
        // Cosines of random directions in space are uniform between -1 and 1.
        assert!(sample.quantile(50.0).unwrap().abs() < 0.02);
        assert!((sample.quantile(75.0).unwrap() - 0.5).abs() < 0.02);
    }

    #[test]
    fn a_percentile_counts_what_lies_below() {
        let background = Background {
            cosines: vec![0.1, 0.2, 0.2, 0.4],
        };
        assert_eq!(background.percentile(0.0), Some(0.0));
        assert_eq!(background.percentile(0.2), Some(25.0));
        assert_eq!(background.percentile(0.3), Some(75.0));
        assert_eq!(background.percentile(0.9), Some(100.0));
    }

    #[test]
    fn a_corpus_of_one_pair_has_no_background() {
        assert_eq!(Background::sample(&index(1)).percentile(0.5), None);
        assert_eq!(Background::sample(&index(0)).percentile(0.5), None);
    }
}

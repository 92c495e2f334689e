//! How sure a mean over queries is: the bootstrap.
//!
//! B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 (percentile intervals) and 16; for
//! retrieval M. Smucker, J. Allan, B. Carterette, "A Comparison of Statistical Significance Tests for Information Retrieval
//! Evaluation", CIKM 2007. The draws are the same in every run and on every machine.

use serde::Serialize;

use super::background::SplitMix;

/// Resamples of the queries: an interval's ends then move by less than a hundredth of its width.
const RESAMPLES: usize = 10_000;

/// A mean with the middle 95 % of the means of resampled queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// How much better one retriever is than another on the same queries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    #[serde(flatten)]
    pub interval: Interval,
    /// Chance of a mean difference at least as far from zero if there were none: the share of resamples of the
    /// differences, shifted to the mean 0, that is.
    pub p: f64,
}

/// The mean of a metric over queries; `None` for no queries.
pub fn interval(values: &[f64]) -> Option<Interval> {
    let mean = mean(values)?;
    let mut means = resampled(values);
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means.get((share * means.len() as f64) as usize).copied();
    Some(Interval {
        mean,
        low: at(0.025)?,
        high: at(0.975)?,
    })
}

/// The mean of `values - reference`, query by query; `None` for lists of different lengths and for no queries.
pub fn difference(values: &[f64], reference: &[f64]) -> Option<Difference> {
    if values.len() != reference.len() {
        return None;
    }
    let pairs = values.iter().zip(reference);
    let differences: Vec<f64> = pairs.map(|(value, reference)| value - reference).collect();
    let interval = interval(&differences)?;
    let means = resampled(&differences);
    // Rounding must not make the same mean look nearer to zero than itself.
    let least = interval.mean.abs() - 1e-12;
    let as_far = means.iter().filter(|mean| (*mean - interval.mean).abs() >= least);
    Some(Difference {
        interval,
        p: as_far.count() as f64 / means.len() as f64,
    })
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The mean of each resample, in the order of the draws.
fn resampled(values: &[f64]) -> Vec<f64> {
    let mut random = SplitMix::seeded(0);
    let mut draw = || {
        values
            .get(random.below(values.len()))
            .copied()
            .unwrap_or_default()
    };
    let one = |_| (0..values.len()).map(|_| draw()).sum::<f64>() / values.len() as f64;
    (0..RESAMPLES).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_large_sample_is_that_of_the_normal_distribution() {
        // 400 zeros and ones, half of each: the standard error is sqrt(0.25 / 400) = 0.025, and 1.96 of them are 0.049.
        let values: Vec<f64> = (0..400).map(|place| f64::from(place % 2)).collect();
        let found = interval(&values).unwrap();
        assert_eq!(found.mean, 0.5);
        assert!((found.low - (0.5 - 0.049)).abs() < 0.003, "{found:?}");
        assert!((found.high - (0.5 + 0.049)).abs() < 0.003, "{found:?}");
        assert_eq!(interval(&values), Some(found), "the same in every run");
    }

    #[test]
    fn pairing_finds_a_difference_that_the_intervals_hide() {
        let reference: Vec<f64> = (0..100).map(|place| f64::from(place % 10) / 10.0).collect();
        let better: Vec<f64> = (0..)
            .zip(&reference)
            .map(|(place, value)| value + 0.01 * f64::from(1 + place % 3))
            .collect();
        let found = difference(&better, &reference).unwrap();
        assert!(
            found.interval.low > 0.015 && found.interval.high < 0.025,
            "{found:?}"
        );
        assert_eq!(found.p, 0.0);
        let (one, other) = (interval(&better).unwrap(), interval(&reference).unwrap());
        assert!(one.low < other.high, "alone they overlap");
    }

    #[test]
    fn no_difference_has_the_chance_1_and_nothing_has_no_interval() {
        let found = difference(&[0.3, 0.4], &[0.3, 0.4]).unwrap();
        assert_eq!((found.interval.mean, found.p), (0.0, 1.0));
        let mixed = difference(&[1.0, 0.0, 1.0, 0.0], &[0.0, 1.0, 0.0, 1.0]).unwrap();
        assert_eq!(mixed.p, 1.0);
        assert_eq!(interval(&[]), None);
        assert_eq!(difference(&[1.0], &[]), None);
    }
}

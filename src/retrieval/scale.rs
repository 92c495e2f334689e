//! From the cosines of one model to those of the bundled one, for which the decline rule was chosen.
//!
//! Models squeeze unrelated texts together differently: 0.1 is usual for one and 0.75 for another. What two unrelated
//! texts come to is measured where it depends on the model only, on the reference questions outside the field, which are
//! the same for every data set. The straight line that takes their median and 99th percentile to those of the bundled
//! model takes any cosine there. How often the rule then errs was not measured with other models.

use super::Background;

/// The median of the cosines between different reference questions, with the bundled model.
const MEDIAN: f32 = 0.0214;
/// Their 99th percentile.
const HIGH: f32 = 0.2586;

/// A straight line: `cosine * factor + shift`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    factor: f32,
    shift: f32,
}

impl Default for Scale {
    /// Of the bundled model itself.
    fn default() -> Self {
        Self {
            factor: 1.0,
            shift: 0.0,
        }
    }
}

impl Scale {
    /// The line for a model, by its cosines between the reference questions; the default when they do not differ.
    pub fn of(reference: &Background) -> Self {
        let ends = reference.quantile(50.0).zip(reference.quantile(99.0));
        let Some((median, high)) = ends.filter(|(median, high)| high - median > f32::EPSILON) else {
            return Self::default();
        };
        let factor = (HIGH - MEDIAN) / (high - median);
        Self {
            factor,
            shift: MEDIAN - median * factor,
        }
    }

    /// What a cosine would be with the bundled model, about.
    pub fn apply(&self, cosine: f32) -> f32 {
        cosine * self.factor + self.shift
    }

    /// Whether it changes nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Matrix, Vector};
    use crate::retrieval::DenseIndex;

    #[test]
    fn the_median_and_the_high_end_of_a_model_become_those_of_the_bundled_one() {
        let vector = |degrees: f32| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            Vector::normalised(vec![cos, sin], 2).unwrap()
        };
        let rows: Vec<Vector> = (0..40).map(|place| vector(place as f32)).collect();
        let reference = Background::sample(&DenseIndex::build(Matrix::of(&rows).unwrap()));
        let scale = Scale::of(&reference);
        let ends = [50.0, 99.0].map(|percent| scale.apply(reference.quantile(percent).unwrap()));
        assert!(
            (ends[0] - MEDIAN).abs() < 1e-3 && (ends[1] - HIGH).abs() < 1e-3,
            "{ends:?}"
        );
    }

    #[test]
    fn without_reference_questions_a_cosine_stays_what_it_is() {
        let scale = Scale::of(&Background::default());
        assert!(scale.is_default());
        assert_eq!(scale.apply(0.4), 0.4);
    }
}

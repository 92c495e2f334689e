//! How near a question is to what the program does not answer: the other side of the scale that judges evidence.

use super::{Background, DenseIndex};
use crate::dataset::{OutsideKind, OutsideQuestion};
use crate::embedding::{Matrix, Vector};

/// Reference questions outside the field, with their vectors.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    questions: Vec<OutsideQuestion>,
    index: DenseIndex,
}

/// The reference that a question is nearest to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutsideHit {
    /// Cosine, -1 to 1.
    pub score: f32,
    pub kind: OutsideKind,
}

impl Outside {
    /// The reference `questions[i]` with its vector in the row `i`; `None` when their numbers differ.
    pub fn build(questions: Vec<OutsideQuestion>, vectors: Matrix) -> Option<Self> {
        let index = DenseIndex::build(vectors);
        (questions.len() == index.len()).then_some(Self { questions, index })
    }

    /// The cosines between different references: what unrelated texts come to with this model.
    pub fn background(&self) -> Background {
        Background::sample(&self.index)
    }

    /// The nearest reference; `None` when there are none.
    pub fn nearest(&self, query: &Vector) -> Option<OutsideHit> {
        let hit = self.index.search(query, 1).first().copied()?;
        let question = self.questions.get(hit.index)?;
        Some(OutsideHit {
            score: hit.score,
            kind: question.kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_reference_says_why() {
        let vector = |x: f32, y: f32| Vector::normalised(vec![x, y], 2).unwrap();
        let question = |kind| OutsideQuestion {
            question: "q".into(),
            kind,
        };
        let outside = Outside::build(
            vec![question(OutsideKind::Trap), question(OutsideKind::Live)],
            Matrix::of(&[vector(1.0, 0.0), vector(0.0, 1.0)]).unwrap(),
        )
        .unwrap();
        let hit = outside.nearest(&vector(0.1, 1.0)).unwrap();
        assert_eq!(hit.kind, OutsideKind::Live);
        assert!(hit.score > 0.99);
        assert_eq!(Outside::default().nearest(&vector(1.0, 0.0)), None);
        assert!(Outside::build(vec![question(OutsideKind::Trap)], Matrix::default()).is_none());
    }
}

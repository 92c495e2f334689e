//! How near a question is to what the program does not answer: the other side of the scale that judges evidence.

use super::dense::Rows;
use super::{Background, DenseIndex};
use crate::dataset::{OutsideKind, OutsideQuestion};
use crate::embedding::Vector;

/// Reference questions outside the field, with their vectors.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    questions: Vec<OutsideQuestion>,
    index: DenseIndex,
}

/// A reference near a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutsideHit {
    /// Cosine, -1 to 1.
    pub score: f32,
    pub kind: OutsideKind,
}

impl Outside {
    /// The reference `questions[i]` with its vector in the row `i`; `None` when their numbers differ.
    pub fn build(questions: Vec<OutsideQuestion>, vectors: impl Into<Rows>) -> Option<Self> {
        let index = DenseIndex::build(vectors);
        (questions.len() == index.len()).then_some(Self { questions, index })
    }

    /// The cosines between different references: what unrelated texts come to with this model.
    pub fn background(&self) -> Background {
        Background::sample(&self.index)
    }

    /// The `k` nearest references, nearest first.
    pub fn nearest(&self, query: &Vector, k: usize) -> Vec<OutsideHit> {
        let hits = self.index.search(query, k).into_iter();
        hits.filter_map(|hit| {
            let question = self.questions.get(hit.index)?;
            Some(OutsideHit {
                score: hit.score,
                kind: question.kind,
            })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Matrix;

    #[test]
    fn the_nearest_references_say_why() {
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
        let hits = outside.nearest(&vector(0.1, 1.0), 5);
        let kinds: Vec<OutsideKind> = hits.iter().map(|hit| hit.kind).collect();
        assert_eq!(kinds, [OutsideKind::Live, OutsideKind::Trap]);
        assert!(hits[0].score > 0.99);
        assert_eq!(Outside::default().nearest(&vector(1.0, 0.0), 5), []);
        assert!(Outside::build(vec![question(OutsideKind::Trap)], Matrix::default()).is_none());
    }
}

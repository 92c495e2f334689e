//! How near a question is to what the program does not answer: the other side of the scale that judges evidence.

use std::sync::{Arc, OnceLock};

use super::dense::Rows;
use super::{Background, DenseIndex, LexicalIndex};
use crate::dataset::{OutsideKind, OutsideQuestion};
use crate::embedding::Vector;

/// Reference questions outside the field, with their vectors.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    questions: Vec<OutsideQuestion>,
    index: DenseIndex,
    /// Their words, indexed when they are first needed: most sessions never do.
    words: Arc<OnceLock<LexicalIndex>>,
}

/// A reference near a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutsideHit {
    /// Cosine, -1 to 1; by words the share of the question that the reference holds, 0 to 1.
    pub score: f32,
    pub kind: OutsideKind,
}

impl Outside {
    /// The reference `questions[i]` with its vector in the row `i`; `None` when their numbers differ.
    pub fn build(questions: Vec<OutsideQuestion>, vectors: impl Into<Rows>) -> Option<Self> {
        let index = DenseIndex::build(vectors);
        (questions.len() == index.len()).then(|| Self {
            questions,
            index,
            words: Arc::default(),
        })
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

    /// The reference of the highest BM25, and how much of the question it holds.
    pub fn nearest_by_words(&self, question: &str) -> Option<OutsideHit> {
        let index = self.words.get_or_init(|| {
            let texts: Vec<&str> = self
                .questions
                .iter()
                .map(|known| known.question.as_str())
                .collect();
            LexicalIndex::build(&texts)
        });
        let best = index.search(question, 1).hits.first()?.index;
        Some(OutsideHit {
            score: index.covered(question, best),
            kind: self.questions.get(best)?.kind,
        })
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
        assert_eq!(Outside::default().nearest_by_words("q"), None);
        assert_eq!(Outside::default().nearest(&vector(1.0, 0.0), 5), []);
        assert!(Outside::build(vec![question(OutsideKind::Trap)], Matrix::default()).is_none());
    }

    #[test]
    fn the_nearest_reference_by_words_says_how_much_of_the_question_it_holds() {
        let question = |question: &str, kind| OutsideQuestion {
            question: question.into(),
            kind,
        };
        let vectors: Vec<Vector> = (0..2)
            .map(|n| Vector::normalised(vec![1.0, f32::from(n as u8)], 2).unwrap())
            .collect();
        let outside = Outside::build(
            vec![
                question("How do I heat a swimming pool?", OutsideKind::Trap),
                question("What is ETH worth right now?", OutsideKind::Live),
            ],
            Matrix::of(&vectors).unwrap(),
        )
        .unwrap();
        let hit = outside.nearest_by_words("heat a pool").unwrap();
        assert_eq!((hit.kind, hit.score), (OutsideKind::Trap, 1.0));
        let hit = outside.nearest_by_words("ETH pool fees").unwrap();
        assert!(hit.score < 0.5, "{hit:?}");
        assert_eq!(outside.nearest_by_words("gauge"), None);
    }
}

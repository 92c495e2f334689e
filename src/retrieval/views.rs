//! What of a pair is embedded: its question, each of its aliases and its answer, one vector each.
//!
//! One vector for all of it was worse. Measured on the in-scope questions of `data/eval/scope.jsonl`: the best hit was of
//! the right topic for 79 % with one vector of the joined text and for 83 % with one vector a text (hybrid, 351 pairs),
//! since a mean over 250 tokens drowns the one phrase that a question is close to.

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;

/// Which text of a pair a vector was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    Question,
    Alias,
    Answer,
}

/// The texts of a data set that are embedded, those of one pair behind each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Views {
    pub texts: Vec<String>,
    /// Parallel to `texts`: the index of the pair, ascending, and what the text is to it.
    pub owners: Vec<(usize, View)>,
}

impl Views {
    /// A pair without a question, such as a document of a benchmark, has none of it.
    pub fn of(dataset: &Dataset) -> Self {
        let texts = dataset.pairs.iter().flat_map(|pair| {
            let question = (!pair.question.is_empty()).then_some(&pair.question);
            question.into_iter().chain(&pair.aliases).chain([&pair.answer])
        });
        Self {
            texts: texts.cloned().collect(),
            owners: Self::owners(dataset).collect(),
        }
    }

    /// The pair of each text, and what the text is to it.
    pub fn owners(dataset: &Dataset) -> impl Iterator<Item = (usize, View)> {
        dataset.pairs.iter().enumerate().flat_map(|(index, pair)| {
            let aliases = std::iter::repeat_n(View::Alias, pair.aliases.len());
            let question = (!pair.question.is_empty()).then_some(View::Question);
            let views = question.into_iter().chain(aliases).chain([View::Answer]);
            views.map(move |view| (index, view))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Pair;

    #[test]
    fn every_text_of_a_pair_has_its_own_vector() {
        let pair = Pair {
            question: "What is IL?".into(),
            aliases: vec!["impermanent loss".into(), "LP loss".into()],
            answer: "A loss against holding.".into(),
            ..Pair::default()
        };
        let document = Pair {
            answer: "A document.".into(),
            ..Pair::default()
        };
        let views = Views::of(&Dataset::new("test", vec![document, pair]));
        assert_eq!(
            (&views.texts[0], views.owners[0]),
            (&"A document.".to_owned(), (0, View::Answer))
        );
        assert_eq!(
            views.texts[1..],
            [
                "What is IL?",
                "impermanent loss",
                "LP loss",
                "A loss against holding."
            ]
        );
        assert_eq!(
            views.owners[1..],
            [
                (1, View::Question),
                (1, View::Alias),
                (1, View::Alias),
                (1, View::Answer)
            ]
        );
    }
}

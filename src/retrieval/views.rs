//! What of a pair is embedded: its question, each of its aliases and its answer, one vector each.
//!
//! One vector for all of it was worse. Measured on the in-scope questions of `data/eval/scope.jsonl`: the best hit was of
//! the right topic for 79 % with one vector of the joined text and for 83 % with one vector a text (hybrid, 351 pairs),
//! since a mean over 250 tokens drowns the one phrase that a question is close to.

use crate::dataset::Dataset;

/// Which text of a pair a vector was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub fn of(dataset: &Dataset) -> Self {
        let mut views = Self::default();
        for (index, pair) in dataset.pairs.iter().enumerate() {
            let aliases = pair.aliases.iter().map(|alias| (alias, View::Alias));
            let texts = [(&pair.question, View::Question)]
                .into_iter()
                .chain(aliases)
                .chain([(&pair.answer, View::Answer)]);
            for (text, view) in texts {
                views.texts.push(text.clone());
                views.owners.push((index, view));
            }
        }
        views
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
        let views = Views::of(&Dataset::new("test", vec![Pair::default(), pair]));
        assert_eq!(
            views.texts[2..],
            [
                "What is IL?",
                "impermanent loss",
                "LP loss",
                "A loss against holding."
            ]
        );
        assert_eq!(
            views.owners[2..],
            [
                (1, View::Question),
                (1, View::Alias),
                (1, View::Alias),
                (1, View::Answer)
            ]
        );
    }
}

//! Which texts of a pair are searched.

use super::View;
use crate::dataset::Pair;

/// A part of every pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// The question as it stands in the data set.
    Question,
    QuestionAnswer,
    /// Question, aliases, answer and every other wording: what the program itself searches.
    #[default]
    All,
}

impl Unit {
    pub const ALL: [Self; 3] = [Self::Question, Self::QuestionAnswer, Self::All];

    /// The name in a retriever's text form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::QuestionAnswer => "question+answer",
            Self::All => "all",
        }
    }

    /// Whether a text of a pair belongs to it.
    pub fn has(self, view: View) -> bool {
        match self {
            Self::Question => view == View::Question,
            Self::QuestionAnswer => matches!(view, View::Question | View::Answer),
            Self::All => true,
        }
    }

    /// The words of it in a pair, one text a line.
    pub(super) fn words(self, pair: &Pair) -> String {
        let mut texts = vec![pair.question.as_str()];
        if self == Self::All {
            texts.extend(pair.aliases.iter().map(String::as_str));
        }
        if self != Self::Question {
            texts.push(&pair.answer);
        }
        texts.join("\n")
    }
}

//! One question with its answer, and the one text of it that is searched.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Dataset;

/// A question-and-answer pair as it may be quoted and cited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pair {
    /// Unique in its set; citations name it.
    pub id: String,
    pub question: String,
    pub answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Other ways to ask the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What a reader can look up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Year and month (`2025-06`) to which the facts hold, when they can age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// The answer's example calculations, so that they can be computed again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub worked: Vec<Worked>,
}

/// One example calculation of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Worked {
    /// Arithmetic in `+ - * / ^ ( )`, `sqrt ln exp abs min max` and plain numbers.
    pub formula: String,
    /// The formula's value, rounded.
    pub result: f64,
    /// How the answer writes it: a part of the answer, letter by letter.
    pub shown: String,
}

/// For whom an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Basic,
    Intermediate,
    Expert,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Basic, Self::Intermediate, Self::Expert];

    /// The name as it stands in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Intermediate => "intermediate",
            Self::Expert => "expert",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|level| level.name() == name).ok_or(())
    }
}

/// The words of each pair that the lexical retriever indexes.
pub fn indexed_texts(dataset: &Dataset) -> Vec<String> {
    dataset.pairs.iter().map(indexed_text).collect()
}

/// Question, aliases, answer, one a line.
fn indexed_text(pair: &Pair) -> String {
    let mut text = pair.question.clone();
    for part in pair.aliases.iter().chain([&pair.answer]) {
        text.push('\n');
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_indexed_is_the_question_the_aliases_and_the_answer_in_this_order() {
        let pair = Pair {
            question: "What is IL?".into(),
            aliases: vec!["impermanent loss".into(), "LP loss".into()],
            answer: "A loss against holding.".into(),
            ..Pair::default()
        };
        assert_eq!(
            indexed_text(&pair),
            "What is IL?\nimpermanent loss\nLP loss\nA loss against holding."
        );
    }

    #[test]
    fn a_level_is_read_by_the_name_that_it_prints() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert_eq!("Expert".parse::<Level>(), Err(()));
    }
}

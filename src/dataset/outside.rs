//! Reference questions that lie outside what the program answers, each with why.

use serde::{Deserialize, Serialize};

/// Why a question is not answered from stored pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideKind {
    /// Another field altogether.
    Unrelated,
    /// Another field that shares words with this one: pools to swim in, bridges over rivers.
    Trap,
    /// Finance or technology beside this field: mortgages, stock listings, mining rigs.
    Adjacent,
    /// A figure of this moment, which no stored pair can hold.
    Live,
    /// What to buy, sell or hold.
    Advice,
}

impl OutsideKind {
    /// The name as it stands in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unrelated => "unrelated",
            Self::Trap => "trap",
            Self::Adjacent => "adjacent",
            Self::Live => "live",
            Self::Advice => "advice",
        }
    }
}

/// One reference question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideQuestion {
    pub question: String,
    pub kind: OutsideKind,
}

/// The references inside the program (`data/scope/outside.json`). They were written without a look at the pairs or at
/// the questions that the decline rule is measured on.
///
/// # Errors
/// When the file that was built in is broken, which a test rules out.
pub fn outside_questions() -> Result<Vec<OutsideQuestion>, serde_json::Error> {
    serde_json::from_str(include_str!("../../data/scope/outside.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_references_and_no_question_stands_twice() {
        let questions = outside_questions().unwrap();
        for kind in [
            OutsideKind::Unrelated,
            OutsideKind::Trap,
            OutsideKind::Adjacent,
            OutsideKind::Live,
            OutsideKind::Advice,
        ] {
            assert!(
                questions.iter().filter(|question| question.kind == kind).count() >= 30,
                "{kind:?}"
            );
        }
        let mut texts: Vec<String> = questions
            .iter()
            .map(|question| question.question.to_lowercase())
            .collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), questions.len());
    }
}

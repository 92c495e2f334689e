//! Judged questions: what a retriever should find for each, or that nothing should be answered.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Dataset, OutsideKind};

/// A question with its judgement. One JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedQuestion {
    pub id: String,
    /// What was asked before it, the oldest first; empty for a question that begins a conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    pub question: String,
    /// How it is asked: `terse`, `typo`, `comparison` and so on; a name to group by.
    pub style: String,
    /// A name to group by.
    pub topic: String,
    /// Which half of the set it belongs to.
    pub half: Half,
    /// Why it should be declined; absent when it is in scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<OutsideKind>,
    /// Ids of the pairs that answer it, each by itself. Empty for a question in scope that no pair answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// Ids of the pairs that help and do not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
}

/// What a question may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Half {
    /// Its errors may be read, and data and rules changed by them.
    Tuning,
    /// Its figures are reported and nothing is changed by them.
    HeldOut,
}

impl Half {
    /// The name as it stands in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tuning => "tuning",
            Self::HeldOut => "held-out",
        }
    }
}

/// Why a file of judged questions was not taken.
#[derive(Debug, thiserror::Error)]
pub enum JudgedError {
    #[error("the judged questions of {} could not be read ({source}); check the path and its permissions", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "{file}:{line}: this is no judged question ({why}); write one JSON object a line with `id`, `question`, `style`, \
         `topic`, `half` and `answers` or `decline`"
    )]
    Line { file: String, line: usize, why: String },
    #[error("{file} holds no judged question; write one JSON object a line")]
    Empty { file: String },
    #[error(
        "{file}:{line}: the question {id} is judged by the pair {pair}, which the data set {dataset} does not hold; correct the \
         id or name the data set that holds it with --dataset"
    )]
    UnknownPair {
        file: String,
        line: usize,
        id: String,
        pair: String,
        dataset: String,
    },
}

/// Judged questions and the lines they stand on.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedQuestions {
    file: String,
    /// With the line of each, from 1.
    pub questions: Vec<(usize, JudgedQuestion)>,
}

impl JudgedQuestions {
    /// Reads a file of JSON Lines.
    ///
    /// # Errors
    /// Names the file, the line, what is wrong and what to write instead.
    pub fn load(path: &Path) -> Result<Self, JudgedError> {
        let text = std::fs::read_to_string(path).map_err(|source| JudgedError::Unreadable {
            path: path.to_path_buf(),
            source,
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, file: &str) -> Result<Self, JudgedError> {
        let mut questions: Vec<(usize, JudgedQuestion)> = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
            let wrong = |why: String| JudgedError::Line {
                file: file.to_owned(),
                line: number,
                why,
            };
            let judged: JudgedQuestion =
                serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            if judged.decline.is_some() && !(judged.answers.is_empty() && judged.related.is_empty()) {
                return Err(wrong("it has both `decline` and pairs that answer it".to_owned()));
            }
            if questions.iter().any(|(_, other)| other.id == judged.id) {
                return Err(wrong(format!("the id {} is used twice", judged.id)));
            }
            questions.push((number, judged));
        }
        if questions.is_empty() {
            return Err(JudgedError::Empty {
                file: file.to_owned(),
            });
        }
        Ok(Self {
            file: file.to_owned(),
            questions,
        })
    }

    /// # Errors
    /// When a question is judged by a pair that the data set does not hold: its figures would be wrong without a word.
    pub fn check_against(&self, dataset: &Dataset) -> Result<(), JudgedError> {
        let known: std::collections::HashSet<&str> =
            dataset.pairs.iter().map(|pair| pair.id.as_str()).collect();
        for (line, judged) in &self.questions {
            let mut pairs = judged.answers.iter().chain(&judged.related);
            if let Some(pair) = pairs.find(|pair| !known.contains(pair.as_str())) {
                return Err(JudgedError::UnknownPair {
                    file: self.file.clone(),
                    line: *line,
                    id: judged.id.clone(),
                    pair: pair.clone(),
                    dataset: dataset.name.clone(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Pair;

    const IN: &str =
        r#"{"id":"a","question":"q","style":"terse","topic":"amm","half":"tuning","answers":["p"]}"#;

    fn sentence(text: &str) -> String {
        JudgedQuestions::parse(text, "f.jsonl").unwrap_err().to_string()
    }

    #[test]
    fn a_question_is_in_scope_with_its_pairs_or_declined_with_its_reason() {
        let out = r#"{"id":"b","question":"q","style":"terse","topic":"outside","half":"held-out","decline":"trap"}"#;
        let judged = JudgedQuestions::parse(&format!("{IN}\n\n{out}\n"), "f.jsonl").unwrap();
        assert_eq!(judged.questions[0].1.answers, ["p"]);
        assert_eq!(judged.questions[1].0, 3);
        assert_eq!(judged.questions[1].1.decline, Some(OutsideKind::Trap));
    }

    #[test]
    fn every_error_names_the_place_and_the_way_out() {
        assert!(sentence("").starts_with("f.jsonl holds no judged question"));
        assert!(
            sentence(&format!("{IN}\n{{}}"))
                .starts_with("f.jsonl:2: this is no judged question (missing field")
        );
        assert!(sentence(&format!("{IN}\n{IN}")).contains("the id a is used twice"));
        let both = IN.replace("\"answers\"", "\"decline\":\"live\",\"answers\"");
        assert!(sentence(&both).contains("both `decline` and pairs"));
    }

    #[test]
    fn a_judgement_by_a_pair_that_is_not_there_is_refused() {
        let judged = JudgedQuestions::parse(IN, "f.jsonl").unwrap();
        let pair = |id: &str| Pair {
            id: id.into(),
            ..Pair::default()
        };
        assert!(
            judged
                .check_against(&Dataset::new("set", vec![pair("p")]))
                .is_ok()
        );
        let refused = judged
            .check_against(&Dataset::new("set", vec![pair("x")]))
            .unwrap_err()
            .to_string();
        assert!(
            refused.starts_with(
                "f.jsonl:1: the question a is judged by the pair p, which the data set set does not hold"
            ),
            "{refused}"
        );
    }
}

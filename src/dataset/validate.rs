//! Is a set fit to be quoted? Every fault is found and named; nothing stops at the first.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use super::{Dataset, duplicates, style, worked};

/// How much is asked of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// What the program needs to answer and cite: filled fields, ids used once; and the worked examples that are
    /// there must be right. Lesser faults are warnings.
    #[default]
    Basic,
    /// What the bundled set keeps: also length, sources, plain ASCII prose, aliases, ids by topic, no two pairs alike.
    HouseStyle,
}

/// An error makes the set unfit under the strictness asked for; a warning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Error,
    Warning,
}

/// One fault and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// File of the pair; empty for a set made in memory.
    pub file: String,
    /// Line on which the pair begins, from 1; 0 for a set made in memory.
    pub line: usize,
    /// Id of the pair, as it stands there.
    pub id: String,
    pub field: &'static str,
    /// What is wrong and what to do, without a full stop.
    pub message: String,
    pub severity: Severity,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:{}: ", self.file, self.line)?;
        }
        write!(
            f,
            "pair \"{}\": the field `{}` {}.",
            self.id, self.field, self.message
        )
    }
}

/// Findings of one run, with the place of each pair at hand.
pub(super) struct Report<'a> {
    dataset: &'a Dataset,
    findings: Vec<(usize, Finding)>,
}

impl<'a> Report<'a> {
    fn on(dataset: &'a Dataset) -> Self {
        Self {
            dataset,
            findings: Vec::new(),
        }
    }

    /// The findings in the order of their pairs.
    fn in_order(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|(index, _)| *index);
        self.findings.into_iter().map(|(_, finding)| finding).collect()
    }

    pub(super) fn add(
        &mut self,
        index: usize,
        severity: Severity,
        field: &'static str,
        message: impl Into<String>,
    ) {
        let origin = self.dataset.origin(index);
        let finding = Finding {
            file: origin.map_or_else(String::new, |origin| origin.file.to_string()),
            line: origin.map_or(0, |origin| origin.line),
            id: self
                .dataset
                .pairs
                .get(index)
                .map_or_else(String::new, |pair| pair.id.clone()),
            field,
            message: message.into(),
            severity,
        };
        self.findings.push((index, finding));
    }
}

/// Every fault of the set, in the order of its pairs.
pub fn validate(dataset: &Dataset, strictness: Strictness) -> Vec<Finding> {
    let mut report = Report::on(dataset);
    filled(dataset, &mut report);
    unique_ids(dataset, &mut report);
    for (index, pair) in dataset.pairs.iter().enumerate() {
        for fault in worked::faults(pair) {
            report.add(index, Severity::Error, "worked", fault);
        }
    }
    let severity = match strictness {
        Strictness::Basic => Severity::Warning,
        Strictness::HouseStyle => Severity::Error,
    };
    for (first, second, similarity) in duplicates::near_duplicates(dataset) {
        let other = dataset.pairs.get(first).map_or("", |pair| pair.id.as_str());
        let share = similarity * 100.0;
        report.add(
            second,
            severity,
            "question",
            format!("shares {share:.0} % of its words with the question of \"{other}\"; merge the two or ask differently"),
        );
    }
    if strictness == Strictness::HouseStyle {
        style::check(dataset, &mut report);
    }
    report.in_order()
}

/// The faults with which a set cannot be cited from: an empty field, an id used twice.
pub(super) fn unusable(dataset: &Dataset) -> Vec<Finding> {
    let mut report = Report::on(dataset);
    filled(dataset, &mut report);
    unique_ids(dataset, &mut report);
    report.in_order()
}

fn filled(dataset: &Dataset, report: &mut Report<'_>) {
    for (index, pair) in dataset.pairs.iter().enumerate() {
        for (field, text) in [
            ("id", &pair.id),
            ("question", &pair.question),
            ("answer", &pair.answer),
        ] {
            if text.trim().is_empty() {
                report.add(
                    index,
                    Severity::Error,
                    field,
                    "is empty; fill it or remove the pair",
                );
            }
        }
    }
}

fn unique_ids(dataset: &Dataset, report: &mut Report<'_>) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (index, pair) in dataset.pairs.iter().enumerate() {
        if pair.id.trim().is_empty() {
            continue;
        }
        if let Some(&first) = seen.get(pair.id.as_str()) {
            let place = match dataset.origin(first) {
                Some(origin) => format!("{}:{}", origin.file, origin.line),
                None => format!("pair number {}", first + 1),
            };
            report.add(
                index,
                Severity::Error,
                "id",
                format!("is used before, at {place}; give each pair an id of its own"),
            );
        } else {
            seen.insert(&pair.id, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pair, Worked};
    use super::*;

    /// Words without a likeness to each other, so that only the fault under test is found.
    fn sound(id: &str, question: &str) -> Pair {
        Pair {
            id: id.into(),
            question: question.into(),
            answer: "word ".repeat(80).trim().to_owned(),
            topic: Some("amm".into()),
            level: Some(super::super::Level::Basic),
            aliases: vec!["first way".into(), "second form".into(), "third phrase".into()],
            sources: vec!["Uniswap v2 Core whitepaper".into()],
            ..Pair::default()
        }
    }

    fn house(pairs: Vec<Pair>) -> Vec<String> {
        validate(&Dataset::new("test", pairs), Strictness::HouseStyle)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_sound_pair_has_no_finding() {
        assert_eq!(
            house(vec![sound("amm-price", "How is a price quoted?")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_id_used_twice_names_the_first_place() {
        let found = house(vec![
            sound("amm-x", "How is a price quoted?"),
            sound("amm-x", "Who pays the gas?"),
        ]);
        assert_eq!(
            found,
            [
                "pair \"amm-x\": the field `id` is used before, at pair number 1; give each pair an id of its own."
            ]
        );
    }

    #[test]
    fn an_empty_answer_is_an_error_under_any_strictness() {
        let mut pair = sound("amm-x", "How is a price quoted?");
        pair.answer = "  ".into();
        let found = validate(&Dataset::new("test", vec![pair]), Strictness::Basic);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Error);
        assert_eq!(found[0].field, "answer");
    }

    #[test]
    fn questions_of_the_same_words_are_near_duplicates() {
        let pairs = vec![
            sound("amm-a", "How is impermanent loss computed in a pool?"),
            sound("amm-b", "How do pools compute the impermanent losses?"),
            sound("amm-c", "Who audits a bridge?"),
        ];
        assert_eq!(
            house(pairs.clone()),
            [
                "pair \"amm-b\": the field `question` shares 100 % of its words with the question of \"amm-a\"; \
              merge the two or ask differently."
            ]
        );
        let basic = validate(&Dataset::new("test", pairs), Strictness::Basic);
        assert_eq!(basic[0].severity, Severity::Warning);
    }

    #[test]
    fn house_style_names_each_fault_of_form() {
        let mut pair = sound("AMM_x", "How is a price quoted");
        pair.answer = "Too \u{2014} **short**".into();
        pair.aliases = vec!["same".into(), "Same".into(), "How is a price quoted".into()];
        pair.sources.clear();
        pair.as_of = Some("June 2025".into());
        pair.level = None;
        assert_eq!(
            house(vec![pair]),
            [
                "pair \"AMM_x\": the field `id` is not `amm-` and a slug in lower-case letters, digits and hyphens \
                 of at most 60 characters in all; rename it.",
                "pair \"AMM_x\": the field `question` does not end with a question mark; ask it as a question.",
                "pair \"AMM_x\": the field `answer` has 3 words; write 60 to 180.",
                "pair \"AMM_x\": the field `answer` holds '\\u{2014}', which is not ASCII; write it in plain letters \
                 and signs.",
                "pair \"AMM_x\": the field `answer` holds `**`, which is Markdown; write plain prose.",
                "pair \"AMM_x\": the field `aliases` says \"Same\" twice (the question counts too); \
                 word each one differently.",
                "pair \"AMM_x\": the field `aliases` says \"How is a price quoted\" twice (the question counts too); \
                 word each one differently.",
                "pair \"AMM_x\": the field `sources` is empty; name what a reader can look up.",
                "pair \"AMM_x\": the field `as_of` is \"June 2025\"; write year and month as 2025-06.",
                "pair \"AMM_x\": the field `level` is missing; use one of basic, intermediate, expert.",
            ]
        );
    }

    #[test]
    fn a_wrong_calculation_is_an_error_under_any_strictness() {
        let mut pair = sound("amm-x", "How is a price quoted?");
        pair.answer.push_str(" so 5.7%");
        pair.worked = vec![Worked {
            formula: "2*sqrt(2)/(1+2) - 1".into(),
            result: -0.067,
            shown: "5.7%".into(),
        }];
        let found = validate(&Dataset::new("test", vec![pair]), Strictness::Basic);
        assert_eq!(
            found[0].to_string(),
            "pair \"amm-x\": the field `worked` says that 2*sqrt(2)/(1+2) - 1 is -0.067, but it is -0.0571909584; \
             correct the one that is wrong."
        );
        assert_eq!(found[0].severity, Severity::Error);
    }
}

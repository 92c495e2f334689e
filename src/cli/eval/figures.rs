//! The figures of a group of judged questions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Row;
use crate::agent::event::Outcome;
use crate::retrieval::metrics::{self, ANSWERS, RELATED};

/// Means over the questions of a group. A mean over no question is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Figures {
    /// Questions in scope that some pair answers: the metrics of ranking are over these.
    pub(super) covered: usize,
    /// Questions in scope that no pair answers; they count nowhere else, since neither an answer nor a decline is right.
    pub(super) uncovered: usize,
    /// Questions to decline.
    pub(super) outside: usize,
    /// Share of the covered whose best hit answers.
    pub(super) hit_1: Option<f64>,
    /// Share of the covered that a hit among the best three answers.
    pub(super) hit_3: Option<f64>,
    pub(super) ndcg_10: Option<f64>,
    pub(super) mrr_10: Option<f64>,
    /// Share of the covered that were answered, by a pair that does answer them.
    pub(super) answered_right: Option<f64>,
    /// Share of the covered that were declined.
    pub(super) wrongly_declined: Option<f64>,
    /// Share of the questions to decline that were answered.
    pub(super) wrongly_answered: Option<f64>,
    /// Share of the declined that were to be declined.
    pub(super) decline_precision: Option<f64>,
    /// Share of the questions to decline that were declined.
    pub(super) decline_recall: Option<f64>,
}

/// A figure that can have a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Hit1,
    Hit3,
    Ndcg10,
    Mrr10,
    AnsweredRight,
    DeclinePrecision,
    DeclineRecall,
    Recall10,
    Recall100,
    Map,
}

impl Metric {
    const ALL: [Self; 10] = [
        Self::Hit1,
        Self::Hit3,
        Self::Ndcg10,
        Self::Mrr10,
        Self::AnsweredRight,
        Self::DeclinePrecision,
        Self::DeclineRecall,
        Self::Recall10,
        Self::Recall100,
        Self::Map,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hit1 => "hit@1",
            Self::Hit3 => "hit@3",
            Self::Ndcg10 => "nDCG@10",
            Self::Mrr10 => "MRR@10",
            Self::AnsweredRight => "answered-right",
            Self::DeclinePrecision => "decline-precision",
            Self::DeclineRecall => "decline-recall",
            Self::Recall10 => "recall@10",
            Self::Recall100 => "recall@100",
            Self::Map => "MAP",
        }
    }

    pub(super) fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL
            .into_iter()
            .find(|metric| metric.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("{name} is no metric: use one of {}", names.join(", "))
        })
    }

    pub(super) fn of(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::Hit1 => figures.hit_1,
            Self::Hit3 => figures.hit_3,
            Self::Ndcg10 => figures.ndcg_10,
            Self::Mrr10 => figures.mrr_10,
            Self::AnsweredRight => figures.answered_right,
            Self::DeclinePrecision => figures.decline_precision,
            Self::DeclineRecall => figures.decline_recall,
            // Measured where rankings alone are: see `ranked`.
            Self::Recall10 | Self::Recall100 | Self::Map => None,
        }
    }
}

/// The figures of all questions, then by half, style and topic.
pub(super) fn groups(rows: &[Row]) -> Vec<(String, Figures)> {
    let mut groups = vec![("all".to_owned(), of(rows.iter()))];
    groups.extend(by(rows, |row| row.judged.half.name().to_owned()));
    groups.extend(by(rows, |row| format!("style {}", row.judged.style)));
    groups.extend(by(rows, |row| match row.judged.decline {
        None => format!("topic {}", row.judged.topic),
        Some(kind) => format!("outside {}", kind.name()),
    }));
    groups
}

/// The figures of all questions and of each half, of questions that were asked without what went before them.
pub(super) fn alone(rows: &[Row]) -> Vec<(String, Figures)> {
    let mut groups = vec![("all".to_owned(), of(rows.iter()))];
    groups.extend(by(rows, |row| row.judged.half.name().to_owned()));
    let named = groups.into_iter();
    named
        .map(|(name, figures)| (format!("asked alone: {name}"), figures))
        .collect()
}

fn by(rows: &[Row], name: impl Fn(&Row) -> String) -> Vec<(String, Figures)> {
    let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(name(row)).or_default().push(row);
    }
    let groups = groups.into_iter();
    groups.map(|(name, rows)| (name, of(rows.into_iter()))).collect()
}

fn of<'a>(rows: impl Iterator<Item = &'a Row>) -> Figures {
    let (mut inside, mut outside, mut uncovered) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        match row.judged.decline {
            Some(_) => outside.push(row),
            None if row.judged.answers.is_empty() => uncovered += 1,
            None => inside.push(row),
        }
    }
    let covered = |metric: fn(&Row) -> f64| mean(inside.iter().map(|row| metric(row)));
    let declined = |row: &&Row| row.outcome == Outcome::Declined;
    let all_declined = inside.iter().chain(&outside).filter(|row| declined(row)).count();
    let rightly_declined = outside.iter().filter(|row| declined(row)).count();
    Figures {
        covered: inside.len(),
        uncovered,
        outside: outside.len(),
        hit_1: covered(|row| flag(metrics::hit(&row.grades(), 1))),
        hit_3: covered(|row| flag(metrics::hit(&row.grades(), 3))),
        ndcg_10: covered(|row| metrics::ndcg(&row.grades(), &row.judged_grades(), 10)),
        mrr_10: covered(|row| metrics::reciprocal_rank(&row.grades(), ANSWERS, 10)),
        answered_right: covered(|row| {
            flag(row.outcome == Outcome::Answered && metrics::hit(&row.grades(), 1))
        }),
        wrongly_declined: covered(|row| flag(row.outcome == Outcome::Declined)),
        wrongly_answered: mean(outside.iter().map(|row| flag(row.outcome == Outcome::Answered))),
        decline_precision: share(rightly_declined, all_declined),
        decline_recall: share(rightly_declined, outside.len()),
    }
}

impl Row {
    /// Grades of the hits, best first.
    pub(super) fn grades(&self) -> Vec<u8> {
        let grade = |id: &String| {
            if self.judged.answers.contains(id) {
                ANSWERS
            } else if self.judged.related.contains(id) {
                RELATED
            } else {
                0
            }
        };
        self.found.iter().map(grade).collect()
    }

    /// Grades of everything that was judged to help.
    fn judged_grades(&self) -> Vec<u8> {
        let answers = self.judged.answers.iter().map(|_| ANSWERS);
        answers
            .chain(self.judged.related.iter().map(|_| RELATED))
            .collect()
    }
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Half, JudgedQuestion, OutsideKind};

    fn row(answers: &[&str], decline: Option<OutsideKind>, found: &[&str], outcome: Outcome) -> Row {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Row {
            judged: JudgedQuestion {
                id: "q".into(),
                before: Vec::new(),
                question: "q".into(),
                style: "terse".into(),
                topic: "amm".into(),
                half: Half::Tuning,
                decline,
                answers: owned(answers),
                related: vec!["near".into()],
            },
            read: None,
            outcome,
            found: owned(found),
        }
    }

    #[test]
    fn each_figure_is_over_the_questions_that_it_is_about() {
        let rows = [
            row(&["a"], None, &["a", "near"], Outcome::Answered),
            row(&["a"], None, &["near", "a"], Outcome::Answered),
            row(&["a"], None, &["x", "y", "z", "a"], Outcome::Declined),
            row(&[], None, &["x"], Outcome::Answered),
            row(&[], Some(OutsideKind::Trap), &["x"], Outcome::Answered),
            row(&[], Some(OutsideKind::Live), &["x"], Outcome::Declined),
        ];
        let all = groups(&rows)[0].1;
        assert_eq!((all.covered, all.uncovered, all.outside), (3, 1, 2));
        assert_eq!(all.hit_1, Some(1.0 / 3.0));
        assert_eq!(all.hit_3, Some(2.0 / 3.0));
        assert_eq!(all.mrr_10, Some((1.0 + 0.5 + 0.25) / 3.0));
        assert_eq!(all.answered_right, Some(1.0 / 3.0));
        assert_eq!(all.wrongly_declined, Some(1.0 / 3.0));
        assert_eq!(all.wrongly_answered, Some(0.5));
        assert_eq!(all.decline_precision, Some(0.5));
        assert_eq!(all.decline_recall, Some(0.5));
        // 2/log2(2) + 1/log2(3) is the ideal; the second has them the other way round, the third only the answer, at 4.
        let (second, fourth) = (1.0 / 3.0_f64.log2(), 1.0 / 5.0_f64.log2());
        let ideal = 2.0 + second;
        let ndcg = (1.0 + (1.0 + 2.0 * second) / ideal + 2.0 * fourth / ideal) / 3.0;
        assert!((all.ndcg_10.unwrap() - ndcg).abs() < 1e-12);
    }

    #[test]
    fn groups_go_by_half_style_and_topic_and_a_group_without_questions_has_no_mean() {
        let rows = [row(&[], Some(OutsideKind::Trap), &["x"], Outcome::Declined)];
        let groups = groups(&rows);
        let names: Vec<&str> = groups.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["all", "tuning", "style terse", "outside trap"]);
        assert_eq!(groups[0].1.hit_1, None);
    }
}

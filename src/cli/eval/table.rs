//! The figures as a person reads them.

use super::Row;
use super::figures::Figures;
use crate::agent::event::Outcome;
use crate::dataset::JudgedQuestion;
use crate::text;

/// One line a group, one column a figure; shares are in percent, what was not measured is a dash.
pub(super) fn of(groups: &[(String, Figures)]) -> String {
    let mut lines = format!(
        "{:24}{:>8}{:>7}{:>7}{:>9}{:>8}{:>8}{:>11}{:>9}{:>11}{:>8}{:>8}\n",
        "",
        "covered",
        "hit@1",
        "hit@3",
        "nDCG@10",
        "MRR@10",
        "right",
        "declined",
        "outside",
        "answered",
        "decl.P",
        "decl.R"
    );
    for (name, group) in groups {
        let ratio = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        let percent =
            |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.1} %", 100.0 * value));
        lines.push_str(&format!(
            "{:24}{:>8}{:>7}{:>7}{:>9}{:>8}{:>8}{:>11}{:>9}{:>11}{:>8}{:>8}\n",
            text::sanitize_line(name),
            group.covered,
            ratio(group.hit_1),
            ratio(group.hit_3),
            ratio(group.ndcg_10),
            ratio(group.mrr_10),
            ratio(group.answered_right),
            percent(group.wrongly_declined),
            group.outside,
            percent(group.wrongly_answered),
            ratio(group.decline_precision),
            ratio(group.decline_recall),
        ));
    }
    if let Some((_, all)) = groups.first().filter(|(_, all)| all.uncovered > 0) {
        lines.push_str(&format!(
            "{} more questions in scope are answered by no pair and count nowhere above.\n",
            all.uncovered
        ));
    }
    lines
}

/// Every question that went wrong, with what was found.
pub(super) fn wrong(rows: &[Row]) -> String {
    let mut lines = String::new();
    for row in rows {
        let Some(why) = fault(row) else { continue };
        lines.push_str(&format!(
            "{why:18} {} [{}] {}\n",
            text::sanitize_line(&row.judged.id),
            text::sanitize_line(&row.judged.style),
            text::sanitize_line(&row.judged.question),
        ));
        if let Some(read) = &row.read {
            lines.push_str(&format!("{:18} read as {}\n", "", text::sanitize_line(read)));
        }
        lines.push_str(&format!(
            "{:18} found  {}\n",
            "",
            text::sanitize_line(&first(&row.found))
        ));
        if !row.judged.answers.is_empty() {
            let answers = first(&row.judged.answers);
            lines.push_str(&format!("{:18} wanted {}\n", "", text::sanitize_line(&answers)));
        }
    }
    lines
}

fn first(ids: &[String]) -> String {
    ids.iter()
        .take(3)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn fault(row: &Row) -> Option<String> {
    match (&row.judged, row.outcome) {
        (
            JudgedQuestion {
                decline: Some(kind), ..
            },
            Outcome::Answered,
        ) => Some(format!("answered {}", kind.name())),
        (JudgedQuestion { decline: Some(_), .. }, _) => None,
        (JudgedQuestion { answers, .. }, _) if answers.is_empty() => None,
        (_, Outcome::Declined) => Some("declined".to_owned()),
        _ => {
            let grades = row.grades();
            let rank = grades
                .iter()
                .position(|grade| *grade >= crate::retrieval::metrics::ANSWERS);
            match rank {
                Some(0) => None,
                Some(place) => Some(format!("rank {}", place + 1)),
                None => Some("not among 10".to_owned()),
            }
        }
    }
}

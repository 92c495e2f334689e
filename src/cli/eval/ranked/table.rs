//! The figures of rankings as a person reads them.

use std::fmt::Write as _;

use super::figures::{METRICS, Measured, QueryFigures};
use crate::retrieval::bootstrap::{Difference, Interval};
use crate::text;

/// Two or three lines a retriever: its means, their intervals, and its differences to the first.
pub(super) fn of(measured: &[Measured]) -> String {
    let mut lines = String::from("\n              ");
    for metric in METRICS {
        let _ = write!(lines, "{:>18}", metric.name());
    }
    lines.push('\n');
    for (place, measured) in measured.iter().enumerate() {
        let _ = writeln!(lines, "{}  {}", letter(place), measured.retriever);
        let means = measured.metrics.iter();
        let _ = writeln!(
            lines,
            "   mean       {}",
            row(means.clone().map(|mean| format!("{:.4}", mean.interval.mean)))
        );
        let _ = writeln!(
            lines,
            "   95 % of    {}",
            row(means.clone().map(|mean| span(&mean.interval)))
        );
        if place > 0 {
            let differences = means
                .clone()
                .map(|mean| mean.difference.map(|difference| plus(&difference)));
            let _ = writeln!(
                lines,
                "   to A       {}",
                row(differences.map(Option::unwrap_or_default))
            );
            let spans = means.clone().map(|mean| {
                mean.difference
                    .map(|difference| signed_span(&difference.interval))
            });
            let _ = writeln!(
                lines,
                "   95 % of    {}",
                row(spans.map(Option::unwrap_or_default))
            );
        }
    }
    lines.push_str("\nIntervals and p by the paired bootstrap over the queries, 10,000 resamples, seeded.\n");
    lines
}

/// The queries on which the retrievers disagree most, with the nDCG@10 of each.
pub(super) fn disagreement(rows: &[QueryFigures], most: usize) -> String {
    let columns = rows.first().map_or(0, |row| row.figures.len());
    if columns < 2 {
        return "One retriever agrees with itself: give another --retriever.\n".to_owned();
    }
    let mut lines = String::from("disagree");
    for column in 0..columns {
        let _ = write!(lines, "{:>8}", format!("{} nDCG", letter(column)));
    }
    lines.push_str("  query\n");
    for row in rows.iter().take(most) {
        let disagreement = row.disagreement.unwrap_or_default();
        let _ = write!(lines, "{disagreement:>8.3}");
        for figures in &row.figures {
            let _ = write!(lines, "{:>8.3}", figures.ndcg_10);
        }
        let _ = writeln!(
            lines,
            "  {}: {}",
            text::sanitize_line(&row.id),
            text::truncate(&text::sanitize_line(&row.query), 100)
        );
    }
    lines
}

fn letter(place: usize) -> char {
    char::from(b'A'.saturating_add(u8::try_from(place).unwrap_or(u8::MAX)))
}

fn row(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| format!("{cell:>18}")).collect()
}

fn span(interval: &Interval) -> String {
    format!("{:.3} to {:.3}", interval.low, interval.high)
}

fn signed_span(interval: &Interval) -> String {
    format!("{:+.3} to {:+.3}", interval.low, interval.high)
}

fn plus(difference: &Difference) -> String {
    format!("{:+.4} p {:.3}", difference.interval.mean, difference.p)
}

//! A comparison as lines of text.
//!
//! ```text
//! A  hybrid(w=0.5,...)    score: fused 0..1
//! B  lexical(...)         score: BM25
//!
//! A: rank   score  margin | B: rank to A   score  margin | pair
//!       1   0.912  +0.080 |       2   -1  14.220  +1.200 | amm-impermanent-loss  [impermanent loss]
//!    (37)   0.210  +0.001 |       1  +36  15.420  +1.200 | lp-fees  only B  [loss]
//! ```

use std::fmt::Write as _;

use crate::retrieval::comparison::{Agreement, Cell, Column, Comparison, PERSISTENCE, Row, StageTime};
use crate::text;

/// The letter of a column.
fn letter(column: usize) -> char {
    char::from(b'A'.saturating_add(u8::try_from(column).unwrap_or(u8::MAX)))
}

/// Columns that the name of a pair needs behind its cells; where a terminal is narrower, it stands on a line of its own.
const NAME: usize = 30;

/// The whole comparison, for a terminal of `width` columns if it is for one; nothing is longer than that but what cannot
/// be shorter.
pub(super) fn of(comparison: &Comparison, read_as: &[(String, String)], width: Option<usize>) -> String {
    let mut lines = String::new();
    for (from, to) in read_as {
        let _ = writeln!(
            lines,
            "{} was read as {}",
            text::sanitize_line(from),
            text::sanitize_line(to)
        );
    }
    for (place, column) in comparison.columns.iter().enumerate() {
        let _ = writeln!(
            lines,
            "{}  {}  score: {}, {} pairs ranked",
            letter(place),
            column.retriever,
            column.scale,
            column.ranked
        );
    }
    lines.push('\n');
    if comparison.rows.is_empty() {
        lines.push_str("No pair shares a word or a meaning with this query.\n");
    } else {
        lines.push_str(&heads(comparison.columns.len()));
        lines.push_str("pair\n");
    }
    let stacked = width.is_some_and(|width| width < heads(comparison.columns.len()).len() + NAME);
    for row in &comparison.rows {
        let (cells, name) = (cells(row), name(row));
        let _ = match width {
            Some(width) if stacked => {
                writeln!(
                    lines,
                    "{}\n{}",
                    text::truncate(&name, width),
                    cells.trim_end_matches([' ', '|'])
                )
            }
            Some(width) => writeln!(lines, "{}", text::truncate(&format!("{cells}{name}"), width)),
            None => writeln!(lines, "{cells}{name}"),
        };
    }
    lines.push('\n');
    for (place, column) in comparison.columns.iter().enumerate().skip(1) {
        let _ = writeln!(lines, "{} against A: {}", letter(place), agreed(column.agreement));
    }
    for (place, column) in comparison.columns.iter().enumerate() {
        let _ = writeln!(lines, "{} took {}", letter(place), took(column));
    }
    if comparison.rows.iter().any(hides) {
        lines.push_str("A rank in brackets is below what its retriever shows.\n");
    }
    lines
}

fn heads(columns: usize) -> String {
    let mut line = String::new();
    for column in 0..columns {
        let name = letter(column);
        let _ = if column == 0 {
            write!(line, "{name}: rank   score  margin | ")
        } else {
            write!(line, "{name}: rank to A   score  margin | ")
        };
    }
    line
}

fn cells(row: &Row) -> String {
    let cells = row.cells.iter().enumerate();
    cells
        .map(|(column, cell)| one(*cell, column > 0) + " | ")
        .collect()
}

fn name(row: &Row) -> String {
    let mut line = text::sanitize_line(&row.id).into_owned();
    if let Some(only) = row.only {
        let _ = write!(line, "  only {}", letter(only));
    }
    if !row.terms.is_empty() {
        let _ = write!(line, "  [{}]", text::sanitize_line(&row.terms.join(" ")));
    }
    line
}

/// A cell as wide as its head.
fn one(cell: Option<Cell>, has_delta: bool) -> String {
    let Some(cell) = cell else {
        let rest = if has_delta { 21 } else { 16 };
        return format!("{:>7}{:rest$}", "-", "");
    };
    let rank = if cell.shown {
        cell.rank.to_string()
    } else {
        format!("({})", cell.rank)
    };
    let delta = match cell.delta.filter(|_| has_delta) {
        Some(0) => format!("{:>5}", "="),
        Some(delta) => format!("{delta:>+5}"),
        None if has_delta => format!("{:>5}", "new"),
        None => String::new(),
    };
    let margin = cell
        .margin
        .map_or_else(|| "-".to_owned(), |margin| format!("{margin:+.3}"));
    format!("{rank:>7}{delta}{:>8.3}{margin:>8}", cell.score)
}

fn hides(row: &Row) -> bool {
    row.cells.iter().flatten().any(|cell| !cell.shown)
}

fn agreed(agreement: Option<Agreement>) -> String {
    let Some(agreement) = agreement else {
        return "neither found anything".to_owned();
    };
    let tau = agreement
        .tau_b
        .map_or_else(|| "-".to_owned(), |tau| format!("{tau:+.3}"));
    format!(
        "{} of {} shared, overlap@{} {:.3}, Jaccard {:.3}, rank-biased overlap {:.3} (p = {PERSISTENCE}), tau-b of the shared {tau}",
        agreement.shared,
        agreement.depth,
        agreement.depth,
        agreement.overlap,
        agreement.jaccard,
        agreement.rbo
    )
}

fn took(column: &Column) -> String {
    let times = column.times;
    let stage = |name: &str, time: StageTime| {
        let kept = if time.kept { " (shared)" } else { "" };
        format!("{name} {:.2} ms{kept}", time.ms)
    };
    let stages = [
        times.embed.map(|time| stage("embed", time)),
        times.dense.map(|time| stage("dense", time)),
        times.lexical.map(|time| stage("lexical", time)),
        Some(stage("fuse", times.fuse)),
    ];
    stages.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Pair};
    use crate::retrieval::Corpus;
    use crate::retrieval::comparison::{EmbedderName, Lab, Query, Workbench};
    use std::sync::Arc;
    use std::time::Duration;

    fn compared(query: &str) -> Comparison {
        let pair = |id: &str, question: &str| Pair {
            id: id.into(),
            question: question.into(),
            answer: "An answer.".into(),
            ..Pair::default()
        };
        let pairs = vec![
            pair("fee", "What is a pool fee?"),
            pair("evil\x1b[2J\u{202e}", "pool pool pool pool"),
        ];
        let corpus = Corpus::lexical_only(Dataset::new("test", pairs));
        let lab = Lab::new(Arc::new(corpus), EmbedderName::local());
        let specs = [
            "lexical(k=1)",
            "lexical(k1=0,b=1,k=1)",
            "lexical(unit=question,k=1)",
        ];
        let retrievers = specs.map(|spec| spec.parse().unwrap());
        let mut bench = Workbench::new(Arc::new(lab), Query::new(query).unwrap());
        bench.compare(&retrievers, &|| Duration::ZERO).unwrap()
    }

    #[test]
    fn a_narrow_terminal_gets_the_pair_on_a_line_of_its_own() {
        let comparison = compared("pool");
        let wide = of(&comparison, &[], None);
        let narrow = of(&comparison, &[], Some(80));
        let stacked: Vec<&str> = narrow.lines().skip(5).take(2).collect();
        let line = wide.lines().nth(5).unwrap();
        assert_eq!(line, format!("{} | {}", stacked[1].trim_end(), stacked[0]));
        assert!(!wide.contains(['\x1b', '\u{202e}']), "{wide:?}");
    }

    #[test]
    fn a_query_without_a_hit_says_so_and_what_was_read_as_what() {
        let text = of(&compared("zebra"), &[("zebar".into(), "zebra".into())], None);
        assert!(text.starts_with("zebar was read as zebra\nA  lexical("), "{text}");
        assert!(text.contains("\nNo pair shares a word or a meaning with this query.\n"));
        assert!(text.contains("\nB against A: neither found anything\n"));
    }
}

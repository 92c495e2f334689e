//! One document in one column: rank, how it moved, its score and its lead; its question; why it is there.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::compare::{Compare, Found, Place};
use crate::retrieval::comparison::{Cell, Row};
use crate::text;
use crate::tui::theme::Theme;

/// A document to draw.
pub(super) struct Drawn<'a> {
    pub(super) found: &'a Found,
    pub(super) compare: &'a Compare,
    pub(super) column: usize,
    pub(super) place: Place,
    /// One, two or three.
    pub(super) lines: usize,
    pub(super) width: usize,
}

/// Spans on one line, as many of them as fit.
struct Fitted {
    spans: Vec<Span<'static>>,
    room: usize,
}

impl Fitted {
    fn new(room: usize) -> Self {
        Self {
            spans: Vec::new(),
            room,
        }
    }

    /// Adds a span if it fits as a whole; once one did not, none is added.
    fn push(&mut self, said: impl Into<String>, style: Style) {
        let said = said.into();
        match self.room.checked_sub(text::width(&said)) {
            Some(room) => {
                self.room = room;
                self.spans.push(Span::styled(said, style));
            }
            None => self.room = 0,
        }
    }

    /// Adds as much of a span as fits.
    fn cut(&mut self, said: &str, style: Style) {
        let said = text::truncate(said, self.room).into_owned();
        self.push(said, style);
    }
}

impl Drawn<'_> {
    pub(super) fn lines(&self, theme: &Theme) -> Vec<Line<'static>> {
        let Some(row) = self.found.comparison.rows.get(self.place.row) else {
            return Vec::new();
        };
        let cell = row.cells.get(self.column).copied().flatten();
        let mut first = self.figures(row, cell, theme);
        let question = text::sanitize_line(&row.question).into_owned();
        let style = if self.place.gone { theme.dim } else { theme.strong };
        if self.lines <= 1 {
            first.push(" ", theme.text);
            let title = underlined(&question, &row.spelled, first.room, style, theme.term);
            first.spans.extend(title);
            return vec![Line::from(first.spans)];
        }
        if row.only == Some(self.column) {
            first.push(" only here", theme.accent);
        }
        let indent = if self.width > 30 { "    " } else { "  " };
        let room = self.width.saturating_sub(indent.len());
        let mut second = vec![Span::raw(indent)];
        second.extend(underlined(&question, &row.spelled, room, style, theme.term));
        let mut shown = vec![Line::from(first.spans), Line::from(second)];
        if self.lines >= 3 {
            shown.push(Line::from(self.why(row, indent, theme)));
        }
        shown
    }

    fn figures(&self, row: &Row, cell: Option<Cell>, theme: &Theme) -> Fitted {
        let mut line = Fitted::new(self.width);
        let is_selected = self.compare.document.as_deref() == Some(row.id.as_str());
        let here = is_selected && self.compare.column == self.column;
        line.push(if here { "▸" } else { " " }, theme.key);
        let pinned = self.compare.is_pinned(&row.id);
        line.push(if pinned { "◆" } else { " " }, theme.warn);
        let reference = row.cells.first().copied().flatten();
        match cell {
            Some(cell) if !self.place.gone => {
                line.push(format!("{:>2}", cell.rank), theme.key);
                if self.column > 0 {
                    let (moved, style) = moved(cell, reference, theme);
                    line.push(format!(" {moved:<4}"), style);
                }
                let digits = digits(self.found, self.column);
                line.push(format!(" {:.digits$}", cell.score), theme.text);
                if let Some(margin) = cell.margin.filter(|_| self.lines > 1) {
                    line.push(format!(" +{margin:.digits$}"), theme.dim);
                }
            }
            _ => {
                line.push("gone ", theme.bad);
                let was = reference.map_or(0, |cell| cell.rank);
                let now = cell.map_or("-".to_owned(), |cell| cell.rank.to_string());
                line.push(format!("{:<6}", format!("{was}→{now}")), theme.dim);
            }
        }
        line
    }

    /// Where the reference has what it does not show, and the words that the pair shares with the query.
    fn why(&self, row: &Row, indent: &str, theme: &Theme) -> Vec<Span<'static>> {
        let mut line = Fitted::new(self.width);
        line.push(indent, theme.text);
        let reference = row.cells.first().copied().flatten();
        if self.column > 0 && !self.place.gone {
            match reference {
                None => line.cut("not found by A  ", theme.dim),
                Some(cell) if !cell.shown => line.cut(&format!("{} in A  ", cell.rank), theme.dim),
                Some(_) => {}
            }
        }
        if row.terms.is_empty() {
            line.cut("no shared words", theme.dim);
        }
        for (n, term) in row.terms.iter().enumerate() {
            line.cut(if n == 0 { "" } else { " " }, theme.dim);
            line.cut(&text::sanitize_line(term), theme.term);
        }
        line.spans
    }
}

/// How a document moved against the reference, told by a shape and never by colour alone.
fn moved(cell: Cell, reference: Option<Cell>, theme: &Theme) -> (String, Style) {
    match (reference.filter(|cell| cell.shown), cell.delta) {
        (Some(_), Some(0)) => ("=".to_owned(), theme.dim),
        (Some(_), Some(up)) if up > 0 => (format!("▲{up}"), theme.good),
        (Some(_), Some(down)) => (format!("▼{}", down.unsigned_abs()), theme.warn),
        _ => ("new".to_owned(), theme.accent),
    }
}

/// Decimals that tell the scores of a column apart.
pub(super) fn digits(found: &Found, column: usize) -> usize {
    let retriever = found
        .comparison
        .columns
        .get(column)
        .map(|column| &column.retriever);
    match retriever.map(crate::retrieval::comparison::Retriever::scale) {
        Some("BM25") => 2,
        Some("cosine" | "fused 0..1") => 3,
        _ => 4,
    }
}

/// A text cut to so many columns, with these of its words underlined.
fn underlined(said: &str, words: &[String], room: usize, style: Style, term: Style) -> Vec<Span<'static>> {
    let said = text::truncate(said, room);
    let mut marked: Vec<(usize, usize)> = Vec::new();
    for word in words.iter().filter(|word| !word.is_empty()) {
        for (from, found) in said.match_indices(word.as_str()) {
            let to = from + found.len();
            let before = said.get(..from).and_then(|text| text.chars().next_back());
            let after = said.get(to..).and_then(|text| text.chars().next());
            let is_whole = |next: Option<char>| !next.is_some_and(char::is_alphanumeric);
            if is_whole(before) && is_whole(after) {
                marked.push((from, to));
            }
        }
    }
    marked.sort_unstable();
    let mut spans = Vec::new();
    let mut end = 0;
    for (from, to) in marked {
        // A word inside one that is marked already is part of it.
        let (Some(plain), Some(word)) = (said.get(end..from), said.get(from..to)) else {
            continue;
        };
        spans.push(Span::styled(plain.to_owned(), style));
        spans.push(Span::styled(word.to_owned(), style.patch(term)));
        end = to;
    }
    spans.push(Span::styled(
        said.get(end..).unwrap_or_default().to_owned(),
        style,
    ));
    spans.retain(|span| !span.content.is_empty());
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Theme as Choice;

    #[test]
    fn whole_words_are_underlined_as_far_as_they_are_seen() {
        let theme = Theme::of(Choice::None, None);
        let parts = |said: &str, words: &[&str], room: usize| -> Vec<(String, bool)> {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            underlined(said, &words, room, theme.text, theme.term)
                .into_iter()
                .map(|span| (span.content.into_owned(), span.style == theme.term))
                .collect()
        };
        let plain = |said: &str| (said.to_owned(), false);
        let marked = |said: &str| (said.to_owned(), true);
        assert_eq!(
            parts("What is a pool of pools?", &["pool", "pools"], 40),
            [
                plain("What is a "),
                marked("pool"),
                plain(" of "),
                marked("pools"),
                plain("?")
            ]
        );
        assert_eq!(
            parts("An ERC-4626 vault", &["ERC-4626", "4626"], 40)[1],
            marked("ERC-4626")
        );
        assert_eq!(parts("a pool", &["pool"], 4), [plain("a p…")]);
        assert!(parts("a pool", &["pool"], 0).is_empty());
    }
}

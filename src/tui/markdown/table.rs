//! Tables: aligned columns, shrunk to the width; too narrow for columns, one `key: value` a row.

use pulldown_cmark::Alignment;

use super::MarkdownStyles;
use super::inline::{Look, Piece};
use crate::text::width;
use crate::tui::wrap::{Breaks, wrap};

/// A column is not shrunk below this; a table that would need it is told as `key: value` rows.
const MIN_COLUMN: usize = 6;
/// More cells than any screen can show. The parser fills short rows up to the header's length, so a few kilobytes of
/// hostile markdown could become millions of cells.
const MAX_CELLS: usize = 20_000;
const SEPARATOR: &str = " │ ";

type Row = Vec<Piece>;

/// A table while its cells come in. The first row is the header.
#[derive(Debug)]
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Piece>>>,
    cells: usize,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            alignments,
            rows: Vec::new(),
            cells: 0,
        }
    }

    pub(super) fn begin_row(&mut self) {
        if self.cells < MAX_CELLS {
            self.rows.push(Vec::new());
        }
    }

    pub(super) fn push_cell(&mut self, cell: Vec<Piece>) {
        self.cells += 1;
        if self.cells <= MAX_CELLS
            && let Some(row) = self.rows.last_mut()
        {
            row.push(cell);
        }
    }

    /// Rows of at most `columns`.
    pub(super) fn layout(mut self, columns: usize, styles: &MarkdownStyles) -> Vec<Row> {
        for (_, look) in self.rows.first_mut().into_iter().flatten().flatten() {
            look.style = look.style.patch(styles.strong);
        }
        match self.column_widths(columns) {
            Some(widths) => self.grid(&widths, styles),
            None => self.key_values(columns, styles),
        }
    }

    /// The natural widths if they fit; otherwise the widest are cut to one common width; `None` if that is too narrow.
    fn column_widths(&self, columns: usize) -> Option<Vec<usize>> {
        let mut natural = vec![1; self.alignments.len()];
        for row in &self.rows {
            for (widest, cell) in natural.iter_mut().zip(row) {
                *widest = (*widest).max(cell.iter().map(|(text, _)| width(text)).sum());
            }
        }
        let separators = width(SEPARATOR) * natural.len().saturating_sub(1);
        let room = columns.checked_sub(separators)?;
        let total_at = |cap: usize| natural.iter().map(|&width| width.min(cap)).sum::<usize>();
        if total_at(usize::MAX) <= room {
            return Some(natural);
        }
        if total_at(MIN_COLUMN) > room {
            return None;
        }
        // The widest cap that fits, between the least (which does) and the room (which cannot be exceeded).
        let (mut cap, mut too_wide) = (MIN_COLUMN, room + 1);
        while cap + 1 < too_wide {
            let middle = usize::midpoint(cap, too_wide);
            if total_at(middle) <= room {
                cap = middle;
            } else {
                too_wide = middle;
            }
        }
        let mut left_over = room - total_at(cap);
        for width in &mut natural {
            if *width > cap {
                let extra = usize::from(left_over > 0);
                left_over -= extra;
                *width = cap + extra;
            }
        }
        Some(natural)
    }

    fn grid(&self, widths: &[usize], styles: &MarkdownStyles) -> Vec<Row> {
        let mut out = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let cells: Vec<_> = row
                .iter()
                .zip(widths)
                .map(|(cell, &width)| wrapped(cell, width))
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(1);
            out.extend((0..height).map(|line| self.grid_line(&cells, line, widths, styles)));
            if index == 0 {
                let dashes: Vec<_> = widths.iter().map(|&width| "─".repeat(width)).collect();
                out.push(vec![(dashes.join("─┼─"), styles.rule.into())]);
            }
        }
        out
    }

    /// One line of the cells of a row, side by side.
    fn grid_line(&self, cells: &[Vec<Row>], line: usize, widths: &[usize], styles: &MarkdownStyles) -> Row {
        let mut out = Row::new();
        for (column, (&room, alignment)) in widths.iter().zip(&self.alignments).enumerate() {
            if column > 0 {
                out.push((SEPARATOR.to_owned(), styles.rule.into()));
            }
            let pieces = cells
                .get(column)
                .and_then(|cell| cell.get(line))
                .cloned()
                .unwrap_or_default();
            let missing = room.saturating_sub(pieces.iter().map(|(text, _)| width(text)).sum());
            let before = match alignment {
                Alignment::Right => missing,
                Alignment::Center => missing / 2,
                Alignment::Left | Alignment::None => 0,
            };
            pad(&mut out, before, styles);
            out.extend(pieces);
            if column + 1 < widths.len() {
                pad(&mut out, missing - before, styles);
            }
        }
        out
    }

    /// `Header: value` for each cell, an empty row between two rows of the table.
    fn key_values(self, columns: usize, styles: &MarkdownStyles) -> Vec<Row> {
        let mut rows = self.rows.into_iter();
        let header = rows.next().unwrap_or_default();
        let body: Vec<_> = rows.collect();
        if body.is_empty() {
            return header.iter().flat_map(|cell| wrapped(cell, columns)).collect();
        }
        let mut out = Vec::new();
        for row in body {
            if !out.is_empty() {
                out.push(Row::new());
            }
            for (key, value) in header.iter().zip(row) {
                let mut pair = key.clone();
                pair.push((": ".to_owned(), styles.text.into()));
                pair.extend(value);
                out.extend(wrapped(&pair, columns));
            }
        }
        out
    }
}

fn wrapped(pieces: &[Piece], columns: usize) -> Vec<Row> {
    let runs: Vec<_> = pieces.iter().map(|(text, look)| (text.as_str(), *look)).collect();
    let rows = wrap(&runs, columns, columns, Breaks::Words).into_iter();
    rows.map(|row| {
        row.into_iter()
            .map(|(text, look)| (text.to_owned(), look))
            .collect()
    })
    .collect()
}

fn pad(row: &mut Row, columns: usize, styles: &MarkdownStyles) {
    if columns > 0 {
        row.push((" ".repeat(columns), Look::from(styles.text)));
    }
}

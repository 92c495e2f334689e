//! Below the columns: how far two of them agree, and the selected document through all of them, in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::compare::{Compare, Found};
use crate::retrieval::comparison::{PERSISTENCE, Row};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::section;

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, found: &Found, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let width = usize::from(area.width);
    let mut lines = Vec::new();
    if area.height >= 3 {
        lines.push(Line::styled("─".repeat(width), theme.rule));
    }
    // With the reference itself selected its neighbour is what it is compared with.
    let with = app.compare.column.max(1);
    lines.push(agreement(found, with, width.saturating_sub(1), theme));
    if area.height >= 3
        && let Some(row) = app
            .compare
            .selected_row()
            .and_then(|row| found.comparison.rows.get(row))
    {
        lines.push(document(
            row,
            app.compare.is_pinned(&row.id),
            width.saturating_sub(1),
            theme,
        ));
    }
    section::lines(buffer, area, lines);
}

fn agreement(found: &Found, with: usize, width: usize, theme: &Theme) -> Line<'static> {
    let letter = Compare::letter(with);
    let Some(agreement) = found.comparison.agreement(0, with) else {
        let said = format!(" A and {letter}: neither found anything");
        return Line::styled(text::truncate(&said, width).into_owned(), theme.dim);
    };
    let tau = agreement.tau_b.map_or("-".to_owned(), |tau| format!("{tau:+.2}"));
    let depth = agreement.depth;
    let figures = [
        (
            format!("overlap@{depth}"),
            format!("{:.2}", agreement.overlap),
            format!(" ({} shared)", agreement.shared),
        ),
        (
            "Jaccard".to_owned(),
            format!("{:.2}", agreement.jaccard),
            String::new(),
        ),
        (
            "RBO".to_owned(),
            format!("{:.2}", agreement.rbo),
            format!(" (p {PERSISTENCE})"),
        ),
        ("tau-b".to_owned(), tau, " of the shared".to_owned()),
    ];
    let said = |with_notes: bool| {
        let mut spans = vec![Span::styled(format!(" A and {letter}  "), theme.key)];
        for (name, value, note) in &figures {
            spans.push(Span::styled(format!("{name} "), theme.dim));
            spans.push(Span::styled(value.clone(), theme.strong));
            let note = if with_notes { note.as_str() } else { "" };
            spans.push(Span::styled(format!("{note}  "), theme.dim));
        }
        spans
    };
    let short = vec![
        Span::styled(format!(" A-{letter} "), theme.key),
        Span::raw(format!(
            "o@{depth} {:.2} J {:.2} RBO {:.2} tau {}",
            agreement.overlap, agreement.jaccard, agreement.rbo, figures[3].1
        )),
    ];
    section::first_that_fits(width, vec![said(true), said(false), short])
}

/// The document's rank in every column, its moves as words.
fn document(row: &Row, pinned: bool, width: usize, theme: &Theme) -> Line<'static> {
    let reference = row.cells.first().copied().flatten();
    let mut said = Vec::new();
    for (column, cell) in row.cells.iter().enumerate() {
        let letter = Compare::letter(column);
        said.push(match cell {
            None => format!("{letter} not found"),
            Some(cell) if !cell.shown && column > 0 && reference.is_some_and(|cell| cell.shown) => {
                format!("{letter} gone to {}", cell.rank)
            }
            Some(cell) if !cell.shown => format!("{letter} {} (not shown)", cell.rank),
            Some(cell) => match cell.delta.filter(|_| reference.is_some_and(|cell| cell.shown)) {
                Some(0) => format!("{letter} {}, the same", cell.rank),
                Some(up) if up > 0 => format!("{letter} {}, up {up}", cell.rank),
                Some(down) => format!("{letter} {}, down {}", cell.rank, down.unsigned_abs()),
                None if column > 0 => format!("{letter} {}, new", cell.rank),
                None => format!("{letter} {}", cell.rank),
            },
        });
    }
    let id = text::sanitize_line(&row.id).into_owned();
    let mark = if pinned { "◆" } else { " " };
    let ranks = said.join(" · ");
    let ways = vec![
        vec![
            Span::styled(format!("{mark}{id}  "), theme.accent),
            Span::raw(ranks.clone()),
        ],
        vec![Span::raw(format!("{mark}{ranks}"))],
    ];
    section::first_that_fits(width, ways)
}

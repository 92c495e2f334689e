//! The selected pair of the comparison in full, with its place in every column.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Drawn, cell};
use crate::app::App;
use crate::app::compare::Compare;
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::{overlay, pair};

pub(in crate::tui::view) fn render(
    buffer: &mut Buffer,
    screen: Rect,
    app: &App,
    top: usize,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    let Some((found, at)) = app.compare.found.as_ref().zip(app.compare.selected_row()) else {
        return;
    };
    let Some((row, full)) = found.comparison.rows.get(at).zip(found.pairs.get(at)) else {
        return;
    };
    let columns = found.comparison.columns.iter().zip(&row.cells).enumerate();
    let scores = columns
        .map(|(place, (column, cell))| {
            let name = format!("{} {}", Compare::letter(place), column.retriever.method());
            let digits = cell::digits(found, place);
            let (value, meaning) = match cell {
                None => ("-".to_owned(), "not found".to_owned()),
                Some(cell) => {
                    let lead = cell.margin.map_or(String::new(), |margin| {
                        format!(", {margin:.digits$} above the next")
                    });
                    (
                        format!("{:.digits$}", cell.score),
                        format!("{}; rank {} of {}{lead}", column.scale, cell.rank, column.ranked),
                    )
                }
            };
            (name, value, meaning)
        })
        .collect();
    let area = overlay::area(screen, 96);
    let lines = pair::lines(full, scores, &row.terms, overlay::text_width(area), theme);
    let id = text::sanitize_line(&row.id).into_owned();
    overlay::render(buffer, area, &id, lines, top, theme, drawn);
}

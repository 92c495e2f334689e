//! The judged queries, the most disputed first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Drawn, Spot};
use crate::app::compare::{Compare, JudgedSet, Progress};
use crate::app::{App, Target};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::{overlay, section};

pub(in crate::tui::view) fn render(
    buffer: &mut Buffer,
    screen: Rect,
    app: &App,
    at: usize,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    let Some(set) = &app.compare.set else { return };
    let area = overlay::area(screen, 110);
    let width = overlay::text_width(area);
    let name = text::sanitize_line(&set.name);
    if set.rows.is_empty() || !matches!(set.progress, Progress::Idle) {
        let (said, style) = match &set.progress {
            Progress::Failed(why) => (why.clone(), theme.bad),
            Progress::Searching => ("Ranking every query by every column...".to_owned(), theme.dim),
            Progress::Idle => ("No query of it is answered by a pair.".to_owned(), theme.dim),
        };
        let lines = section::wrapped(&said, width, style);
        return overlay::render(buffer, area, &name, lines, 0, theme, drawn);
    }
    let title = format!("{name}: {} queries by disagreement", set.rows.len());
    let mut lines = vec![Line::styled(head(set), theme.dim)];
    lines.extend(set.rows.iter().enumerate().map(|(place, row)| {
        let mark = if place == at { "▸ " } else { "  " };
        let mut said = format!("{mark}{:.2} ", row.disagreement);
        for ndcg in &row.ndcg {
            said.push_str(&format!(" {ndcg:.2}"));
        }
        said.push_str("  ");
        said.push_str(&text::sanitize_line(&row.query));
        let style = if place == at {
            theme.row_selected
        } else {
            theme.text
        };
        Line::from(Span::styled(text::fit(&said, width), style))
    }));
    // The head scrolls with the rows; the marked one is in view.
    let room = usize::from(area.height.saturating_sub(2)).max(1);
    let top = (at + 2).saturating_sub(room);
    let all = lines.len();
    overlay::render(buffer, area, &title, lines, top, theme, drawn);
    for (line, row) in (top..all).zip(area.rows().skip(1).take(room)) {
        if let Some(place) = line.checked_sub(1) {
            drawn.regions.add(row, Target::Compare(Spot::Judged(place)));
        }
    }
}

/// What the figures are: disagreement, then nDCG@10 of each column.
fn head(set: &JudgedSet) -> String {
    let columns = set.rows.first().map_or(0, |row| row.ndcg.len());
    let letters: Vec<String> = (0..columns)
        .map(|column| format!(" {:>4}", Compare::letter(column)))
        .collect();
    format!("  1-RBO{}  nDCG@10 of each column; query", letters.concat())
}

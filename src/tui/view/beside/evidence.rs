//! Below both sides: the evidence that they share, and which of them cites it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::agent::citation;
use crate::agent::event::SIDES;
use crate::app::beside::{Beside, Spot};
use crate::app::{App, Target};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::{Drawn, section};

/// Rows that are worth having of it on a screen of this height, its title included.
pub(super) fn wanted(app: &App, height: u16) -> u16 {
    let hits = app.side(0).map_or(0, |entry| entry.exchange.hits.len());
    let most = match height {
        0..=19 => 0,
        20..=29 => 3,
        _ => 8,
    };
    match u16::try_from(hits).unwrap_or(u16::MAX).min(most) {
        0 => 0,
        rows => rows + 1,
    }
}

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, drawn: &mut Drawn) {
    let Some(first) = app.side(0) else { return };
    if area.is_empty() {
        return;
    }
    let hits = &first.exchange.hits;
    let inner = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    };
    let right = format!("{} pairs, the same for both", hits.len());
    let body = section::title(buffer, inner, "Evidence", &right, false, theme);
    let cited: [Vec<usize>; SIDES] = std::array::from_fn(|side| {
        let entry = app.side(side);
        entry.map_or(Vec::new(), |entry| {
            citation::numbers(&entry.exchange.answer, hits.len())
        })
    });
    let selected = app.side(app.beside.column).and_then(|entry| entry.evidence);
    // The selected row is always among those that are seen.
    let room = usize::from(body.height);
    let skipped = selected.map_or(0, |row| (row + 1).saturating_sub(room));
    for (row, (index, hit)) in body.rows().zip(hits.iter().enumerate().skip(skipped)) {
        let mut by = String::new();
        for (side, numbers) in cited.iter().enumerate() {
            by.push(if numbers.contains(&(index + 1)) {
                Beside::letter(side)
            } else {
                '·'
            });
        }
        let number = format!("{:>2} ", index + 1);
        let question = text::sanitize_line(&hit.question);
        let line = vec![
            Span::styled(number, theme.citation),
            Span::styled(by, theme.strong),
            Span::raw("  "),
            Span::raw(question.into_owned()),
        ];
        let line = section::first_that_fits(usize::from(row.width), vec![line]);
        section::lines(buffer, row, vec![line]);
        if selected == Some(index) {
            buffer.set_style(row, theme.row_selected);
        }
        drawn.regions.add(row, Target::Beside(Spot::Evidence(index)));
    }
}

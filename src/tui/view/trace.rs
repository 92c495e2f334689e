//! The waterfall: every node of the run, when it started, how long it took, what it waited for, what served it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::section;
use crate::agent::event::{Exchange, StageRow};
use crate::app::{App, Entry};
use crate::text;
use crate::tui::theme::Theme;

/// Columns of the longest stage name.
const NAME: usize = 9;
/// Columns from which on a note is worth cutting.
const NOTE_AT_LEAST: usize = 8;

/// Rows that the section wants, title included.
pub(super) fn wanted(app: &App) -> u16 {
    app.current().map_or(0, |entry| {
        u16::try_from(entry.exchange.stages.len())
            .unwrap_or(u16::MAX)
            .saturating_add(1)
    })
}

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let Some(entry) = app.current() else {
        let body = section::title(buffer, area, "Trace", "", false, theme);
        let said = "The steps of an answer show here.";
        let said = section::wrapped(said, usize::from(body.width), theme.dim);
        section::lines(buffer, body, said);
        return;
    };
    let total = elapsed(app, entry);
    let body = section::title(buffer, area, "Trace", &section::duration(total), false, theme);
    let width = usize::from(body.width);
    let lines = entry
        .exchange
        .stages
        .iter()
        .map(|row| line(row, &entry.exchange, total, width, theme))
        .collect();
    section::lines(buffer, body, lines);
}

/// Milliseconds since the run's start: its own clock once it has ended, the application's while it runs.
fn elapsed(app: &App, entry: &Entry) -> f64 {
    if entry.is_live() {
        entry.exchange.at_ms.max(app.now_ms - entry.asked_ms)
    } else {
        entry.exchange.at_ms
    }
}

fn line<'a>(row: &'a StageRow, exchange: &Exchange, total: f64, width: usize, theme: &Theme) -> Line<'a> {
    let ended = exchange.phase.ended();
    let took = row.ms.unwrap_or((total - row.start_ms).max(0.0));
    let time = match row.ms {
        Some(ms) => section::duration(ms),
        None if ended => "stopped".to_owned(),
        None => "...".to_owned(),
    };
    let mut said = Vec::new();
    if row.wait_ms > 0.0 {
        said.push(format!("waited {}", section::duration(row.wait_ms)));
    }
    if let Some(tier) = row.cache {
        said.push(format!("from {}", tier.name()));
    }
    said.extend(
        row.note
            .as_deref()
            .map(|note| text::sanitize_line(note).into_owned()),
    );
    let bar_width = (width / 4).clamp(4, 16);
    let mut spans = vec![Span::styled(format!("{:NAME$} ", row.name.name()), theme.text)];
    spans.extend(waterfall(row.start_ms, took, total, bar_width, theme));
    spans.push(Span::styled(format!(" {time:>7}"), theme.text));
    let room = width.saturating_sub(section::columns(&spans));
    let said = format!(" {}", said.join(", "));
    // A few letters of a note say nothing.
    if text::width(&said) <= room || room >= NOTE_AT_LEAST {
        let said = text::truncate(&said, room).into_owned();
        spans.push(Span::styled(said, theme.dim));
    }
    Line::from(spans)
}

/// A bar from `start` to `start + took` on a scale of `total`, in half columns; never empty, so that every stage is seen.
fn waterfall(start: f64, took: f64, total: f64, width: usize, theme: &Theme) -> Vec<Span<'static>> {
    let halves = width * 2;
    let scale = |ms: f64| {
        if total > 0.0 {
            ((ms / total).clamp(0.0, 1.0) * halves as f64).round() as usize
        } else {
            0
        }
    };
    let from = scale(start).min(halves - 1);
    let to = scale(start + took).clamp(from + 1, halves);
    let cell = |column: usize| {
        let left = (from..to).contains(&(column * 2));
        let right = (from..to).contains(&(column * 2 + 1));
        match (left, right) {
            (true, true) => ('█', true),
            (true, false) => ('▌', true),
            (false, true) => ('▐', true),
            (false, false) => ('·', false),
        }
    };
    (0..width)
        .map(cell)
        .map(|(glyph, filled)| Span::styled(glyph.to_string(), if filled { theme.bar } else { theme.track }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Theme as Choice;

    fn drawn(start: f64, took: f64, total: f64) -> String {
        let theme = Theme::of(Choice::None, None);
        waterfall(start, took, total, 4, &theme)
            .iter()
            .map(|span| span.content.as_ref())
            .collect()
    }

    #[test]
    fn a_stage_stands_where_it_ran() {
        assert_eq!(drawn(0.0, 50.0, 100.0), "██··");
        assert_eq!(drawn(50.0, 25.0, 100.0), "··█·");
        assert_eq!(drawn(0.0, 0.0, 100.0), "▌···");
        assert_eq!(drawn(100.0, 0.0, 100.0), "···▐");
        assert_eq!(drawn(0.0, 0.0, 0.0), "▌···");
    }
}

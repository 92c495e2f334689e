//! What an endpoint said about its limits: reported figures only, each with its age.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::section;
use crate::agent::event::{Limit, Stage, StageRow};
use crate::app::{App, Entry};
use crate::text;
use crate::tui::theme::Theme;

/// Rows that the section wants, title included.
pub(super) fn wanted(app: &App) -> u16 {
    if app.limits.is_some() { 3 } else { 2 }
}

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let Some((limits, at_ms)) = &app.limits else {
        let body = section::title(buffer, area, "Limits", "", false, theme);
        let said = if !app.gauges.chat.starts_with("openai:") {
            [
                "none: answers are made on this machine",
                "none: answers are local",
            ]
        } else if app.entries.iter().any(has_answered) {
            ["the endpoint reported none", "none reported"]
        } else {
            ["the endpoint was not asked yet", "not asked yet"]
        };
        let ways = said.map(|said| vec![Span::styled(said, theme.dim)]).into();
        let line = section::first_that_fits(usize::from(body.width), ways);
        section::lines(buffer, body, vec![line]);
        return;
    };
    let age_ms = (app.now_ms - at_ms).max(0.0);
    let endpoint = text::sanitize_line(&limits.endpoint).into_owned();
    let body = section::title(buffer, area, "Limits", &endpoint, false, theme);
    let rows = [
        Row::of("requests", limits.requests, age_ms, theme),
        Row::of("tokens", limits.tokens, age_ms, theme),
    ];
    // Both rows leave out the same: first the bar, then when the window is full again. Never a digit.
    let width = usize::from(body.width);
    let fits = |bar, reset| {
        rows.iter()
            .all(|row| section::columns(&row.spans(bar, reset)) <= width)
    };
    let (bar, reset) = [(true, true), (false, true), (true, false)]
        .into_iter()
        .find(|(bar, reset)| fits(*bar, *reset))
        .unwrap_or((false, false));
    let lines = rows
        .iter()
        .map(|row| section::first_that_fits(width, vec![row.spans(bar, reset)]))
        .collect();
    section::lines(buffer, body, lines);
}

/// Whether the endpoint has said something in this run: a decline's words are the program's own.
fn has_answered(entry: &Entry) -> bool {
    let exchange = &entry.exchange;
    let asked = |row: &StageRow| matches!(row.name, Stage::Answer | Stage::Converse);
    exchange.first_token_ms.is_some() && exchange.stages.iter().any(asked)
}

struct Row {
    name: Span<'static>,
    bar: Vec<Span<'static>>,
    figures: Span<'static>,
    reset: Option<Span<'static>>,
}

impl Row {
    fn of(name: &str, limit: Option<Limit>, age_ms: f64, theme: &Theme) -> Self {
        let name = Span::styled(format!("{name:9}"), theme.text);
        let Some(limit) = limit else {
            return Self {
                name,
                bar: Vec::new(),
                figures: Span::styled("not reported", theme.dim),
                reset: None,
            };
        };
        let used = limit.limit.saturating_sub(limit.remaining);
        let share = if limit.limit == 0 {
            1.0
        } else {
            used as f64 / limit.limit as f64
        };
        let mut bar = Vec::from(section::bar(share, 8, theme));
        bar.push(Span::raw(" "));
        let style = if share >= 0.9 { theme.warn } else { theme.text };
        let reset = limit.reset_ms.map(|reset| match reset as f64 - age_ms {
            left if left > 0.0 => format!("  resets in {}", section::clock(left)),
            _ => "  reset since".to_owned(),
        });
        Self {
            name,
            bar,
            figures: Span::styled(format!("{used}/{} used", limit.limit), style),
            reset: reset.map(|said| Span::styled(said, theme.dim)),
        }
    }

    fn spans(&self, bar: bool, reset: bool) -> Vec<Span<'static>> {
        let bar = self.bar.iter().filter(|_| bar);
        let reset = self.reset.iter().filter(|_| reset);
        [&self.name]
            .into_iter()
            .chain(bar)
            .chain([&self.figures])
            .chain(reset)
            .cloned()
            .collect()
    }
}

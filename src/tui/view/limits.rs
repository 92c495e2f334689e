//! What an endpoint said about its limits: reported figures only, each with its age.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::section;
use crate::agent::event::Limit;
use crate::app::App;
use crate::text;
use crate::tui::theme::Theme;

/// Rows that the section wants, title included.
pub(super) fn wanted(app: &App) -> u16 {
    if app.limits.is_some() { 3 } else { 2 }
}

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let Some((limits, at_ms)) = &app.limits else {
        let body = section::title(buffer, area, "Limits", "", false, theme);
        let said = if app.gauges.chat.starts_with("openai:") {
            "nothing was asked of the endpoint yet"
        } else {
            "none: answers are made on this machine"
        };
        let said = text::truncate(said, usize::from(body.width)).into_owned();
        section::lines(buffer, body, vec![Line::styled(said, theme.dim)]);
        return;
    };
    let age_ms = (app.now_ms - at_ms).max(0.0);
    let endpoint = text::sanitize_line(&limits.endpoint).into_owned();
    let body = section::title(buffer, area, "Limits", &endpoint, false, theme);
    let lines = vec![
        line("requests", limits.requests, age_ms, theme),
        line("tokens", limits.tokens, age_ms, theme),
    ];
    section::lines(buffer, body, lines);
}

fn line(name: &str, limit: Option<Limit>, age_ms: f64, theme: &Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{name:9}"), theme.text)];
    let Some(limit) = limit else {
        spans.push(Span::styled("not reported", theme.dim));
        return Line::from(spans);
    };
    let used = limit.limit.saturating_sub(limit.remaining);
    let share = if limit.limit == 0 {
        1.0
    } else {
        used as f64 / limit.limit as f64
    };
    spans.extend(section::bar(share, 8, theme));
    let style = if share >= 0.9 { theme.warn } else { theme.text };
    spans.push(Span::styled(format!(" {used}/{} used", limit.limit), style));
    let left = limit.reset_ms.map(|reset| reset as f64 - age_ms);
    match left {
        Some(left) if left > 0.0 => {
            spans.push(Span::styled(
                format!("  resets in {}", section::duration(left)),
                theme.dim,
            ));
        }
        Some(_) => spans.push(Span::styled("  reset since", theme.dim)),
        None => {}
    }
    Line::from(spans)
}

//! The side panel: evidence, trace, cache and limits, as many of them as the height holds.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use super::{Drawn, cache, evidence, limits, trace};
use crate::app::{App, Target};
use crate::tui::theme::Theme;

/// Rows of evidence worth having beside a trace.
const EVIDENCE_AT_LEAST: u16 = 12;

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, drawn: &mut Drawn) {
    if area.is_empty() {
        return;
    }
    drawn.regions.add(area, Target::Side);
    // The rule that parts the panel from the chat, where there is one.
    let inner = if area.x > 0 {
        for row in area.rows() {
            buffer.set_string(row.x, row.y, "│", theme.rule);
        }
        Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(3),
            ..area
        }
    } else {
        Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        }
    };
    let cache_rows = if inner.height >= 14 {
        cache::wanted(app, inner.height)
    } else {
        0
    };
    let groups = if inner.height >= 14 {
        limits::groups(app, inner, theme)
    } else {
        Vec::new()
    };
    let limit_rows: u16 = groups.iter().map(limits::Group::rows).sum();
    drawn.measured.gauges_shown = limit_rows > 0;
    let main = inner.height - cache_rows - limit_rows;
    let trace_rows = trace::wanted(app);
    let [evidence_area, trace_area, cache_area, limits_area] =
        if trace_rows > 0 && main >= EVIDENCE_AT_LEAST + trace_rows {
            Layout::vertical([
                Constraint::Min(0),
                Constraint::Length(trace_rows),
                Constraint::Length(cache_rows),
                Constraint::Length(limit_rows),
            ])
            .areas(inner)
        } else if app.trace {
            Layout::vertical([
                Constraint::Length(0),
                Constraint::Min(0),
                Constraint::Length(cache_rows),
                Constraint::Length(limit_rows),
            ])
            .areas(inner)
        } else {
            Layout::vertical([
                Constraint::Min(0),
                Constraint::Length(0),
                Constraint::Length(cache_rows),
                Constraint::Length(limit_rows),
            ])
            .areas(inner)
        };
    evidence::render(buffer, evidence_area, app, theme, drawn);
    trace::render(buffer, trace_area, app, theme);
    cache::render(buffer, cache_area, app, theme);
    let rows = groups.iter().map(limits::Group::rows);
    let areas = Layout::vertical(rows.map(Constraint::Length)).split(limits_area);
    for (group, area) in groups.into_iter().zip(areas.iter()) {
        limits::render(buffer, *area, group, theme);
    }
}

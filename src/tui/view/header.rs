//! The first row: who answers, from what, and whether it is ready.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::app::{App, Loading};
use crate::text;
use crate::tui::theme::Theme;

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let gauges = &app.gauges;
    let pairs = if gauges.pairs > 0 {
        format!("{} ({} pairs)", gauges.dataset, gauges.pairs)
    } else {
        gauges.dataset.clone()
    };
    let mut facts = vec![gauges.chat.clone(), pairs, gauges.embedder.clone()];
    if gauges.offline {
        facts.push("offline".to_owned());
    }
    let (state, style) = state(app, theme);
    let room = usize::from(area.width).saturating_sub(text::width(&state) + 12);
    let facts = text::truncate(&facts.join(" · "), room).into_owned();
    Line::from(vec![
        Span::styled(" defi-qa ", theme.key),
        Span::raw(" "),
        Span::styled(facts, theme.dim),
    ])
    .render(area, buffer);
    Line::styled(format!("{state} "), style)
        .right_aligned()
        .render(area, buffer);
}

fn state(app: &App, theme: &Theme) -> (String, ratatui::style::Style) {
    let gauges = &app.gauges;
    match (&gauges.knowledge, &gauges.model) {
        (Loading::Failed(_), _) => ("data set failed".to_owned(), theme.bad),
        (_, Loading::Failed(_)) => ("model failed".to_owned(), theme.bad),
        (Loading::Loading, _) => ("loading the data set".to_owned(), theme.warn),
        (_, Loading::Loading) => ("loading the model".to_owned(), theme.warn),
        (Loading::Ready, Loading::Ready) => match app.running() {
            0 => ("ready".to_owned(), theme.good),
            1 => ("1 answer running".to_owned(), theme.accent),
            n => (format!("{n} answers running"), theme.accent),
        },
    }
}

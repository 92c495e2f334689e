//! The first row: who answers, from what, and whether it is ready.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::section;
use crate::app::{App, Loading};
use crate::text;
use crate::tui::theme::Theme;

const NAME: &str = " defi-qa  ";

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
    // The most wanted first: what does not fit is left out from the end, whole.
    let mut facts = vec![gauges.chat.clone(), pairs];
    if gauges.offline {
        facts.push("offline".to_owned());
    }
    facts.push(gauges.embedder.clone());
    let (state, style) = state(app, theme);
    let room = usize::from(area.width).saturating_sub(text::width(NAME) + text::width(&state) + 3);
    let ways = (1..=facts.len())
        .rev()
        .map(|count| {
            let said = text::sanitize_line(&facts[..count].join(" · ")).into_owned();
            vec![Span::styled(said, theme.dim)]
        })
        .collect();
    let mut line = section::first_that_fits(room, ways);
    line.spans.insert(0, Span::styled(NAME, theme.key));
    line.render(area, buffer);
    // A span: a line's own style would colour the whole row.
    Line::from(Span::styled(format!("{state} "), style))
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

//! What the caches served, counted from the events of this session.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::section;
use crate::app::App;
use crate::tui::theme::Theme;

/// Rows that the section wants, title included.
pub(super) const WANTED: u16 = 2;

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let count = app.cache;
    let body = section::title(buffer, area, "Cache", "", false, theme);
    let line = if count.asked() == 0 {
        Line::styled("not asked yet", theme.dim)
    } else {
        let share = count.hits() as f64 / count.asked() as f64;
        let tiers = [
            ("memory", count.memory),
            ("redis", count.redis),
            ("disk", count.disk),
        ];
        let said: Vec<Span<'static>> = [Span::raw(format!("{} of {} served", count.hits(), count.asked()))]
            .into_iter()
            .chain(
                tiers
                    .into_iter()
                    .filter(|(_, hits)| *hits > 0)
                    .map(|(tier, hits)| Span::styled(format!("  {tier} {hits}"), theme.dim)),
            )
            .collect();
        let mut with_bar = Vec::from(section::bar(share, 8, theme));
        with_bar.push(Span::raw(" "));
        with_bar.extend(said.iter().cloned());
        section::first_that_fits(usize::from(body.width), vec![with_bar, said])
    };
    section::lines(buffer, body, vec![line]);
}

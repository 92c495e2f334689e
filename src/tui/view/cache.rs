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
        let served = Span::raw(format!("{} of {} served", count.hits(), count.asked()));
        let tiers: Vec<Span<'static>> = [
            ("memory", count.memory),
            ("redis", count.redis),
            ("disk", count.disk),
        ]
        .into_iter()
        .filter(|(_, hits)| *hits > 0)
        .map(|(tier, hits)| Span::styled(format!("  {tier} {hits}"), theme.dim))
        .collect();
        let mut bar = Vec::from(section::bar(share, 8, theme));
        bar.push(Span::raw(" "));
        // The bar goes first, then tier by tier, each whole.
        let mut ways = vec![[&bar[..], std::slice::from_ref(&served), &tiers[..]].concat()];
        for shown in (0..=tiers.len()).rev() {
            let more = if shown < tiers.len() { " …" } else { "" };
            let mut way = vec![served.clone()];
            way.extend(tiers.iter().take(shown).cloned());
            way.push(Span::styled(more, theme.dim));
            ways.push(way);
        }
        section::first_that_fits(usize::from(body.width), ways)
    };
    section::lines(buffer, body, vec![line]);
}

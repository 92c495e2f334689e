//! The presets to choose from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Drawn, Spot};
use crate::app::Target;
use crate::retrieval::comparison::Preset;
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::overlay;

pub(in crate::tui::view) fn render(
    buffer: &mut Buffer,
    screen: Rect,
    at: usize,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    let area = overlay::area(screen, 74);
    let rows = u16::try_from(Preset::ALL.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    let area = Rect {
        height: area.height.min(rows),
        ..area
    };
    let width = overlay::text_width(area);
    let lines: Vec<Line<'static>> = Preset::ALL
        .into_iter()
        .enumerate()
        .map(|(place, preset)| {
            let mark = if place == at { "▸ " } else { "  " };
            let said = text::fit(&format!("{mark}{:9}{}", preset.name(), preset.shows()), width);
            let style = if place == at {
                theme.row_selected
            } else {
                theme.text
            };
            Line::from(Span::styled(said, style))
        })
        .collect();
    // On a screen without room for all of them the marked one is in view.
    let room = usize::from(area.height.saturating_sub(2));
    let top = (at + 1).saturating_sub(room.max(1));
    overlay::render(buffer, area, "Presets", lines, top, theme, drawn);
    for (place, row) in (top..Preset::ALL.len()).zip(area.rows().skip(1).take(room)) {
        drawn.regions.add(row, Target::Compare(Spot::Preset(place)));
    }
}

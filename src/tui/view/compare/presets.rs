//! The presets to choose from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Drawn, Spot};
use crate::app::Target;
use crate::retrieval::comparison::Preset;
use crate::tui::theme::Theme;
use crate::tui::view::overlay::{self, Choice};

pub(in crate::tui::view) fn render(
    buffer: &mut Buffer,
    screen: Rect,
    at: usize,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    let line = |preset: Preset| format!("{:9}{}", preset.name(), preset.shows());
    let choice = Choice {
        title: "Presets",
        lines: Preset::ALL.map(line).to_vec(),
        at,
        target: |place| Target::Compare(Spot::Preset(place)),
    };
    overlay::choice(buffer, screen, &choice, theme, drawn);
}

//! The ways to export a session.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Drawn;
use super::overlay::{self, Choice};
use crate::app::Target;
use crate::app::sessions::Export;
use crate::tui::theme::Theme;

pub(super) fn render(buffer: &mut Buffer, screen: Rect, at: usize, theme: &Theme, drawn: &mut Drawn) {
    let choice = Choice {
        title: "Export the session as",
        lines: Export::ALL.map(|(_, words)| words.to_owned()).to_vec(),
        at,
        target: Target::Export,
    };
    overlay::choice(buffer, screen, &choice, theme, drawn);
}

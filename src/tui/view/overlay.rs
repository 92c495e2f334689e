//! The frame of what lies over the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Padding, Widget as _};

use super::{Drawn, OVERLAY};
use crate::text;
use crate::tui::theme::Theme;

/// Where an overlay stands: centred, at most so wide, a margin around it where there is room.
pub(super) fn area(screen: Rect, widest: u16) -> Rect {
    let width = screen.width.min(widest);
    let margin = if screen.height >= 20 { 2 } else { 0 };
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + margin,
        width,
        height: screen.height - 2 * margin,
    }
}

/// Columns that the text of an overlay has.
pub(super) fn text_width(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(4))
}

/// Draws the frame and the lines from `top` on.
pub(super) fn render(
    buffer: &mut Buffer,
    area: Rect,
    title: &str,
    lines: Vec<Line<'_>>,
    top: usize,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    Clear.render(area, buffer);
    let count = lines.len();
    let room = usize::from(area.height.saturating_sub(2));
    let top = top.min(count.saturating_sub(room));
    let position = if count > room {
        format!(" {}-{} of {count} ", top + 1, (top + room).min(count))
    } else {
        String::new()
    };
    let title = text::truncate(title, text_width(area)).into_owned();
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.accent)
        .title(Line::styled(format!(" {title} "), theme.key))
        .title_bottom(Line::styled(position, theme.dim).right_aligned())
        .padding(Padding::horizontal(1));
    let inner = block.inner(area);
    block.render(area, buffer);
    for (line, row) in lines.into_iter().skip(top).zip(inner.rows()) {
        line.render(row, buffer);
    }
    drawn.regions.add(area, OVERLAY);
    drawn.measured.overlay_lines = count;
    drawn.measured.overlay_height = room;
}

//! The frame of what lies over the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Padding, Widget as _};

use super::{Drawn, OVERLAY};
use crate::app::Target;
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

/// Lines of which one is chosen.
pub(super) struct Choice<'a> {
    pub(super) title: &'a str,
    pub(super) lines: Vec<String>,
    /// The marked one.
    pub(super) at: usize,
    /// What a click on a line means.
    pub(super) target: fn(usize) -> Target,
}

/// Draws the lines to choose from, in a frame as high as they are.
pub(super) fn choice(
    buffer: &mut Buffer,
    screen: Rect,
    choice: &Choice<'_>,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    let area = area(screen, 74);
    let count = choice.lines.len();
    let rows = u16::try_from(count).unwrap_or(u16::MAX).saturating_add(2);
    let area = Rect {
        height: area.height.min(rows),
        ..area
    };
    let width = text_width(area);
    let lines = choice.lines.iter().enumerate().map(|(place, line)| {
        let marked = place == choice.at;
        let mark = if marked { "▸ " } else { "  " };
        let style = if marked { theme.row_selected } else { theme.text };
        Line::styled(text::fit(&format!("{mark}{line}"), width), style)
    });
    let lines: Vec<Line<'static>> = lines.collect();
    // On a screen without room for all of them the marked one is in view.
    let room = usize::from(area.height.saturating_sub(2));
    let top = (choice.at + 1).saturating_sub(room.max(1));
    render(buffer, area, choice.title, lines, top, theme, drawn);
    for (place, row) in (top..count).zip(area.rows().skip(1).take(room)) {
        drawn.regions.add(row, (choice.target)(place));
    }
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

//! Where the question is written.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget as _;

use super::{Drawn, inside, section};
use crate::app::{App, Focus, Target};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::wrap::{Breaks, wrap};

/// Columns of the prompt before the text.
const PROMPT: u16 = 2;

/// Rows that the composer takes in `width` columns: its title and as much of the draft as a quarter of the screen holds.
pub(super) fn height(app: &App, width: u16, screen_height: u16) -> u16 {
    let width = usize::from(width.saturating_sub(PROMPT).max(1));
    let most = usize::from(screen_height / 4).clamp(1, 10);
    let mut rows = 0;
    for line in app.composer.area().lines() {
        // No more of a long line is measured than can be shown.
        let end = line
            .char_indices()
            .nth(most * width)
            .map_or(line.len(), |(at, _)| at);
        rows += wrap(&[(&line[..end], ())], width, width, Breaks::Words).len();
        if rows >= most {
            break;
        }
    }
    let rows = u16::try_from(rows.clamp(1, most)).unwrap_or(1);
    match screen_height {
        0..4 => 1,
        4..8 => rows.min(1),
        _ => rows + 1,
    }
}

/// Draws the draft; returns the cell of the cursor.
pub(super) fn render(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    theme: &Theme,
    drawn: &mut Drawn,
) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let focused = app.focus == Focus::Composer;
    let body = if area.height > 1 {
        let right = if app.composer.area().lines().len() > 1 {
            format!("{} lines", app.composer.area().lines().len())
        } else {
            String::new()
        };
        section::title(buffer, area, " Ask", &right, focused, theme)
    } else {
        area
    };
    let prompt = PROMPT.min(body.width.saturating_sub(1));
    if prompt > 0 {
        Line::styled("❯ ", if focused { theme.key } else { theme.dim }).render(
            Rect {
                width: prompt,
                ..body
            },
            buffer,
        );
    }
    let field = Rect {
        x: body.x + prompt,
        width: body.width - prompt,
        ..body
    };
    let draft = app.composer.area();
    draft.render(field, buffer);
    if app.composer.is_blank() && draft.lines().len() == 1 && draft.lines()[0].is_empty() {
        let hint = text::truncate("Ask a DeFi question", usize::from(field.width)).into_owned();
        Line::styled(hint, theme.dim).render(field, buffer);
    }
    drawn.regions.add(field, Target::Composer { row: 0, column: 0 });
    let cursor = draft.screen_cursor();
    let (top, left) = draft.scroll_offset();
    let x = u16::try_from(cursor.col).unwrap_or(u16::MAX).saturating_sub(left);
    let y = u16::try_from(cursor.row).unwrap_or(u16::MAX).saturating_sub(top);
    // Behind a full line the cursor stands on its last cell.
    inside(field, x.min(field.width.saturating_sub(1)), y)
}

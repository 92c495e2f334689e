//! A line that is written in a page's head: a query, a question, the text form of what stands in a column.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget as _;

use super::{Drawn, inside};
use crate::app::{Composer, Target};
use crate::text;
use crate::tui::theme::Theme;

/// What a field shows.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) prompt: &'a str,
    pub(super) written: &'a Composer,
    /// Whether text goes there now.
    pub(super) typed: bool,
    /// Said while nothing is written.
    pub(super) hint: &'a str,
    /// Told at the right end, where there is room.
    pub(super) right: &'a str,
    /// What a click means.
    pub(super) target: Target,
}

impl Field<'_> {
    /// Draws the field in one row; returns the cell of the cursor when text goes there.
    pub(super) fn render(
        self,
        buffer: &mut Buffer,
        area: Rect,
        theme: &Theme,
        drawn: &mut Drawn,
    ) -> Option<Position> {
        if area.is_empty() {
            return None;
        }
        let prompt_width = u16::try_from(text::width(self.prompt))
            .unwrap_or(0)
            .min(area.width);
        let right_width = u16::try_from(text::width(self.right)).unwrap_or(u16::MAX);
        // What is typed comes before what is told.
        let right_width = if right_width.saturating_mul(2) < area.width {
            right_width
        } else {
            0
        };
        let style = if self.typed { theme.key } else { theme.dim };
        let prompt = Rect {
            width: prompt_width,
            ..area
        };
        Line::styled(self.prompt, style).render(prompt, buffer);
        let field = Rect {
            x: area.x + prompt_width,
            width: (area.width - prompt_width).saturating_sub(right_width + 1),
            ..area
        };
        let room = usize::from(field.width);
        if self.typed {
            self.written.area().render(field, buffer);
        } else {
            // The text area would show where the cursor is, which is at the end.
            let said = self.written.text();
            Line::raw(text::truncate(&said, room).into_owned()).render(field, buffer);
        }
        if self.written.is_blank() {
            Line::styled(text::truncate(self.hint, room).into_owned(), theme.dim).render(field, buffer);
        }
        if right_width > 0 {
            let place = Rect {
                x: area.right().saturating_sub(right_width + 1),
                width: right_width,
                ..area
            };
            Line::styled(self.right, theme.warn).render(place, buffer);
        }
        drawn.regions.add(field, self.target);
        if !self.typed {
            return None;
        }
        let cursor = self.written.area().screen_cursor();
        let (top, left) = self.written.area().scroll_offset();
        let x = u16::try_from(cursor.col).unwrap_or(u16::MAX).saturating_sub(left);
        let y = u16::try_from(cursor.row).unwrap_or(u16::MAX).saturating_sub(top);
        // Behind a full line the cursor stands on its last cell.
        inside(field, x.min(field.width.saturating_sub(1)), y)
    }
}

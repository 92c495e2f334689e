//! The query line, or the retriever that is being written.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget as _;

use super::{Drawn, Spot};
use crate::app::compare::{Compare, Progress, Typing};
use crate::app::{App, Composer, Target};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::inside;

/// Draws the line; returns the cell of the cursor when text goes there.
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
    let compare = &app.compare;
    let (prompt, written, typed): (String, &Composer, bool) = match &compare.typing {
        Typing::Spec(spec) => (format!(" {} = ", Compare::letter(compare.column)), spec, true),
        Typing::Query => (" ❯ ".to_owned(), &compare.query, true),
        Typing::Nothing => (" ❯ ".to_owned(), &compare.query, false),
    };
    let right = right(compare);
    let prompt_width = u16::try_from(text::width(&prompt)).unwrap_or(0).min(area.width);
    let right_width = u16::try_from(text::width(&right)).unwrap_or(u16::MAX);
    // What is typed comes before what is told.
    let right_width = if right_width.saturating_mul(2) < area.width {
        right_width
    } else {
        0
    };
    let style = if typed { theme.key } else { theme.dim };
    Line::styled(prompt, style).render(
        Rect {
            width: prompt_width,
            ..area
        },
        buffer,
    );
    let field = Rect {
        x: area.x + prompt_width,
        width: (area.width - prompt_width).saturating_sub(right_width + 1),
        ..area
    };
    if typed {
        written.area().render(field, buffer);
    } else {
        // The text area would show where the cursor is, which is at the end.
        let said = written.text();
        Line::raw(text::truncate(&said, usize::from(field.width)).into_owned()).render(field, buffer);
    }
    if written.is_blank() {
        let hint = text::truncate("What to look for", usize::from(field.width)).into_owned();
        Line::styled(hint, theme.dim).render(field, buffer);
    }
    if right_width > 0 {
        let place = Rect {
            x: area.right().saturating_sub(right_width + 1),
            width: right_width,
            ..area
        };
        Line::styled(right, theme.warn).render(place, buffer);
    }
    drawn
        .regions
        .add(field, Target::Compare(Spot::Query { column: 0 }));
    if !typed {
        return None;
    }
    let cursor = written.area().screen_cursor();
    let (top, left) = written.area().scroll_offset();
    let x = u16::try_from(cursor.col).unwrap_or(u16::MAX).saturating_sub(left);
    let y = u16::try_from(cursor.row).unwrap_or(u16::MAX).saturating_sub(top);
    inside(field, x.min(field.width.saturating_sub(1)), y)
}

/// What the user should know of the query: that it is being searched for, or how it was read.
fn right(compare: &Compare) -> String {
    if compare.progress == Progress::Searching {
        return "searching".to_owned();
    }
    let read_as = compare.found.iter().flat_map(|found| &found.read_as);
    let read_as: Vec<String> = read_as
        .map(|(from, to)| {
            format!(
                "{} read as {}",
                text::sanitize_line(from),
                text::sanitize_line(to)
            )
        })
        .collect();
    read_as.join(", ")
}

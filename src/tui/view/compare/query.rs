//! The query line, or the retriever that is being written.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{Drawn, Spot};
use crate::app::compare::{Compare, Progress, Typing};
use crate::app::{App, Composer, Target};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::field::Field;

/// Draws the line; returns the cell of the cursor when text goes there.
pub(super) fn render(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    theme: &Theme,
    drawn: &mut Drawn,
) -> Option<Position> {
    let compare = &app.compare;
    let (prompt, written, typed): (String, &Composer, bool) = match &compare.typing {
        Typing::Spec(spec) => (format!(" {} = ", Compare::letter(compare.column)), spec, true),
        Typing::Query => (" ❯ ".to_owned(), &compare.query, true),
        Typing::Nothing => (" ❯ ".to_owned(), &compare.query, false),
    };
    let field = Field {
        prompt: &prompt,
        written,
        typed,
        hint: "What to look for",
        right: &right(compare),
        target: Target::Compare(Spot::Query { column: 0 }),
    };
    field.render(buffer, area, theme, drawn)
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

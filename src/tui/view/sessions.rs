//! The picker of sessions: the query, the sessions that it finds, what was found in each.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::{Drawn, inside, overlay};
use crate::app::sessions::{Match, Row, Sessions};
use crate::app::{App, Composer, Target};
use crate::text;
use crate::tui::theme::Theme;

/// Columns from which on the time of day stands beside the day.
const WITH_TIME: usize = 56;
/// Rows above the list: the query and a blank one.
const ABOVE: u16 = 2;

/// Draws it; returns the cell of the cursor.
pub(super) fn render(
    buffer: &mut Buffer,
    screen: Rect,
    app: &App,
    theme: &Theme,
    drawn: &mut Drawn,
) -> Option<Position> {
    let sessions = &app.sessions;
    let mut area = overlay::area(screen, 96);
    // What the last row of the screen says belongs to it.
    if area.bottom() == screen.bottom() && area.height > 4 {
        area.height -= 1;
    }
    overlay::render(buffer, area, &title(sessions), Vec::new(), 0, theme, drawn);
    let inner = Rect {
        x: area.x.saturating_add(2),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
    .intersection(area);
    if inner.is_empty() {
        return None;
    }
    let list = Rect {
        y: inner.y.saturating_add(ABOVE),
        height: inner.height.saturating_sub(ABOVE),
        ..inner
    };
    drawn.measured.overlay_height = usize::from(list.height);
    rows(buffer, list, sessions, theme, drawn);
    field(buffer, Rect { height: 1, ..inner }, sessions, theme)
}

fn title(sessions: &Sessions) -> String {
    match sessions.rows.len() {
        0 => "Sessions".to_owned(),
        count if sessions.rows.iter().any(|row| row.current) => {
            format!("Sessions {} of {count}, ● is this one", sessions.at + 1)
        }
        count => format!("Sessions {} of {count}", sessions.at + 1),
    }
}

/// The query, or the name that is being written.
fn field(buffer: &mut Buffer, area: Rect, sessions: &Sessions, theme: &Theme) -> Option<Position> {
    let (prompt, written, hint): (&str, &Composer, &str) = match &sessions.naming {
        Some(name) => ("name ❯ ", name, "Its first question is its name"),
        None => (
            "❯ ",
            &sessions.query,
            "Type to search questions, answers and evidence",
        ),
    };
    Line::styled(prompt, theme.key).render(area, buffer);
    let prompt = u16::try_from(text::width(prompt)).unwrap_or(0).min(area.width);
    let field = Rect {
        x: area.x + prompt,
        width: area.width - prompt,
        ..area
    };
    written.area().render(field, buffer);
    if written.is_blank() {
        let hint = text::truncate(hint, usize::from(field.width)).into_owned();
        Line::styled(hint, theme.dim).render(field, buffer);
    }
    let cursor = written.area().screen_cursor();
    let (top, left) = written.area().scroll_offset();
    let row = cursor.row.saturating_sub(usize::from(top));
    let column = cursor.col.saturating_sub(usize::from(left));
    inside(field, u16::try_from(column).ok()?, u16::try_from(row).ok()?)
}

/// The sessions around the marked one.
fn rows(buffer: &mut Buffer, area: Rect, sessions: &Sessions, theme: &Theme, drawn: &mut Drawn) {
    let width = usize::from(area.width);
    if sessions.rows.is_empty() {
        let said = match (sessions.searching, sessions.query.is_blank()) {
            (true, _) => "Looking …",
            (false, true) => "There is no session: each question that is asked is kept in one.",
            (false, false) => "Nothing has all of these words.",
        };
        Line::styled(text::truncate(said, width).into_owned(), theme.dim).render(area, buffer);
        return;
    }
    let mut y = area.y;
    for (place, row) in sessions
        .rows
        .iter()
        .enumerate()
        .skip(top(sessions, usize::from(area.height)))
    {
        let mut lines = vec![head(row, place == sessions.at, width, theme)];
        lines.extend(row.found.as_ref().map(|found| snippet(found, width, theme)));
        for line in lines {
            if y >= area.bottom() {
                return;
            }
            let cells = Rect { y, height: 1, ..area };
            line.render(cells, buffer);
            drawn.regions.add(cells, Target::Session(place));
            y += 1;
        }
    }
}

/// The first session that is shown, so that the marked one is in view.
fn top(sessions: &Sessions, room: usize) -> usize {
    let at = sessions.at.min(sessions.rows.len().saturating_sub(1));
    let mut left = room;
    let mut top = at;
    for (place, row) in sessions.rows.iter().enumerate().take(at + 1).rev() {
        let height = 1 + usize::from(row.found.is_some());
        if height > left {
            break;
        }
        left -= height;
        top = place;
    }
    top
}

/// When it was asked in last, how many exchanges it has, what it is called.
fn head(row: &Row, marked: bool, width: usize, theme: &Theme) -> Line<'static> {
    let when = if width < WITH_TIME {
        row.when.split(' ').next().unwrap_or_default()
    } else {
        row.when.as_str()
    };
    let mark = if marked { "▸ " } else { "  " };
    let this = if row.current { '●' } else { ' ' };
    let figures = format!("{mark}{when} {:>4} {this} ", row.exchanges);
    let title = text::sanitize_line(&row.title);
    if marked {
        let said = text::fit(&format!("{figures}{title}"), width);
        return Line::styled(said, theme.row_selected);
    }
    let room = width.saturating_sub(text::width(&figures));
    let style = if row.name.is_some() {
        theme.strong
    } else {
        theme.text
    };
    Line::from(vec![
        Span::styled(figures, theme.dim),
        Span::styled(text::truncate(&title, room).into_owned(), style),
    ])
}

/// What was found, its words marked.
fn snippet(found: &Match, width: usize, theme: &Theme) -> Line<'static> {
    let lead = if found.in_evidence {
        "    evidence: "
    } else {
        "    "
    };
    let mut spans = vec![Span::styled(lead, theme.dim)];
    let mut room = width.saturating_sub(text::width(lead));
    for (part, hit) in &found.parts {
        // A part keeps the blanks at its ends, which part it from the next.
        let said = text::sanitize_line(part);
        let shown = text::truncate(&said, room).into_owned();
        room -= text::width(&shown).min(room);
        spans.push(Span::styled(shown, if *hit { theme.term } else { theme.dim }));
        if room == 0 {
            break;
        }
    }
    Line::from(spans)
}

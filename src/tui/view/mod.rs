//! What is seen: one pane, one file, one `render`.
//!
//! ```text
//! ┌ header ─────────────────────────────────────────────────────────────────┐
//! │ defi-qa  extractive  bundled 332 pairs                          ready   │
//! ├ chat ───────────────────────────────────┬ side ─────────────────────────┤
//! │ ▌What is impermanent loss?              │ Evidence ─────────── 5 of 332 │
//! │                                         │ 1 ███████▋ cos 0.83 pct 99.9  │
//! │  Impermanent loss is ... [1]            │   What is impermanent loss?   │
//! │                                         │ Trace ────────────────── 9 ms │
//! │                                         │ embed      ▕▆▆▆▆▏ 8.8 ms      │
//! │                                         │ Cache ─────────────────────── │
//! ├ composer ───────────────────────────────┤ Limits ────────────────────── │
//! │ > and on v3?                            │                               │
//! ├ status ─────────────────────────────────┴───────────────────────────────┤
//! │ Enter ask  Tab pane  Ctrl-T trace  F1 help  Ctrl-Q quit                  │
//! └──────────────────────────────────────────────────────────────────────────┘
//! ```
//! The comparison is a page of its own, see `compare/`, and so are two answers side by side, see `beside/`.
//! Below 72 columns the side panel takes the chat's place when it is asked for; below 16 rows the header goes.

mod beside;
mod cache;
mod chat;
mod compare;
mod composer;
mod evidence;
mod exports;
mod field;
mod footer;
mod header;
mod help;
mod limit_bar;
mod limits;
mod overlay;
mod pair;
mod regions;
mod rendered;
mod section;
mod sessions;
mod side;
mod status;
mod trace;
mod transport;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};

pub use regions::Regions;
pub use rendered::Rendered;

use super::theme::Theme;
use crate::app::{App, Focus, Measured, Overlay, Page, Target};

/// Columns from which on chat and side panel stand beside each other.
const SIDE_BY_SIDE: u16 = 72;

/// What a frame told: where things are, how far can be scrolled.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    pub regions: Regions,
    pub measured: Measured,
}

/// Draws the whole state. `rendered` keeps what does not change from frame to frame.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, rendered: &mut Rendered) -> Drawn {
    let mut drawn = Drawn::default();
    rendered.follow(app.rewound);
    let area = frame.area();
    if area.is_empty() {
        return drawn;
    }
    let cursor = match app.page {
        Page::Chat => conversation(frame, area, app, theme, rendered, &mut drawn),
        Page::Compare => compare::render(frame.buffer_mut(), area, app, theme, &mut drawn),
        Page::Beside => beside::render(frame.buffer_mut(), area, app, theme, rendered, &mut drawn),
    };
    let buffer = frame.buffer_mut();
    match app.overlay {
        Some(Overlay::Help { top }) => help::render(buffer, area, app, top, theme, &mut drawn),
        Some(Overlay::Pair { hit, top }) => pair::render(buffer, area, app, hit, top, theme, &mut drawn),
        Some(Overlay::Compared { top }) => compare::document(buffer, area, app, top, theme, &mut drawn),
        Some(Overlay::Presets { at }) => compare::presets(buffer, area, at, theme, &mut drawn),
        Some(Overlay::Queries { at }) => compare::queries(buffer, area, app, at, theme, &mut drawn),
        Some(Overlay::Exports { at }) => exports::render(buffer, area, at, theme, &mut drawn),
        Some(Overlay::Sessions) => {
            if let Some(cursor) = sessions::render(buffer, area, app, theme, &mut drawn) {
                frame.set_cursor_position(cursor);
            }
        }
        None => {
            if let Some(cursor) = cursor {
                frame.set_cursor_position(cursor);
            }
        }
    }
    drawn
}

/// The panes of the chat; returns the cell of the cursor when text goes there.
fn conversation(
    frame: &mut Frame<'_>,
    area: Rect,
    app: &App,
    theme: &Theme,
    rendered: &mut Rendered,
    drawn: &mut Drawn,
) -> Option<Position> {
    let side_by_side = area.width >= SIDE_BY_SIDE;
    // A third for the evidence, wide enough for its bars, narrow enough to leave the answer a readable line.
    let side_width = if side_by_side {
        (area.width * 37 / 100).clamp(30, 56)
    } else {
        0
    };
    // A blank column parts the draft from the rule of the panel.
    let composer_width = area.width - side_width - u16::from(side_by_side);
    let composer_height = composer::height(app, composer_width, area.height);
    let [head, body, foot, line] = Layout::vertical([
        Constraint::Length(u16::from(area.height >= 16)),
        Constraint::Min(0),
        Constraint::Length(composer_height),
        Constraint::Length(u16::from(area.height >= 4)),
    ])
    .areas(area);

    drawn.measured.side_by_side = side_by_side;
    let side_only = !side_by_side && (app.side || app.focus == Focus::Evidence);
    let (chat_area, side_area, composer_area) = if side_by_side {
        // The panel reaches down beside the composer.
        let [left, right] =
            Layout::horizontal([Constraint::Min(0), Constraint::Length(side_width)]).areas(body.union(foot));
        let [chat_area, composer_area] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(composer_height)]).areas(left);
        let composer_area = Rect {
            width: composer_width.min(composer_area.width),
            ..composer_area
        };
        (chat_area, right, composer_area)
    } else if side_only {
        (Rect::ZERO, body, foot)
    } else {
        (body, Rect::ZERO, foot)
    };

    let buffer = frame.buffer_mut();
    header::render(buffer, head, app, theme);
    chat::render(buffer, chat_area, app, theme, rendered, drawn);
    side::render(buffer, side_area, app, theme, drawn);
    status::render(buffer, line, app, theme, drawn);
    let cursor = composer::render(buffer, composer_area, app, theme, drawn);
    cursor.filter(|_| app.focus == Focus::Composer && app.replay.is_none())
}

/// The cell of a position within an area, if it lies there.
fn inside(area: Rect, x: u16, y: u16) -> Option<Position> {
    let position = Position {
        x: area.x.checked_add(x)?,
        y: area.y.checked_add(y)?,
    };
    area.contains(position).then_some(position)
}

/// The target of everything in an overlay.
const OVERLAY: Target = Target::Overlay;

#[cfg(test)]
mod tests;

//! Two answers side by side on the whole screen.
//!
//! ```text
//! ┌ question ────────────────────────────────────────────────────────────────┐
//! │ ❯ What is impermanent loss?                                              │
//! ├ A gpt-4o-mini(temperature=0.2) ─────┬ B gpt-4o-mini(temperature=1) ──────┤
//! │ ⠹ answering · 24 tokens/s           │ ✓ answered · 31 tokens/s · $0.0003  │
//! │ Impermanent loss is ... [1]         │ It is what a provider loses ... [2] │
//! ├ Evidence of both ───────────────────┴─────────────────────────────────────┤
//! │  1  A    What is impermanent loss?                                        │
//! │  2    B  When does a pool position lose against holding?                  │
//! └──────────────────────────────────────────────────────────────────────────┘
//! ```
//! Below 72 columns the sides become tabs; below 20 rows the evidence goes.

mod evidence;
mod head;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::widgets::Widget as _;

use super::field::Field;
use super::{Drawn, Rendered, chat, header, section, status};
use crate::agent::event::SIDES;
use crate::app::beside::{Beside, Spot, Top, Typing};
use crate::app::{App, Composer, Seen, Target};
use crate::tui::theme::Theme;

/// Columns from which on the sides stand beside each other.
const SIDE_BY_SIDE: u16 = 72;
/// Columns between them.
const GAP: u16 = 3;

/// Draws the page; returns the cell of the cursor.
pub(super) fn render(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    theme: &Theme,
    rendered: &mut Rendered,
    drawn: &mut Drawn,
) -> Option<Position> {
    drawn.regions.add(area, Target::Beside(Spot::Page));
    let tabs = area.width < SIDE_BY_SIDE;
    let head_rows = match area.height {
        0..=5 => 0,
        6..=9 => 1,
        10..=15 => 2,
        _ => 3,
    };
    let [top, asked, heads, body, foot, line] = Layout::vertical([
        Constraint::Length(u16::from(area.height >= 16)),
        Constraint::Length(1),
        Constraint::Length(head_rows),
        Constraint::Min(0),
        Constraint::Length(evidence::wanted(app, area.height)),
        Constraint::Length(u16::from(area.height >= 3)),
    ])
    .areas(area);
    header::render(buffer, top, app, theme);
    let cursor = question(buffer, asked, app, theme, drawn);
    for (side, lane) in lanes(heads, app.beside.column, tabs) {
        head::render(buffer, lane, side, app, tabs, theme, drawn);
    }
    let mut answered = false;
    for (side, lane) in lanes(body, app.beside.column, tabs) {
        answered |= answer(buffer, lane, side, app, theme, rendered, drawn);
    }
    if !tabs {
        rule(buffer, body.union(heads), theme);
    }
    if !answered {
        let hint = "Write a question and press Enter: both sides answer it from the same evidence. An answer of a chat model may \
                    cost money. Esc, then e writes who answers: a model such as gpt-4o-mini(temperature=0.2), or extractive.";
        let inner = Rect {
            x: body.x + 1,
            width: body.width.saturating_sub(2),
            ..body
        };
        buffer.set_style(inner, theme.text);
        ratatui::widgets::Clear.render(body, buffer);
        section::lines(
            buffer,
            inner,
            section::wrapped(hint, usize::from(inner.width), theme.dim),
        );
    }
    evidence::render(buffer, foot, app, theme, drawn);
    status::render(buffer, line, app, theme, drawn);
    cursor
}

/// The sides that are seen, and the part of an area that each has.
fn lanes(area: Rect, selected: usize, tabs: bool) -> Vec<(usize, Rect)> {
    let inner = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    };
    if tabs {
        return vec![(selected, inner)];
    }
    let lane = inner.width.saturating_sub(GAP) / 2;
    (0..SIDES)
        .zip([inner.x, inner.right() - lane])
        .map(|(side, x)| {
            (
                side,
                Rect {
                    x,
                    width: lane,
                    ..inner
                },
            )
        })
        .collect()
}

fn rule(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    for row in area.rows() {
        buffer.set_string(row.x + row.width / 2, row.y, "│", theme.rule);
    }
}

/// The question line, or the side that is being written.
fn question(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    theme: &Theme,
    drawn: &mut Drawn,
) -> Option<Position> {
    let beside = &app.beside;
    let (prompt, written, typed): (String, &Composer, bool) = match &beside.typing {
        Typing::Side(side) => (format!(" {} = ", Beside::letter(beside.column)), side, true),
        Typing::Question => (" ❯ ".to_owned(), &beside.question, true),
        Typing::Nothing => (" ❯ ".to_owned(), &beside.question, false),
    };
    let field = Field {
        prompt: &prompt,
        written,
        typed,
        hint: "Ask a DeFi question",
        right: "",
        target: Target::Beside(Spot::Question { column: 0 }),
    };
    field.render(buffer, area, theme, drawn)
}

/// The answer of a side, with where its run stands below it; whether there is one.
fn answer(
    buffer: &mut Buffer,
    area: Rect,
    side: usize,
    app: &App,
    theme: &Theme,
    rendered: &mut Rendered,
    drawn: &mut Drawn,
) -> bool {
    let Some(entry) = app.side(side) else { return false };
    if area.is_empty() {
        return true;
    }
    drawn.regions.add(area, Target::Beside(Spot::Text(side)));
    let width = usize::from(area.width);
    let state = || chat::state(entry, app, theme);
    let block = rendered.block(entry.run, &entry.exchange, width, theme, state);
    // The question stands above both, what it is read as stays.
    let first = block.below_question();
    let (height, lines) = (usize::from(area.height), block.height().saturating_sub(first));
    let last = lines.saturating_sub(height);
    let top = match app.beside.tops[side] {
        Top::End => last,
        Top::Line(line) => line.min(last),
    };
    drawn.measured.sides[side] = Seen { top, lines, height };
    for (row, n) in area.rows().zip(first + top..block.height()) {
        if let Some(line) = block.line(n) {
            line.render(row, buffer);
        }
        for citation in block.citations(n) {
            let number = usize::from(citation.number);
            if number == 0 || number > entry.exchange.hits.len() {
                continue;
            }
            let cell = chat::cells(citation, row);
            let hit = number - 1;
            if entry.evidence == Some(hit) {
                buffer.set_style(cell, theme.citation_selected);
            }
            drawn
                .regions
                .add(cell, Target::Beside(Spot::Citation { side, hit }));
        }
    }
    true
}

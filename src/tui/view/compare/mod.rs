//! The comparison on the whole screen.
//!
//! ```text
//! ┌ query ───────────────────────────────────────────────────────────────────┐
//! │ ❯ someone bought just before me                                          │
//! ├ A hybrid ────────────┬──────────┬ B dense ─────────────┬─ ...            │
//! │ fused 0..1 · k 10    │          │ cosine · k 10        │                 │
//! │ embed 9 · fuse 0 ms  │          │ embed (9) ms         │                 │
//! │ ▸ 1    0.912 +0.080  │⠒⠒⠢⢄⣀⠤⠒⠒│  1 ▲1 0.731 +0.020    │                 │
//! │   What is a sandwich │⠒⠒⠊⠑⠒⠤⠤⠤│   How are blocks ...   │                 │
//! ├──────────────────────┴──────────┴──────────────────────┴─────────────────┤
//! │ A and B, first 10: overlap@10 0.60 (6) · Jaccard 0.43 · RBO 0.71 · tau-b │
//! │ mev-sandwich: A 1 · B 2, down 1 · C gone (17)                            │
//! └──────────────────────────────────────────────────────────────────────────┘
//! ```
//! From 100 columns on, lines join the places of a document in neighbouring columns. Columns that do not fit beside
//! each other become tabs.

mod cell;
mod connectors;
mod document;
mod foot;
mod head;
mod layout;
mod presets;
mod queries;
mod query;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};

pub(super) use document::render as document;
pub(super) use presets::render as presets;
pub(super) use queries::render as queries;

use super::{Drawn, header, section, status};
use crate::app::compare::{Found, Place, Progress, Spot};
use crate::app::{App, Target};
use crate::tui::theme::Theme;
use connectors::{Link, Weight};
use layout::{Columns, Spread};

/// Draws the page; returns the cell of the cursor.
pub(super) fn render(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    theme: &Theme,
    drawn: &mut Drawn,
) -> Option<Position> {
    drawn.regions.add(area, Target::Compare(Spot::Page));
    let spread = Spread::of(area.width, app.compare.retrievers.len(), app.compare.column);
    let head_rows = match area.height {
        0..=9 => 0,
        10..=17 => 1,
        _ => 4,
    };
    let foot_rows = match area.height {
        0..=7 => 0,
        8..=17 => 1,
        _ => 3,
    };
    let [top, asked, tabs, heads, body, foot, line] = Layout::vertical([
        Constraint::Length(u16::from(area.height >= 16)),
        Constraint::Length(1),
        Constraint::Length(u16::from(spread.has_tabs() && area.height >= 5)),
        Constraint::Length(head_rows),
        Constraint::Min(0),
        Constraint::Length(foot_rows),
        Constraint::Length(u16::from(area.height >= 3)),
    ])
    .areas(area);
    header::render(buffer, top, app, theme);
    let cursor = query::render(buffer, asked, app, theme, drawn);
    head::tabs(buffer, tabs, app, theme, drawn);
    let columns = spread.columns(heads.x, heads.width);
    head::render(buffer, heads, &columns, app, theme, drawn);
    match (&app.compare.progress, &app.compare.found) {
        (Progress::Failed(why), _) => {
            let why = section::wrapped(why, usize::from(body.width), theme.bad);
            section::lines(buffer, body, why);
        }
        (_, Some(found)) if found.comparison.columns.len() == app.compare.retrievers.len() => {
            places(buffer, body, &columns, app, found, theme, drawn);
            foot::render(buffer, foot, app, found, theme);
        }
        (Progress::Searching, _) => {
            section::lines(
                buffer,
                body,
                section::wrapped("Searching...", usize::from(body.width), theme.dim),
            );
        }
        (Progress::Idle, _) => {
            let hint =
                "Write a query and press Enter: its documents stand here, a column for each retriever.";
            section::lines(
                buffer,
                body,
                section::wrapped(hint, usize::from(body.width), theme.dim),
            );
        }
    }
    status::render(buffer, line, app, theme, drawn);
    cursor
}

/// The documents of every column that is seen, and the lines between them.
fn places(
    buffer: &mut Buffer,
    body: Rect,
    columns: &Columns,
    app: &App,
    found: &Found,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    if body.is_empty() {
        return;
    }
    if found.comparison.rows.is_empty() {
        let none = "No pair shares a word or a meaning with this query.";
        section::lines(
            buffer,
            body,
            section::wrapped(none, usize::from(body.width), theme.dim),
        );
        return;
    }
    let lists: Vec<Vec<Place>> = columns
        .all
        .iter()
        .map(|(column, _)| found.places(*column))
        .collect();
    let lines = lines_each(&lists, usize::from(body.height));
    drawn.measured.compare_places = (usize::from(body.height) / lines).max(1);
    let selected = app.compare.selected_row();
    let own = columns.all.iter().zip(&lists);
    let own = own.clone().find(|((column, _), _)| *column == app.compare.column);
    let own = own.map_or(&[][..], |(_, list)| list.as_slice());
    let at = own.iter().position(|place| Some(place.row) == selected);
    let first = first_place(
        own,
        at.unwrap_or(app.compare.place),
        lines,
        usize::from(body.height),
    );
    let standing: Vec<Vec<Standing>> = lists
        .iter()
        .map(|list| standing(list, first, lines, body.height))
        .collect();
    for ((column, lane), list) in columns.all.iter().zip(&standing) {
        for at in list {
            let area = Rect {
                x: lane.x,
                width: lane.width,
                y: body.y + at.line,
                height: at.height,
            }
            .intersection(body);
            let cell = cell::Drawn {
                found,
                compare: &app.compare,
                column: *column,
                place: at.place,
                lines: usize::from(at.height),
                width: usize::from(area.width),
            };
            section::lines(buffer, area, cell.lines(theme));
            if Some(at.place.row) == selected {
                buffer.set_style(area, theme.row_selected);
            }
            let spot = Spot::Document {
                column: *column,
                row: at.place.row,
            };
            drawn.regions.add(area, Target::Compare(spot));
        }
    }
    for ((gap, left), right) in columns.gaps.iter().zip(&standing).zip(standing.iter().skip(1)) {
        let gap = Rect {
            y: body.y,
            height: body.height,
            ..*gap
        };
        if !columns.linked {
            layout::rule(buffer, gap, theme);
            continue;
        }
        let links = left.iter().filter_map(|from| {
            let to = right.iter().find(|to| to.place.row == from.place.row)?;
            let weight = match found.comparison.rows.get(from.place.row) {
                Some(_) if Some(from.place.row) == selected => Weight::Selected,
                Some(row) if app.compare.is_pinned(&row.id) => Weight::Pinned,
                // Where a document is gone its line says little and crosses much.
                _ if from.place.gone || to.place.gone => return None,
                _ => Weight::Plain,
            };
            Some(Link {
                left: from.line,
                right: to.line,
                weight,
            })
        });
        connectors::render(buffer, gap, links.collect(), theme);
    }
}

/// A place that is seen: its line within the column.
struct Standing {
    place: Place,
    line: u16,
    height: u16,
}

/// Lines that a place takes: one that is gone needs no more than its name.
fn height(place: Place, lines: usize) -> usize {
    if place.gone { 1 } else { lines }
}

/// The first place that is seen, so that the place `at` of the list is.
fn first_place(list: &[Place], at: usize, lines: usize, room: usize) -> usize {
    let at = at.min(list.len().saturating_sub(1));
    let mut used = 0;
    for (place, standing) in list.iter().enumerate().take(at + 1).rev() {
        used += height(*standing, lines);
        if used > room {
            return (place + 1).min(at);
        }
    }
    0
}

/// What is seen of a list from a place on.
fn standing(list: &[Place], first: usize, lines: usize, room: u16) -> Vec<Standing> {
    let mut seen = Vec::new();
    let mut line = 0;
    for place in list.iter().skip(first) {
        if line >= room {
            break;
        }
        let wanted = u16::try_from(height(*place, lines)).unwrap_or(1);
        let height = wanted.min(room - line);
        seen.push(Standing {
            place: *place,
            line,
            height,
        });
        line += height;
    }
    seen
}

/// Lines of a document: its figures, its question, why it is there; as many of them as leave room for all documents.
fn lines_each(lists: &[Vec<Place>], room: usize) -> usize {
    let fits = |lines: usize| {
        let needs = lists
            .iter()
            .map(|list| list.iter().map(|place| height(*place, lines)).sum::<usize>());
        needs.max().unwrap_or(0) <= room
    };
    match room {
        0..=7 => 1,
        _ if fits(3) => 3,
        _ => 2,
    }
}

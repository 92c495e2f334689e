//! The last row: what went wrong, else the keys that matter now, read from the keymap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::{Drawn, transport};
use crate::app::beside::{self, BesideCommand};
use crate::app::compare::CompareCommand;
use crate::app::keymap::{Binding, Command, Context, bindings};
use crate::app::sessions::SessionsCommand;
use crate::app::{App, Entry, Overlay, Page, Replay, Target, Transport};
use crate::text;
use crate::tui::theme::Theme;

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, drawn: &mut Drawn) {
    if area.is_empty() {
        return;
    }
    let area = mark(buffer, area, app, theme);
    let width = usize::from(area.width).saturating_sub(1);
    if let Some(notice) = &app.notice {
        let style = if notice.bad { theme.warn } else { theme.good };
        let said = text::sanitize_line(&notice.text);
        let said = text::truncate(&said, width).into_owned();
        Line::from(vec![Span::raw(" "), Span::styled(said, style)]).render(area, buffer);
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    if let Some(replay) = app.replay.as_ref().filter(|_| app.overlay.is_none()) {
        let lead = transport::lead(replay, width, theme);
        if let Some(bar) = lead.bar {
            let cells = Rect {
                x: area
                    .x
                    .saturating_add(u16::try_from(bar.start).unwrap_or(u16::MAX)),
                width: u16::try_from(bar.len()).unwrap_or(0),
                ..area
            };
            drawn.regions.add(
                cells.intersection(area),
                Target::Tape {
                    column: 0,
                    columns: 0,
                },
            );
        }
        used = transport::wide(&lead.spans);
        spans = lead.spans;
    }
    for (key, hint) in hints(app) {
        let wide = text::width(&key) + text::width(hint) + 3;
        if used + wide > width + 2 {
            break;
        }
        used += wide;
        spans.push(Span::styled(key, theme.key));
        spans.push(Span::styled(format!(" {hint}  "), theme.dim));
    }
    Line::from(spans).render(area, buffer);
}

/// Marks at the end of the row that what happens is recorded; returns what is left of it.
fn mark(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) -> Rect {
    if app.recording.is_none() {
        return area;
    }
    let said = Line::from(Span::styled("● rec ", theme.bad)).right_aligned();
    said.render(area, buffer);
    Rect {
        width: area.width.saturating_sub(7),
        ..area
    }
}

/// The keys that do something now, the most wanted first.
fn hints(app: &App) -> Vec<(String, &'static str)> {
    let context = app.context();
    let matters = |binding: &&Binding| match binding.command {
        Command::Escape if binding.context == Context::Global => {
            app.overlay.is_some() || app.page != Page::Chat || app.cancellable().is_some()
        }
        Command::OpenPair | Command::Copy if app.page == Page::Compare => app.compare.found.is_some(),
        Command::Copy if app.page == Page::Beside => !app.beside.question.is_blank(),
        Command::Beside(BesideCommand::Cancel) => app.side(app.beside.column).is_some_and(Entry::is_live),
        Command::Beside(BesideCommand::Again) => !app.beside.question.is_blank(),
        Command::Beside(BesideCommand::Open) => app.page == Page::Chat && app.overlay.is_none(),
        Command::OpenPair => app.current().is_some_and(|entry| !entry.exchange.hits.is_empty()),
        Command::Retry | Command::Copy => app.current().is_some_and(|entry| !entry.is_live()),
        Command::PreviousExchange => match app.overlay {
            None => app.entries.len() > 1,
            Some(overlay) => matches!(overlay, Overlay::Pair { .. } | Overlay::Compared { .. }),
        },
        // What lies over the panes hides them.
        Command::FocusNext | Command::ToggleTrace => app.overlay.is_none() && app.page == Page::Chat,
        Command::Compare(CompareCommand::Open) => {
            app.page == Page::Chat && app.overlay.is_none() && app.replay.is_none()
        }
        Command::Sessions(SessionsCommand::Accept) => app.sessions.marked().is_some(),
        Command::Sessions(SessionsCommand::Undo) => app.sessions.can_undo(),
        Command::Sessions(SessionsCommand::Rename | SessionsCommand::Delete | SessionsCommand::Export) => {
            app.sessions.naming.is_none() && app.sessions.marked().is_some()
        }
        Command::Help => !matches!(app.overlay, Some(Overlay::Help { .. })),
        _ => true,
    };
    let of = |context: Context| {
        bindings()
            .filter(move |binding| binding.context == context)
            .filter(matters)
            .filter_map(|binding| Some((binding, binding.hint?)))
    };
    let replays = app.replay.is_some() && app.overlay.is_none();
    let own = if replays { Context::Replay } else { context };
    of(own)
        .chain(of(Context::Global))
        .map(|(binding, hint)| {
            let hint = match binding.command {
                Command::Transport(Transport::Pause) if !app.replay.as_ref().is_some_and(Replay::playing) => {
                    "play"
                }
                Command::Sessions(SessionsCommand::Accept) if app.sessions.naming.is_some() => "take over",
                Command::Escape if app.overlay.is_some() => "close",
                Command::Escape
                    if app.page == Page::Beside
                        && app.side(app.beside.column).is_some_and(Entry::is_live) =>
                {
                    "cancel"
                }
                Command::Escape if app.page != Page::Chat => "back",
                Command::Beside(BesideCommand::Accept)
                    if matches!(app.beside.typing, beside::Typing::Question) =>
                {
                    "ask"
                }
                _ => hint,
            };
            (binding.key(), hint)
        })
        .collect()
}

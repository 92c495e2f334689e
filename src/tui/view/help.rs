//! The keys, printed from the keymap itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Drawn, overlay, section};
use crate::app::keymap::{Context, bindings};
use crate::app::{App, Page};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::wrap::wrap_spans;

/// Columns of the keys.
const KEYS: usize = 22;

pub(super) fn render(
    buffer: &mut Buffer,
    screen: Rect,
    app: &App,
    top: usize,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    let area = overlay::area(screen, 78);
    let lines = lines(app.page, overlay::text_width(area), theme);
    overlay::render(buffer, area, "Keys", lines, top, theme, drawn);
}

/// The parts of the help, those of the page that is shown first.
fn sections(page: Page) -> Vec<(Context, &'static str)> {
    let chat = [
        (Context::Composer, "While writing"),
        (Context::Chat, "In the chat"),
        (Context::Evidence, "In the evidence"),
    ];
    let compare = [
        (Context::Compare, "In the comparison"),
        (Context::CompareText, "While writing its query or a retriever"),
        (Context::Presets, "In its presets"),
        (Context::Queries, "In its judged queries"),
    ];
    let beside = [
        (Context::Beside, "In the answers side by side"),
        (Context::BesideText, "While writing their question or who answers"),
    ];
    let shared = [
        (Context::Overlay, "In help and an open pair"),
        (Context::Sessions, "In the list of sessions"),
        (Context::Replay, "In a replay"),
        (Context::Global, "Everywhere"),
    ];
    let pages: [&[_]; 3] = match page {
        Page::Chat => [&chat, &compare, &beside],
        Page::Compare => [&compare, &chat, &beside],
        Page::Beside => [&beside, &chat, &compare],
    };
    let [first, then @ ..] = pages;
    let then = then.into_iter().flatten();
    first.iter().chain(&shared).chain(then).copied().collect()
}

fn lines(page: Page, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let sections = sections(page);
    let keys_width = KEYS.min(width / 2);
    let mut lines = Vec::new();
    for (context, title) in sections {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(
            text::truncate(title, width).into_owned(),
            theme.strong,
        ));
        for (keys, help) in rows(context) {
            let keys = Span::styled(text::fit(&keys, keys_width) + " ", theme.key);
            let below = Span::raw(" ".repeat(keys_width + 1));
            lines.extend(wrap_spans(&[Span::raw(help)], &keys, &below, width));
        }
    }
    lines.push(Line::default());
    let mouse = match page {
        Page::Chat => "Mouse: click a citation, an evidence row, a pane; the wheel scrolls.",
        Page::Beside => {
            "Mouse: click a side, a citation, a row of the evidence (twice opens it), the question; the wheel scrolls the side below \
             it. A letter before a row of the evidence: that side cites it. ~ before a rate: counted in pieces, until the server \
             says its tokens."
        }
        Page::Compare => {
            "Mouse: click a document (twice opens it), a column's head, the query; the wheel moves along the ranks. \
             ▲2: two places up against column A, ▼1: one down, =: the same place, new: A does not show it, gone: A shows it \
             and this column does not, only here: no other column shows it. +0.080 behind a score: its lead over the next. \
             A time in brackets was spent before."
        }
    };
    lines.extend(section::wrapped(mouse, width, theme.dim));
    lines
}

/// Keys that do the same in one context share a row.
fn rows(context: Context) -> Vec<(String, &'static str)> {
    let mut rows: Vec<(Vec<String>, &'static str)> = Vec::new();
    for binding in bindings().filter(|binding| binding.context == context) {
        match rows.iter_mut().find(|(_, help)| *help == binding.help) {
            Some((keys, _)) => keys.push(binding.key()),
            None => rows.push((vec![binding.key()], binding.help)),
        }
    }
    rows.into_iter()
        .map(|(keys, help)| match keys.as_slice() {
            [first, .., last] if keys.len() > 3 => (format!("{first} .. {last}"), help),
            _ => (keys.join(", "), help),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binding_is_in_the_help() {
        for (context, _) in sections(Page::Chat) {
            let rows = rows(context);
            for binding in bindings().filter(|binding| binding.context == context) {
                assert!(
                    rows.iter().any(|(_, help)| *help == binding.help),
                    "{} is missing in {context:?}",
                    binding.key()
                );
            }
        }
        assert!(rows(Context::Evidence).contains(&("1 .. 9".to_owned(), "select evidence 1 to 9")));
    }
}

//! The lines of each question and answer, kept from frame to frame: only what changed is rendered again.

use std::collections::HashMap;

use ratatui::text::Line;

use super::section;
use crate::agent::event::{Exchange, RunId};
use crate::text;
use crate::tui::markdown::{MarkdownStyles, Rendered as Markdown, StreamingMarkdown};
use crate::tui::theme::Theme;

/// The kept lines, by run.
#[derive(Debug, Default)]
pub struct Rendered {
    entries: HashMap<RunId, Kept>,
}

#[derive(Debug)]
struct Kept {
    width: usize,
    question: Vec<Line<'static>>,
    /// Bytes of the raw answer that `answer` was rendered from, and whether the run had ended by then.
    seen: (usize, bool),
    answer: StreamingMarkdown,
}

impl Rendered {
    /// The lines of a question and of its answer so far, `width` columns wide.
    pub(super) fn of(
        &mut self,
        run: RunId,
        exchange: &Exchange,
        width: usize,
        theme: &Theme,
    ) -> (&[Line<'static>], &Markdown) {
        let kept = self.entries.entry(run).or_insert_with(|| Kept {
            width,
            question: question(exchange, width, theme),
            seen: (0, false),
            answer: StreamingMarkdown::new(width, markdown_styles(theme)),
        });
        if kept.width != width {
            kept.width = width;
            kept.question = question(exchange, width, theme);
            kept.answer.set_columns(width);
        }
        // The answer only grows, so its length tells whether it changed. It is sanitised as a whole: an escape sequence
        // may be cut in two by the pieces it came in.
        let now = (exchange.answer.len(), exchange.phase.ended());
        if kept.seen != now {
            kept.seen = now;
            kept.answer.set(&text::sanitize(&exchange.answer));
            if exchange.phase.ended() {
                kept.answer.finish();
            }
        }
        (&kept.question, kept.answer.rendered())
    }
}

fn question(exchange: &Exchange, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    text::sanitize(&exchange.question)
        .lines()
        .flat_map(|line| section::wrapped(line, width, theme.strong))
        .collect()
}

/// The theme's styles for rendered Markdown.
pub(super) fn markdown_styles(theme: &Theme) -> MarkdownStyles {
    MarkdownStyles {
        text: theme.text,
        strong: theme.strong,
        emphasis: theme.text.add_modifier(ratatui::style::Modifier::ITALIC),
        code: theme.code,
        heading: theme.accent.add_modifier(ratatui::style::Modifier::BOLD),
        quote: theme.dim,
        link: theme.accent.add_modifier(ratatui::style::Modifier::UNDERLINED),
        citation: theme.citation,
        rule: theme.rule,
    }
}

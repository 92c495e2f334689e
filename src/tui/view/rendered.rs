//! The lines of each question and answer, kept from frame to frame: only what changed is rendered again.

use std::collections::HashMap;

use ratatui::style::Style;
use ratatui::text::Line;

use super::section;
use crate::agent::event::{Exchange, RunId};
use crate::text;
use crate::tui::markdown::{CitationSpan, MarkdownStyles, StreamingMarkdown};
use crate::tui::theme::Theme;

/// The kept blocks, by run.
#[derive(Debug, Default)]
pub struct Rendered {
    blocks: HashMap<RunId, Block>,
    /// How often the application had been rewound when they were rendered.
    rewound: usize,
}

impl Rendered {
    /// Forgets all blocks when a recording was rewound: a block knows an answer that only grows.
    pub(super) fn follow(&mut self, rewound: usize) {
        if self.rewound != rewound {
            self.blocks.clear();
            self.rewound = rewound;
        }
    }

    /// The block of a run as it stands now, `width` columns wide. `state` says where the run stands; it is asked for
    /// every time while the run goes on, and once after its end.
    pub(super) fn block(
        &mut self,
        run: RunId,
        exchange: &Exchange,
        width: usize,
        theme: &Theme,
        state: impl FnOnce() -> Vec<(String, Style)>,
    ) -> &mut Block {
        let block = self.blocks.entry(run).or_insert_with(|| Block::new(width, theme));
        block.refresh(exchange, width, theme, state);
        block
    }

    /// The block of a run as it was asked for last.
    pub(super) fn kept(&mut self, run: RunId) -> Option<&mut Block> {
        self.blocks.get_mut(&run)
    }
}

/// A question, its answer and where the run stands, one below the other with a blank line between and after them.
#[derive(Debug)]
pub(super) struct Block {
    width: usize,
    question: Vec<Line<'static>>,
    answer: StreamingMarkdown,
    state: Vec<Line<'static>>,
    /// Bytes of the raw question (as asked and as read) and of the answer that this was rendered from, and whether the run had ended by then.
    seen: Option<(usize, usize, bool)>,
    height: usize,
}

impl Block {
    fn new(width: usize, theme: &Theme) -> Self {
        Self {
            width,
            question: Vec::new(),
            answer: StreamingMarkdown::new(width, markdown_styles(theme)),
            state: Vec::new(),
            seen: None,
            height: 0,
        }
    }

    fn refresh(
        &mut self,
        exchange: &Exchange,
        width: usize,
        theme: &Theme,
        state: impl FnOnce() -> Vec<(String, Style)>,
    ) {
        let ended = exchange.phase.ended();
        // Both texts only grow, or are replaced once by their clean form, so their lengths tell whether they changed.
        let read = exchange.read.as_ref().map_or(0, String::len);
        let now = (exchange.question.len() + read, exchange.answer.len(), ended);
        let unchanged = self.width == width && self.seen == Some(now);
        if unchanged && ended {
            return;
        }
        if !unchanged {
            self.width = width;
            self.seen = Some(now);
            self.question = question(exchange, width, theme);
            // The answer is sanitised as a whole: an escape sequence may be cut in two by the pieces it came in.
            self.answer.set_columns(width);
            self.answer.set(&text::sanitize(&exchange.answer));
            if ended {
                self.answer.finish();
            }
        }
        self.state = state()
            .into_iter()
            .flat_map(|(said, style)| section::wrapped(&said, width, style))
            .collect();
        let answer = self.answer.rendered().lines.len();
        self.height = self.question.len() + 1 + answer + usize::from(answer > 0) + self.state.len() + 1;
    }

    /// Lines, the blank one at the end included.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// The line with this index; `None` for a blank one.
    pub(super) fn line(&mut self, index: usize) -> Option<&Line<'static>> {
        if index < self.question.len() {
            return self.question.get(index);
        }
        let first = self.question.len() + 1;
        let answer = &self.answer.rendered().lines;
        let below = first + answer.len() + usize::from(!answer.is_empty());
        match index.checked_sub(below) {
            Some(index) => self.state.get(index),
            None => answer.get(index.checked_sub(first)?),
        }
    }

    /// The citations in the line with this index.
    pub(super) fn citations(&mut self, index: usize) -> &[CitationSpan] {
        let Some(line) = index.checked_sub(self.question.len() + 1) else {
            return &[];
        };
        let all = &self.answer.rendered().citations;
        let from = all.partition_point(|citation| citation.line < line);
        let to = all.partition_point(|citation| citation.line <= line);
        &all[from..to]
    }
}

fn question(exchange: &Exchange, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let asked = text::sanitize(&exchange.question);
    let asked = asked
        .lines()
        .flat_map(|line| section::wrapped(line, width, theme.strong));
    // A rule that guesses what was meant is seen doing so.
    let read = exchange.read.iter().flat_map(|read| {
        section::wrapped(
            &format!("read as: {}", text::sanitize_line(read)),
            width,
            theme.dim,
        )
    });
    asked.chain(read).collect()
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

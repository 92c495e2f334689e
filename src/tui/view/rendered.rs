//! The lines of each question and answer, kept from frame to frame: only what changed is rendered again.

use std::collections::HashMap;

use ratatui::style::Style;
use ratatui::text::Line;

use super::section;
use crate::agent::event::{Exchange, RunId};
use crate::app::Beside;
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
    /// How many of its lines are the question as it was asked.
    asked: usize,
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
            asked: 0,
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
        let read_as = exchange.read.as_ref().map_or(0, String::len);
        let side = exchange.setup.side.as_ref().map_or(0, |side| side.spec.len());
        let now = (
            exchange.question.len() + read_as + side,
            exchange.answer.len(),
            ended,
        );
        let unchanged = self.width == width && self.seen == Some(now);
        if unchanged && ended {
            return;
        }
        if !unchanged {
            self.width = width;
            self.seen = Some(now);
            self.question = asked(exchange, width, theme);
            self.asked = self.question.len();
            self.question.extend(read(exchange, width, theme));
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

    /// The first line that is not the question as it was asked: what it is read as, else the answer.
    pub(super) fn below_question(&self) -> usize {
        let blank = usize::from(self.question.len() == self.asked);
        self.asked + blank
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

/// The question as it was asked, and of answers side by side who answers here.
fn asked(exchange: &Exchange, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let asked = text::sanitize(&exchange.question);
    let asked = asked
        .lines()
        .flat_map(|line| section::wrapped(line, width, theme.strong));
    let side = exchange.setup.side.iter().flat_map(|side| {
        let said = format!(
            "{} of two side by side: {}",
            Beside::letter(side.place),
            side.spec
        );
        section::wrapped(&said, width, theme.accent)
    });
    asked.chain(side).collect()
}

/// What it is read as, and by whom: whoever guesses what was meant is seen doing so.
fn read(exchange: &Exchange, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(read) = &exchange.read else {
        return Vec::new();
    };
    let by = match exchange.read_by.as_deref() {
        None => String::new(),
        Some("rule") => " (by rule)".to_owned(),
        Some(model) => format!(" (by {model})"),
    };
    section::wrapped(&format!("read as: {read}{by}"), width, theme.dim)
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

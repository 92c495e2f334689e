//! The questions and answers, the newest at the end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget as _;

use super::rendered::Rendered;
use super::{Drawn, section};
use crate::agent::event::{Outcome, Phase, Stage};
use crate::app::{Anchor, App, Entry, Focus, Loading, Target};
use crate::text;
use crate::tui::theme::Theme;

/// Columns left of the text: the bar that marks the selected question, and a space.
const GUTTER: u16 = 2;
const SPINNER: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// What a new user can ask.
const EXAMPLES: [&str; 4] = [
    "What is impermanent loss?",
    "How does a liquidation on Aave v3 work?",
    "stETH or rETH, what is the difference?",
    "Why did UST lose its peg?",
];

pub(super) fn render(
    buffer: &mut Buffer,
    area: Rect,
    app: &App,
    theme: &Theme,
    rendered: &mut Rendered,
    drawn: &mut Drawn,
) {
    if area.is_empty() {
        return;
    }
    drawn.regions.add(area, Target::Chat);
    let gutter = GUTTER.min(area.width.saturating_sub(1));
    let inner = Rect {
        x: area.x + gutter,
        width: (area.width - gutter).saturating_sub(1).max(1),
        ..area
    };
    if app.entries.is_empty() {
        welcome(buffer, inner, app, theme);
        return;
    }
    let width = usize::from(inner.width);
    let height = usize::from(inner.height);
    let blocks: Vec<Block<'_>> = app
        .entries
        .iter()
        .enumerate()
        .map(|(index, entry)| block(index, entry, app, width, theme, rendered))
        .collect();
    let total: usize = blocks.iter().map(Block::height).sum();
    let last = total.saturating_sub(height);
    let top = match app.anchor {
        Anchor::End => last,
        Anchor::Line(line) => line.min(last),
        Anchor::Entry(run) => {
            let before = app.entries.iter().take_while(|entry| entry.run != run).count();
            blocks
                .iter()
                .take(before)
                .map(Block::height)
                .sum::<usize>()
                .min(last)
        }
    };
    drawn.measured.chat_top = top;
    drawn.measured.chat_lines = total;
    drawn.measured.chat_height = height;

    let mut skip = top;
    let mut rows = inner.rows();
    for block in blocks {
        let marked = app.selected == Some(block.index);
        let bar = if marked { bar_style(app, theme) } else { theme.rule };
        let skipped = skip.min(block.height());
        skip -= skipped;
        for (n, line) in block.lines.into_iter().enumerate().skip(skipped) {
            let Some(row) = rows.next() else { return };
            if gutter > 0 && block.bar.contains(&n) {
                buffer.set_string(area.x, row.y, if marked { "▌" } else { "│" }, bar);
            }
            line.render(row, buffer);
            drawn.regions.add(row, Target::Entry(block.index));
            for (number, columns) in block.citations.iter().filter(|(_, at)| at.line == n) {
                let cell = Rect {
                    x: row.x + columns.start,
                    y: row.y,
                    width: columns.end - columns.start,
                    height: 1,
                }
                .intersection(row);
                if block.highlighted == Some(*number) {
                    buffer.set_style(cell, theme.citation_selected);
                }
                drawn.regions.add(
                    cell,
                    Target::Citation {
                        entry: block.index,
                        number: *number,
                    },
                );
            }
        }
    }
}

fn bar_style(app: &App, theme: &Theme) -> Style {
    if app.focus == Focus::Chat {
        theme.key
    } else {
        theme.accent
    }
}

/// A question with its answer as lines.
struct Block<'a> {
    index: usize,
    lines: Vec<Line<'a>>,
    /// The lines that have a bar beside them.
    bar: std::ops::Range<usize>,
    citations: Vec<(usize, Columns)>,
    /// The number whose evidence row is selected.
    highlighted: Option<usize>,
}

struct Columns {
    line: usize,
    start: u16,
    end: u16,
}

impl Block<'_> {
    fn height(&self) -> usize {
        self.lines.len()
    }
}

fn block<'a>(
    index: usize,
    entry: &'a Entry,
    app: &App,
    width: usize,
    theme: &Theme,
    rendered: &mut Rendered,
) -> Block<'a> {
    let (question, answer) = rendered.of(entry.run, &entry.exchange, width, theme);
    let mut lines: Vec<Line<'a>> = question.to_vec();
    lines.push(Line::default());
    let first = lines.len();
    lines.extend(answer.lines.iter().cloned());
    let hits = entry.exchange.hits.len();
    let citations = answer
        .citations
        .iter()
        .filter(|citation| (1..=hits).contains(&usize::from(citation.number)))
        .map(|citation| {
            let clamp = |column: usize| u16::try_from(column).unwrap_or(u16::MAX);
            (
                usize::from(citation.number),
                Columns {
                    line: first + citation.line,
                    start: clamp(citation.column_start),
                    end: clamp(citation.column_end),
                },
            )
        })
        .collect();
    if lines.len() > first {
        lines.push(Line::default());
    }
    lines.extend(state(entry, app, width, theme));
    let bar = 0..lines.len();
    lines.push(Line::default());
    Block {
        index,
        lines,
        bar,
        citations,
        highlighted: entry.evidence.map(|row| row + 1),
    }
}

/// Where the run stands, below its text.
fn state(entry: &Entry, app: &App, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let exchange = &entry.exchange;
    let elapsed = (app.now_ms - entry.asked_ms).max(0.0);
    let spinner = SPINNER[(app.now_ms / 100.0) as usize % SPINNER.len()];
    let running = |what: String| {
        (
            format!("{spinner} {what}  {}", section::duration(elapsed)),
            theme.accent,
        )
    };
    let (said, style) = match &exchange.phase {
        Phase::Queued => running("starting".to_owned()),
        Phase::Working(stage) => running(doing(*stage).to_owned()),
        Phase::Waiting(_, on) => running(format!("waiting for {on}")),
        Phase::Retrying {
            why,
            wait_ms,
            since_ms,
            attempt,
        } => {
            let left = (wait_ms - (elapsed - since_ms)).max(0.0);
            running(format!("{}: try {attempt} in {}", why, section::duration(left)))
        }
        Phase::Streaming => running("answering".to_owned()),
        Phase::Done(outcome) => done(entry, *outcome, theme),
        Phase::Failed {
            stage,
            message,
            retryable,
        } => {
            let kept = if exchange.answer.is_empty() {
                ""
            } else {
                " What came so far is kept."
            };
            let again = if *retryable {
                " Press r in the chat to ask again."
            } else {
                ""
            };
            (
                format!("✗ {} failed: {message}.{kept}{again}", stage.name()),
                theme.bad,
            )
        }
        Phase::Cancelled if exchange.answer.is_empty() => ("■ cancelled".to_owned(), theme.warn),
        Phase::Cancelled => ("■ cancelled: the text above is incomplete".to_owned(), theme.warn),
    };
    section::wrapped(&said, width, style)
}

fn done(entry: &Entry, outcome: Outcome, theme: &Theme) -> (String, Style) {
    let exchange = &entry.exchange;
    let mut facts = Vec::new();
    match exchange.citations.len() {
        0 => {}
        1 => facts.push("1 pair cited".to_owned()),
        n => facts.push(format!("{n} pairs cited")),
    }
    facts.push(section::duration(exchange.at_ms));
    if let Some(usage) = exchange.usage {
        facts.push(format!("{} tokens", usage.total_tokens));
    }
    if let Some(note) = &exchange.note {
        facts.push(note.clone());
    }
    let (mark, word, style) = match outcome {
        Outcome::Answered => ("✓", "answered", theme.good),
        Outcome::Conversed => ("✓", "answered without evidence", theme.good),
        Outcome::Declined => ("○", "declined", theme.warn),
        Outcome::Partial => ("◐", "incomplete", theme.warn),
        Outcome::Failed | Outcome::Unknown => ("✗", "failed", theme.bad),
    };
    (format!("{mark} {word} · {}", facts.join(" · ")), style)
}

fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::Parse | Stage::Classify => "reading the question",
        Stage::Embed => "turning the question into a vector",
        Stage::Dense | Stage::Lexical => "searching",
        Stage::Fuse | Stage::Judge => "weighing the evidence",
        Stage::Answer | Stage::Converse => "waiting for the first word",
        Stage::Decline | Stage::Error | Stage::Unknown => "finishing",
    }
}

fn welcome(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let width = usize::from(area.width);
    let mut lines = vec![Line::default()];
    let failed = [&app.gauges.knowledge, &app.gauges.model]
        .into_iter()
        .find_map(|loading| match loading {
            Loading::Failed(why) => Some(why),
            _ => None,
        });
    if let Some(why) = failed {
        lines.extend(section::wrapped(&format!("✗ {why}"), width, theme.bad));
        lines.push(Line::default());
    }
    let intro = "Ask a DeFi question. The answer streams in here with numbered citations; what it rests on stands beside it.";
    lines.extend(section::wrapped(intro, width, theme.text));
    lines.push(Line::default());
    lines.push(Line::styled("For example", theme.dim));
    for example in EXAMPLES {
        lines.push(Line::styled(
            text::truncate(&format!("  {example}"), width).into_owned(),
            theme.accent,
        ));
    }
    section::lines(buffer, area, lines);
}

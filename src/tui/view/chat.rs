//! The questions and answers, the newest at the end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget as _;

use super::footer::{self, whole};
use super::rendered::Rendered;
use super::{Drawn, section};
use crate::agent::event::{Phase, Stage};
use crate::app::{Anchor, App, Entry, Focus, Loading, Target};
use crate::text;
use crate::tui::markdown::CitationSpan;
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
        welcome(buffer, inner, app, drawn.measured.side_by_side, theme);
        return;
    }
    let width = usize::from(inner.width);
    let height = usize::from(inner.height);
    // Every block is measured (one whose run has ended is only looked up), the visible ones are drawn.
    let mut total = 0;
    let starts: Vec<usize> = app
        .entries
        .iter()
        .map(|entry| {
            let start = total;
            let state = || state(entry, app, theme);
            total += rendered
                .block(entry.run, &entry.exchange, width, theme, state)
                .height();
            start
        })
        .collect();
    let last = total.saturating_sub(height);
    let top = match app.anchor {
        Anchor::End => last,
        Anchor::Line(line) => line.min(last),
        Anchor::Entry(run) => {
            let at = app.entries.iter().position(|entry| entry.run == run);
            at.and_then(|at| starts.get(at))
                .map_or(last, |start| last.min(*start))
        }
    };
    drawn.measured.chat_top = top;
    drawn.measured.chat_lines = total;
    drawn.measured.chat_height = height;

    let first = starts.partition_point(|start| *start <= top).saturating_sub(1);
    let mut rows = inner.rows();
    for (index, entry) in app.entries.iter().enumerate().skip(first) {
        let Some(block) = rendered.kept(entry.run) else {
            continue;
        };
        let skipped = top.saturating_sub(starts[index]);
        for n in skipped..block.height() {
            let Some(row) = rows.next() else { return };
            // The blank line below a block belongs to none.
            if gutter > 0 && n + 1 < block.height() {
                let (glyph, style) = bar(app, index, theme);
                buffer.set_string(area.x, row.y, glyph, style);
            }
            if let Some(line) = block.line(n) {
                line.render(row, buffer);
            }
            drawn.regions.add(row, Target::Entry(index));
            for citation in block.citations(n) {
                let number = usize::from(citation.number);
                if number > entry.exchange.hits.len() {
                    continue;
                }
                let cell = cells(citation, row);
                if entry.evidence.is_some_and(|selected| selected + 1 == number) {
                    buffer.set_style(cell, theme.citation_selected);
                }
                let target = Target::Citation { entry: index, number };
                drawn.regions.add(cell, target);
            }
        }
    }
}

/// The bar beside a block: another glyph for the selected question, another colour for the pane that has the focus.
fn bar(app: &App, index: usize, theme: &Theme) -> (&'static str, Style) {
    match (app.selected == Some(index), app.focus) {
        (true, Focus::Chat) => ("▌", theme.key),
        (true, _) => ("▌", theme.accent),
        (false, _) => ("│", theme.rule),
    }
}

/// The cells of a citation in its row.
pub(super) fn cells(citation: &CitationSpan, row: Rect) -> Rect {
    let clamp = |column: usize| u16::try_from(column).unwrap_or(u16::MAX);
    let start = clamp(citation.column_start);
    Rect {
        x: row.x.saturating_add(start),
        width: clamp(citation.column_end).saturating_sub(start),
        ..row
    }
    .intersection(row)
}

/// Where the run stands, below its text: paragraphs, each in one style.
pub(super) fn state(entry: &Entry, app: &App, theme: &Theme) -> Vec<(String, Style)> {
    let exchange = &entry.exchange;
    let elapsed = (app.now_ms - entry.asked_ms).max(0.0);
    let spinner = SPINNER[(app.now_ms / 100.0) as usize % SPINNER.len()];
    let running = |what: String| {
        (
            format!("{spinner} {what}  {}", whole(&section::clock(elapsed))),
            theme.accent,
        )
    };
    let said = match &exchange.phase {
        Phase::Queued => running("starting".to_owned()),
        Phase::Working(stage) => running(doing(*stage).to_owned()),
        Phase::Waiting(_, on) => running(format!("waiting for {on}")),
        Phase::Retrying { why, .. } => {
            let when = section::next_try(entry, app.now_ms).unwrap_or_default();
            (format!("{spinner} {}: {why}", whole(&when)), theme.warn)
        }
        Phase::Streaming => running("answering".to_owned()),
        Phase::Done(outcome) => return footer::paragraphs(exchange, *outcome, theme),
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
            // Some messages end with a full stop, some do not.
            let message = message.trim_end().trim_end_matches('.');
            (
                format!("✗ {} failed: {message}.{kept}{again}", stage.name()),
                theme.bad,
            )
        }
        Phase::Cancelled if exchange.answer.is_empty() => ("■ cancelled".to_owned(), theme.warn),
        Phase::Cancelled => ("■ cancelled: the text above is incomplete".to_owned(), theme.warn),
    };
    vec![said]
}

fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::Parse | Stage::Classify | Stage::FollowUp | Stage::Rewrite => "reading the question",
        Stage::Embed => "turning the question into a vector",
        Stage::Dense | Stage::Lexical => "searching",
        Stage::Fuse | Stage::Judge => "weighing the evidence",
        Stage::Answer | Stage::Converse => "waiting for the first word",
        Stage::Decline | Stage::Error | Stage::Unknown => "finishing",
    }
}

fn welcome(buffer: &mut Buffer, area: Rect, app: &App, side_by_side: bool, theme: &Theme) {
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
    let evidence = if side_by_side {
        "what it rests on stands beside it"
    } else {
        "F2 shows what it rests on"
    };
    let intro =
        format!("Ask a DeFi question. The answer streams in here with numbered citations; {evidence}.");
    lines.extend(section::wrapped(&intro, width, theme.text));
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

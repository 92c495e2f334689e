//! The head of a side: who answers, where that stands, how fast it comes and what it costs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::agent::event::{Cost, Exchange, Outcome, Phase, SIDES};
use crate::app::beside::{Beside, Spot, Typing};
use crate::app::{App, Target};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::{Drawn, footer, section};

/// Draws the head of a side; with `tabs` the names of both sides.
pub(super) fn render(
    buffer: &mut Buffer,
    area: Rect,
    side: usize,
    app: &App,
    tabs: bool,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    if area.is_empty() {
        return;
    }
    drawn.regions.add(area, Target::Beside(Spot::Head(side)));
    let name = Rect { height: 1, ..area };
    if tabs {
        names(buffer, name, app, theme, drawn);
    } else {
        let label = format!("{} {}", Beside::letter(side), spec(app, side));
        let label = text::fit(&label, usize::from(area.width));
        Line::styled(label, style(app, side, theme)).render(name, buffer);
    }
    let selected = app.beside.column == side;
    let width = usize::from(area.width);
    let mut lines = vec![match app.side(side) {
        Some(entry) => figures(&entry.exchange, width, theme),
        None => Line::default(),
    }];
    let (rule, rule_style) = if selected {
        ("━", theme.accent)
    } else {
        ("─", theme.rule)
    };
    lines.push(Line::styled(rule.repeat(width), rule_style));
    let below = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    section::lines(buffer, below, lines);
}

/// Who answers on a side: of what is shown, else of what will be asked.
fn spec(app: &App, side: usize) -> String {
    let shown = app
        .side(side)
        .and_then(|entry| entry.exchange.setup.side.as_ref());
    let shown = shown.map(|side| side.spec.clone());
    let set = app.sides()[side].to_string();
    let said = match shown {
        Some(shown) if shown != set => format!("{shown}, next: {set}"),
        _ => set,
    };
    text::sanitize_line(&said).into_owned()
}

fn style(app: &App, side: usize, theme: &Theme) -> Style {
    let selected = app.beside.column == side;
    let editing = selected && matches!(app.beside.typing, Typing::Side(_));
    match (selected, editing) {
        (_, true) => theme.warn,
        (true, _) => theme.citation_selected,
        _ => theme.strong,
    }
}

/// Both sides as tabs, that of the selected one in full.
fn names(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, drawn: &mut Drawn) {
    let mut x = area.x;
    for side in 0..SIDES {
        let selected = app.beside.column == side;
        let mark = app.side(side).map_or(" ", |entry| mark(&entry.exchange, theme).0);
        let name = if selected {
            format!(" {} {} ", Beside::letter(side), spec(app, side))
        } else {
            format!(" {} {mark} ", Beside::letter(side))
        };
        // The other tab, of five columns, stays on the screen.
        let others = if side + 1 < SIDES { 5 } else { 0 };
        let room = usize::from(area.right().saturating_sub(x)).saturating_sub(others);
        let said = text::truncate(&name, room).into_owned();
        let wide = u16::try_from(text::width(&said)).unwrap_or(0);
        let tab = Rect {
            x,
            width: wide,
            ..area
        };
        let style = if selected {
            style(app, side, theme)
        } else {
            theme.dim
        };
        Line::styled(said, style).render(tab, buffer);
        drawn.regions.add(tab, Target::Beside(Spot::Head(side)));
        x += wide;
    }
}

/// A sign and a word for where a run stands.
fn mark(exchange: &Exchange, theme: &Theme) -> (&'static str, &'static str, Style) {
    match &exchange.phase {
        Phase::Queued | Phase::Working(_) => ("…", "working", theme.accent),
        Phase::Waiting(..) => ("…", "waiting", theme.warn),
        Phase::Retrying { .. } => ("↻", "trying again", theme.warn),
        Phase::Streaming => ("▸", "answering", theme.accent),
        Phase::Done(Outcome::Answered | Outcome::Conversed) => ("✓", "answered", theme.good),
        Phase::Done(Outcome::Declined) => ("○", "declined", theme.warn),
        Phase::Done(Outcome::Partial) => ("◐", "incomplete", theme.warn),
        Phase::Done(Outcome::Failed | Outcome::Unknown) | Phase::Failed { .. } => ("✗", "failed", theme.bad),
        Phase::Cancelled => ("■", "cancelled", theme.warn),
    }
}

/// Where it stands, tokens a second, tokens, cost and first word, as much as fits: what differs between the sides first.
fn figures(exchange: &Exchange, width: usize, theme: &Theme) -> Line<'static> {
    let (mark, word, style) = mark(exchange, theme);
    let timing = exchange.timing();
    let mut facts = Vec::new();
    if exchange.answer_origin.is_some() {
        facts.push("kept answer".to_owned());
    } else if let Some(rate) = timing.tokens_per_s {
        facts.push(format!("{} tokens/s", footer::rate(rate)));
    } else if let Some(rate) = exchange.pieces_per_s() {
        // Most servers send a token a piece; the count of the server comes with the end.
        facts.push(format!("~{} tokens/s", footer::rate(rate)));
    }
    match exchange.cost() {
        Some(Cost::Known { usd, .. }) => facts.push(footer::dollars(usd)),
        Some(Cost::Unknown { .. }) => facts.push("cost unknown".to_owned()),
        None => {}
    }
    if let Some(usage) = exchange.usage {
        facts.push(format!(
            "{} in, {} out",
            usage.prompt_tokens, usage.completion_tokens
        ));
    }
    if let Some(first) = timing.first_token_ms {
        facts.push(format!("first word {}", section::duration(first)));
    }
    let head = Span::styled(format!("{mark} {word}"), style);
    let ways = (0..=facts.len()).rev().map(|count| {
        let mut spans = vec![head.clone()];
        for fact in facts.iter().take(count) {
            spans.push(Span::styled(format!(" · {fact}"), theme.dim));
        }
        spans
    });
    section::first_that_fits(width, ways.collect())
}

//! The retrieved pairs, each with its scores named: a similarity is never called confidence.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Drawn, section};
use crate::agent::citation;
use crate::agent::event::{Hit, Outcome, Phase};
use crate::app::{App, Entry, Focus, Target};
use crate::text;
use crate::tui::theme::Theme;

/// What stands below a number.
const INDENT: &str = "    ";

/// Draws the evidence of the selected question.
pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, drawn: &mut Drawn) {
    let entry = app.current();
    let hits = entry.map_or(&[][..], |entry| &entry.exchange.hits);
    let right = match (hits.len(), app.gauges.pairs) {
        (0, _) => String::new(),
        (shown, 0) => shown.to_string(),
        (shown, all) => format!("{shown} of {all}"),
    };
    let body = section::title(
        buffer,
        area,
        "Evidence",
        &right,
        app.focus == Focus::Evidence,
        theme,
    );
    if hits.is_empty() {
        let said = match entry.map(|entry| &entry.exchange.phase) {
            None => "What an answer rests on shows here.",
            Some(Phase::Streaming | Phase::Done(Outcome::Conversed)) => "None was needed.",
            Some(Phase::Done(_)) => "None was found.",
            Some(Phase::Failed { .. } | Phase::Cancelled) => "The run ended before it was found.",
            Some(_) => "Searching...",
        };
        let said = section::wrapped(said, usize::from(body.width), theme.dim);
        section::lines(buffer, body, said);
        return;
    }
    let Some(entry) = entry else { return };
    let cited = citation::numbers(&entry.exchange.answer, hits.len());
    let height = usize::from(body.height);
    let lines_each = lines_each(hits, usize::from(body.width), height);
    let first = first_row(entry, hits.len(), height / lines_each);
    let best = hits.iter().map(|hit| hit.score).fold(f64::MIN, f64::max);
    let mut rest = body;
    for (index, hit) in hits.iter().enumerate().skip(first) {
        if rest.height == 0 {
            break;
        }
        let selected = entry.evidence == Some(index);
        let shown = lines(
            hit,
            Row {
                number: index + 1,
                selected,
                cited: cited.contains(&(index + 1)),
                share: if best > 0.0 {
                    hit.score / best.max(1.0)
                } else {
                    0.0
                },
                width: usize::from(rest.width),
                lines: lines_each,
            },
            theme,
        );
        let row = Rect {
            height: rest.height.min(u16::try_from(shown.len()).unwrap_or(u16::MAX)),
            ..rest
        };
        section::lines(buffer, row, shown);
        if selected {
            buffer.set_style(row, theme.row_selected);
        }
        drawn.regions.add(row, Target::Evidence(index));
        rest.y += row.height;
        rest.height -= row.height;
    }
}

/// Lines that a row may have: five where all rows then fit (the question on up to three), else fewer, at last one.
fn lines_each(hits: &[Hit], width: usize, height: usize) -> usize {
    // Two lines are the least of a row that has more than one.
    if height < hits.len() * 2 {
        return 1;
    }
    let room = width.saturating_sub(INDENT.len());
    let asked: Vec<usize> = hits
        .iter()
        .map(|hit| section::wrapped(&hit.question, room, Style::new()).len())
        .collect();
    (2..=5)
        .rev()
        .find(|lines| {
            let rest = 1 + usize::from(*lines >= 3);
            let rows = asked
                .iter()
                .map(|asked| rest + (*asked).min(question_lines(*lines)));
            rows.sum::<usize>() <= height
        })
        .unwrap_or(1)
}

/// Lines of the question in a row of at most so many lines, of which one holds the scores and, from three on, one the
/// reasons.
fn question_lines(lines: usize) -> usize {
    lines.saturating_sub(2).max(1)
}

/// The first row that is shown, so that the selected one is in view.
fn first_row(entry: &Entry, rows: usize, room: usize) -> usize {
    let selected = entry.evidence.unwrap_or(0);
    (selected + 1)
        .saturating_sub(room.max(1))
        .min(rows.saturating_sub(1))
}

#[derive(Clone, Copy)]
struct Row {
    number: usize,
    selected: bool,
    cited: bool,
    /// How far the score bar is filled, 0 to 1.
    share: f64,
    width: usize,
    lines: usize,
}

fn lines<'a>(hit: &'a Hit, row: Row, theme: &Theme) -> Vec<Line<'a>> {
    // A cited row wears its number as the answer writes it.
    let number = if row.cited {
        format!("[{}]", row.number)
    } else {
        format!(" {} ", row.number)
    };
    let mark = if row.selected { "▸" } else { " " };
    let number = Span::styled(
        format!("{mark}{number} "),
        if row.cited { theme.key } else { theme.dim },
    );
    let question = text::sanitize_line(&hit.question).into_owned();
    if row.lines == 1 {
        let cosine = hit
            .dense
            .map_or(String::new(), |dense| format!("{:.2} ", dense.score));
        let room = row
            .width
            .saturating_sub(text::width(&number.content) + text::width(&cosine));
        return vec![Line::from(vec![
            number,
            Span::styled(cosine, theme.dim),
            Span::raw(text::truncate(&question, room).into_owned()),
        ])];
    }
    let scores = scores(hit);
    let bar_width = row
        .width
        .saturating_sub(text::width(&number.content) + text::width(&scores) + 1)
        .min(12);
    let mut head = vec![number];
    if bar_width >= 2 {
        head.extend(section::bar(row.share, bar_width, theme));
        head.push(Span::raw(" "));
    }
    head.push(Span::styled(scores, theme.text));
    let mut shown = vec![Line::from(head)];
    let room = row.width.saturating_sub(INDENT.len());
    let asked = question_lines(row.lines);
    let mut wrapped = section::wrapped(&question, room, theme.strong);
    if wrapped.len() > asked {
        // What does not fit is cut with an ellipsis on the last line that does.
        let rest: Vec<String> = wrapped.iter().skip(asked - 1).map(ToString::to_string).collect();
        wrapped.truncate(asked - 1);
        let last = text::truncate(&rest.join(" "), room).into_owned();
        wrapped.push(Line::styled(last, theme.strong));
    }
    shown.extend(wrapped.into_iter().map(|mut line| {
        line.spans.insert(0, Span::raw(INDENT));
        line
    }));
    if row.lines >= 3 {
        shown.push(why(hit, row.width, theme));
    }
    shown
}

/// `cos 0.832 pct 99.9`: the raw cosine, and the share of the corpus's unrelated pairs that lie below it.
fn scores(hit: &Hit) -> String {
    let cosine = hit
        .dense
        .map_or("cos -".to_owned(), |dense| format!("cos {:.3}", dense.score));
    match hit.shown_percentile() {
        Some(percentile) => format!("{cosine} pct {percentile:<5}"),
        None => cosine,
    }
}

/// Ranks by each retriever, and the words of the question that the pair shares.
fn why<'a>(hit: &'a Hit, width: usize, theme: &Theme) -> Line<'a> {
    let mut spans = vec![Span::raw(INDENT)];
    let mut used = INDENT.len();
    let mut push = |spans: &mut Vec<Span<'a>>, said: String, style| {
        let said = text::truncate(&said, width.saturating_sub(used)).into_owned();
        used += text::width(&said);
        spans.push(Span::styled(said, style));
    };
    if let Some(dense) = hit.dense {
        push(&mut spans, format!("meaning #{}", dense.rank), theme.dim);
    }
    if let Some(lexical) = &hit.lexical {
        push(&mut spans, format!("  words #{}", lexical.rank), theme.dim);
        for (n, term) in lexical.terms.iter().enumerate() {
            push(&mut spans, if n == 0 { "  " } else { " " }.to_owned(), theme.dim);
            push(&mut spans, text::sanitize_line(term).into_owned(), theme.term);
        }
    } else {
        push(&mut spans, "  no shared words".to_owned(), theme.dim);
    }
    Line::from(spans)
}

//! One retrieved pair in full, with where it comes from and every score it has.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::rendered::markdown_styles;
use super::section::wrapped;
use super::{Drawn, overlay};
use crate::agent::event::Hit;
use crate::app::App;
use crate::text;
use crate::tui::markdown;
use crate::tui::theme::Theme;
use crate::tui::wrap::wrap_spans;

pub(super) fn render(
    buffer: &mut Buffer,
    screen: Rect,
    app: &App,
    hit: usize,
    top: usize,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    let Some(found) = app.current().and_then(|entry| entry.exchange.hits.get(hit)) else {
        return;
    };
    let area = overlay::area(screen, 96);
    let terms = found.lexical.as_ref().map_or(&[][..], |lexical| &lexical.terms);
    let lines = lines(found, scores(found), terms, overlay::text_width(area), theme);
    let id = text::sanitize_line(&found.id).into_owned();
    overlay::render(
        buffer,
        area,
        &format!("[{}] {id}", hit + 1),
        lines,
        top,
        theme,
        drawn,
    );
}

/// A score: its name, its value, what it means.
pub(super) type Score = (String, String, String);

/// The pair, its scores, and the words that it shares with the question.
pub(super) fn lines(
    hit: &Hit,
    scores: Vec<Score>,
    terms: &[String],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = wrapped(&hit.question, width, theme.strong);
    lines.push(Line::default());
    lines.extend(markdown::render(&text::sanitize(&hit.answer), width, &markdown_styles(theme)).lines);
    if let Some(as_of) = &hit.as_of {
        lines.push(Line::default());
        lines.extend(wrapped(&format!("Facts as of {as_of}."), width, theme.dim));
    }
    if !hit.sources.is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled("Sources", theme.strong));
        for source in &hit.sources {
            lines.extend(hanging("- ".to_owned(), source, width, theme));
        }
    }
    lines.push(Line::default());
    lines.push(Line::styled("Scores", theme.strong));
    for (name, value, meaning) in scores {
        lines.extend(hanging(format!("{name:12}{value:>9}  "), &meaning, width, theme));
    }
    if !terms.is_empty() {
        let mut spans = vec![Span::raw("shared words:")];
        for term in terms {
            spans.push(Span::raw(" "));
            spans.push(Span::styled(text::sanitize_line(term).into_owned(), theme.term));
        }
        lines.extend(wrap_spans(&spans, &Span::raw(""), &Span::raw("  "), width));
    }
    lines
}

/// A text behind a mark, its further rows below its first word where there is room for that.
fn hanging(mark: String, said: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let said = Span::styled(text::sanitize_line(said).into_owned(), theme.text);
    let indent = text::width(&mark).min(width / 3);
    let below = Span::raw(" ".repeat(indent));
    wrap_spans(&[said], &Span::styled(mark, theme.text), &below, width)
}

fn scores(hit: &Hit) -> Vec<Score> {
    let mut rows = vec![(
        "fused".to_owned(),
        format!("{:.3}", hit.score),
        format!("ranks it #{}", hit.rank),
    )];
    if let Some(dense) = hit.dense {
        rows.push((
            "cosine".to_owned(),
            format!("{:.3}", dense.score),
            format!(
                "nearness of meaning to its {}, -1 to 1; #{} of all pairs",
                dense.nearest.map_or("texts", |nearest| nearest.name()),
                dense.rank
            ),
        ));
    }
    if let Some(percentile) = hit.shown_percentile() {
        rows.push((
            "percentile".to_owned(),
            percentile,
            "% of this corpus's unrelated pairs lie below that cosine".to_owned(),
        ));
    }
    if let Some(lexical) = &hit.lexical {
        rows.push((
            "BM25".to_owned(),
            format!("{:.2}", lexical.score),
            format!("weight of the shared words; #{} by words", lexical.rank),
        ));
    }
    rows
}

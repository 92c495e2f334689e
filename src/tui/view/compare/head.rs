//! The heads of the columns: which retriever, what its scores are, what each stage took.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::layout::Columns;
use super::{Drawn, Spot};
use crate::app::compare::{Compare, Progress, Typing};
use crate::app::{App, Target};
use crate::retrieval::comparison::{Column, StageTime};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::section;

/// Every column as a tab, where they do not fit beside each other.
pub(super) fn tabs(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme, drawn: &mut Drawn) {
    if area.is_empty() {
        return;
    }
    let mut x = area.x;
    for (column, retriever) in app.compare.retrievers.iter().enumerate() {
        let selected = column == app.compare.column;
        let letter = Compare::letter(column);
        let name = if selected {
            retriever.label()
        } else {
            retriever.method().name().to_owned()
        };
        let name = text::sanitize_line(&name).into_owned();
        let room = usize::from(area.right().saturating_sub(x));
        let said = text::truncate(&format!(" {letter} {name} "), room).into_owned();
        let wide = u16::try_from(text::width(&said)).unwrap_or(0);
        let tab = Rect {
            x,
            width: wide,
            ..area
        };
        let style = if selected {
            theme.citation_selected
        } else {
            theme.dim
        };
        Line::styled(said, style).render(tab, buffer);
        drawn.regions.add(tab, Target::Compare(Spot::Head(column)));
        x += wide;
    }
}

/// The heads above the columns that are seen.
pub(super) fn render(
    buffer: &mut Buffer,
    area: Rect,
    columns: &Columns,
    app: &App,
    theme: &Theme,
    drawn: &mut Drawn,
) {
    let compare = &app.compare;
    for (place, lane) in &columns.all {
        let lane = Rect {
            y: area.y,
            height: area.height,
            ..*lane
        };
        let Some(retriever) = compare.retrievers.get(*place) else {
            continue;
        };
        let width = usize::from(lane.width);
        let selected = *place == compare.column;
        let found = compare.found.as_ref();
        // What failed took nothing that is worth a look.
        let found = found.filter(|_| !matches!(compare.progress, Progress::Failed(_)));
        let found = found.filter(|found| found.comparison.columns.len() == compare.retrievers.len());
        let column = found.and_then(|found| found.comparison.columns.get(*place));
        let editing = selected && matches!(compare.typing, Typing::Spec(_));
        let label = format!(
            "{} {}",
            Compare::letter(*place),
            text::sanitize_line(&retriever.label())
        );
        let label = text::fit(&label, width);
        let style = match (selected, editing) {
            (_, true) => theme.warn,
            (true, _) => theme.citation_selected,
            _ => theme.strong,
        };
        let name = Line::styled(label, style);
        let scale = format!("{} · k {}", retriever.scale(), retriever.top_k());
        let lines = if lane.height >= 3 {
            let ranked = column.map(|column| format!("{scale} · {} ranked", column.ranked));
            let mut ways: Vec<Vec<Span<'static>>> = Vec::new();
            ways.extend(ranked.map(|said| vec![Span::styled(said, theme.dim)]));
            ways.push(vec![Span::styled(scale, theme.dim)]);
            let times = column.map_or(Line::default(), |column| times(column, width, theme));
            let rule = if selected { "━" } else { "─" };
            let rule_style = if selected { theme.accent } else { theme.rule };
            vec![
                name,
                section::first_that_fits(width, ways),
                times,
                Line::styled(rule.repeat(width), rule_style),
            ]
        } else if columns.all.len() < compare.retrievers.len() {
            // The tab says which retriever it is.
            let mut said = vec![Span::styled(scale, theme.dim)];
            if let Some(column) = column {
                let total = format!(" · {}", section::duration(total(column)));
                said.push(Span::styled(total, theme.dim));
            }
            vec![section::first_that_fits(width, vec![said])]
        } else {
            vec![name]
        };
        section::lines(buffer, lane, lines);
        drawn.regions.add(lane, Target::Compare(Spot::Head(*place)));
    }
}

/// The stages that a column has.
fn stages(column: &Column) -> impl Iterator<Item = (&'static str, StageTime)> {
    let times = column.times;
    [
        ("embed", times.embed),
        ("dense", times.dense),
        ("words", times.lexical),
        ("fuse", Some(times.fuse)),
    ]
    .into_iter()
    .filter_map(|(name, time)| Some((name, time?)))
}

/// What it took now, in milliseconds.
fn total(column: &Column) -> f64 {
    stages(column)
        .filter(|(_, time)| !time.kept)
        .map(|(_, time)| time.ms)
        .sum()
}

/// What each stage took; in brackets what was done before and took nothing now.
fn times(column: &Column, width: usize, theme: &Theme) -> Line<'static> {
    let said = |short: bool| {
        let stages: Vec<String> = stages(column)
            .map(|(name, time)| {
                let name = if short {
                    name.get(..1).unwrap_or(name)
                } else {
                    name
                };
                let ms = if time.ms < 9.95 {
                    format!("{:.1}", time.ms)
                } else {
                    format!("{:.0}", time.ms)
                };
                if time.kept {
                    format!("{name} ({ms})")
                } else {
                    format!("{name} {ms}")
                }
            })
            .collect();
        vec![Span::styled(format!("{} ms", stages.join(" ")), theme.dim)]
    };
    let total = vec![Span::styled(section::duration(total(column)), theme.dim)];
    section::first_that_fits(width, vec![said(false), said(true), total])
}

//! How far a recording has been played, at the beginning of the last row.
//!
//! ```text
//!  ▶ 1x  0:03 ███████▌──────── 0:12  event 41 of 160  question 1 of 3   Space pause  Right step
//! ```

use std::ops::Range;

use ratatui::text::Span;

use crate::app::Replay;
use crate::text;
use crate::tui::theme::Theme;

/// Columns of the bar on a wide and on a narrow row.
const BAR: [usize; 2] = [20, 8];
/// Columns that the keys need at the least; a row that has fewer left tells less.
const KEYS: usize = 34;

/// What the row begins with.
#[derive(Clone, Debug, Default)]
pub(super) struct Lead {
    pub(super) spans: Vec<Span<'static>>,
    /// The columns of the bar, where there is one: what a click on it means depends on where in it it was.
    pub(super) bar: Option<Range<usize>>,
}

/// As much of it as leaves room for the keys.
pub(super) fn lead(replay: &Replay, width: usize, theme: &Theme) -> Lead {
    let (position, length) = replay.position_ms();
    let (event, events) = replay.events();
    let (run, runs) = replay.runs();
    let mark = match (replay.playing(), replay.at_end()) {
        (true, _) => "▶",
        (false, false) => "‖",
        (false, true) => "■",
    };
    let speed = format!(" {mark} {}x  ", replay.speed());
    // The share of the events and not of the time: so a step always moves it.
    let share = event as f64 / events.max(1) as f64;
    let bar = |columns: usize| {
        let filled = (share * columns as f64).floor() as usize;
        [
            Span::raw(format!("{} ", clock(position))),
            Span::styled("━".repeat(filled), theme.accent),
            Span::styled("─".repeat(columns - filled.min(columns)), theme.rule),
            Span::raw(format!(" {}  ", clock(length))),
        ]
    };
    let long = Span::styled(
        format!("event {event} of {events}  question {run} of {runs}   "),
        theme.dim,
    );
    let short = Span::styled(format!("{event}/{events}  "), theme.dim);
    let head = Span::styled(speed, theme.key);
    let with = |columns: usize, tail: &Span<'static>| {
        let mut spans = vec![head.clone()];
        spans.extend(bar(columns));
        spans.push(tail.clone());
        let begin = wide(&spans[..2]);
        Lead {
            spans,
            bar: Some(begin..begin + columns),
        }
    };
    let ways = [
        with(BAR[0], &long),
        with(BAR[0], &short),
        with(BAR[1], &short),
        Lead {
            spans: vec![head.clone(), short.clone()],
            bar: None,
        },
    ];
    let fits = ways.iter().position(|way| wide(&way.spans) + KEYS <= width);
    let fits = fits.or_else(|| ways.iter().position(|way| wide(&way.spans) <= width));
    ways.into_iter().nth(fits.unwrap_or(3)).unwrap_or_default()
}

/// The columns of spans.
pub(super) fn wide(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| text::width(&span.content)).sum()
}

/// Minutes and seconds.
fn clock(ms: f64) -> String {
    let seconds = (ms / 1e3) as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

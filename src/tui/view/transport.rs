//! How far a recording has been played, at the beginning of the last row.
//!
//! ```text
//!  ▶ 1x  0:03 ███████▌──────── 0:12  event 41 of 160  question 1 of 3   Space pause  Right step
//! ```

use ratatui::text::Span;

use crate::app::Replay;
use crate::text;
use crate::tui::theme::Theme;

/// Columns of the bar on a wide and on a narrow row.
const BAR: [usize; 2] = [20, 8];
/// Columns that the keys need at the least; a row that has fewer left tells less.
const KEYS: usize = 34;

/// What the row begins with, as much of it as leaves room for the keys.
pub(super) fn spans(replay: &Replay, width: usize, theme: &Theme) -> Vec<Span<'static>> {
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
        let mut way = vec![head.clone()];
        way.extend(bar(columns));
        way.push(tail.clone());
        way
    };
    let ways = [
        with(BAR[0], &long),
        with(BAR[0], &short),
        with(BAR[1], &short),
        vec![head.clone(), short.clone()],
    ];
    let wide = |way: &[Span<'_>]| way.iter().map(|span| text::width(&span.content)).sum::<usize>();
    let fits = ways.iter().position(|way| wide(way) + KEYS <= width);
    let fits = fits.or_else(|| ways.iter().position(|way| wide(way) <= width));
    ways.into_iter().nth(fits.unwrap_or(3)).unwrap_or_default()
}

/// Minutes and seconds.
fn clock(ms: f64) -> String {
    let seconds = (ms / 1e3) as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

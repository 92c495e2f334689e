//! A titled part of the side panel, and the bars drawn in it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::agent::event::Phase;
use crate::app::Entry;
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::wrap::wrap_spans;

/// Draws `Title ────── right` in the first row and returns what is left below it.
pub(super) fn title(
    buffer: &mut Buffer,
    area: Rect,
    title: &str,
    right: &str,
    active: bool,
    theme: &Theme,
) -> Rect {
    if area.is_empty() {
        return area;
    }
    let width = usize::from(area.width);
    let title = text::truncate(title, width);
    // The right-hand word goes first when both do not fit.
    let right = if text::width(&title) + text::width(right) + 4 <= width {
        right
    } else {
        ""
    };
    let used = text::width(&title) + text::width(right) + usize::from(!right.is_empty()) + 1;
    let mut spans = vec![
        Span::styled(title, if active { theme.key } else { theme.strong }),
        Span::raw(" "),
        Span::styled("─".repeat(width.saturating_sub(used)), theme.rule),
    ];
    if !right.is_empty() {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(right, theme.dim));
    }
    Line::from(spans).render(Rect { height: 1, ..area }, buffer);
    Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    }
}

/// A bar of `width` columns filled to `share` (0 to 1), in eighths of a column.
pub(super) fn bar(share: f64, width: usize, theme: &Theme) -> [Span<'static>; 2] {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let eighths = (share * width as f64 * 8.0).round() as usize;
    let mut filled = "█".repeat(eighths / 8);
    filled.push_str(EIGHTHS[eighths % 8]);
    let rest = width.saturating_sub(eighths.div_ceil(8));
    [
        Span::styled(filled, theme.bar),
        Span::styled("·".repeat(rest), theme.track),
    ]
}

/// Draws lines from the top of an area, each cut at its edge; returns how many rows were used.
pub(super) fn lines(buffer: &mut Buffer, area: Rect, lines: Vec<Line<'_>>) -> u16 {
    let mut used = 0;
    for (line, row) in lines.into_iter().zip(area.rows()) {
        line.render(row, buffer);
        used += 1;
    }
    used
}

/// A sanitised sentence in one style, broken into rows of `width` columns.
pub(super) fn wrapped(said: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let said = text::sanitize_line(said).into_owned();
    wrap_spans(
        &[Span::styled(said, style)],
        &Span::raw(""),
        &Span::raw(""),
        width,
    )
}

/// The first of several ways to say a thing that fits into `width` columns; when none does, the last one, cut.
pub(super) fn first_that_fits(width: usize, ways: Vec<Vec<Span<'static>>>) -> Line<'static> {
    let mut last = Vec::new();
    for way in ways {
        if columns(&way) <= width {
            return Line::from(way);
        }
        last = way;
    }
    let mut room = width;
    for span in &mut last {
        let cut = text::truncate(&span.content, room).into_owned();
        room -= text::width(&cut);
        span.content = cut.into();
    }
    Line::from(last)
}

/// Columns of spans beside each other.
pub(super) fn columns(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| text::width(&span.content)).sum()
}

/// What a thing took, in milliseconds, as people read it: `0.4 ms`, `43 ms`, `1.24 s`, `1m 30s`.
pub(super) fn duration(ms: f64) -> String {
    if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 59_995.0 {
        format!("{:.2} s", ms / 1_000.0)
    } else {
        minutes(ms)
    }
}

/// A clock that runs, in milliseconds: `0.4 s`, `12 s`, `1m 30s`. No finer than it is drawn, ten times a second.
pub(super) fn clock(ms: f64) -> String {
    if ms < 9_950.0 {
        format!("{:.1} s", ms / 1_000.0)
    } else if ms < 59_500.0 {
        format!("{:.0} s", ms / 1_000.0)
    } else {
        minutes(ms)
    }
}

/// What is left of a wait, in milliseconds: whole seconds, rounded up, so that it changes once a second and what is still
/// to come is not told as nothing. `1 s`, `1m 30s`, `2h 5m`, `3d 4h`.
pub(super) fn countdown(ms: f64) -> String {
    let seconds = (ms / 1_000.0).ceil().max(0.0) as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes}m {}s", seconds % 60),
        3_600..86_400 => format!("{hours}h {}m", minutes % 60),
        86_400..86_400_000 => format!("{days}d {}h", hours % 24),
        _ => "years".to_owned(),
    }
}

/// How long ago something was, in milliseconds, no finer than it is drawn (see [`App::wakes_in`]): seconds, then minutes,
/// and after an hour no more. `12 s`, `3 min`, `over 1 h`.
///
/// [`App::wakes_in`]: crate::app::App::wakes_in
pub(super) fn ago(ms: f64) -> String {
    let seconds = (ms / 1_000.0).max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => "over 1 h".to_owned(),
    }
}

/// How old a thing was when it was used, in milliseconds: `5 s`, `3 min`, `7 h`, `12 days`.
pub(super) fn age(ms: f64) -> String {
    let seconds = (ms / 1_000.0).max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// When a run tries again, if that is what it waits for: `try 2 of 4 in 3 s`.
pub(super) fn next_try(entry: &Entry, now_ms: f64) -> Option<String> {
    let Phase::Retrying {
        wait_ms,
        since_ms,
        attempt,
        of,
        ..
    } = &entry.exchange.phase
    else {
        return None;
    };
    let left = wait_ms - (now_ms - entry.asked_ms - since_ms);
    let of = of.map_or(String::new(), |of| format!(" of {of}"));
    Some(format!("try {attempt}{of} in {}", countdown(left)))
}

fn minutes(ms: f64) -> String {
    let seconds = (ms / 1_000.0).round() as u64;
    format!("{}m {}s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Theme as Choice;

    #[test]
    fn a_bar_is_as_wide_as_it_was_asked_to_be() {
        let theme = Theme::of(Choice::None, None);
        for share in [-1.0, 0.0, 0.01, 0.49, 0.5, 0.99, 1.0, 7.0, f64::NAN] {
            let [filled, rest] = bar(share, 10, &theme);
            assert_eq!(
                text::width(&filled.content) + text::width(&rest.content),
                10,
                "{share}"
            );
        }
        assert_eq!(bar(0.5, 4, &theme)[0].content, "██");
        assert_eq!(bar(0.53125, 4, &theme)[0].content, "██▏");
    }

    #[test]
    fn durations_keep_three_figures() {
        assert_eq!(duration(0.42), "0.4 ms");
        assert_eq!(duration(43.4), "43 ms");
        assert_eq!(duration(1_239.0), "1.24 s");
        assert_eq!(duration(999.7), "1.00 s");
        assert_eq!(duration(90_000.0), "1m 30s");
    }

    #[test]
    fn a_countdown_is_in_whole_seconds_and_never_too_short() {
        for (ms, said) in [
            (-5.0, "0 s"),
            (0.1, "1 s"),
            (12_000.0, "12 s"),
            (12_000.1, "13 s"),
            (90_000.0, "1m 30s"),
            (7_500_000.0, "2h 5m"),
            (273_600_000.0, "3d 4h"),
            (f64::INFINITY, "years"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(countdown(ms), said, "{ms}");
        }
    }

    #[test]
    fn an_age_grows_coarser() {
        assert_eq!(ago(-1.0), "0 s");
        assert_eq!(ago(59_999.0), "59 s");
        assert_eq!(ago(60_000.0), "1 min");
        assert_eq!(ago(1e300), "over 1 h");
        assert_eq!(age(7_300_000.0), "2 h");
        assert_eq!(age(172_800_000.0), "2 days");
    }

    #[test]
    fn a_running_clock_is_no_finer_than_it_is_drawn() {
        assert_eq!(clock(420.0), "0.4 s");
        assert_eq!(clock(9_960.0), "10 s");
        assert_eq!(clock(59_600.0), "1m 0s");
    }

    #[test]
    fn the_first_way_that_fits_is_taken_and_the_last_one_cut() {
        let ways = || {
            vec![
                vec!["requests ".into(), "2/500 used".into()],
                vec!["2/500".into()],
            ]
        };
        let said = |width| first_that_fits(width, ways()).to_string();
        assert_eq!(said(19), "requests 2/500 used");
        assert_eq!(said(18), "2/500");
        assert_eq!(said(3), "2/…");
        assert_eq!(said(0), "");
    }
}

//! A limit as a bar with its figures: how much of a window is used, and when it is full again.

use ratatui::text::{Line, Span};

use super::section;
use crate::agent::event::Limit;
use crate::app::LimitsNow;
use crate::tui::theme::Theme;

/// One limited quantity, in all the ways to draw it.
pub(super) struct Bar {
    name: &'static str,
    /// `None`: nobody said anything, which is not the same as zero.
    known: Option<Known>,
    theme: Theme,
}

struct Known {
    share: f64,
    used: u64,
    limit: u64,
    /// What is left until the window is full again; `None` inside: it is by now.
    reset: Option<Option<String>>,
}

/// What a way to draw the bars leaves out: first the words, then columns of the bar, then letters of the names, then
/// digits, then the bar, last the reset.
#[derive(Clone, Copy)]
struct Way {
    /// Columns of the name, a blank included.
    name: usize,
    bar: usize,
    exact: bool,
    used: &'static str,
    /// Before and for the countdown.
    reset: Option<(&'static str, &'static str)>,
}

const WAYS: [Way; 10] = {
    const fn way(bar: usize, exact: bool, reset: (&'static str, &'static str)) -> Way {
        Way {
            name: 9,
            bar,
            exact,
            used: "",
            reset: Some(reset),
        }
    }
    const LONG: (&str, &str) = ("  resets in ", "  full again");
    const SHORT: (&str, &str) = ("  reset ", "  full again");
    const SIGN: (&str, &str) = (" ↺ ", " full");
    [
        Way {
            used: " used",
            ..way(8, true, LONG)
        },
        way(8, true, LONG),
        way(4, true, SHORT),
        way(4, true, SIGN),
        way(4, false, SIGN),
        Way {
            name: 4,
            ..way(4, true, SIGN)
        },
        Way {
            name: 4,
            ..way(4, false, SIGN)
        },
        way(0, true, SIGN),
        way(0, false, SIGN),
        Way {
            reset: None,
            ..way(0, false, SIGN)
        },
    ]
};

impl Bar {
    pub(super) fn of(name: &'static str, limit: Option<Limit>, now: &LimitsNow<'_>, theme: &Theme) -> Self {
        Self {
            name,
            theme: *theme,
            known: limit.map(|limit| {
                let used = if now.full_again(&limit) {
                    0
                } else {
                    limit.limit.saturating_sub(limit.remaining)
                };
                Known {
                    share: if limit.limit == 0 {
                        1.0
                    } else {
                        used as f64 / limit.limit as f64
                    },
                    used,
                    limit: limit.limit,
                    reset: limit
                        .reset_ms
                        .filter(|reset| *reset > 0)
                        .map(|reset| now.left(Some(reset)).map(section::countdown)),
                }
            }),
        }
    }

    fn spans(&self, way: Way) -> Vec<Span<'static>> {
        let name: String = self.name.chars().take(way.name - 1).collect();
        let mut spans = vec![Span::styled(format!("{name:0$}", way.name), self.theme.text)];
        match &self.known {
            Some(known) => spans.extend(known.spans(way, &self.theme)),
            None => spans.push(Span::styled("not reported", self.theme.dim)),
        }
        spans
    }
}

impl Known {
    fn spans(&self, way: Way, theme: &Theme) -> Vec<Span<'static>> {
        let mut spans = Vec::new();
        if way.bar > 0 {
            spans.extend(section::bar(self.share, way.bar, theme));
            spans.push(Span::raw(" "));
        }
        let figure = |n: u64| if way.exact { n.to_string() } else { compact(n) };
        let style = if self.share >= 0.9 { theme.warn } else { theme.text };
        let figures = format!("{}/{}{}", figure(self.used), figure(self.limit), way.used);
        spans.push(Span::styled(figures, style));
        if let (Some((before, full)), Some(reset)) = (way.reset, &self.reset) {
            let said = match reset {
                Some(left) => format!("{before}{left}"),
                None => full.to_owned(),
            };
            spans.push(Span::styled(said, theme.dim));
        }
        spans
    }
}

/// A line for each bar, all drawn the same way. No digit is ever cut off while there is a shorter way.
pub(super) fn lines(bars: &[Bar], width: usize) -> Vec<Line<'static>> {
    let fits = |way: &Way| bars.iter().all(|bar| section::columns(&bar.spans(*way)) <= width);
    let way = WAYS.iter().find(|way| fits(way)).unwrap_or(&WAYS[WAYS.len() - 1]);
    bars.iter()
        .map(|bar| section::first_that_fits(width, vec![bar.spans(*way)]))
        .collect()
}

/// A count in at most three figures from 10,000 on: `9999`, `12.3k`, `188k`, `1.5M`, `18.4E`.
pub(super) fn compact(count: u64) -> String {
    const UNITS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    if count < 10_000 {
        return count.to_string();
    }
    let mut value = count as f64 / 1e3;
    let mut unit = 0;
    // What would be rounded to 1000 is 1 of the next unit.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1e3;
        unit += 1;
    }
    let digits = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    let text = format!("{value:.digits$}");
    let short = if digits > 0 {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{short}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_count_is_told_in_three_figures() {
        for (count, said) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10k"),
            (12_345, "12.3k"),
            (187_655, "188k"),
            (999_499, "999k"),
            (999_500, "1M"),
            (1_500_000, "1.5M"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(compact(count), said);
        }
    }
}

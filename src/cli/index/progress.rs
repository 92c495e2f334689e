//! The line that says how far indexing has come.

use std::time::Duration;

use crate::embedding::remote::Progress;
use crate::provider::{Limit, Limits};

/// One line without an end, what matters most first, since a narrow terminal cuts it: `1,024/10,000 texts, 812 texts/s, 11 s
/// left`, what it waits for, `61,440 tokens, about $0.0012`, and what the endpoint's limits leave.
pub(super) fn line(now: Progress, elapsed: Duration, price: Option<f64>, limits: &Limits) -> String {
    let mut parts = vec![format!("{}/{} texts", grouped(now.done), grouped(now.total))];
    let rate = now.done as f64 / elapsed.as_secs_f64().max(1e-3);
    if now.done > 0 {
        parts.push(format!("{} texts/s", grouped(rate.round() as usize)));
    }
    if now.done > 0 && now.done < now.total {
        let left = Duration::try_from_secs_f64((now.total - now.done) as f64 / rate).unwrap_or_default();
        parts.push(format!("{} left", span(left)));
    }
    let seconds = |ms: u64| span(Duration::from_millis(ms));
    if let Some(paused) = limits.paused_ms {
        let host = &limits.endpoint;
        parts.push(format!("holds {} since {host} asked for it", seconds(paused)));
    } else if let (Some(1..), Some(wait @ 1..)) = (limits.queued, limits.next_slot_ms) {
        let host = &limits.endpoint;
        parts.push(format!("waits {} for the limit of {host}", seconds(wait)));
    }
    parts.push(format!("{} tokens", grouped(now.tokens)));
    parts.push(cost(now.tokens, price));
    let quota = |limit: Option<Limit>, what: &str| {
        let limit = limit?;
        let (remaining, limit) = (grouped(limit.remaining), grouped(limit.limit));
        Some(format!("{remaining} of {limit} {what} left"))
    };
    parts.extend(quota(limits.requests, "requests"));
    parts.extend(quota(limits.tokens, "tokens"));
    parts.join(", ")
}

/// What so many tokens cost, by a price for a million.
pub(super) fn cost(tokens: u64, price: Option<f64>) -> String {
    price.map_or_else(
        || "cost unknown".to_owned(),
        |price| format!("about ${:.4}", tokens as f64 / 1e6 * price),
    )
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: impl std::fmt::Display) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `3 s`, `12 min`: rounded up, since it is a wait.
fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} min", seconds.div_ceil(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Progress = Progress {
        done: 1_024,
        total: 2_048,
        tokens: 61_440,
    };

    #[test]
    fn the_line_says_rate_tokens_time_left_and_cost() {
        let line = line(HALF, Duration::from_secs(2), Some(0.02), &Limits::default());
        assert_eq!(
            line,
            "1,024/2,048 texts, 512 texts/s, 2 s left, 61,440 tokens, about $0.0012"
        );
    }

    #[test]
    fn a_wait_and_a_pause_are_named_with_the_host() {
        let limits = Limits {
            endpoint: "h".to_owned(),
            queued: Some(2),
            next_slot_ms: Some(2_100),
            ..Limits::default()
        };
        let waits = line(Progress::default(), Duration::ZERO, None, &limits);
        assert_eq!(
            waits,
            "0/0 texts, waits 3 s for the limit of h, 0 tokens, cost unknown"
        );
        let paused = Limits {
            paused_ms: Some(150_000),
            ..limits
        };
        let holds = line(Progress::default(), Duration::ZERO, None, &paused);
        assert!(
            holds.starts_with("0/0 texts, holds 3 min since h asked for it, "),
            "{holds}"
        );
    }

    #[test]
    fn what_the_limits_leave_is_told_as_far_as_it_is_known() {
        let limits = Limits {
            tokens: Some(Limit {
                limit: 1_000_000,
                remaining: 511_200,
                ..Limit::default()
            }),
            ..Limits::default()
        };
        let line = line(Progress::default(), Duration::ZERO, None, &limits);
        assert!(line.ends_with(", 511,200 of 1,000,000 tokens left"), "{line}");
        assert!(!line.contains("requests"), "{line}");
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(
            ["1", "123", "1,234", "1,234,567"],
            [1, 123, 1_234, 1_234_567]
                .map(grouped)
                .each_ref()
                .map(String::as_str)
        );
    }
}

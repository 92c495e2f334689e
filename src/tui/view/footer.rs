//! What stands below an answer that has ended: how it ended, then what it took.

use ratatui::style::Style;

use super::section;
use crate::agent::event::{Cost, Exchange, Outcome, Tier};
use crate::tui::theme::Theme;

/// The paragraphs below an answer, each in one style.
pub(super) fn paragraphs(exchange: &Exchange, outcome: Outcome, theme: &Theme) -> Vec<(String, Style)> {
    let mut facts = Vec::new();
    match exchange.citations.len() {
        // A decline rests on nothing: the pairs that it names are offered.
        _ if outcome == Outcome::Declined => {}
        0 => {}
        1 => facts.push(whole("1 pair cited")),
        n => facts.push(whole(&format!("{n} pairs cited"))),
    }
    facts.push(whole(&section::duration(exchange.timing().total_ms)));
    facts.extend(exchange.note.clone());
    let (mark, word, style) = match outcome {
        Outcome::Answered => ("✓", "answered", theme.good),
        Outcome::Conversed => ("✓", "answered without evidence", theme.good),
        Outcome::Declined => ("○", "declined", theme.warn),
        Outcome::Partial => ("◐", "incomplete", theme.warn),
        Outcome::Failed | Outcome::Unknown => ("✗", "failed", theme.bad),
    };
    let mut paragraphs = vec![(format!("{mark} {word} · {}", facts.join(" · ")), style)];
    let figures = figures(exchange);
    if !figures.is_empty() {
        let figures: Vec<String> = figures.iter().map(|figure| whole(figure)).collect();
        paragraphs.push((figures.join(" · "), theme.dim));
    }
    paragraphs
}

/// Tokens, cost, times and where the question's vector came from: the figures of `ask --json`, as far as there are any.
fn figures(exchange: &Exchange) -> Vec<String> {
    let timing = exchange.timing();
    let mut figures = Vec::new();
    if let Some(usage) = exchange.usage {
        figures.push(format!(
            "{} tokens in, {} out",
            usage.prompt_tokens, usage.completion_tokens
        ));
    }
    match exchange.cost() {
        Some(Cost::Known { usd, price_as_of }) => {
            figures.push(format!("{} (prices of {price_as_of})", dollars(usd)));
        }
        Some(Cost::Unknown { .. }) => figures.push("cost unknown".to_owned()),
        None => {}
    }
    if let Some(first) = timing.first_token_ms {
        figures.push(format!("first word after {}", section::duration(first)));
    }
    if let Some(rate) = timing.tokens_per_s {
        figures.push(format!("{} tokens/s", self::rate(rate)));
    }
    if let Some(kept) = exchange.answer_origin {
        figures.push(from("answer", kept.tier, kept.age_ms));
        figures.extend(saved(kept.saved_ms, kept.saved_tokens));
    }
    if let Some(vector) = exchange.vector {
        match vector.tier {
            Some(tier) => figures.push(from("vector", tier, vector.age_ms)),
            None => figures.push("vector computed".to_owned()),
        }
        figures.extend(saved(vector.saved_ms, None));
    }
    figures
}

fn from(what: &str, tier: Tier, age_ms: Option<f64>) -> String {
    let age = age_ms.map_or(String::new(), |age| format!(", {} old", section::age(age)));
    format!("{what} from {}{age}", tier.name())
}

/// What a kept thing took when it was made.
fn saved(saved_ms: Option<f64>, tokens: Option<u64>) -> Option<String> {
    let time = saved_ms.map(section::duration);
    let tokens = tokens.map(|tokens| format!("{tokens} tokens"));
    let both: Vec<String> = time.into_iter().chain(tokens).collect();
    (!both.is_empty()).then(|| format!("saved {}", both.join(" and ")))
}

/// A rate with two figures at the least.
pub(super) fn rate(rate: f64) -> String {
    let digits = usize::from(rate < 9.95);
    format!("{rate:.digits$}")
}

/// An amount with two figures at the least: `$12.50`, `$0.0123`, `$0.00024`.
pub(super) fn dollars(usd: f64) -> String {
    if usd >= 0.995 || usd <= 0.0 {
        return format!("${usd:.2}");
    }
    // Two figures behind the zeros; below a picodollar there is nothing.
    let zeros = (-usd.log10()).ceil().clamp(1.0, 12.0) as usize;
    format!("${usd:.*}", zeros + 1)
}

/// A figure with its unit, which stay on one row.
pub(super) fn whole(figure: &str) -> String {
    figure.replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_two_figures() {
        for (usd, said) in [
            (0.0, "$0.00"),
            (12.5, "$12.50"),
            (0.999, "$1.00"),
            (0.123, "$0.12"),
            (0.0123, "$0.012"),
            (0.000_238_2, "$0.00024"),
            (1e-12, "$0.0000000000010"),
        ] {
            assert_eq!(dollars(usd), said, "{usd}");
        }
    }
}

//! Whether a question is about this moment, by stated rules: its answer is not kept. It hears more than `marks`, which
//! weighs against an answer: a mistake costs a request here and an answer there.

use super::judge::{BESIDE, Signals};
use crate::dataset::OutsideKind;

/// Words that ask for this moment wherever they stand.
const WORDS: &[&str] = &[
    "now",
    "today",
    "tonight",
    "yesterday",
    "tomorrow",
    "current",
    "currently",
    "latest",
    "live",
    "recent",
    "recently",
    "nowadays",
    "presently",
];

/// The same in several words.
const PHRASES: &[&str] = &[
    "at the moment",
    "at present",
    "as of",
    "so far",
    "this week",
    "this month",
    "this year",
    "this quarter",
    "last week",
    "last month",
    "these days",
    "past 24",
    "last 24",
    "up to date",
];

/// Whether the question asks for something that is of this moment: by its words, or by being about as near to a reference
/// question for a live figure as to the evidence. What is taken for one wrongly costs a request; what is missed would
/// be answered with an old figure.
pub(super) fn is_about_this_moment(question: &str, signals: &Signals) -> bool {
    let lower = question.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let plain = format!(" {} ", words.join(" "));
    let near = signals.outside.is_some_and(|hit| {
        hit.kind == OutsideKind::Live
            && f64::from(hit.score) > signals.nearness().unwrap_or(f64::NEG_INFINITY) - BESIDE
    });
    near || words.iter().any(|word| WORDS.contains(word))
        || PHRASES
            .iter()
            .any(|phrase| plain.contains(&format!(" {phrase} ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrieval::OutsideHit;

    #[test]
    fn words_of_this_moment_are_heard_as_words() {
        let asks = |question| is_about_this_moment(question, &Signals::default());
        for live in [
            "What is the current TVL of Aave?",
            "USDC rate on Compound right NOW?",
            "who won the vote this week",
            "Best stable yields, as of today",
        ] {
            assert!(asks(live), "{live}");
        }
        for lasting in [
            "What is a TWAP?",
            "What do you know about oracles?",
            "How does delivery of a future work?",
            "Does this weekly epoch matter for ve tokens?",
        ] {
            assert!(!asks(lasting), "{lasting}");
        }
    }

    #[test]
    fn so_is_the_neighbourhood_of_a_question_for_a_live_figure() {
        let near = |score, kind| {
            let signals = Signals {
                cosine: Some(0.6),
                outside: Some(OutsideHit { score, kind }),
                ..Signals::default()
            };
            is_about_this_moment("How much is staked?", &signals)
        };
        assert!(near(0.58, OutsideKind::Live));
        assert!(!near(0.5, OutsideKind::Live));
        assert!(!near(0.58, OutsideKind::Trap));
    }
}

//! Whether the evidence carries an answer. The rule was chosen on the labelled questions of `data/eval/scope.jsonl`;
//! `cargo test --test scope -- --nocapture` prints its rates.

use super::classify::Intent;
use super::event::Hit;

/// What the rule looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// The highest cosine between the question and any pair; `None` without vectors.
    pub cosine: Option<f64>,
    /// How much of the question's weight in words the best pair holds, 0 to 1: the sum of the inverse document
    /// frequencies of its shared words, over that of all the question's content words.
    pub coverage: f64,
}

/// At this cosine the meaning alone is near enough.
pub const NEAR: f64 = 0.50;
/// Below this cosine no shared words help.
pub const FAR: f64 = 0.30;
/// Between the two, shared words must make up for what the cosine lacks: the sum of cosine and
/// [`COVERAGE_WEIGHT`] x coverage must reach [`ENOUGH`].
pub const ENOUGH: f64 = 0.52;
/// What full coverage is worth in cosine.
pub const COVERAGE_WEIGHT: f64 = 0.15;

/// What the rule says, and why, in words for the trace and the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub enough: bool,
    pub reason: String,
}

/// Judges the evidence for a question of this intent.
pub fn judge(intent: Intent, signals: Signals) -> Verdict {
    let no = |reason: String| Verdict {
        enough: false,
        reason,
    };
    match intent {
        Intent::LiveData => {
            return no("it asks for a figure of this moment, and what I know is stored, not live".to_owned());
        }
        Intent::Advice => {
            return no("it asks what to buy, sell or hold, and I give no investment advice".to_owned());
        }
        Intent::Lookup | Intent::Talk(_) => {}
    }
    let Some(cosine) = signals.cosine else {
        return no("nothing I know is near it".to_owned());
    };
    let support = cosine + COVERAGE_WEIGHT * signals.coverage;
    let enough = cosine >= NEAR || (cosine >= FAR && support >= ENOUGH);
    let reason = format!(
        "nearest cosine {cosine:.2}, shared words {:.0} %",
        signals.coverage * 100.0
    );
    if enough {
        Verdict { enough, reason }
    } else {
        no(format!("nothing I know is near enough ({reason})"))
    }
}

/// What is said instead of an answer: why, and the nearest questions that could be answered.
pub fn decline(verdict: &Verdict, hits: &[Hit]) -> String {
    let mut text = format!("I cannot answer this: {}.", verdict.reason);
    if !hits.is_empty() {
        text.push_str("\n\nThe nearest questions that I can answer:\n");
        for (index, hit) in hits.iter().take(3).enumerate() {
            text.push_str(&format!("\n- {} [{}]", hit.question.trim(), index + 1));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(cosine: f64, coverage: f64) -> bool {
        judge(
            Intent::Lookup,
            Signals {
                cosine: Some(cosine),
                coverage,
            },
        )
        .enough
    }

    #[test]
    fn near_meaning_is_enough_and_shared_words_make_up_for_some_of_it() {
        assert!(lookup(NEAR, 0.0));
        assert!(!lookup(NEAR - 0.01, 0.0));
        assert!(lookup(NEAR - 0.01, 1.0));
        assert!(!lookup(FAR - 0.01, 1.0));
    }

    #[test]
    fn live_figures_and_advice_are_declined_however_near() {
        let signals = Signals {
            cosine: Some(0.99),
            coverage: 1.0,
        };
        assert!(!judge(Intent::LiveData, signals).enough);
        assert!(!judge(Intent::Advice, signals).enough);
    }

    #[test]
    fn a_decline_says_why_and_offers_the_nearest() {
        let verdict = judge(Intent::Lookup, Signals::default());
        let hits = [Hit {
            question: "What is a TWAP?".into(),
            ..Hit::default()
        }];
        assert_eq!(
            decline(&verdict, &hits),
            "I cannot answer this: nothing I know is near it.\n\nThe nearest questions that I can answer:\n\n- What is a TWAP? [1]"
        );
    }
}

//! Whether the evidence carries an answer. The rule was chosen on one half of the labelled questions of
//! `data/eval/scope.jsonl` and is measured on the other: `cargo test --test scope -- --nocapture` prints its rates.

use super::event::Hit;
use crate::dataset::OutsideKind;
use crate::retrieval::OutsideHit;

/// What the rule looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// The highest cosine between the question and any pair; `None` without vectors. With another model than the
    /// bundled one, for which the rule was chosen, this and the one of `outside` are scaled to what they would be there,
    /// see `retrieval/scale.rs`.
    pub cosine: Option<f64>,
    /// How much of the question's weight in words the best pair holds, 0 to 1: the sum of the inverse document
    /// frequencies of its shared words, over that of all the question's content words.
    pub coverage: f64,
    /// How many of the question's content words stand anywhere in the corpus, 0 to 1. At 0 the text is noise to us,
    /// whatever its cosine: a model gives mashed keys a vector too.
    pub known: f64,
    /// The nearest reference question outside the field, where there is one.
    pub outside: Option<OutsideHit>,
    /// Whether the cosines are scaled.
    pub scaled: bool,
}

/// What full coverage is worth in cosine.
pub const COVERAGE_WEIGHT: f64 = 0.05;
/// What nearness to a question outside the field costs.
pub const OUTSIDE_WEIGHT: f64 = 1.1;
/// What the balance of the three must reach.
pub const ENOUGH: f64 = 0.02;

impl Signals {
    /// `cosine + 0.05 coverage - 1.1 outside`: how much nearer the question is to what is known than to what is not
    /// answered. `None` without vectors.
    pub fn balance(&self) -> Option<f64> {
        let outside = self.outside.map_or(0.0, |hit| f64::from(hit.score).max(0.0));
        Some(self.cosine? + COVERAGE_WEIGHT * self.coverage - OUTSIDE_WEIGHT * outside)
    }
}

/// A reference is named as the reason of a decline when its cosine is at most this much below the evidence's.
const BESIDE: f64 = 0.05;

/// What the rule says, and why, in words for the trace and the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub enough: bool,
    pub reason: String,
}

/// Judges the evidence.
pub fn judge(signals: Signals) -> Verdict {
    let (Some(balance), Some(cosine)) = (signals.balance(), signals.cosine) else {
        return Verdict {
            enough: false,
            reason: "nothing I know is near it".to_owned(),
        };
    };
    let outside = signals
        .outside
        .map_or("-".to_owned(), |hit| format!("{:.2}", hit.score));
    let scaled = if signals.scaled {
        "; cosines scaled to the bundled model's, for which the rule was chosen"
    } else {
        ""
    };
    let figures = format!(
        "nearest pair {cosine:.2}, shared words {:.0} %, nearest outside {outside}{scaled}",
        signals.coverage * 100.0
    );
    if balance >= ENOUGH && signals.known > 0.0 {
        return Verdict {
            enough: true,
            reason: figures,
        };
    }
    // The reference is only blamed when it is about as near as the evidence.
    let kind = signals
        .outside
        .filter(|hit| f64::from(hit.score) > cosine - BESIDE)
        .map(|hit| hit.kind);
    let why = match kind {
        _ if signals.known == 0.0 => "it has no word that I know",
        Some(OutsideKind::Live) => "it asks for a figure of this moment, and what I know is stored, not live",
        Some(OutsideKind::Advice) => "it asks what to buy, sell or hold, and I give no investment advice",
        Some(OutsideKind::Unrelated | OutsideKind::Trap | OutsideKind::Adjacent) => {
            "it is nearer to questions outside DeFi than to anything I know"
        }
        None => "nothing I know is near enough",
    };
    Verdict {
        enough: false,
        reason: format!("{why} ({figures})"),
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

    fn signals(cosine: f64, coverage: f64, outside: f32, kind: OutsideKind) -> Signals {
        Signals {
            cosine: Some(cosine),
            coverage,
            known: 1.0,
            outside: Some(OutsideHit { score: outside, kind }),
            scaled: false,
        }
    }

    #[test]
    fn cosines_of_another_model_are_said_to_be_scaled() {
        let bundled = signals(0.6, 0.5, 0.4, OutsideKind::Trap);
        let other = Signals {
            scaled: true,
            ..bundled
        };
        assert!(
            judge(other)
                .reason
                .ends_with("; cosines scaled to the bundled model's, for which the rule was chosen")
        );
        assert!(!judge(bundled).reason.contains("scaled"));
    }

    #[test]
    fn a_question_nearer_to_what_is_known_than_to_what_is_not_is_answered() {
        assert!(judge(signals(0.6, 0.5, 0.4, OutsideKind::Trap)).enough);
        assert!(!judge(signals(0.4, 0.5, 0.6, OutsideKind::Trap)).enough);
        assert!(!judge(signals(0.44, 0.0, 0.42, OutsideKind::Trap)).enough);
        assert!(
            judge(signals(0.44, 1.0, 0.42, OutsideKind::Trap)).enough,
            "shared words can tip the scale"
        );
    }

    #[test]
    fn a_decline_names_its_reason() {
        let reason = |cosine, outside, kind| judge(signals(cosine, 0.0, outside, kind)).reason;
        assert_eq!(
            reason(0.5, 0.7, OutsideKind::Live),
            "it asks for a figure of this moment, and what I know is stored, not live (nearest pair 0.50, shared words 0 %, \
             nearest outside 0.70)"
        );
        assert!(reason(0.5, 0.7, OutsideKind::Advice).starts_with("it asks what to buy, sell or hold"));
        assert!(
            reason(0.3, 0.4, OutsideKind::Unrelated).starts_with("it is nearer to questions outside DeFi")
        );
        assert!(reason(0.50, 0.445, OutsideKind::Unrelated).starts_with("nothing I know is near enough"));
    }

    #[test]
    fn a_decline_says_why_and_offers_the_nearest() {
        let hits = [Hit {
            question: "What is a TWAP?".into(),
            ..Hit::default()
        }];
        assert_eq!(
            decline(&judge(Signals::default()), &hits),
            "I cannot answer this: nothing I know is near it.\n\nThe nearest questions that I can answer:\n\n- What is a TWAP? [1]"
        );
    }
}

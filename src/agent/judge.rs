//! Whether the evidence carries an answer. The weights are those of a logistic regression, rounded, on the labelled questions
//! of `data/eval/scope.jsonl` and the tuning half of `data/eval/development.jsonl`; the other half measures the rule:
//! `defi-qa eval data/eval/development.jsonl --half held-out`.

use super::event::Hit;
use super::marks::Marks;
use crate::dataset::OutsideKind;
use crate::retrieval::OutsideHit;

/// What the rule looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// The highest cosine between the question and any pair; `None` without vectors. With another model than the
    /// bundled one, for which the rule was chosen, this and the one of `outside` are scaled to what they would be there,
    /// see `retrieval/scale.rs`.
    pub cosine: Option<f64>,
    /// Without vectors: the share of the question that the best pair by its words holds, each word weighing its idf; then
    /// the score of `outside` is the same of a reference.
    pub covered: Option<f64>,
    /// How many of the question's content words stand anywhere in the corpus, 0 to 1. At 0 the text is noise to us,
    /// whatever its cosine: a model gives mashed keys a vector too.
    pub known: f64,
    /// How many of the ten things nearest to the question are pairs and not reference questions outside the field, 0 to 1.
    pub company: f64,
    /// The nearest reference question outside the field, where there is one.
    pub outside: Option<OutsideHit>,
    /// Turns of phrase that ask for what is not known here.
    pub marks: Marks,
    /// Whether it asks the meaning of just the thing that a pair asks the meaning of.
    pub subject: bool,
    /// Whether the cosines are scaled.
    pub scaled: bool,
}

/// What nearness to a question outside the field costs, in cosine.
pub const OUTSIDE_WEIGHT: f64 = 0.9;
/// What it is worth that every word is known.
pub const KNOWN_WEIGHT: f64 = 0.45;
/// What it is worth that only pairs are near.
pub const COMPANY_WEIGHT: f64 = 0.3;
/// What a turn of phrase costs that asks for this moment or for a decision.
pub const MARK_WEIGHT: f64 = 0.25;
/// What it is worth that a pair asks for the same thing. No question of the judged sets that is to be declined is like that; of
/// the questions made from 263 pairs ("what is X", "X") four were declined without it.
pub const SUBJECT_WEIGHT: f64 = 0.15;
/// What the balance of the five must reach.
pub const ENOUGH: f64 = 0.7;

/// The rule for words alone: what a reference costs that holds the question too, what known words are worth, what a
/// turn of phrase costs, and what the balance must reach. The weights are of a logistic regression on the same questions,
/// rounded; shares and no BM25, which grows with the size of a set.
pub const WORDS_OUTSIDE_WEIGHT: f64 = 0.8;
pub const WORDS_KNOWN_WEIGHT: f64 = 0.5;
pub const WORDS_MARK_WEIGHT: f64 = 0.5;
pub const WORDS_ENOUGH: f64 = 0.7;

impl Signals {
    /// How near the best pair is, by whatever was searched.
    pub(super) fn nearness(&self) -> Option<f64> {
        self.cosine.or(self.covered)
    }

    /// `covered - 0.8 outside + 0.5 known - 0.5 marked`, for a question of which only the words could be searched. `None`
    /// when no pair shares a word with it.
    fn balance_by_words(&self) -> Option<f64> {
        let outside = self.outside.map_or(0.0, |hit| f64::from(hit.score));
        let marked = f64::from(u8::from(self.marks != Marks::default()));
        let words = WORDS_KNOWN_WEIGHT * self.known - WORDS_MARK_WEIGHT * marked;
        Some(self.covered? - WORDS_OUTSIDE_WEIGHT * outside + words)
    }

    /// `cosine - 0.9 outside + 0.45 known + 0.3 company - 0.25 marked`: whether the question belongs to what is known or to what is not
    /// answered. `None` without vectors.
    pub fn balance(&self) -> Option<f64> {
        let outside = self.outside.map_or(0.0, |hit| f64::from(hit.score).max(0.0));
        let words = KNOWN_WEIGHT * self.known + COMPANY_WEIGHT * self.company;
        let marked = f64::from(u8::from(self.marks != Marks::default()));
        let named = f64::from(u8::from(self.subject));
        Some(self.cosine? - OUTSIDE_WEIGHT * outside + words + SUBJECT_WEIGHT * named - MARK_WEIGHT * marked)
    }
}

impl Signals {
    /// As the rule should see them for a set with few pairs, in which even a good question has an unknown word and more references than pairs
    /// around it: one known word counts as all of them, and the company is that of the nearest thing.
    #[must_use]
    pub fn of_a_small_set(self) -> Self {
        let outside = self.outside.map_or(f64::NEG_INFINITY, |hit| f64::from(hit.score));
        let whole = |is: bool| f64::from(u8::from(is));
        Self {
            known: whole(self.known > 0.0),
            company: whole(self.cosine.is_some_and(|cosine| cosine >= outside)),
            ..self
        }
    }
}

/// A reference is named as the reason of a decline when its cosine is at most this much below the evidence's.
pub(super) const BESIDE: f64 = 0.05;

/// What the rule says, and why, in words for the trace and the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub enough: bool,
    pub reason: String,
}

/// Judges the evidence.
pub fn judge(signals: Signals) -> Verdict {
    let by_vectors = signals.balance().map(|balance| (balance, ENOUGH));
    let by_words = || Some((signals.balance_by_words()?, WORDS_ENOUGH));
    let (Some((balance, least)), Some(nearness)) = (by_vectors.or_else(by_words), signals.nearness()) else {
        return Verdict {
            enough: false,
            reason: "nothing I know is near it".to_owned(),
        };
    };
    let figures = figures(&signals, nearness);
    if balance >= least && signals.known > 0.0 {
        return Verdict {
            enough: true,
            reason: figures,
        };
    }
    // The reference is only blamed when it is about as near as the evidence.
    let beside = signals
        .outside
        .filter(|hit| f64::from(hit.score) > nearness - BESIDE)
        .map(|hit| hit.kind);
    // What the question says itself comes before what it resembles.
    let kind = match signals.marks {
        // "Should I buy right now" asks for a decision first.
        Marks { advice: true, .. } => Some(OutsideKind::Advice),
        Marks { moment: true, .. } => Some(OutsideKind::Live),
        Marks { .. } => beside,
    };
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

/// What the verdict rests on, in words.
fn figures(signals: &Signals, nearness: f64) -> String {
    let outside = signals.outside.map(|hit| f64::from(hit.score));
    let known = signals.known * 100.0;
    if signals.cosine.is_none() {
        return format!(
            "by words alone: a pair holds {:.0} % of it, a question outside {:.0} %, known words {known:.0} %",
            nearness * 100.0,
            outside.unwrap_or(0.0) * 100.0
        );
    }
    let outside = outside.map_or("-".to_owned(), |cosine| format!("{cosine:.2}"));
    let scaled = if signals.scaled {
        "; cosines scaled to the bundled model's, for which the rule was chosen"
    } else {
        ""
    };
    format!(
        "nearest pair {nearness:.2}, nearest outside {outside}, pairs among the ten nearest {:.0}, known words {known:.0} %{scaled}",
        signals.company * 10.0,
    )
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

    fn signals(cosine: f64, company: f64, outside: f32, kind: OutsideKind) -> Signals {
        Signals {
            cosine: Some(cosine),
            known: 1.0,
            company,
            outside: Some(OutsideHit { score: outside, kind }),
            ..Signals::default()
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
        let enough = |signals| judge(signals).enough;
        assert!(enough(signals(0.7, 1.0, 0.4, OutsideKind::Trap)));
        assert!(!enough(signals(0.4, 0.3, 0.6, OutsideKind::Trap)));
        let torn = |company, known| Signals {
            known,
            ..signals(0.55, company, 0.5, OutsideKind::Trap)
        };
        assert!(enough(torn(1.0, 1.0)));
        assert!(!enough(torn(0.1, 1.0)), "it is in the wrong company");
        assert!(!enough(torn(0.8, 0.3)), "most of its words are of another field");
    }

    #[test]
    fn words_alone_tell_a_question_that_a_pair_holds_from_one_that_it_does_not() {
        let by_words = |covered, outside, known| Signals {
            covered: Some(covered),
            known,
            outside: Some(OutsideHit {
                score: outside,
                kind: OutsideKind::Trap,
            }),
            ..Signals::default()
        };
        let good = by_words(0.84, 0.21, 1.0);
        let verdict = judge(good);
        assert!(verdict.enough);
        assert_eq!(
            verdict.reason,
            "by words alone: a pair holds 84 % of it, a question outside 21 %, known words 100 %"
        );
        let verdict = judge(by_words(0.41, 0.42, 0.9));
        assert!(!verdict.enough);
        assert!(
            verdict
                .reason
                .starts_with("it is nearer to questions outside DeFi"),
            "{}",
            verdict.reason
        );
        assert!(!judge(by_words(0.9, 0.0, 0.0)).enough, "noise");
        let marks = Marks::of("what is the funding rate right now");
        assert!(!judge(Signals { marks, ..good }).enough);
        let of_nothing = Signals {
            covered: None,
            ..good
        };
        assert_eq!(judge(of_nothing).reason, "nothing I know is near it");
    }

    #[test]
    fn a_question_for_the_meaning_of_a_known_thing_is_answered_beside_one_for_its_figure() {
        let beside = signals(0.75, 0.7, 0.84, OutsideKind::Live);
        assert!(!judge(beside).enough);
        let named = Signals {
            subject: true,
            ..beside
        };
        assert!(judge(named).enough);
        let marks = Marks::of("what is the funding rate right now");
        assert!(!judge(Signals { marks, ..named }).enough);
    }

    #[test]
    fn a_small_set_is_not_blamed_for_its_few_words() {
        let sparse = Signals {
            known: 0.4,
            ..signals(0.6, 0.1, 0.4, OutsideKind::Trap)
        };
        assert!(!judge(sparse).enough);
        assert!(judge(sparse.of_a_small_set()).enough);
        let beside = signals(0.4, 0.1, 0.6, OutsideKind::Trap).of_a_small_set();
        assert!(
            !judge(beside).enough,
            "what is nearer to the outside stays outside"
        );
    }

    #[test]
    fn a_question_about_this_moment_is_declined_where_a_general_one_is_answered() {
        let general = signals(0.7, 0.8, 0.65, OutsideKind::Trap);
        assert!(judge(general).enough);
        let marks = Marks::of("what is the funding rate right now");
        let verdict = judge(Signals { marks, ..general });
        assert!(!verdict.enough);
        assert!(
            verdict.reason.starts_with("it asks for a figure of this moment"),
            "{}",
            verdict.reason
        );
        let decision = Marks::of("should i buy eth right now");
        let verdict = judge(Signals {
            marks: decision,
            ..general
        });
        assert!(
            verdict.reason.starts_with("it asks what to buy, sell or hold"),
            "{}",
            verdict.reason
        );
        let exact = signals(0.95, 1.0, 0.6, OutsideKind::Live);
        assert!(
            judge(Signals { marks, ..exact }).enough,
            "what is known word for word is answered"
        );
    }

    #[test]
    fn text_without_a_known_word_is_noise() {
        let noise = Signals {
            known: 0.0,
            ..signals(0.99, 1.0, 0.0, OutsideKind::Trap)
        };
        let verdict = judge(noise);
        assert!(!verdict.enough);
        assert!(
            verdict.reason.starts_with("it has no word that I know"),
            "{}",
            verdict.reason
        );
    }

    #[test]
    fn a_decline_names_its_reason() {
        let reason = |cosine, outside, kind| judge(signals(cosine, 0.2, outside, kind)).reason;
        assert_eq!(
            reason(0.5, 0.7, OutsideKind::Live),
            "it asks for a figure of this moment, and what I know is stored, not live (nearest pair 0.50, nearest outside 0.70, pairs \
             among the ten nearest 2, known words 100 %)"
        );
        assert!(reason(0.5, 0.7, OutsideKind::Advice).starts_with("it asks what to buy, sell or hold"));
        assert!(
            reason(0.3, 0.4, OutsideKind::Unrelated).starts_with("it is nearer to questions outside DeFi")
        );
        assert!(reason(0.30, 0.245, OutsideKind::Unrelated).starts_with("nothing I know is near enough"));
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

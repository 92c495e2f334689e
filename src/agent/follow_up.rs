//! A question that only makes sense after another ("and on v3?") is read as one that stands by itself: by the model when
//! there is one, else together with the question before it, by a stated rule.
//!
//! By the rule it is one when it begins as one does and is short, or names its subject by a pronoun and says little else,
//! or compares one thing with nothing ("how is Compound different?"), or says nothing by itself but a version. The model is asked about every short question that could be one, and its word counts, also
//! when it says that the question stands by itself. What it is read as is shown, with who read it so: whoever guesses wrong
//! must be seen doing so.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::answerer::Piece;
use super::emitter::{Emitter, StageClock, ms};
use super::error::AgentError;
use super::event::{AgentEvent, Kept, Stage, Usage};
use super::recall::{Lookup, recalled};
use super::run::{Agent, State};
use crate::dataset::is_stop_word;
use crate::text;

/// A question as it is read, and who reads it so: `rule`, or the name of the answerer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) text: String,
    pub(super) by: String,
}

/// Who reads a question when no model does.
const RULE: &str = "rule";

/// The longest that a model is waited for: what it says is worth less than an answer that begins.
const PATIENCE: Duration = Duration::from_secs(6);
/// Characters of a rewritten question; what is longer is no question.
const LONGEST_REWRITING: usize = 400;
/// Words of a question that a model is asked about: longer ones say what they are about.
const COULD_GO_ON: usize = 14;

impl Agent {
    /// Whether it has to be found out what a question goes on from.
    pub(super) fn may_go_on(&self, state: &State) -> bool {
        let Some(before) = state.before.last() else {
            return false;
        };
        let by_rule = read_after(&before.question, &state.question).is_some();
        // Asked again, as to try once more or side by side, it is read as it was, and no model is asked.
        if !by_rule && same(&before.question, &state.question) {
            return false;
        }
        let count = words(&state.question).len();
        // A model is only known to be there by what it would be asked.
        let model = || self.answerer.rewrite(&state.question, &state.before).is_some();
        by_rule || ((1..=COULD_GO_ON).contains(&count) && model())
    }

    /// Finds out what a question is read as, and ends the node with that.
    pub(super) async fn read_follow_up(&self, emitter: &Emitter, mut clock: StageClock, state: &mut State) {
        let ruled = || {
            let before = state.before.last()?;
            read_after(&before.question, &state.question)
        };
        let by_rule = ruled().map(|text| Reading {
            text,
            by: RULE.to_owned(),
        });
        let Some(rewriting) = self.answerer.rewrite(&state.question, &state.before) else {
            state.reading = by_rule;
            clock.end(Some("by the rule".to_owned())).await;
            return;
        };
        let name = self.answerer.name();
        let pieces = match rewriting.kept_as {
            Some(wanted) => recalled(
                std::sync::Arc::clone(&self.cache),
                wanted,
                rewriting.pieces,
                state.freshness,
            ),
            None => rewriting.pieces,
        };
        let mut said = Said::default();
        let heard = tokio::time::timeout(PATIENCE, said.hear(emitter, &mut clock, pieces)).await;
        if let Some(usage) = said.usage {
            state.used_before = Some(usage);
            let stage = Stage::FollowUp;
            emitter.alone(0).say(AgentEvent::Used { stage, usage }).await;
        }
        let why = match heard {
            Ok(Ok(())) => match rewritten(&said.text) {
                Some(text) if same(&text, &state.question) => {
                    clock.end(Some(format!("stands by itself, says {name}"))).await;
                    return;
                }
                Some(text) => {
                    clock.end(Some(format!("by {name}"))).await;
                    state.reading = Some(Reading { text, by: name });
                    return;
                }
                None => "its reply is no question".to_owned(),
            },
            Ok(Err(error)) => error.message,
            Err(_) => format!("it took longer than {} s", PATIENCE.as_secs()),
        };
        tracing::info!(
            stage = "follow_up",
            "the rule reads the question in the model's place"
        );
        state.reading = by_rule;
        clock
            .end(Some(format!("by the rule, not by {name}: {why}")))
            .await;
    }
}

/// What a model said of a question.
#[derive(Debug, Default)]
struct Said {
    text: String,
    usage: Option<Usage>,
}

impl Said {
    /// Listens to the end.
    async fn hear(
        &mut self,
        emitter: &Emitter,
        clock: &mut StageClock,
        mut pieces: BoxStream<'static, Result<Piece, AgentError>>,
    ) -> Result<(), AgentError> {
        while let Some(piece) = pieces.next().await {
            match piece? {
                Piece::Text(text) => self.text.push_str(&text),
                Piece::Looked(Lookup { key, found }) => {
                    clock.cache = found.map(|found| found.tier);
                    let lookup = AgentEvent::Cache {
                        key,
                        kind: Kept::Rewriting,
                        tier: found.map(|found| found.tier),
                        age_ms: found.map(|found| ms(found.age)),
                        saved_ms: found.and_then(|found| found.took).map(ms),
                        saved_tokens: found.and_then(|found| found.tokens),
                    };
                    emitter.say(lookup).await;
                }
                Piece::Limits(limits) => emitter.say(AgentEvent::Limits { limits }).await,
                Piece::Waiting { on } => clock.waits(on).await,
                Piece::Retry {
                    why,
                    wait,
                    attempt,
                    of,
                } => clock.retries(why, wait, attempt, of).await,
                Piece::Resumed { waited } => clock.resumed(waited).await,
                Piece::Note(_) => {}
                Piece::End { usage, cut } => {
                    self.usage = usage;
                    return match cut {
                        None => Ok(()),
                        Some(why) => Err(AgentError::lasting(Stage::FollowUp, why)),
                    };
                }
            }
        }
        Err(AgentError::lasting(Stage::FollowUp, "its reply broke off"))
    }
}

/// The question in a model's reply: its one line without quotation marks.
fn rewritten(reply: &str) -> Option<String> {
    let clean = text::sanitize(reply);
    let mut lines = clean.lines().map(str::trim).filter(|line| !line.is_empty());
    let (line, more) = (lines.next()?, lines.next());
    let line = line.trim_matches(['"', '“', '”', '`']).trim();
    let length = line.chars().count();
    (more.is_none() && (1..=LONGEST_REWRITING).contains(&length)).then(|| line.to_owned())
}

/// Whether two questions are the same words.
fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    words(&one) == words(&other)
}

/// A question that begins like this goes on with what was said.
const OPENINGS: &[&str] = &[
    "and",
    "but",
    "or",
    "also",
    "then",
    "what about",
    "how about",
    "same for",
    "what if",
    "why not",
    "so",
];
/// Longer ones stand by themselves, however they begin.
const SHORT: usize = 8;
const PRONOUNS: &[&str] = &[
    "it", "its", "that", "this", "those", "these", "they", "them", "their", "there", "one", "ones", "former",
    "latter",
];
/// Words with content that a question with a pronoun may have: "how does it work on Aave".
const FEW: usize = 2;
/// Words that compare with something, and those by which a question names both sides itself.
const COMPARING: &[&str] = &[
    "different",
    "difference",
    "differs",
    "differ",
    "same",
    "instead",
    "versus",
    "compared",
    "compare",
    "rather",
];
const BOTH: &[&str] = &["between", "and", "vs", "or"];
/// Words with content that a question that compares with nothing may have besides.
const FEW_COMPARED: usize = 3;
/// A bare "why" is about what was said: "why seven days?".
const BARE_WHY: usize = 3;
/// Characters of the earlier question that are taken along.
const LONGEST_BEFORE: usize = 300;

/// The question with what it goes on from; `None` for one that stands by itself.
fn read_after(before: &str, question: &str) -> Option<String> {
    if !goes_on(question) {
        return None;
    }
    let new = versions(question);
    // Of "on v2" and "and on v3?" only the newer is asked about.
    let kept = before
        .split_whitespace()
        .filter(|word| new.is_empty() || versions(word).is_empty());
    let before = kept.collect::<Vec<_>>().join(" ");
    let before: String = before.chars().take(LONGEST_BEFORE).collect();
    (!before.trim().is_empty()).then(|| format!("{} {}", before.trim(), question.trim()))
}

fn goes_on(question: &str) -> bool {
    let lower = question.to_lowercase();
    let words = words(&lower);
    let plain = format!("{} ", words.join(" "));
    let opens = OPENINGS
        .iter()
        .any(|opening| plain.starts_with(&format!("{opening} ")));
    let content = words
        .iter()
        .filter(|word| !is_stop_word(word) && !PRONOUNS.contains(word) && !QUESTION_WORDS.contains(word))
        .count();
    let points = words.iter().any(|word| PRONOUNS.contains(word));
    let short = words.len() <= SHORT;
    let compares = words.iter().any(|word| COMPARING.contains(word))
        && !words.iter().skip(1).any(|word| BOTH.contains(word))
        && content <= FEW_COMPARED + 1;
    let bare_why = words.first() == Some(&"why") && words.len() <= BARE_WHY;
    let named = versions(question).len() + words.iter().filter(|word| **word == "version").count();
    let empty = content <= named && !words.is_empty();
    (short && (opens || (points && content <= FEW) || compares)) || bare_why || empty
}

/// They ask and name nothing.
const QUESTION_WORDS: &[&str] = &[
    "why", "how", "when", "where", "who", "which", "what", "really", "exactly", "please",
];

fn words(text: &str) -> Vec<&str> {
    let apart = |sign: char| !(sign.is_alphanumeric() || sign == '\'' || sign == '-');
    text.split(apart).filter(|word| !word.is_empty()).collect()
}

/// The versions that a text names: `v2`, `v3.1`.
fn versions(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let all = words(&lower).into_iter();
    all.filter(|word| {
        word.strip_prefix('v')
            .is_some_and(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
    })
    .map(str::to_owned)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_goes_on_is_read_with_the_one_before() {
        let before = "How is impermanent loss computed on Uniswap v2?";
        let read = |question| read_after(before, question);
        assert_eq!(
            read("and on v3?").as_deref(),
            Some("How is impermanent loss computed on Uniswap and on v3?")
        );
        assert_eq!(
            read("what about Curve?").as_deref(),
            Some("How is impermanent loss computed on Uniswap v2? what about Curve?")
        );
        for question in [
            "why?",
            "Is it permanent?",
            "how do they hedge that",
            "And with fees",
            "how is Compound different",
            "versus Curve?",
            "why seven days?",
            "v3 version?",
        ] {
            assert!(read(question).is_some(), "{question}");
        }
    }

    #[test]
    fn a_question_that_stands_by_itself_is_read_as_it_is() {
        for question in [
            "What is a flash loan?",
            "Is it safe to deposit stETH as collateral on Aave?",
            "And now for something completely different: how does an optimistic rollup prove fraud?",
            "vote escrow",
            "What is the difference between APR and APY?",
            "stETH versus rETH or cbETH",
            "Why did UST collapse?",
            "What does that ERC-4626 inflation attack do to the first depositor?",
            "",
        ] {
            assert_eq!(
                read_after("What is impermanent loss?", question),
                None,
                "{question}"
            );
        }
        assert_eq!(read_after("", "and on v3?"), None, "there is nothing before");
    }

    #[test]
    fn a_reply_of_one_line_is_a_question_and_anything_else_is_none() {
        for (reply, question) in [
            ("How does it work on v3?", Some("How does it work on v3?")),
            ("  \"How so?\"\n\n", Some("How so?")),
            ("", None),
            (" \n", None),
            ("Sure! Here it is:\nHow so?", None),
            (&"long ".repeat(400), None),
        ] {
            assert_eq!(rewritten(reply).as_deref(), question, "{reply:?}");
        }
        assert!(same("And on V3?", "and on v3"));
        assert!(!same("And on v3?", "and on v2?"));
    }

    #[test]
    fn a_long_question_before_is_cut() {
        let read = read_after(&"long ".repeat(400), "why?").unwrap();
        assert!(read.chars().count() <= LONGEST_BEFORE + 5, "{}", read.len());
    }
}

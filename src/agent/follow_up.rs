//! A question that only makes sense after another ("and on v3?") is searched together with it, by a stated rule.
//!
//! It is one when it begins as one does and is short, or names its subject by a pronoun and says little else, or says
//! nothing by itself. What it is read as is shown: a rule that guesses wrong must be seen doing so.

use crate::dataset::is_stop_word;

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
/// Characters of the earlier question that are taken along.
const LONGEST_BEFORE: usize = 300;

/// The question with what it goes on from; `None` for one that stands by itself.
pub(super) fn read_after(before: &str, question: &str) -> Option<String> {
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
    let empty = content == 0 && !words.is_empty();
    (opens && words.len() <= SHORT) || (points && content <= FEW && words.len() <= SHORT) || empty
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
    fn a_long_question_before_is_cut() {
        let read = read_after(&"long ".repeat(400), "why?").unwrap();
        assert!(read.chars().count() <= LONGEST_BEFORE + 5, "{}", read.len());
    }
}

//! The thing that a question asks the meaning of: "what is a flash loan", "explain flash loans" and "What is a flash loan
//! and why does it need no collateral?" all ask for `flash loan`.
//!
//! Many pairs speak of flash loans, in shorter texts than the one that says what they are, so neither BM25 nor the cosines
//! put that one first. Of 263 pairs whose question is "What is X ...?", asked for by "what is X" and by "X" alone, 95.8 %
//! came first without this and all of them with it; the judged sets stayed as they were. "AMM" asks for "What is an automated
//! market maker (AMM)?" too, and an alias that asks "what is seigniorage" counts like a question.

use super::terms::words;
use crate::dataset::Pair;

/// Terms of a subject at most: what is longer asks for more than a meaning.
const LONGEST: usize = 4;

/// Words that ask for something else than what a thing is.
const ASKING: [&str; 22] = [
    "how",
    "why",
    "when",
    "where",
    "who",
    "which",
    "should",
    "can",
    "could",
    "do",
    "did",
    "will",
    "would",
    "vs",
    "versus",
    "difference",
    "between",
    "compare",
    "if",
    "not",
    "safe",
    "without",
];

/// Words around a subject that say nothing of it.
const AROUND: [&str; 15] = [
    "define",
    "definition",
    "meaning",
    "mean",
    "means",
    "stand",
    "for",
    "basics",
    "intro",
    "introduction",
    "exactly",
    "simple",
    "terms",
    "defi",
    "crypto",
];

/// Where the part of a question ends that names its subject.
const ENDS: [&str; 11] = [
    ",",
    "?",
    " and how",
    " and why",
    " and what",
    " and when",
    " and where",
    " and who",
    " and which",
    " and does",
    " and is",
];

/// The sorted terms that a query asks the meaning of; `None` for one that asks for something else.
pub(super) fn of_query(query: &str) -> Option<Vec<String>> {
    let query = query.trim().trim_end_matches(['?', '!', '.']).to_lowercase();
    let meaning = query.contains(" mean") || query.ends_with(" stand for");
    let mut plain = query.split(|letter: char| !letter.is_alphanumeric());
    let asks = plain.any(|word| ASKING.contains(&word) || (word == "does" && !meaning));
    if asks || query.contains(',') {
        return None;
    }
    terms(&query)
}

/// What a pair asks the meaning of, by its question and by its aliases, as sorted terms.
pub(super) fn of_pair(pair: &Pair) -> impl Iterator<Item = Vec<String>> {
    let texts = std::iter::once(&pair.question).chain(&pair.aliases);
    texts.flat_map(|text| of_question(text))
}

/// The sorted terms that a question asks the meaning of, whatever else it asks for; of "an automated market maker (AMM)" the name,
/// the acronym, and both.
fn of_question(question: &str) -> Vec<Vec<String>> {
    // Looked at for every pair that shares a word with a query: most texts end here, and without a copy.
    let rest = ["what is ", "what are ", "what's "].iter().find_map(|opening| {
        let (start, rest) = question.split_at_checked(opening.len())?;
        start.eq_ignore_ascii_case(opening).then_some(rest)
    });
    let Some(named) = rest.map(str::to_lowercase) else {
        return Vec::new();
    };
    let end = ENDS.iter().filter_map(|end| named.find(end)).min();
    let named = end.and_then(|end| named.get(..end)).unwrap_or(&named);
    if named.split(' ').any(|word| ASKING.contains(&word)) {
        return Vec::new();
    }
    let bracketed = named.split_once(" (").and_then(|(name, rest)| {
        let (acronym, after) = rest.split_once(')')?;
        Some([format!("{name}{after}"), format!("{acronym}{after}")])
    });
    let forms = bracketed.into_iter().flatten().chain([named.to_owned()]);
    forms.filter_map(|form| terms(&form)).collect()
}

fn terms(text: &str) -> Option<Vec<String>> {
    let words = words(text);
    let named = words
        .iter()
        .filter(|word| !AROUND.contains(&word.surface.to_lowercase().as_str()));
    let mut terms: Vec<String> = named.flat_map(|word| word.parts.clone()).collect();
    terms.sort_unstable();
    terms.dedup();
    (1..=LONGEST).contains(&terms.len()).then_some(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_for_the_subject_of_a_question_in_whatever_form() {
        let question = of_question("What is a flash loan and why does it need no collateral?");
        let [question] = question.as_slice() else {
            panic!("{question:?}")
        };
        for query in [
            "what is a flash loan",
            "What's a flash loan?",
            "flash loan",
            "define flash loan",
            "explain flash loans",
            "what does flash loan mean",
            "what does flash loan stand for",
            "meaning of flash loan in DeFi",
        ] {
            assert_eq!(of_query(query).as_ref(), Some(question), "{query}");
        }
        assert_eq!(
            of_question("What is DeFi cover and how does it work?"),
            [of_query("cover").unwrap()]
        );
    }

    #[test]
    fn a_thing_is_named_by_its_acronym_too_and_by_an_alias_that_asks_for_it() {
        let pair = Pair {
            question: "What is an automated market maker (AMM), and who sets the price?".into(),
            aliases: vec!["what are swap pools".into(), "AMM or order book".into()],
            ..Pair::default()
        };
        let subjects: Vec<_> = of_pair(&pair).collect();
        for query in [
            "AMM",
            "what does AMM stand for",
            "automated market maker",
            "swap pool",
        ] {
            assert!(
                subjects.contains(&of_query(query).unwrap()),
                "{query}: {subjects:?}"
            );
        }
        assert!(!subjects.contains(&of_query("order book").unwrap()));
    }

    #[test]
    fn what_asks_for_something_else_has_no_subject() {
        for query in [
            "how do flash loans work",
            "flash loan vs margin",
            "is a flash loan safe",
            "why, flash loan",
            "what does a flash loan do",
            "the deepest constant product pool fee tier",
            "what is the",
        ] {
            assert_eq!(of_query(query), None, "{query}");
        }
        assert!(of_question("How does a flash loan work?").is_empty());
        assert!(of_question("What is the difference between DAI and USDS?").is_empty());
        assert_ne!(of_query("flash loan fee"), of_query("flash loan"));
    }
}

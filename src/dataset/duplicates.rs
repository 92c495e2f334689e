//! Questions that ask the same in the same words.

use std::collections::{BTreeSet, HashMap};

use super::{Dataset, is_stop_word, stem};

/// Jaccard similarity of the stemmed content words from which two questions count as the same. At 0.8 two questions
/// of five content words must share all five; of nine, eight.
const THRESHOLD: f64 = 0.8;

/// Pairs of questions at or above [`THRESHOLD`], as (earlier index, later index, similarity), sorted.
///
/// Only questions that share a rare word are compared: with the words of each set ordered from rare to common, two
/// sets of Jaccard t or more share a word among the first `n - ceil(t n) + 1` of each (prefix filtering; Chaudhuri,
/// Ganti, Kaushik, "A Primitive Operator for Similarity Joins in Data Cleaning", 2006). 100,000 pairs stay feasible.
pub(super) fn near_duplicates(dataset: &Dataset) -> Vec<(usize, usize, f64)> {
    let sets: Vec<BTreeSet<String>> = dataset.pairs.iter().map(|pair| content(&pair.question)).collect();
    let mut frequency: HashMap<&str, usize> = HashMap::new();
    for word in sets.iter().flatten() {
        *frequency.entry(word).or_default() += 1;
    }
    let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for (index, set) in sets.iter().enumerate() {
        let mut words: Vec<&str> = set.iter().map(String::as_str).collect();
        words.sort_by_key(|word| (frequency.get(word).copied().unwrap_or(0), *word));
        words.truncate(prefix_length(words.len()));
        let mut candidates = BTreeSet::new();
        for word in words {
            let earlier = holders.entry(word).or_default();
            candidates.extend(earlier.iter().copied());
            earlier.push(index);
        }
        for earlier in candidates {
            let similarity = sets.get(earlier).map_or(0.0, |other| jaccard(other, set));
            if similarity >= THRESHOLD {
                found.push((earlier, index, similarity));
            }
        }
    }
    found.sort_by_key(|(first, second, _)| (*first, *second));
    found
}

fn prefix_length(words: usize) -> usize {
    let needed = (THRESHOLD * words as f64).ceil() as usize;
    (words + 1).saturating_sub(needed).min(words)
}

fn jaccard(left: &BTreeSet<String>, right: &BTreeSet<String>) -> f64 {
    let shared = left.intersection(right).count();
    let all = left.len() + right.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

/// The stems of a question's content words. Signs split words: `ERC-20` is `erc` and `20`.
fn content(question: &str) -> BTreeSet<String> {
    question
        .to_lowercase()
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty() && !is_stop_word(word))
        .map(|word| stem(word).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Pair;
    use super::*;

    fn set(questions: &[&str]) -> Dataset {
        let pair = |question: &&str| Pair {
            question: (*question).into(),
            ..Pair::default()
        };
        Dataset::new("test", questions.iter().map(pair).collect())
    }

    #[test]
    fn one_word_of_difference_in_a_short_question_is_a_different_question() {
        let found = near_duplicates(&set(&[
            "How does a Uniswap v2 flash swap work?",
            "How does a Uniswap v3 flash swap work?",
        ]));
        assert_eq!(found, []);
    }

    #[test]
    fn the_prefix_filter_finds_what_comparing_all_finds() {
        let words = ["pool", "fee", "loss", "price", "swap", "gas", "vote", "bond"];
        // Every subset of eight words as a question.
        let questions: Vec<String> = (1_u32..256)
            .map(|bits| {
                (0..8)
                    .filter(|bit| bits >> bit & 1 == 1)
                    .map(|bit| words[bit])
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        let dataset = set(&questions.iter().map(String::as_str).collect::<Vec<_>>());
        let sets: Vec<_> = questions.iter().map(|question| content(question)).collect();
        let mut all = Vec::new();
        for first in 0..sets.len() {
            for second in first + 1..sets.len() {
                let similarity = jaccard(&sets[first], &sets[second]);
                if similarity >= THRESHOLD {
                    all.push((first, second, similarity));
                }
            }
        }
        assert!(all.len() > 50);
        assert_eq!(near_duplicates(&dataset), all);
    }
}

//! Misspelled words of a question, put right by the words of the corpus.
//!
//! A model cuts a misspelled word into pieces that mean nothing to it, and BM25 does not find it at all. A word is taken
//! for misspelled when neither the corpus nor the embedding model's vocabulary of whole English words knows it or its
//! stem, and a word that the corpus uses is at most one slip away, two for long words. A slip is a wrong, missing,
//! additional or transposed letter (optimal string alignment; L. Boytsov, "Indexing methods for approximate dictionary
//! searching", ACM JEA 2011). Of several such words the nearest wins, then the one that the corpus uses most.
//!
//! Only questions and answers say what a word is. Aliases are written as people type: one of them makes `insurence` a rare word
//! of the corpus, and so the strongest of all in a question that has the same slip.

use std::sync::OnceLock;

use foldhash::{HashMap, HashMapExt as _, HashSet};

use super::terms::surfaces;
use crate::dataset::{Pair, is_stop_word, stem};
use crate::embedding::knows_whole_word;

/// Shorter words are acronyms and names more often than words with a slip.
const SHORTEST: usize = 4;
/// From this length on two slips are put right.
const LONG: usize = 8;
/// A word that the corpus uses less often may be a slip itself.
const COMMON: u32 = 3;
/// How many times as often the corpus must use the right word as the one that is in the question: a word that the
/// corpus holds a few times is known to it through aliases with a slip, or is a name.
const MORE_OFTEN: u32 = 20;
/// From this length on a word that ends alike and is one slip away is right however seldom the corpus uses it, if it is
/// [`LONG_MORE_OFTEN`] times as often as the one in the question: few long words are this near each other by chance.
const TELLING: usize = 7;
const LONG_MORE_OFTEN: u32 = 5;
/// Letters at the end of a word that make it another form of the same stem: `staked` is no slip of `stakes`.
const ENDING: usize = 2;

/// The words of a corpus, by how often it uses them.
#[derive(Clone, Debug, Default)]
pub(super) struct Spelling {
    /// In questions and answers.
    written: HashMap<String, u32>,
    /// In aliases.
    typed: HashMap<String, u32>,
    /// Stems of the written words that are common enough.
    stems: HashSet<String>,
}

/// A question with its misspellings put right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corrected {
    pub text: String,
    /// What was changed: the word as it was written, and as it is read.
    pub changes: Vec<(String, String)>,
}

impl Spelling {
    pub(super) fn of(pairs: &[Pair]) -> Self {
        let written = counts(pairs.iter().flat_map(|pair| [&pair.question, &pair.answer]));
        let common = written.iter().filter(|(_, count)| **count >= COMMON);
        Self {
            stems: common.map(|(word, _)| stem(word).into_owned()).collect(),
            typed: counts(pairs.iter().flat_map(|pair| &pair.aliases)),
            written,
        }
    }

    /// Reads the vocabulary of English words too.
    pub(super) fn prepare(&self) {
        let _ = is_english("prepared");
    }

    /// The question as it was probably meant; the words that stand in it keep their places.
    pub(super) fn correct(&self, question: &str) -> Corrected {
        let mut corrected = Corrected::default();
        let mut rest = question;
        for surface in surfaces(question) {
            let Some((before, after)) = rest.split_once(surface) else {
                continue;
            };
            corrected.text.push_str(before);
            rest = after;
            match self.right(surface) {
                Some(right) => {
                    corrected.text.push_str(right);
                    corrected.changes.push((surface.to_owned(), right.to_owned()));
                }
                None => corrected.text.push_str(surface),
            }
        }
        corrected.text.push_str(rest);
        corrected
    }

    /// The word that a misspelled one was meant to be; `None` for a word that is taken as it is.
    fn right(&self, surface: &str) -> Option<&str> {
        if !may_be_put_right(surface) {
            return None;
        }
        let word = surface.to_ascii_lowercase();
        let uses = |counts: &HashMap<String, u32>, word: &str| counts.get(word).copied().unwrap_or(0);
        let written = uses(&self.written, &word);
        if written >= COMMON || is_english(&word) {
            return None;
        }
        let known = written + uses(&self.typed, &word);
        let stem_of_word = stem(&word);
        let inflected = self.stems.contains(stem_of_word.as_ref());
        let slips = if word.len() < LONG { 1 } else { 2 };
        let least = |distance, other: &str| {
            if distance == 1 && word.len() >= TELLING && ending(&word) == ending(other) {
                (known * LONG_MORE_OFTEN).max(1)
            } else {
                (known * MORE_OFTEN).max(COMMON)
            }
        };
        let near = self.written.iter().filter(|(other, _)| {
            other.len().abs_diff(word.len()) <= slips
                // The first letter is rarely the wrong one, and it keeps names apart.
                && other.as_bytes().first() == word.as_bytes().first()
                && match stem(other) == stem_of_word {
                    true => is_slip_inside(&word, other),
                    false => !inflected,
                }
        });
        let measured = near.filter_map(|(other, count)| {
            let distance = strsim::osa_distance(&word, other);
            let right = (1..=slips).contains(&distance) && *count >= least(distance, other);
            let all = count + uses(&self.typed, other);
            right.then_some((distance, std::cmp::Reverse(all), other.as_str()))
        });
        measured.min().map(|(_, _, other)| other)
    }
}

fn counts<'a>(texts: impl Iterator<Item = &'a String>) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for surface in texts
        .flat_map(|text| surfaces(text))
        .filter(|surface| is_plain(surface))
    {
        *counts.entry(surface.to_ascii_lowercase()).or_default() += 1;
    }
    counts
}

/// Whether a word differs from one with the same stem as no form of it does: `insurence` from `insurance`. Nor is `tokenized` a
/// slip of `tokenised`.
fn is_slip_inside(word: &str, other: &str) -> bool {
    let ending = |word: &str| {
        word.len()
            .checked_sub(ENDING)
            .and_then(|at| word.get(at..))
            .map(str::to_owned)
    };
    word.len() == other.len()
        && ending(word) == ending(other)
        && word.replace('z', "s") != other.replace('z', "s")
}

fn ending(word: &str) -> &str {
    word.get(word.len().saturating_sub(ENDING)..).unwrap_or(word)
}

/// Whether a question has no word to be put right, judged by whether the questions and answers of a corpus write its words often.
/// Nothing has to be counted for it, and most questions are like this.
pub(super) fn is_well_known(question: &str, pairs: &[Pair]) -> bool {
    surfaces(question)
        .filter(|surface| may_be_put_right(surface))
        .all(|surface| is_often_written(surface, pairs) || is_english(&surface.to_ascii_lowercase()))
}

/// Whether the questions and answers hold a word as it stands at least [`COMMON`] times.
fn is_often_written(word: &str, pairs: &[Pair]) -> bool {
    let texts = pairs.iter().flat_map(|pair| [&pair.question, &pair.answer]);
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let places = texts.flat_map(|text| text.match_indices(word).map(move |(at, _)| (text.as_bytes(), at)));
    let whole = places.filter(|(text, at)| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        !is_letter(before) && !is_letter(text.get(at + word.len()))
    });
    whole.take(COMMON as usize).count() == COMMON as usize
}

/// Whether a word is long enough, plain, no name and no stop word. Names are written with capitals in mid-word or throughout,
/// and are not ours to put right.
fn may_be_put_right(surface: &str) -> bool {
    surface.len() >= SHORTEST
        && is_plain(surface)
        && !surface.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
        && !is_stop_word(&surface.to_ascii_lowercase())
}

/// Whether a word is nothing but ASCII letters.
fn is_plain(surface: &str) -> bool {
    surface.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether a word, or what is left of it without a common ending, is an English word to the embedding model.
fn is_english(word: &str) -> bool {
    static ENDINGS: [&str; 8] = ["s", "es", "ed", "d", "ing", "er", "ers", "ly"];
    let stems = ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending));
    let known = |word: &str| word.len() >= 3 && knows_whole_word(word);
    known(word)
        || stems.into_iter().any(|stem| {
            let mut letters = stem.chars();
            let doubled = letters
                .next_back()
                .is_some_and(|last| letters.next_back() == Some(last));
            let single = stem.get(..stem.len().saturating_sub(1)).unwrap_or(stem);
            known(stem) || known(&format!("{stem}e")) || (doubled && known(single))
        })
}

/// Texts whose words are counted when the first question has a word that is not known.
#[derive(Clone, Debug, Default)]
pub(super) struct LazySpelling(OnceLock<Spelling>);

impl LazySpelling {
    pub(super) fn get(&self, pairs: &[Pair]) -> &Spelling {
        self.0.get_or_init(|| Spelling::of(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling() -> Spelling {
        let corpus = "liquidation of the collateral when a stablecoin has a depeg, withdrawals and withdrawal from lido, \
                      hardware wallet, crvUSD USDe price of an option, queue and queues ";
        Spelling::of(&[Pair {
            question: corpus.repeat(3),
            aliases: vec!["a brdige is an alias".to_owned(), "insurence, ".repeat(4)],
            answer: "bridge insurance ".repeat(90) + "Shapella, tokenised tokenised tokenised",
            ..Pair::default()
        }])
    }

    fn corrected(question: &str) -> String {
        spelling().correct(question).text
    }

    #[test]
    fn a_slip_is_put_right_where_it_stands() {
        assert_eq!(
            corrected("how do withdrawls from lido work? (liquidaton, colateral)"),
            "how do withdrawals from lido work? (liquidation, collateral)"
        );
        assert_eq!(
            corrected("stablecion hardwear walet"),
            "stablecoin hardware wallet"
        );
        assert_eq!(
            spelling().correct("brdige").changes,
            [("brdige".to_owned(), "bridge".to_owned())],
            "an alias with a slip does not make the slip a word"
        );
        assert_eq!(
            corrected("insurence since shapela"),
            "insurance since Shapella".to_lowercase(),
            "nor does a stem that it shares, and a long word is right when it is used but once"
        );
    }

    #[test]
    fn words_that_exist_stay() {
        for question in [
            "restarting a deadly server",
            "trimming the hedge",
            "melts reverses renewing pivot",
            "withdrawing my options",
            "queues",
            "swimming pool fridge bridges",
            "tokenized",
            "insurances bridged tokenise",
            "depegged collateralise",
        ] {
            assert_eq!(corrected(question), question);
        }
    }

    #[test]
    fn names_numbers_and_short_words_stay() {
        for question in [
            "USDs crvUSB",
            "ldo",
            "ERC-4626 erc4627 x*y=k",
            "opt0on",
            "caf\u{e9}",
        ] {
            assert_eq!(corrected(question), question);
        }
    }

    #[test]
    fn a_repeated_word_is_put_right_each_time_and_nothing_is_lost() {
        assert_eq!(corrected("walet walet, wallet"), "wallet wallet, wallet");
        assert_eq!(corrected(""), "");
        assert_eq!(corrected("  ?! "), "  ?! ");
    }
}

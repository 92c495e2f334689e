//! Misspelled words of a question, put right by the words of the corpus.
//!
//! A model cuts a misspelled word into pieces that mean nothing to it, and BM25 does not find it at all. A word is taken
//! for misspelled when neither the corpus nor the embedding model's vocabulary of whole English words knows it or its
//! stem, and a word that the corpus uses is at most one slip away, two for long words. A slip is a wrong, missing,
//! additional or transposed letter (optimal string alignment; L. Boytsov, "Indexing methods for approximate dictionary
//! searching", ACM JEA 2011). Of several such words the nearest wins, then the one that the corpus uses most.

use std::sync::OnceLock;

use foldhash::{HashMap, HashMapExt as _};

use super::terms::surfaces;
use crate::dataset::{is_stop_word, stem};
use crate::embedding::knows_whole_word;

/// Shorter words are acronyms and names more often than words with a slip.
const SHORTEST: usize = 4;
/// From this length on two slips are put right.
const LONG: usize = 8;
/// A word that the corpus uses less often may be a slip itself: aliases are written as people type.
const COMMON: u32 = 3;
/// How many times as often the corpus must use the right word as the one that is in the question: a word that the
/// corpus holds once or twice is known to it through an alias with a slip, or is a name.
const MORE_OFTEN: u32 = 20;

/// The words of a corpus, by how often it uses them.
#[derive(Clone, Debug, Default)]
pub(super) struct Spelling {
    counts: HashMap<String, u32>,
    /// Stems of the words that are common enough.
    stems: HashMap<String, u32>,
}

/// A question with its misspellings put right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corrected {
    pub text: String,
    /// What was changed: the word as it was written, and as it is read.
    pub changes: Vec<(String, String)>,
}

impl Spelling {
    pub(super) fn of<T: AsRef<str>>(texts: &[T]) -> Self {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for surface in texts
            .iter()
            .flat_map(|text| surfaces(text.as_ref()))
            .filter(|surface| is_plain(surface))
        {
            *counts.entry(surface.to_ascii_lowercase()).or_default() += 1;
        }
        let mut stems = HashMap::new();
        for (word, count) in counts.iter().filter(|(_, count)| **count >= COMMON) {
            *stems.entry(stem(word).into_owned()).or_default() += count;
        }
        Self { counts, stems }
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
        let known = self.counts.get(&word).copied().unwrap_or(0);
        if known >= COMMON || self.stems.contains_key(stem(&word).as_ref()) || is_english(&word) {
            return None;
        }
        let slips = if word.len() < LONG { 1 } else { 2 };
        let near = self.counts.iter().filter(|(other, count)| {
            **count >= COMMON.max(known * MORE_OFTEN)
                && other.len().abs_diff(word.len()) <= slips
                // The first letter is rarely the wrong one, and it keeps names apart.
                && other.as_bytes().first() == word.as_bytes().first()
        });
        let measured = near.filter_map(|(other, count)| {
            let distance = strsim::osa_distance(&word, other);
            (distance <= slips).then_some((distance, std::cmp::Reverse(*count), other.as_str()))
        });
        measured.min().map(|(_, _, other)| other)
    }
}

/// Whether a question has no word to be put right, judged by how often the corpus uses each word or one with its stem. Nothing
/// has to be counted for it, and most questions are like this.
pub(super) fn is_well_known(question: &str, uses: impl Fn(&str) -> u32) -> bool {
    surfaces(question)
        .filter(|surface| may_be_put_right(surface))
        .all(|surface| uses(surface) >= COMMON)
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
    pub(super) fn get(&self, texts: impl FnOnce() -> Vec<String>) -> &Spelling {
        self.0.get_or_init(|| Spelling::of(&texts()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling() -> Spelling {
        let corpus = "liquidation of the collateral when a stablecoin has a depeg, withdrawals and withdrawal from lido, \
                      hardware wallet, crvUSD USDe price of an option, queue and queues ";
        Spelling::of(&[
            corpus.repeat(3),
            "a brdige is an alias; bridge bridge bridge ".to_owned(),
            "bridge ".repeat(30),
        ])
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

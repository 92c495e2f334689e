//! From text to the token ids that the model reads.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

use rten_text::normalizers::{Bert, BertOptions, Normalizer as _};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Tokens that the model reads of a text, `[CLS]` and `[SEP]` included; the rest is cut off.
pub(super) const LONGEST: usize = 256;

/// No text of human language needs more characters for [`LONGEST`] tokens; without the cut, a pasted file of
/// megabytes would be split into tokens only to be thrown away.
const LONGEST_CHARS: usize = 16_384;

/// The tokenizer file of the bundled model.
const BUNDLED: &str = include_str!("../../../data/model/tokenizer.json");

/// The BERT WordPiece tokenizer of the bundled model.
///
/// It normalises by itself before rten-text splits: in rten-text 0.27 the two together map each token back to the source
/// by an offset that counts the `##` of word pieces, and panic when a text ends in a rare word ("hjkl").
pub struct Tokenizer {
    normalizer: Bert,
    pieces: rten_text::Tokenizer,
}

/// The part of a tokenizer file that says how text is normalised.
#[derive(Deserialize)]
struct Normalizer {
    #[serde(rename = "type")]
    kind: String,
    lowercase: bool,
    strip_accents: Option<bool>,
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokenizer")
    }
}

impl Tokenizer {
    /// The tokenizer of the bundled model.
    pub fn bundled() -> Result<Self, String> {
        Self::from_json(BUNDLED)
    }

    pub(super) fn from_json(json: &str) -> Result<Self, String> {
        let broken = |error: &dyn fmt::Display| format!("its tokenizer is broken: {error}");
        // Only the top level is parsed here: the vocabulary is rten-text's to read.
        let mut parts: BTreeMap<&str, &RawValue> =
            serde_json::from_str(json).map_err(|error| broken(&error))?;
        let normalizer = parts
            .insert("normalizer", RawValue::NULL)
            .ok_or_else(|| broken(&"it has no normalizer"))?;
        let normalizer: Normalizer =
            serde_json::from_str(normalizer.get()).map_err(|error| broken(&error))?;
        if normalizer.kind != "BertNormalizer" {
            return Err(broken(&format!(
                "its normalizer is {} and not BertNormalizer",
                normalizer.kind
            )));
        }
        let rest = serde_json::to_string(&parts).map_err(|error| broken(&error))?;
        Ok(Self {
            // As BERT does it: accents go where case goes, unless the file says otherwise.
            normalizer: Bert::new(BertOptions {
                lowercase: normalizer.lowercase,
                strip_accents: normalizer.strip_accents.unwrap_or(normalizer.lowercase),
            }),
            pieces: rten_text::Tokenizer::from_json(&rest).map_err(|error| broken(&error))?,
        })
    }

    /// Ids of a text with `[CLS]` and `[SEP]`, cut to what the model reads.
    pub fn ids(&self, text: &str) -> Result<Vec<i32>, String> {
        let end = text
            .char_indices()
            .nth(LONGEST_CHARS)
            .map_or(text.len(), |(at, _)| at);
        let mut ids = self.all_ids(text.get(..end).unwrap_or(text))?;
        if ids.len() > LONGEST {
            let last = ids.last().copied();
            ids.truncate(LONGEST - 1);
            ids.extend(last);
        }
        Ok(ids)
    }

    /// How many tokens the whole text has, `[CLS]` and `[SEP]` included: more than 256 means that its end is not
    /// read.
    pub fn count(&self, text: &str) -> Result<usize, String> {
        self.all_ids(text).map(|ids| ids.len())
    }

    fn all_ids(&self, text: &str) -> Result<Vec<i32>, String> {
        let (normal, _) = self
            .normalizer
            .normalize(text)
            .map_err(|error| error.to_string())?;
        let encoded = self
            .pieces
            .encode(normal.as_str(), None)
            .map_err(|error| error.to_string())?;
        let ids = encoded.token_ids().iter().map(|id| i32::try_from(*id));
        ids.collect::<Result<_, _>>().map_err(|error| error.to_string())
    }
}

/// Whether the bundled model's vocabulary holds this lower-case word whole, which it does for the common words of English
/// and for no misspelling. The vocabulary is read at the first call, which takes some milliseconds.
pub fn knows_whole_word(word: &str) -> bool {
    #[derive(Deserialize)]
    struct File<'a> {
        #[serde(borrow)]
        model: Pieces<'a>,
    }
    #[derive(Deserialize)]
    struct Pieces<'a> {
        #[serde(borrow)]
        vocab: BTreeMap<Cow<'a, str>, u32>,
    }
    static WORDS: LazyLock<HashSet<Cow<'static, str>>> = LazyLock::new(|| {
        let file: Option<File<'_>> = serde_json::from_str(BUNDLED).ok();
        file.map(|file| file.model.vocab.into_keys().collect())
            .unwrap_or_default()
    });
    WORDS.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    thread_local! {
        // rten-text's tokenizer cannot be shared between threads.
        static TOKENIZER: Tokenizer = Tokenizer::bundled().unwrap();
    }

    fn ids(text: &str) -> Vec<i32> {
        TOKENIZER.with(|tokenizer| tokenizer.ids(text).unwrap())
    }

    #[test]
    fn a_text_that_ends_in_a_rare_word_has_its_tokens() {
        // Ids by the reference implementation (tokenizers 0.22).
        assert_eq!(ids("hjkl"), [101, 1044, 15992, 2140, 102]);
        assert_eq!(ids("what is wstETH"), [101, 2054, 2003, 1059, 13473, 2705, 102]);
    }

    proptest! {
        #[test]
        fn no_text_crashes_it(text in "\\PC{0,40}") {
            let ids = ids(&text);
            prop_assert_eq!((ids.first(), ids.last()), (Some(&101), Some(&102)));
        }
    }
}

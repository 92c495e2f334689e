//! From text to the token ids that the model reads.

use std::fmt;

/// Tokens that the model reads of a text, `[CLS]` and `[SEP]` included; the rest is cut off.
pub(super) const LONGEST: usize = 256;

/// No text of human language needs more characters for [`LONGEST`] tokens; without the cut, a pasted file of
/// megabytes would be split into tokens only to be thrown away.
const LONGEST_CHARS: usize = 16_384;

/// The BERT WordPiece tokenizer of the bundled model.
pub struct Tokenizer(rten_text::Tokenizer);

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokenizer")
    }
}

impl Tokenizer {
    /// The tokenizer of the bundled model.
    pub fn bundled() -> Result<Self, String> {
        Self::from_json(include_str!("../../../data/model/tokenizer.json"))
    }

    pub(super) fn from_json(json: &str) -> Result<Self, String> {
        rten_text::Tokenizer::from_json(json)
            .map(Self)
            .map_err(|error| format!("its tokenizer is broken: {error}"))
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
        let encoded = self.0.encode(text, None).map_err(|error| error.to_string())?;
        let ids = encoded.token_ids().iter().map(|id| i32::try_from(*id));
        ids.collect::<Result<_, _>>().map_err(|error| error.to_string())
    }
}

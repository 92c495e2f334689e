//! The inverted index in a file: taking the words of a large set apart costs more than reading the result.
//!
//! Layout: magic `DEFI-QW\0`, version u32 little endian, blake3 of the texts, the index in postcard's form, and last the
//! blake3 of everything before. A file is used only for exactly the texts that it was made from.

use foldhash::HashMap;
use serde::{Deserialize, Serialize};

use super::{Posting, Postings, in_order};

const MAGIC: &[u8; 8] = b"DEFI-QW\0";
/// Counts up when the form changes, and when the same text falls into other terms than before.
const VERSION: u32 = 2;
const HASH: usize = blake3::OUT_LEN;

/// Why a stored index is not used. It is then built again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    #[error("the stored word index is of another kind or version, so it is built again")]
    Foreign,
    #[error("the stored word index was made from other texts, so it is built again")]
    Stale,
    #[error("the stored word index is cut short or damaged, so it is built again")]
    Damaged,
}

/// The index as it is written: terms by their numbers.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    terms: Vec<std::borrow::Cow<'a, str>>,
    starts: Vec<u32>,
    entries: Vec<Posting>,
    lengths: Vec<u32>,
}

impl Postings {
    /// The bytes of a file; the same for the same texts. `None` for an index too large to be written.
    pub(in crate::retrieval) fn encode<T: AsRef<str>>(&self, texts: &[T]) -> Option<Vec<u8>> {
        let stored = Stored {
            terms: in_order(self.terms.clone()).into_iter().map(Into::into).collect(),
            starts: self.starts.clone(),
            entries: self.entries.clone(),
            lengths: self.lengths.clone(),
        };
        let mut bytes = [MAGIC.as_slice(), &VERSION.to_le_bytes(), &digest(texts)].concat();
        bytes = postcard::to_extend(&stored, bytes).ok()?;
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        Some(bytes)
    }

    /// The index in a file, when it is one of exactly these texts.
    pub(in crate::retrieval) fn decode<T: AsRef<str>>(bytes: &[u8], texts: &[T]) -> Result<Self, WordsError> {
        let head = [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat();
        let rest = bytes.strip_prefix(head.as_slice()).ok_or(WordsError::Foreign)?;
        let (body, checksum) = bytes.split_last_chunk::<HASH>().ok_or(WordsError::Damaged)?;
        if blake3::hash(body) != blake3::Hash::from_bytes(*checksum) {
            return Err(WordsError::Damaged);
        }
        let (of_texts, rest) = rest.split_first_chunk::<HASH>().ok_or(WordsError::Damaged)?;
        if *of_texts != digest(texts) {
            return Err(WordsError::Stale);
        }
        let index = rest.get(..rest.len().saturating_sub(HASH)).unwrap_or_default();
        let stored: Stored<'_> = postcard::from_bytes(index).map_err(|_| WordsError::Damaged)?;
        // The checksum holds, so what follows was written by a program that may only have been wrong, not torn.
        let sound = stored.starts.len() == stored.terms.len() + 1
            && stored.starts.is_sorted()
            && stored
                .starts
                .last()
                .is_some_and(|end| *end as usize == stored.entries.len())
            && stored.lengths.len() == texts.len();
        if !sound {
            return Err(WordsError::Damaged);
        }
        let terms: HashMap<String, usize> = stored.terms.into_iter().map(Into::into).zip(0..).collect();
        Ok(Self::new(terms, stored.starts, stored.entries, stored.lengths))
    }
}

fn digest<T: AsRef<str>>(texts: &[T]) -> [u8; HASH] {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.as_ref().len() as u64).to_le_bytes());
        hasher.update(text.as_ref().as_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 3] = ["pool pool fee", "gas of ERC-20", ""];

    #[test]
    fn what_is_written_is_read_back_and_is_the_same_each_time() {
        let built = Postings::build(&TEXTS);
        let bytes = built.encode(&TEXTS).unwrap();
        assert_eq!(Postings::decode(&bytes, &TEXTS), Ok(built));
        assert_eq!(Postings::build(&TEXTS).encode(&TEXTS).unwrap(), bytes);
    }

    #[test]
    fn an_index_of_other_texts_is_stale() {
        let bytes = Postings::build(&TEXTS).encode(&TEXTS).unwrap();
        assert_eq!(
            Postings::decode(&bytes, &["pool pool", "fee gas of ERC-20", ""]),
            Err(WordsError::Stale)
        );
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_is_noticed() {
        let good = Postings::build(&TEXTS).encode(&TEXTS).unwrap();
        for length in 0..good.len() {
            assert!(
                Postings::decode(&good[..length], &TEXTS).is_err(),
                "cut at {length}"
            );
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Postings::decode(&bad, &TEXTS).is_err(), "flipped at {at}");
        }
    }
}

//! The inverted index in a file: taking the words of a large set apart costs more than reading the result.
//!
//! Layout: magic `DEFI-QW\0`, version u32 little endian, blake3 of the texts, the index in postcard's form, and last the
//! blake3 of everything before. A file is used only for exactly the texts that it was made from. The long lists are
//! bytes to postcard and numbers of one width to us: unpacking 200,000 numbers of any width took longer than all the rest.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::vocabulary::Vocabulary;
use super::{Posting, Postings};

const MAGIC: &[u8; 8] = b"DEFI-QW\0";
/// Counts up when the form changes, and when the same text falls into other terms than before.
const VERSION: u32 = 3;
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

/// The index as it is written.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    terms: Cow<'a, Vocabulary>,
    /// u32, little endian, as are the other numbers.
    #[serde(borrow)]
    starts: Cow<'a, [u8]>,
    /// The text of each entry, then the frequency of each.
    #[serde(borrow)]
    entries: Cow<'a, [u8]>,
    #[serde(borrow)]
    lengths: Cow<'a, [u8]>,
}

fn pack(numbers: impl Iterator<Item = u32>) -> Cow<'static, [u8]> {
    numbers.flat_map(u32::to_le_bytes).collect()
}

fn unpack(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().map(|number| u32::from_le_bytes(*number))
}

impl Postings {
    /// The bytes of a file; the same for the same texts. `None` for an index too large to be written.
    pub(in crate::retrieval) fn encode<T: AsRef<str>>(&self, texts: &[T]) -> Option<Vec<u8>> {
        let texts_of = self.entries.iter().map(|entry| entry.text);
        let stored = Stored {
            terms: Cow::Borrowed(&self.terms),
            starts: pack(self.starts.iter().copied()),
            entries: pack(texts_of.chain(self.entries.iter().map(|entry| entry.frequency))),
            lengths: pack(self.lengths.iter().copied()),
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
        let of_texts = rest.first_chunk::<HASH>().ok_or(WordsError::Damaged)?;
        if *of_texts != digest(texts) {
            return Err(WordsError::Stale);
        }
        let index = Self::decode_trusted(bytes)?;
        // The checksum holds, so what was written was written by a program that may only have been wrong, not torn.
        (index.lengths.len() == texts.len())
            .then_some(index)
            .ok_or(WordsError::Damaged)
    }

    /// The index in bytes that are part of the program: a test has compared them with their texts, and no start need do
    /// it again.
    pub(in crate::retrieval) fn decode_trusted(bytes: &[u8]) -> Result<Self, WordsError> {
        let head = [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat();
        let rest = bytes.strip_prefix(head.as_slice()).ok_or(WordsError::Foreign)?;
        let index = rest
            .get(HASH..rest.len().saturating_sub(HASH))
            .ok_or(WordsError::Damaged)?;
        let stored: Stored<'_> = postcard::from_bytes(index).map_err(|_| WordsError::Damaged)?;
        let starts: Vec<u32> = unpack(&stored.starts).collect();
        let (texts, frequencies) = stored.entries.split_at(stored.entries.len() / 2);
        let entries = unpack(texts).zip(unpack(frequencies));
        let entries: Vec<Posting> = entries
            .map(|(text, frequency)| Posting { text, frequency })
            .collect();
        let sound = starts.len() == stored.terms.len() + 1
            && starts.is_sorted()
            && starts.last().is_some_and(|end| *end as usize == entries.len());
        let lengths = unpack(&stored.lengths).collect();
        sound
            .then(|| Self::new(stored.terms.into_owned(), starts, entries, lengths))
            .ok_or(WordsError::Damaged)
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

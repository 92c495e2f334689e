//! Takes the vectors out of an answer while it arrives: what is read as JSON in the end is a hundredth of the bytes.
//!
//! ```text
//! {"data":[{"index":0,"embedding":"zczMPQ..."},{"index":1,"embedding":"..."}]}     as it arrives, in any pieces
//! {"data":[{"index":0,"embedding":"0"},{"index":1,"embedding":"1"}]}               the rest, and two vectors
//! ```
//! An answer of 2,048 vectors has 17 MB. Held whole and read afterwards, five of them at once spent most of their time on
//! fresh pages of memory; a piece that was just received is still in the processor's cache.

use std::hint::black_box;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::{memchr, memchr2};

/// Base64 as servers write it, with the `=` at the end or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The member whose text is a vector.
const NAME: &[u8] = b"embedding";

/// Memory that is asked for and given back before the vectors that will fill it. Beside the first thread, glibc grows its heap by
/// exactly what each vector needs, with a system call under a lock of the whole process each time; so it grows once for a
/// dozen. 10,000 vectors by five requests: 8,000 such calls fewer, and 0.31 s in place of 0.35 s. Below 128 KB, from which on
/// memory is mapped apart.
const ROOM: usize = 96 << 10;

/// A vector as a text gave it.
pub(super) type Decoded = Result<Arc<[f32]>, &'static str>;

/// An answer of which a part has arrived.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// The document with the number of a vector in the place of its text.
    rest: Vec<u8>,
    vectors: Vec<Decoded>,
    at: At,
    /// What has come of a vector whose text is not whole yet.
    text: Vec<u8>,
    /// The bytes of the vector before this one: room for those of the next.
    bytes: Vec<u8>,
    /// Letters of vectors that there is still room for, see [`ROOM`].
    room: usize,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Between(Seen),
    /// In a text that stays, which began so far into the rest.
    Text {
        from: usize,
    },
    /// Behind a backslash in it.
    Escape {
        from: usize,
    },
    /// In the text of a vector.
    Vector,
    /// Behind a backslash in it.
    VectorEscape,
}

/// How much of `"embedding":` has just come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Name,
    Colon,
}

impl Default for At {
    fn default() -> Self {
        Self::Between(Seen::Nothing)
    }
}

impl Cut {
    /// Takes the next piece in.
    pub(super) fn take(&mut self, mut piece: &[u8]) {
        while let Some(first) = piece.first().copied() {
            let taken = match self.at {
                At::Between(Seen::Nothing) => {
                    let (found, taken) = self.keep_to(memchr(b'"', piece), piece);
                    if found {
                        self.at = At::Text {
                            from: self.rest.len(),
                        };
                    }
                    taken
                }
                At::Between(seen) => self.between(seen, first),
                At::Text { from } => {
                    let (found, taken) = self.keep_to(memchr2(b'"', b'\\', piece), piece);
                    if found {
                        self.at = self.text_ends(from);
                    }
                    taken
                }
                At::Escape { from } => {
                    self.rest.push(first);
                    self.at = At::Text { from };
                    1
                }
                At::Vector => self.vector(piece),
                At::VectorEscape => {
                    // JSON may write a slash with a backslash before it; nothing else of base64 can have one.
                    self.text
                        .extend_from_slice(if first == b'/' { b"/" } else { b"\\" });
                    self.at = At::Vector;
                    1
                }
            };
            piece = piece.get(taken..).unwrap_or_default();
        }
    }

    /// The document without its vectors, and these by their numbers.
    pub(super) fn end(self) -> (Vec<u8>, Vec<Decoded>) {
        (self.rest, self.vectors)
    }

    /// Keeps what comes up to a place and what stands there, or all of it; returns whether there is such a place.
    fn keep_to(&mut self, place: Option<usize>, piece: &[u8]) -> (bool, usize) {
        let taken = place.map_or(piece.len(), |place| place + 1);
        self.rest
            .extend_from_slice(piece.get(..taken).unwrap_or_default());
        (place.is_some(), taken)
    }

    /// What comes after a sign that may end a text.
    fn text_ends(&self, from: usize) -> At {
        match self.rest.split_last() {
            Some((b'"', before)) => {
                let is_name = before.get(from..) == Some(NAME);
                At::Between(if is_name { Seen::Name } else { Seen::Nothing })
            }
            _ => At::Escape { from },
        }
    }

    /// Goes on behind the name; returns how many bytes were taken.
    fn between(&mut self, seen: Seen, first: u8) -> usize {
        let next = match (seen, first) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => At::Between(seen),
            (Seen::Name, b':') => At::Between(Seen::Colon),
            (Seen::Colon, b'"') => {
                self.at = At::Vector;
                return 1;
            }
            // Not what was hoped for; it is looked at again.
            _ => {
                self.at = At::Between(Seen::Nothing);
                return 0;
            }
        };
        self.rest.push(first);
        self.at = next;
        1
    }

    /// Goes on in the text of a vector; returns how many bytes were taken.
    fn vector(&mut self, piece: &[u8]) -> usize {
        let Some(place) = memchr2(b'"', b'\\', piece) else {
            self.text.extend_from_slice(piece);
            return piece.len();
        };
        let (letters, after) = piece.split_at(place);
        if after.first() == Some(&b'\\') {
            self.text.extend_from_slice(letters);
            self.at = At::VectorEscape;
            return place + 1;
        }
        let number = self.vectors.len();
        let letters = if self.text.is_empty() {
            letters
        } else {
            self.text.extend_from_slice(letters);
            &self.text
        };
        let room = self.room.checked_sub(letters.len());
        self.room = room.unwrap_or_else(|| {
            drop(black_box(Vec::<u8>::with_capacity(ROOM)));
            ROOM
        });
        self.vectors.push(decoded(letters, &mut self.bytes));
        self.text.clear();
        self.rest.extend_from_slice(format!("\"{number}\"").as_bytes());
        self.at = At::Between(Seen::Nothing);
        place + 1
    }
}

/// The f32 numbers, little endian, of a base64 text; `bytes` is room to decode it in.
fn decoded(text: &[u8], bytes: &mut Vec<u8>) -> Decoded {
    bytes.clear();
    BASE64.decode_vec(text, bytes).map_err(|_| "is no base64")?;
    let (whole, []) = bytes.as_chunks::<4>() else {
        return Err("is no whole number of 4-byte numbers");
    };
    // Straight into the form in which it is kept: one allocation of its size.
    Ok(whole.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base64(numbers: &[f32]) -> String {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    /// What is left of a document, and its vectors.
    fn cut(document: &[u8], sizes: &[usize]) -> (String, Vec<Decoded>) {
        let (mut cut, mut rest) = (Cut::default(), document);
        for size in sizes.iter().cycle().map(|size| (*size).max(1)) {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            cut.take(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let (rest, vectors) = cut.end();
        (String::from_utf8_lossy(&rest).into_owned(), vectors)
    }

    #[test]
    fn vectors_are_taken_out_and_everything_else_stays_however_it_is_cut_into_pieces() {
        let (one, two) = (vec![0.25_f32; 3_000], vec![-1.5_f32, 2.0]);
        let document = format!(
            r#"{{"object":"embedding", "note": "he said \"embedding\":\"AAAA\"", "data":[{{"embedding" :
               "{}","index":0}},{{"index":1,"embedding":"{}"}}],"model":"m\\"}}"#,
            base64(&one),
            base64(&two).replace('/', "\\/")
        );
        let rest = r#"{"object":"embedding", "note": "he said \"embedding\":\"AAAA\"", "data":[{"embedding" :
               "0","index":0},{"index":1,"embedding":"1"}],"model":"m\\"}"#;
        for size in [1, 2, 3, 7, 64, 4_096, usize::MAX] {
            let (left, vectors) = cut(document.as_bytes(), &[size]);
            assert_eq!(left, rest, "{size}");
            assert_eq!(
                vectors,
                [Ok(one.as_slice().into()), Ok(two.as_slice().into())],
                "{size}"
            );
        }
    }

    #[test]
    fn a_slash_with_a_backslash_is_a_slash_and_any_other_escape_no_base64() {
        // All bits set is written with slashes alone.
        let slashes = r#"{"embedding":"\/\/\/\/\/w=="}"#;
        let (_, vectors) = cut(slashes.as_bytes(), &[5]);
        assert!(vectors[0].as_ref().unwrap()[0].is_nan());
        let (_, vectors) = cut(br#"{"embedding":"AA\u0041A"}"#, &[usize::MAX]);
        assert_eq!(vectors, [Err("is no base64")]);
    }

    #[test]
    fn numbers_written_out_stay_where_they_are() {
        let document = r#"{"data":[{"embedding":[1,2.5],"index":0},{"embedding":null}]}"#;
        assert_eq!(cut(document.as_bytes(), &[4]), (document.to_owned(), Vec::new()));
    }

    #[test]
    fn base64_without_padding_is_read() {
        let text = base64(&[1.0, 2.0]);
        assert!(text.ends_with('='));
        let text = format!("{{\"embedding\":\"{}\"}}", text.trim_end_matches('='));
        assert_eq!(cut(text.as_bytes(), &[9]).1, [Ok(Arc::from([1.0, 2.0]))]);
    }

    #[test]
    fn a_fault_anywhere_in_a_vector_is_found_and_the_next_one_read() {
        let numbers: Vec<f32> = (0..3_072_u16).map(f32::from).collect();
        let text = base64(&numbers);
        for at in [0, 5_000, text.len() - 1] {
            let mut broken = text.clone();
            broken.replace_range(at..=at, "%");
            let document = format!("{{\"embedding\":\"{broken}\"}},{{\"embedding\":\"{text}\"}}");
            let (_, vectors) = cut(document.as_bytes(), &[1_000]);
            assert_eq!(
                vectors,
                [Err("is no base64"), Ok(numbers.as_slice().into())],
                "{at}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_crash_and_pieces_change_nothing(
            bytes in prop::collection::vec(prop::sample::select(br#""embedding": \/A=,{}0"#.to_vec()), 0..200),
            text in ".{0,40}",
            sizes in prop::collection::vec(1..9_usize, 1..5),
        ) {
            for document in [bytes, format!(r#"{{"embedding":"{text}"}}"#).into_bytes()] {
                let whole = cut(&document, &[usize::MAX]);
                let pieces = cut(&document, &sizes);
                prop_assert_eq!(whole.0, pieces.0);
                // A vector can hold what is not a number, which equals nothing.
                prop_assert_eq!(format!("{:?}", whole.1), format!("{:?}", pieces.1));
            }
        }
    }
}

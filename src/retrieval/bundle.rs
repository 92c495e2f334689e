//! The vectors of the bundled set as one block that is searched where it lies: a start must not grow with what is known.
//!
//! Layout: magic `DEFI-QB\0`, version u32 little endian, length of the head u32, the head in postcard's form, the codes of
//! the rows (see [`Quantised`]), and last the blake3 of everything before. The rows of the pairs come first, those of one
//! pair behind each other, then those of the reference questions outside the field.
//!
//! It is part of the program, so a start trusts it; that it belongs to the bundled texts is a test's business and not
//! that of every start ([`Bundle::is_of`]).

use serde::{Deserialize, Serialize};

use super::{Background, DenseIndex, View};
use crate::embedding::{Matrix, ModelId, Quantised};

const MAGIC: &[u8; 8] = b"DEFI-QB\0";
const VERSION: u32 = 1;
const HASH: usize = blake3::OUT_LEN;

/// The vectors of a set and of the reference questions, with what is made from them ahead of time.
#[derive(Clone, Debug)]
pub struct Bundle {
    head: Head,
    codes: &'static [u8],
}

/// What stands before the codes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    model: ModelId,
    /// blake3 of all texts that the rows were made from.
    texts: [u8; HASH],
    /// The pair of each row, ascending; the rows after them are those of the references.
    owners: Vec<usize>,
    /// What each of these rows is to its pair.
    views: Vec<View>,
    /// One a row.
    scales: Vec<f32>,
    background: Background,
}

/// A bundle taken apart into what a corpus holds.
#[derive(Debug)]
pub struct Unpacked {
    pub dense: DenseIndex,
    /// What each row of `dense` was made from.
    pub views: Vec<View>,
    pub background: Background,
    pub outside: Quantised,
}

/// Why bytes are no bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vectors inside the program are damaged or of another version: install it again")]
pub struct NoBundle;

/// The texts of a bundle, in the order of its rows.
#[derive(Clone, Debug, Default)]
pub struct BundledTexts {
    pub owners: Vec<(usize, View)>,
    /// Those of the pairs, parallel to `owners`, then those of the references.
    pub texts: Vec<String>,
}

impl BundledTexts {
    fn digest(&self) -> [u8; HASH] {
        let mut hasher = blake3::Hasher::new();
        for text in &self.texts {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// The bytes of a bundle: the vector of `of.texts[i]` is the row `i`. The same input gives the same bytes. `None` when
/// the numbers of texts and vectors differ.
pub fn encode(model: &ModelId, of: &BundledTexts, mut vectors: Matrix) -> Option<Vec<u8>> {
    let quantised = (vectors.len() == of.texts.len()).then(|| Quantised::of(&vectors))?;
    let (owners, views): (Vec<usize>, Vec<View>) = of.owners.iter().copied().unzip();
    let references = vectors.split_off(owners.len());
    let dense = DenseIndex::of_pairs(vectors, owners.clone())?;
    drop(references);
    let (codes, scales) = quantised.parts();
    let head = Head {
        model: model.clone(),
        texts: of.digest(),
        owners,
        views,
        scales: scales.to_vec(),
        background: Background::sample(&dense),
    };
    let head = postcard::to_stdvec(&head).ok()?;
    let length = u32::try_from(head.len()).ok()?;
    let mut bytes = [
        MAGIC.as_slice(),
        &VERSION.to_le_bytes(),
        &length.to_le_bytes(),
        &head,
        codes,
    ]
    .concat();
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    Some(bytes)
}

impl Bundle {
    /// Reads the head; the codes stay where they are, and the checksum is left to [`Bundle::is_whole`].
    pub fn read(bytes: &'static [u8]) -> Result<Self, NoBundle> {
        let start = [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat();
        let rest = bytes.strip_prefix(start.as_slice()).ok_or(NoBundle)?;
        let (length, rest) = rest.split_first_chunk().ok_or(NoBundle)?;
        let (head, rest) = rest
            .split_at_checked(u32::from_le_bytes(*length) as usize)
            .ok_or(NoBundle)?;
        let (codes, _) = rest.split_last_chunk::<HASH>().ok_or(NoBundle)?;
        let head: Head = postcard::from_bytes(head).map_err(|_| NoBundle)?;
        let sound = head.owners.len() == head.views.len()
            && head.owners.len() <= head.scales.len()
            && head.scales.len().checked_mul(head.model.dimension) == Some(codes.len());
        sound.then_some(Self { head, codes }).ok_or(NoBundle)
    }

    /// Whether the bytes are those that were written.
    pub fn is_whole(bytes: &[u8]) -> bool {
        let parts = bytes.split_last_chunk::<HASH>();
        parts.is_some_and(|(body, checksum)| blake3::hash(body) == blake3::Hash::from_bytes(*checksum))
    }

    /// Whether the rows were made from exactly these texts in this order.
    pub fn is_of(&self, of: &BundledTexts) -> bool {
        let owners = self
            .head
            .owners
            .iter()
            .copied()
            .zip(self.head.views.iter().copied());
        self.head.texts == of.digest() && owners.eq(of.owners.iter().copied())
    }

    pub fn model(&self) -> &ModelId {
        &self.head.model
    }

    fn rows(&self) -> Quantised {
        let scales = self.head.scales.clone();
        Quantised::from_parts(self.codes, scales, self.head.model.dimension).unwrap_or_default()
    }

    /// All rows, decoded.
    pub fn to_matrix(&self) -> Matrix {
        self.rows().to_matrix()
    }

    /// What a corpus holds. `None` when the owners are not in order.
    pub fn unpack(self) -> Option<Unpacked> {
        let mut rows = self.rows();
        let outside = rows.split_off(self.head.owners.len());
        Some(Unpacked {
            dense: DenseIndex::of_pairs(rows, self.head.owners)?,
            views: self.head.views,
            background: self.head.background,
            outside,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Vector;

    fn bundled() -> (ModelId, BundledTexts, &'static [u8]) {
        let model = ModelId {
            name: "test-model".into(),
            dimension: 2,
        };
        let of = BundledTexts {
            owners: vec![(0, View::Question), (0, View::Alias), (1, View::Question)],
            texts: ["pool", "liquidity", "gas", "weather"]
                .map(str::to_owned)
                .to_vec(),
        };
        let rows = [[1.0, 0.0], [1.0, 0.2], [0.0, 1.0], [-1.0, 0.0]];
        let rows = rows.map(|row| Vector::normalised(row.to_vec(), 2).unwrap());
        let bytes = encode(&model, &of, Matrix::of(&rows).unwrap()).unwrap();
        (model, of, bytes.leak())
    }

    #[test]
    fn a_bundle_is_searched_as_what_it_was_made_from() {
        let (model, of, bytes) = bundled();
        let bundle = Bundle::read(bytes).unwrap();
        assert!(Bundle::is_whole(bytes) && bundle.is_of(&of));
        assert_eq!((bundle.model(), bundle.to_matrix().len()), (&model, 4));
        let unpacked = bundle.unpack().unwrap();
        let query = Vector::normalised(vec![0.1, 1.0], 2).unwrap();
        let found: Vec<usize> = unpacked
            .dense
            .search(&query, 5)
            .iter()
            .map(|hit| hit.index)
            .collect();
        assert_eq!(found, [1, 0]);
        assert_eq!(unpacked.views.len(), 3);
        assert_eq!(unpacked.outside.len(), 1);
        assert_eq!(unpacked.background.len(), 2, "two rows are of one pair");
    }

    #[test]
    fn a_bundle_of_other_texts_or_other_owners_is_found_out() {
        let (_, of, bytes) = bundled();
        let bundle = Bundle::read(bytes).unwrap();
        let mut edited = of.clone();
        edited.texts[3].push('!');
        assert!(!bundle.is_of(&edited));
        let mut moved = of.clone();
        moved.owners[1].0 = 1;
        assert!(!bundle.is_of(&moved));
        let mut dropped = of;
        dropped.texts.pop();
        assert_eq!(encode(bundle.model(), &dropped, bundle.to_matrix()), None);
    }

    #[test]
    fn a_cut_or_foreign_file_is_no_bundle() {
        let (_, _, bytes) = bundled();
        for length in [0, 4, 15, 40, bytes.len() - 33, bytes.len() - 1] {
            assert_eq!(
                Bundle::read(&bytes[..length]).unwrap_err(),
                NoBundle,
                "cut at {length}"
            );
        }
        let mut flipped = bytes.to_vec();
        flipped[60] ^= 1;
        assert!(!Bundle::is_whole(&flipped));
    }
}

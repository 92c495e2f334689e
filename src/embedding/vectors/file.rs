//! The file: vectors in a checked binary form.
//!
//! Layout, little endian: magic `DEFI-QA\0`, version u32, length of the model's name u32, the name, dimension u32,
//! count u64, then per row 32 bytes [`content_hash`] and dimension x f16, and last the blake3 of everything before.
//! Half precision moves a cosine by less than 0.0005 and halves what the program carries and reads at its start.
//! The same vectors in the same order give the same bytes.
//!
//! A file that cannot be trusted as a whole is an error that costs time, not answers.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use half::f16;
use half::slice::HalfFloatSliceExt as _;

use crate::embedding::{Matrix, ModelId, VectorFault};

const MAGIC: &[u8; 8] = b"DEFI-QA\0";
const VERSION: u32 = 1;
const HASH: usize = blake3::OUT_LEN;

/// Bytes in which a file says what it holds: no model's name comes near.
const LONGEST_HEAD: u64 = 4_096;

/// Hash of a text in a model's space: blake3 of the name's length, the name, the dimension and the text.
pub type ContentHash = [u8; HASH];

/// What a vector is made from: the model, its dimension and the exact text.
pub fn content_hash(model: &ModelId, text: &str) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(model.name.len() as u64).to_le_bytes());
    hasher.update(model.name.as_bytes());
    hasher.update(&(model.dimension as u64).to_le_bytes());
    hasher.update(text.as_bytes());
    *hasher.finalize().as_bytes()
}

/// A vector file whose checksum, size and rows were all found right.
#[derive(Clone, PartialEq)]
pub struct VectorFile {
    pub model: ModelId,
    /// What each row was made from, in the file's order.
    hashes: Vec<ContentHash>,
    rows: Matrix,
}

impl fmt::Debug for VectorFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VectorFile")
            .field("model", &self.model)
            .field("rows", &self.hashes.len())
            .finish()
    }
}

/// Why a vector file is not used. The vectors are then computed again.
#[derive(Debug, thiserror::Error)]
pub enum VectorFileError {
    #[error("the vector file {} could not be read ({source}), so the vectors are computed again", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the vector file {} could not be written ({source}); check the folder and the free space", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("{name} is not a vector file of this program, so the vectors are computed again")]
    Foreign { name: String },
    #[error(
        "{name} has version {found} and this program reads version {VERSION}, so the vectors are computed again"
    )]
    Version { name: String, found: u32 },
    #[error(
        "{name} is cut short or damaged (its checksum does not match), so the vectors are computed again"
    )]
    Damaged { name: String },
    #[error("{name} holds a useless vector in row {row}: {fault}; the vectors are computed again")]
    Row {
        name: String,
        row: usize,
        fault: VectorFault,
    },
    #[error(
        "{texts} texts came with {vectors} vectors, so no vector file was written; embed every text first"
    )]
    Unequal { texts: usize, vectors: usize },
    #[error(
        "A vector has {found} numbers and the model {model}, so no vector file was written; embed with that model"
    )]
    WrongModel { found: usize, model: ModelId },
}

impl VectorFile {
    /// Reads and verifies a whole file.
    pub fn load(path: &Path) -> Result<Self, VectorFileError> {
        let bytes = fs::read(path).map_err(|source| VectorFileError::Unreadable {
            path: path.to_path_buf(),
            source,
        })?;
        Self::parse(&bytes, &format!("the vector file {}", path.display()))
    }

    /// The model that a file names at its beginning, without a look at the rest: whoever uses its rows verifies them.
    pub fn model_named_in(path: &Path) -> Option<ModelId> {
        let mut head = Vec::new();
        let file = fs::File::open(path).ok()?;
        file.take(LONGEST_HEAD).read_to_end(&mut head).ok()?;
        let rest = head.strip_prefix(MAGIC)?;
        let mut reader = Reader(rest.strip_prefix(&VERSION.to_le_bytes())?);
        let length = reader.u32()?;
        Some(ModelId {
            name: String::from_utf8(reader.take(length)?.to_vec()).ok()?,
            dimension: reader.u32()?,
        })
    }

    /// As if read from a file in which the row `i` was made from `texts[i]`; `None` when their numbers differ.
    pub fn of(model: &ModelId, texts: &[String], rows: Matrix) -> Option<Self> {
        (rows.len() == texts.len()).then(|| Self {
            hashes: texts.iter().map(|text| content_hash(model, text)).collect(),
            model: model.clone(),
            rows,
        })
    }

    /// The model whose vectors it holds.
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// Verifies the bytes of a file; `name` begins the sentence of an error.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, VectorFileError> {
        let name = || name.to_owned();
        let damaged = || VectorFileError::Damaged { name: name() };
        let foreign = || VectorFileError::Foreign { name: name() };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(foreign)?;
        let (version, _) = rest.split_first_chunk().ok_or_else(damaged)?;
        let found = u32::from_le_bytes(*version);
        if found != VERSION {
            return Err(VectorFileError::Version { name: name(), found });
        }
        let (body, checksum) = bytes.split_last_chunk::<HASH>().ok_or_else(damaged)?;
        if blake3::hash(body) != blake3::Hash::from_bytes(*checksum) {
            return Err(damaged());
        }

        // The checksum holds, so what follows was written by a program that may only have been wrong, not torn.
        let mut reader = Reader(body.get(MAGIC.len() + size_of::<u32>()..).unwrap_or_default());
        let length = reader.u32().ok_or_else(damaged)?;
        let model = ModelId {
            name: String::from_utf8(reader.take(length).ok_or_else(damaged)?.to_vec())
                .map_err(|_| damaged())?,
            dimension: reader.u32().ok_or_else(damaged)?,
        };
        let count = reader.u64().ok_or_else(damaged)?;
        let row = model
            .dimension
            .checked_mul(size_of::<f16>())
            .and_then(|bytes| bytes.checked_add(HASH));
        let row = row.ok_or_else(damaged)?;
        if count.checked_mul(row) != Some(reader.0.len()) {
            return Err(damaged());
        }
        let (mut hashes, mut numbers) = (Vec::with_capacity(count), vec![0.0; count * model.dimension]);
        let rows = reader.0.chunks_exact(row);
        for (bytes, numbers) in rows.zip(numbers.chunks_exact_mut(model.dimension.max(1))) {
            let (hash, halves) = bytes.split_first_chunk::<HASH>().ok_or_else(damaged)?;
            hashes.push(*hash);
            decode(halves, numbers);
        }
        let rows =
            Matrix::from_unit(numbers, model.dimension).map_err(|(row, fault)| VectorFileError::Row {
                name: name(),
                row: row + 1,
                fault,
            })?;
        Ok(Self { model, hashes, rows })
    }

    /// The rows of a model's texts, in the order of the texts, and which texts have none. Each row is the one made from
    /// exactly that text by exactly that model.
    pub(super) fn rows_of(self, model: &ModelId, texts: &[String]) -> (Matrix, Vec<usize>) {
        if self.model != *model {
            return (Matrix::default(), (0..texts.len()).collect());
        }
        let hash = |text: &String| content_hash(model, text);
        // A file of exactly these texts in this order is the usual case, and its block is taken as it is.
        if texts.len() <= self.hashes.len()
            && texts
                .iter()
                .zip(&self.hashes)
                .all(|(text, row)| hash(text) == *row)
        {
            let mut rows = self.rows;
            drop(rows.split_off(texts.len()));
            return (rows, Vec::new());
        }
        let places: HashMap<&ContentHash, usize> = self.hashes.iter().zip(0..).collect();
        let place = |text: &String| places.get(&hash(text)).copied();
        let found: Vec<Option<usize>> = texts.iter().map(place).collect();
        let missing = found.iter().zip(0..).filter(|(found, _)| found.is_none());
        let missing = missing.map(|(_, index)| index).collect();
        let known = found.into_iter().flatten().filter_map(|row| self.rows.row(row));
        let known = Matrix::of_rows(known, model.dimension).unwrap_or_default();
        (known, missing)
    }
}

/// Widens half precision numbers, little endian.
fn decode(bytes: &[u8], numbers: &mut [f32]) {
    /// Widened at once: what fits into the first cache, so that the copy between the two forms costs next to nothing.
    const BLOCK: usize = 512;
    let mut halves = [f16::ZERO; BLOCK];
    let (bytes, _) = bytes.as_chunks::<2>();
    for (bytes, numbers) in bytes.chunks(BLOCK).zip(numbers.chunks_mut(BLOCK)) {
        for (half, bytes) in halves.iter_mut().zip(bytes) {
            *half = f16::from_le_bytes(*bytes);
        }
        if let Some(halves) = halves.get(..numbers.len()) {
            halves.convert_to_f32_slice(numbers);
        }
    }
}

/// The bytes of a file that holds these vectors, the vector of `texts[i]` in the row `i`.
pub fn encode(model: &ModelId, texts: &[String], vectors: &Matrix) -> Result<Vec<u8>, VectorFileError> {
    if texts.len() != vectors.len() {
        return Err(VectorFileError::Unequal {
            texts: texts.len(),
            vectors: vectors.len(),
        });
    }
    let wrong =
        (!vectors.is_empty() && vectors.dimension() != model.dimension).then_some(vectors.dimension());
    let small = u32::try_from(model.name.len())
        .ok()
        .zip(u32::try_from(model.dimension).ok());
    let ((name_length, dimension), None) = (small.unwrap_or_default(), wrong) else {
        return Err(VectorFileError::WrongModel {
            found: wrong.unwrap_or(0),
            model: model.clone(),
        });
    };
    let mut bytes = Vec::with_capacity(64 + vectors.len() * (HASH + model.dimension * size_of::<f16>()));
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&name_length.to_le_bytes());
    bytes.extend_from_slice(model.name.as_bytes());
    bytes.extend_from_slice(&dimension.to_le_bytes());
    bytes.extend_from_slice(&(vectors.len() as u64).to_le_bytes());
    for (text, vector) in texts.iter().zip(vectors.rows()) {
        bytes.extend_from_slice(&content_hash(model, text));
        for number in vector {
            bytes.extend_from_slice(&f16::from_f32(*number).to_le_bytes());
        }
    }
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    Ok(bytes)
}

/// Writes a file whole or not at all: into a neighbour first, which then takes the name.
pub fn save(path: &Path, model: &ModelId, texts: &[String], vectors: &Matrix) -> Result<(), VectorFileError> {
    let bytes = encode(model, texts, vectors)?;
    crate::whole_file::write(path, &bytes).map_err(|source| VectorFileError::Unwritable {
        path: path.to_path_buf(),
        source,
    })
}

/// Takes numbers off the front of bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<usize> {
        let bytes = self.take(size_of::<u32>())?;
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    }

    fn u64(&mut self) -> Option<usize> {
        let bytes = self.take(size_of::<u64>())?;
        usize::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Vector;

    fn model() -> ModelId {
        ModelId {
            name: "test-model".into(),
            dimension: 2,
        }
    }

    fn texts() -> Vec<String> {
        vec!["one".into(), "two".into(), "three".into()]
    }

    /// The first rows of three.
    fn matrix(rows: usize) -> Matrix {
        let mut matrix = Matrix::from_unit(vec![1.0, 0.0, -1.0, 0.0, 0.0, -1.0], 2).unwrap();
        drop(matrix.split_off(rows));
        matrix
    }

    fn bytes() -> Vec<u8> {
        encode(&model(), &texts(), &matrix(3)).unwrap()
    }

    fn sentence(bytes: &[u8]) -> String {
        VectorFile::parse(bytes, "the vector file v.bin")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_half_precision_holds_is_read_back_to_the_bit() {
        let file = VectorFile::parse(&bytes(), "v").unwrap();
        assert_eq!(file.model, model());
        assert_eq!(file.rows_of(&model(), &texts()), (matrix(3), Vec::new()));
    }

    #[test]
    fn half_precision_moves_a_cosine_by_less_than_its_shown_digits() {
        let number = |n: u32| f32::from_bits(0x3f00_0000 | (n.wrapping_mul(2_654_435_761) >> 9)) - 0.75;
        let raw: Vec<f32> = (0..384).map(number).collect();
        let id = ModelId {
            dimension: 384,
            ..model()
        };
        let exact = Matrix::of(&[Vector::normalised(raw, 384).unwrap()]).unwrap();
        let bytes = encode(&id, &["one".into()], &exact).unwrap();
        let file = VectorFile::parse(&bytes, "v").unwrap();
        let (half, _) = file.rows_of(&id, &["one".into()]);
        let pairs = exact.rows().flatten().zip(half.rows().flatten());
        let cosine: f32 = pairs.map(|(left, right)| left * right).sum();
        assert!((cosine - 1.0).abs() < 5e-4, "{cosine}");
    }

    #[test]
    fn the_same_vectors_give_the_same_bytes_on_every_machine() {
        assert_eq!(bytes(), bytes());
        assert_eq!(bytes().len(), 8 + 4 + 4 + 10 + 4 + 8 + 3 * (32 + 4) + 32);
        assert_eq!(
            blake3::hash(&bytes()).to_hex().as_str(),
            "3e8aef7bd3707cac1905bfc9cb501e64f8200cb285faac6ee34522a6e1f775cc"
        );
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_is_noticed() {
        let good = bytes();
        for length in 0..good.len() {
            assert!(
                VectorFile::parse(&good[..length], "v").is_err(),
                "cut at {length}"
            );
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(VectorFile::parse(&bad, "v").is_err(), "flipped at {at}");
        }
        let longer = [good, vec![0]].concat();
        assert!(VectorFile::parse(&longer, "v").is_err());
    }

    #[test]
    fn each_fault_has_its_sentence() {
        let good = bytes();
        assert_eq!(
            sentence(&good[..50]),
            "the vector file v.bin is cut short or damaged (its checksum does not match), so the vectors are computed \
             again"
        );
        assert_eq!(
            sentence(b"not this"),
            "the vector file v.bin is not a vector file of this program, so the vectors are computed again"
        );
        let mut newer = good;
        newer[8] = 9;
        assert_eq!(
            sentence(&newer),
            "the vector file v.bin has version 9 and this program reads version 1, so the vectors are computed again"
        );
        let missing = VectorFile::load(Path::new("/nowhere/v.bin"))
            .unwrap_err()
            .to_string();
        assert!(
            missing.starts_with("the vector file /nowhere/v.bin could not be read"),
            "{missing}"
        );
    }

    #[test]
    fn a_hostile_count_under_a_right_checksum_reserves_nothing() {
        let mut body = bytes();
        body.truncate(body.len() - HASH);
        let count = 8 + 4 + 4 + 10 + 4;
        body[count..count + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        let checksum = blake3::hash(&body);
        body.extend_from_slice(checksum.as_bytes());
        assert!(matches!(
            VectorFile::parse(&body, "v"),
            Err(VectorFileError::Damaged { .. })
        ));
    }

    #[test]
    fn a_row_that_is_no_unit_vector_is_refused() {
        let mut body = bytes();
        body.truncate(body.len() - HASH);
        let last = body.len() - 4;
        body[last..].copy_from_slice(&f32::NAN.to_le_bytes());
        let checksum = blake3::hash(&body);
        body.extend_from_slice(checksum.as_bytes());
        assert_eq!(
            sentence(&body),
            "the vector file v.bin holds a useless vector in row 3: number 2 is not finite; the vectors are computed \
             again"
        );
    }

    #[test]
    fn a_refused_save_leaves_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.bin");
        save(&path, &model(), &texts(), &matrix(3)).unwrap();
        assert!(save(&path, &model(), &texts(), &matrix(1)).is_err());
        assert_eq!(VectorFile::load(&path).unwrap().hashes.len(), 3);
    }
}

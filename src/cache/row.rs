//! What a tier outside this process keeps of a value, and the checks that a kept one must pass to be used again.

use std::sync::Arc;
use std::time::Duration;

use super::CacheKey;
use super::value::Value;
use crate::clock::now_ms;

/// Most numbers that a vector may have: sixteen times the largest embedding model of today. It bounds what a broken
/// file or server can make this program allocate.
pub(super) const MAX_DIMENSION: usize = 65_536;

/// How far the length of a kept vector may be from 1, as where the vectors are used.
const UNIT_TOLERANCE: f64 = 1e-3;

/// A value and what it was made with.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub key: CacheKey,
    pub model: String,
    pub value: Value,
    /// Milliseconds since 1970.
    pub stored_at_ms: u64,
    /// How long it took to make, in milliseconds, waits included; unknown of rows of an earlier version and of values that
    /// were made many at once.
    pub took_ms: Option<u64>,
}

/// A row as it is kept: plain fields and a checksum over all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) key: String,
    pub(super) kind: String,
    pub(super) model: String,
    pub(super) dimension: u64,
    pub(super) stored_at_ms: u64,
    pub(super) took_ms: Option<u64>,
    pub(super) value: Vec<u8>,
    pub(super) checksum: Vec<u8>,
}

/// Why a row cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum RowFault {
    #[error("its key is not 64 hex digits")]
    Key,
    #[error("it is not of a kind that this version knows")]
    Kind,
    #[error("its checksum is not that of its content")]
    Checksum,
    #[error("it has {found} bytes of numbers and should have {expected}")]
    Size { found: usize, expected: usize },
    #[error("it has {found} dimensions and may have 1 to {MAX_DIMENSION}")]
    Dimension { found: u64 },
    #[error("number {} is not finite", index + 1)]
    NotFinite { index: usize },
    #[error("its length is {norm} and should be 1")]
    NotUnit { norm: f64 },
    #[error("it is not laid out as a row")]
    Layout,
    #[error("it is an answer without text")]
    Blank,
    #[error("it is an answer of {found} bytes, far longer than one can be")]
    TooLong { found: usize },
}

impl Row {
    /// A vector that is stored now.
    ///
    /// # Errors
    /// When the numbers are not a vector of length 1 with `dimension` finite numbers.
    pub fn now(
        key: CacheKey,
        model: impl Into<String>,
        dimension: usize,
        vector: Arc<[f32]>,
    ) -> Result<Self, RowFault> {
        if vector.len() != dimension {
            return Err(RowFault::Size {
                found: size_of_val(&*vector),
                expected: dimension * size_of::<f32>(),
            });
        }
        Self::made(key, model.into(), Value::Vector(vector), None)
    }

    /// A value that is stored now and took so long to make.
    ///
    /// # Errors
    /// When it is a vector that is not of length 1, or an answer that is blank or too long.
    pub(super) fn made(
        key: CacheKey,
        model: String,
        value: Value,
        took: Option<Duration>,
    ) -> Result<Self, RowFault> {
        value.check()?;
        Ok(Self {
            key,
            model,
            value,
            stored_at_ms: now_ms(),
            took_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        })
    }

    /// The numbers, when it is a vector.
    pub fn vector(&self) -> Option<&Arc<[f32]>> {
        match &self.value {
            Value::Vector(numbers) => Some(numbers),
            Value::Answer(_) => None,
        }
    }

    /// How long ago it was made; nothing when the clock has been set back since.
    pub fn age(&self) -> Duration {
        Duration::from_millis(now_ms().saturating_sub(self.stored_at_ms))
    }

    pub(super) fn seal(&self) -> Sealed {
        let mut sealed = Sealed {
            key: self.key.as_str().to_owned(),
            kind: self.value.kind().to_owned(),
            model: self.model.clone(),
            dimension: self.value.dimension() as u64,
            stored_at_ms: self.stored_at_ms,
            took_ms: self.took_ms,
            value: self.value.bytes(),
            checksum: Vec::new(),
        };
        sealed.checksum = sealed.digest().as_bytes().to_vec();
        sealed
    }
}

impl Sealed {
    /// The row, if it is whole.
    pub(super) fn open(&self) -> Result<Row, RowFault> {
        if self.checksum != self.digest().as_bytes() {
            return Err(RowFault::Checksum);
        }
        let key = CacheKey::parse(&self.key).ok_or(RowFault::Key)?;
        Ok(Row {
            key,
            model: self.model.clone(),
            value: Value::read(&self.kind, self.dimension, &self.value)?,
            stored_at_ms: self.stored_at_ms,
            took_ms: self.took_ms,
        })
    }

    /// blake3 over every field, the ones of free length behind their length. Rows of the first version do not say how long
    /// they took, and their digest is that of what they say.
    fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for field in [self.key.as_bytes(), self.kind.as_bytes(), self.model.as_bytes()] {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        hasher.update(&self.dimension.to_le_bytes());
        hasher.update(&self.stored_at_ms.to_le_bytes());
        if let Some(took_ms) = self.took_ms {
            hasher.update(&took_ms.to_le_bytes());
            hasher.update(&(self.value.len() as u64).to_le_bytes());
        }
        hasher.update(&self.value);
        hasher.finalize()
    }
}

/// Whether numbers are a unit vector: at least one, all finite, length 1. Summed in f64, where no f32's square is lost.
pub(super) fn check(vector: &[f32]) -> Result<(), RowFault> {
    if vector.is_empty() || vector.len() > MAX_DIMENSION {
        return Err(RowFault::Dimension {
            found: vector.len() as u64,
        });
    }
    if let Some(index) = vector.iter().position(|number| !number.is_finite()) {
        return Err(RowFault::NotFinite { index });
    }
    let norm = vector
        .iter()
        .map(|number| f64::from(*number).powi(2))
        .sum::<f64>()
        .sqrt();
    if (norm - 1.0).abs() > UNIT_TOLERANCE {
        return Err(RowFault::NotUnit { norm });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::value::MAX_ANSWER;
    use crate::cache::{Answer, Tokens};

    fn row(numbers: &[f32]) -> Result<Row, RowFault> {
        Row::now(CacheKey::new("m", 2, "query", "text"), "m", 2, numbers.into())
    }

    #[test]
    fn a_sealed_row_opens_as_it_was() {
        let row = row(&[0.6, 0.8]).unwrap();
        assert_eq!(row.seal().open().unwrap(), row);
    }

    #[test]
    fn a_sealed_answer_opens_as_it_was_with_what_it_took() {
        let answer = |text: &str| {
            let answer = Answer {
                text: text.into(),
                tokens: Some(Tokens {
                    prompt: 900,
                    completion: 80,
                }),
            };
            let key = CacheKey::answer("m", &["system", "question"], "t=0");
            let took = Some(Duration::from_millis(3_210));
            Row::made(key, "m".into(), Value::Answer(answer.into()), took)
        };
        let row = answer("By the ratio [1].\n").unwrap();
        assert_eq!(row.took_ms, Some(3_210));
        assert_eq!(row.seal().open().unwrap(), row);
        let longer = Sealed {
            took_ms: Some(9_999),
            ..row.seal()
        };
        assert_eq!(longer.open().unwrap_err(), RowFault::Checksum);
        assert_eq!(answer(" \n").unwrap_err(), RowFault::Blank);
        let long = "x".repeat(MAX_ANSWER + 1);
        assert!(matches!(answer(&long).unwrap_err(), RowFault::TooLong { .. }));
    }

    #[test]
    fn what_is_not_a_unit_vector_of_the_model_makes_no_row() {
        assert_eq!(
            row(&[1.0]).unwrap_err(),
            RowFault::Size {
                found: 4,
                expected: 8
            }
        );
        assert_eq!(row(&[0.0, 0.0]).unwrap_err(), RowFault::NotUnit { norm: 0.0 });
        assert_eq!(row(&[3.0, 4.0]).unwrap_err(), RowFault::NotUnit { norm: 5.0 });
        assert_eq!(
            row(&[f32::NAN, 1.0]).unwrap_err(),
            RowFault::NotFinite { index: 0 }
        );
        assert_eq!(
            row(&[1.0, f32::INFINITY]).unwrap_err(),
            RowFault::NotFinite { index: 1 }
        );
    }

    #[test]
    fn a_changed_field_breaks_the_seal() {
        let whole = row(&[0.6, 0.8]).unwrap().seal();
        let changes: [fn(&mut Sealed); 8] = [
            |row| row.key.replace_range(0..1, "g"),
            |row| row.kind.push('s'),
            |row| row.model.push('2'),
            |row| row.dimension += 1,
            |row| row.stored_at_ms += 1,
            |row| row.took_ms = Some(0),
            |row| row.value[3] ^= 1,
            |row| row.checksum[0] ^= 1,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut broken = whole.clone();
            change(&mut broken);
            assert_eq!(broken.open().unwrap_err(), RowFault::Checksum, "change {number}");
        }
    }

    #[test]
    fn a_true_checksum_makes_no_vector_of_what_is_none() {
        let whole = row(&[0.6, 0.8]).unwrap().seal();
        type Change = fn(&mut Sealed);
        let faults: [(Change, RowFault); 6] = [
            (|row| row.kind = "song".into(), RowFault::Kind),
            (|row| row.kind = "answer".into(), RowFault::Layout),
            (|row| row.key = "k".into(), RowFault::Key),
            (
                |row| row.dimension = 0,
                RowFault::Size {
                    found: 8,
                    expected: 0,
                },
            ),
            (
                |row| row.dimension = 3,
                RowFault::Size {
                    found: 8,
                    expected: 12,
                },
            ),
            (|row| row.value = vec![0; 8], RowFault::NotUnit { norm: 0.0 }),
        ];
        for (change, fault) in faults {
            let mut wrong = whole.clone();
            change(&mut wrong);
            wrong.checksum = wrong.digest().as_bytes().to_vec();
            assert_eq!(wrong.open().unwrap_err(), fault);
        }
    }
}

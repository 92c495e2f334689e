//! What can be kept: the vector of a text, or the answer of a chat model.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::row::{RowFault, check};

/// What kind of value a row holds, as it is written in the row.
pub(super) const VECTOR: &str = "vector";
pub(super) const ANSWER: &str = "answer";

/// Bytes of the longest answer that is kept, as it is written: far above any length limit that is usual. It bounds what a
/// broken file or server can make this program allocate.
pub(super) const MAX_ANSWER: usize = 256 << 10;

/// A kept value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Vector(Arc<[f32]>),
    Answer(Arc<Answer>),
}

/// A whole answer of a chat model, which ended by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// As the model wrote it. Its citations are numbers of the evidence that its key covers.
    pub text: String,
    /// What it cost then, where the server counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
}

/// Tokens of a question and of its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    pub prompt: u64,
    pub completion: u64,
}

impl Value {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Vector(_) => VECTOR,
            Self::Answer(_) => ANSWER,
        }
    }

    /// Numbers of a vector; an answer has none.
    pub(super) fn dimension(&self) -> usize {
        match self {
            Self::Vector(numbers) => numbers.len(),
            Self::Answer(_) => 0,
        }
    }

    /// As it is written: f32, little endian, or JSON.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Vector(numbers) => {
                let mut bytes = Vec::with_capacity(size_of_val(&**numbers));
                // Much faster than a byte at a time: an index writes ten thousands of vectors.
                numbers
                    .iter()
                    .for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
                bytes
            }
            // A text and two numbers cannot fail to be written; if they did, the empty value would not open.
            Self::Answer(answer) => serde_json::to_vec(&**answer).unwrap_or_default(),
        }
    }

    /// The value that was written, if it is one.
    pub(super) fn read(kind: &str, dimension: u64, bytes: &[u8]) -> Result<Self, RowFault> {
        let value = match kind {
            VECTOR => {
                let (numbers, rest) = bytes.as_chunks::<4>();
                let expected = usize::try_from(dimension).map_or(usize::MAX, |count| count.saturating_mul(4));
                if numbers.len() as u64 != dimension || !rest.is_empty() {
                    return Err(RowFault::Size {
                        found: bytes.len(),
                        expected,
                    });
                }
                Self::Vector(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
            }
            ANSWER if bytes.len() <= MAX_ANSWER => {
                Self::Answer(serde_json::from_slice(bytes).map_err(|_| RowFault::Layout)?)
            }
            ANSWER => return Err(RowFault::TooLong { found: bytes.len() }),
            _ => return Err(RowFault::Kind),
        };
        value.check()?;
        Ok(value)
    }

    /// Whether it may be kept and used again.
    pub(super) fn check(&self) -> Result<(), RowFault> {
        match self {
            Self::Vector(numbers) => check(numbers),
            Self::Answer(answer) if answer.text.trim().is_empty() => Err(RowFault::Blank),
            Self::Answer(_) => match self.bytes().len() {
                found if found > MAX_ANSWER => Err(RowFault::TooLong { found }),
                _ => Ok(()),
            },
        }
    }
}

/// A type of value that the memory holds.
pub(super) trait Keep: Clone + Send + Sync + 'static {
    fn value(&self) -> Value;
    fn of(value: &Value) -> Option<Self>;
    /// Bytes that it takes in memory.
    fn size(&self) -> usize;
}

impl Keep for Arc<[f32]> {
    fn value(&self) -> Value {
        Value::Vector(Arc::clone(self))
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Vector(numbers) => Some(Arc::clone(numbers)),
            Value::Answer(_) => None,
        }
    }

    fn size(&self) -> usize {
        size_of_val(&**self)
    }
}

impl Keep for Arc<Answer> {
    fn value(&self) -> Value {
        Value::Answer(Arc::clone(self))
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Answer(answer) => Some(Arc::clone(answer)),
            Value::Vector(_) => None,
        }
    }

    fn size(&self) -> usize {
        self.text.len()
    }
}

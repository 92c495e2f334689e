//! A row as the bytes of one Redis value.
//!
//! ```text
//! version 2, u8 | kind: length u8, text | model: length u16, text | dimension u32 | stored at u64 | took u64 | value | checksum 32
//! ```
//! All integers little endian; `took` is all ones when it is not known. Values of version 1, which have no `took`, are read
//! as well. The checksum covers the key too, so a value that was copied to another key is refused.

use crate::cache::key::Wanted;
use crate::cache::row::{Row, RowFault, Sealed};
use crate::cache::value::{ANSWER, MAX_ANSWER, VECTOR};

const VERSION: u8 = 2;
/// The version without `took`.
const FIRST: u8 = 1;

/// Bytes besides the texts and the value.
const FIXED: usize = 1 + 1 + 2 + 4 + 8 + 8 + 32;

/// The most bytes that the value that is wanted can have.
pub(super) fn length(wanted: &Wanted) -> usize {
    let (kind, value) = match wanted.dimension {
        Some(dimension) => (VECTOR, dimension * size_of::<f32>()),
        None => (ANSWER, MAX_ANSWER),
    };
    FIXED + kind.len() + wanted.model.len() + value
}

/// `None` when the model's name is longer than the layout has room for.
pub(super) fn encode(row: &Row) -> Option<Vec<u8>> {
    let sealed = row.seal();
    let kind = u8::try_from(sealed.kind.len()).ok()?;
    let model = u16::try_from(sealed.model.len()).ok()?;
    let dimension = u32::try_from(sealed.dimension).ok()?;
    let mut bytes = Vec::with_capacity(FIXED + sealed.kind.len() + sealed.model.len() + sealed.value.len());
    bytes.push(VERSION);
    bytes.push(kind);
    bytes.extend_from_slice(sealed.kind.as_bytes());
    bytes.extend_from_slice(&model.to_le_bytes());
    bytes.extend_from_slice(sealed.model.as_bytes());
    bytes.extend_from_slice(&dimension.to_le_bytes());
    bytes.extend_from_slice(&sealed.stored_at_ms.to_le_bytes());
    bytes.extend_from_slice(&sealed.took_ms.unwrap_or(u64::MAX).to_le_bytes());
    bytes.extend_from_slice(&sealed.value);
    bytes.extend_from_slice(&sealed.checksum);
    Some(bytes)
}

/// The row that the bytes under a key hold.
pub(super) fn decode(key: &str, bytes: &[u8]) -> Result<Row, RowFault> {
    sealed(key, bytes).ok_or(RowFault::Layout)?.open()
}

fn sealed(key: &str, bytes: &[u8]) -> Option<Sealed> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let (&version, rest) = bytes.split_first()?;
    let (&kind, rest) = rest.split_first()?;
    let (kind, rest) = rest.split_at_checked(usize::from(kind))?;
    let (model, rest) = rest.split_first_chunk()?;
    let (model, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*model)))?;
    let (dimension, rest) = rest.split_first_chunk()?;
    let (stored_at, rest) = rest.split_first_chunk()?;
    let (took_ms, rest) = match version {
        FIRST => (None, rest),
        VERSION => {
            let (took, rest) = rest.split_first_chunk()?;
            let took = u64::from_le_bytes(*took);
            (Some(took).filter(|took| *took != u64::MAX), rest)
        }
        _ => return None,
    };
    let (value, checksum) = rest.split_last_chunk::<32>()?;
    Some(Sealed {
        key: key.to_owned(),
        kind: text(kind)?,
        model: text(model)?,
        dimension: u64::from(u32::from_le_bytes(*dimension)),
        stored_at_ms: u64::from_le_bytes(*stored_at),
        took_ms,
        value: value.to_vec(),
        checksum: checksum.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Answer, Value};

    #[test]
    fn a_row_comes_back_as_it_went_in() {
        let wanted = Wanted::new("a model", 2, "query", "text");
        let row = Row::now(wanted.key.clone(), "a model", 2, [0.6, 0.8].into()).unwrap();
        let bytes = encode(&row).unwrap();
        assert_eq!(bytes.len(), length(&wanted));
        assert_eq!(decode(wanted.key.as_str(), &bytes).unwrap(), row);
    }

    #[test]
    fn a_value_of_the_first_version_is_read() {
        let wanted = Wanted::new("m", 2, "query", "text");
        let row = Row::now(wanted.key.clone(), "m", 2, [0.6, 0.8].into()).unwrap();
        let mut first = encode(&row).unwrap();
        first[0] = FIRST;
        let took = 1 + 1 + VECTOR.len() + 2 + 1 + 4 + 8;
        first.drain(took..took + 8);
        assert_eq!(decode(wanted.key.as_str(), &first).unwrap(), row);
    }

    #[test]
    fn an_answer_comes_back_with_what_it_took() {
        let wanted = Wanted::answer("m", &["system", "question"], "t=0");
        let answer = Answer {
            text: "By the ratio [1].".into(),
            tokens: None,
        };
        let took = Some(std::time::Duration::from_millis(900));
        let row = Row::made(wanted.key.clone(), "m".into(), Value::Answer(answer.into()), took).unwrap();
        let bytes = encode(&row).unwrap();
        assert!(bytes.len() <= length(&wanted));
        assert_eq!(decode(wanted.key.as_str(), &bytes).unwrap(), row);
        assert!(wanted.is(&row));
    }

    #[test]
    fn no_broken_value_opens() {
        let wanted = Wanted::new("m", 2, "query", "text");
        let row = Row::now(wanted.key.clone(), "m", 2, [0.6, 0.8].into()).unwrap();
        let whole = encode(&row).unwrap();
        for end in 0..whole.len() {
            assert!(decode(wanted.key.as_str(), &whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0x10;
            assert!(decode(wanted.key.as_str(), &broken).is_err(), "{at}");
        }
        let other = Wanted::new("m", 2, "query", "other");
        assert_eq!(
            decode(other.key.as_str(), &whole).unwrap_err(),
            RowFault::Checksum
        );
    }
}

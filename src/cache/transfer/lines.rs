//! The export format: JSON Lines, in the order of the keys, so that the same rows give the same bytes.
//!
//! ```text
//! {"format":"defi-qa vectors","version":2}
//! {"key":HEX,"kind":KIND,"model":NAME,"dimension":N,"stored_at_ms":MS,"took_ms":MS,"value":BASE64,"checksum":HEX}   one a row
//! {"rows":N,"blake3":HEX}                                     of every byte above this line
//! ```
//! `value` is that of the row on disk (f32 little endian of a "vector", JSON of an "answer"), `checksum` too (blake3 over all
//! fields). `took_ms` stands where it is known. Version 1 knew vectors only and no `took_ms`; it is read as well.

use std::io::{BufRead, Read as _, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{Exported, Refused, RefusedWhy, TransferError};
use crate::cache::disk::Store;
use crate::cache::row::{MAX_DIMENSION, Row, RowFault, Sealed};

const FORMAT: &str = "defi-qa vectors";
const VERSION: u64 = 2;

/// Bytes of the longest line that can hold a row: its numbers in base64, and room for the rest.
const LONGEST_LINE: u64 = (MAX_DIMENSION * size_of::<f32>() * 4 / 3 + 64 * 1024) as u64;

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: String,
    version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    key: String,
    kind: String,
    model: String,
    dimension: u64,
    stored_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    value: String,
    checksum: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Tail {
    rows: u64,
    blake3: String,
}

/// Writes every whole row of a store.
///
/// # Errors
/// When the store cannot be read or `out` not be written.
pub fn export(store: &Store, out: &mut impl Write) -> Result<Exported, TransferError> {
    let mut out = Hashing {
        out,
        hasher: blake3::Hasher::new(),
    };
    out.line(&Head {
        format: FORMAT.to_owned(),
        version: VERSION,
    })?;
    let mut exported = Exported::default();
    store.each(|row| {
        match row {
            Ok(row) => {
                out.line(&Line::of(&row))?;
                exported.rows += 1;
            }
            Err(bad) => exported.bad.push(bad),
        }
        Ok::<(), TransferError>(())
    })?;
    let blake3 = out.hasher.finalize().to_hex().to_string();
    out.line(&Tail {
        rows: exported.rows,
        blake3,
    })?;
    out.out.flush().map_err(TransferError::Write)?;
    Ok(exported)
}

/// Hands every row of an export to `each`.
pub(super) fn import<E: From<TransferError>>(
    mut file: impl BufRead,
    mut each: impl FnMut(Result<Row, Refused>) -> Result<(), E>,
) -> Result<(), E> {
    let mut hasher = blake3::Hasher::new();
    let head = next_line(&mut file)?.ok_or(TransferError::Format)?;
    hasher.update(&head);
    let head: Head = serde_json::from_slice(&head).map_err(|_| TransferError::Format)?;
    if head.format != FORMAT {
        return Err(TransferError::Format.into());
    }
    if !(1..=VERSION).contains(&head.version) {
        return Err(TransferError::Version(head.version).into());
    }
    let (mut number, mut rows) = (1_u64, 0_u64);
    while let Some(line) = next_line(&mut file)? {
        number += 1;
        if let Ok(tail) = serde_json::from_slice::<Tail>(&line) {
            let whole = tail.rows == rows && tail.blake3 == hasher.finalize().to_hex().as_str();
            return if whole {
                Ok(())
            } else {
                Err(TransferError::Changed.into())
            };
        }
        hasher.update(&line);
        rows += 1;
        let place = || format!("line {number}");
        if line.last() != Some(&b'\n') {
            if line.len() as u64 >= LONGEST_LINE {
                hasher.update(&skip_line(&mut file)?);
                each(Err(Refused {
                    place: place(),
                    why: RefusedWhy::TooLong,
                }))?;
                continue;
            }
            return Err(TransferError::Truncated.into());
        }
        each(read(&line).map_err(|fault| Refused {
            place: place(),
            why: fault.into(),
        }))?;
    }
    Err(TransferError::Truncated.into())
}

fn read(line: &[u8]) -> Result<Row, RowFault> {
    let line: Line = serde_json::from_slice(line).map_err(|_| RowFault::Layout)?;
    let checksum = blake3::Hash::from_hex(&line.checksum).map_err(|_| RowFault::Layout)?;
    let sealed = Sealed {
        value: STANDARD.decode(&line.value).map_err(|_| RowFault::Layout)?,
        checksum: checksum.as_bytes().to_vec(),
        key: line.key,
        kind: line.kind,
        model: line.model,
        dimension: line.dimension,
        stored_at_ms: line.stored_at_ms,
        took_ms: line.took_ms,
    };
    sealed.open()
}

/// The next line with its newline; a part of it when it is longer than any row. `None` at the end.
fn next_line(file: &mut impl BufRead) -> Result<Option<Vec<u8>>, TransferError> {
    let mut line = Vec::new();
    file.take(LONGEST_LINE)
        .read_until(b'\n', &mut line)
        .map_err(TransferError::Read)?;
    Ok((!line.is_empty()).then_some(line))
}

/// Reads past the rest of a line, whatever its length, and returns its digest.
fn skip_line(file: &mut impl BufRead) -> Result<[u8; 32], TransferError> {
    let mut hasher = blake3::Hasher::new();
    while let Some(part) = next_line(file)? {
        hasher.update(&part);
        if part.last() == Some(&b'\n') {
            break;
        }
    }
    Ok(*hasher.finalize().as_bytes())
}

impl Line {
    fn of(row: &Row) -> Self {
        let sealed = row.seal();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            value: STANDARD.encode(&sealed.value),
            checksum: hex(&sealed.checksum),
            key: sealed.key,
            kind: sealed.kind,
            model: sealed.model,
            dimension: sealed.dimension,
            stored_at_ms: sealed.stored_at_ms,
            took_ms: sealed.took_ms,
        }
    }
}

struct Hashing<'a, W> {
    out: &'a mut W,
    hasher: blake3::Hasher,
}

impl<W: Write> Hashing<'_, W> {
    fn line(&mut self, what: &impl Serialize) -> Result<(), TransferError> {
        let mut line = serde_json::to_vec(what).map_err(|error| TransferError::Write(error.into()))?;
        line.push(b'\n');
        self.hasher.update(&line);
        self.out.write_all(&line).map_err(TransferError::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::CacheKey;
    use crate::cache::transfer::import;

    fn store(texts: &[&str]) -> (tempfile::TempDir, Store, Vec<Row>) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("vectors.sqlite")).unwrap();
        let rows: Vec<Row> = texts
            .iter()
            .map(|text| {
                let key = CacheKey::new("m", 2, "query", text);
                Row::now(key, "m", 2, [0.6, 0.8].into()).unwrap()
            })
            .collect();
        store.put(&rows).unwrap();
        (folder, store, rows)
    }

    fn exported(store: &Store) -> Vec<u8> {
        let mut bytes = Vec::new();
        export(store, &mut bytes).unwrap();
        bytes
    }

    type Came = (Vec<Row>, Vec<Refused>, Result<(), String>);

    fn imported(bytes: &[u8]) -> Came {
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        let done = import(bytes, |row| {
            match row {
                Ok(row) => rows.push(row),
                Err(bad) => refused.push(bad),
            }
            Ok::<(), TransferError>(())
        });
        (rows, refused, done.map_err(|error| error.to_string()))
    }

    #[test]
    fn what_is_exported_comes_in_again_and_the_same_rows_give_the_same_bytes() {
        let (_folder, store, mut rows) = store(&["a", "b", "c"]);
        let bytes = exported(&store);
        assert_eq!(bytes, exported(&store));
        let (came, refused, done) = imported(&bytes);
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!((came, refused, done), (rows, Vec::new(), Ok(())));
    }

    #[test]
    fn a_bad_row_is_named_and_the_others_come_in() {
        let (_folder, store, _) = store(&["a", "b", "c"]);
        let text = String::from_utf8(exported(&store)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let broken = lines[2].replace("\"dimension\":2", "\"dimension\":3");
        for (bad, fault) in [
            (broken.as_str(), RowFault::Checksum),
            ("{\"key\": 7}", RowFault::Layout),
            ("nonsense", RowFault::Layout),
        ] {
            let mut lines = lines.clone();
            lines[2] = bad;
            let (came, refused, done) = imported(format!("{}\n", lines.join("\n")).as_bytes());
            assert_eq!(came.len(), 2);
            assert_eq!(
                refused,
                [Refused {
                    place: "line 3".into(),
                    why: fault.into()
                }]
            );
            assert_eq!(done, Err(TransferError::Changed.to_string()));
        }
    }

    #[test]
    fn a_line_without_end_is_refused_and_takes_no_room() {
        let (_folder, store, _) = store(&["a"]);
        let text = String::from_utf8(exported(&store)).unwrap();
        let (head, rest) = text.split_once('\n').unwrap();
        let long = "x".repeat(LONGEST_LINE as usize * 3);
        let (came, refused, _) = imported(format!("{head}\n{long}\n{rest}").as_bytes());
        assert_eq!(came.len(), 1);
        assert_eq!(
            refused,
            [Refused {
                place: "line 2".into(),
                why: RefusedWhy::TooLong
            }]
        );
    }

    #[test]
    fn a_file_cut_anywhere_is_told_as_cut() {
        let (_folder, store, _) = store(&["a", "b"]);
        let bytes = exported(&store);
        let head = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for end in head..bytes.len() - 1 {
            let (_, _, done) = imported(&bytes[..end]);
            assert_eq!(done, Err(TransferError::Truncated.to_string()), "{end}");
        }
    }

    #[test]
    fn what_is_no_export_is_refused() {
        for (bytes, error) in [
            (&b""[..], TransferError::Format),
            (b"[1]\n", TransferError::Format),
            (b"{\"format\":\"other\",\"version\":1}\n", TransferError::Format),
            (
                b"{\"format\":\"defi-qa vectors\",\"version\":3}\n",
                TransferError::Version(3),
            ),
        ] {
            assert_eq!(imported(bytes).2, Err(error.to_string()));
        }
    }
}

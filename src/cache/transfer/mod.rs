//! Vectors in one file, from one machine to another: our own format, and the one of this program's Python ancestor.

mod ancestor;
mod lines;
mod pickle;

pub use lines::export;

use std::io::{BufRead, Read as _};

use super::disk::{BadRow, DiskError};
use super::row::{Row, RowFault};

/// The largest pickle that is read: the whole of it is held in memory, about five times its size.
const LARGEST_PICKLE: usize = 128 << 20;

/// Why a file could not be written or read on. Each is one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("writing the exported vectors failed ({0}): free some room or name another file")]
    Write(std::io::Error),
    #[error("reading the file to import failed: {0}")]
    Read(std::io::Error),
    #[error(
        "the file is neither an export of `defi-qa cache export` nor an .embeddings file: name one of these"
    )]
    Format,
    #[error("the export is of version {0}, which this program does not know: import it with a newer one")]
    Version(u64),
    #[error("the export ends early: copy it again; what came before its end has been imported")]
    Truncated,
    #[error("the export was changed since it was written: copy it again; its whole rows have been imported")]
    Changed,
    #[error(
        "the file names a class or a function ({name} at byte {at}), which could run code: it is refused"
    )]
    Code { name: &'static str, at: usize },
    #[error("the file is no plain data at byte {at} ({why}): it is refused")]
    Pickle { at: usize, why: &'static str },
    #[error("the file has more than {LARGEST_PICKLE} bytes: split it")]
    TooLarge,
    #[error("the file has no {0}: it is not an .embeddings file that can be imported")]
    Missing(&'static str),
}

/// A row of a file that is not taken over, by its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// "line 7", "item 3 (answer)".
    pub place: String,
    pub why: RefusedWhy,
}

/// Why a row is not taken over.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum RefusedWhy {
    #[error(transparent)]
    Fault(#[from] RowFault),
    #[error("it has no {0}")]
    Lacks(&'static str),
    #[error("it is longer than any row can be")]
    TooLong,
}

/// Hands every row of a file to `each`, in the order of the file, whole or refused, and stops when that fails.
///
/// # Errors
/// When the file is none that can be imported, ends early or was changed. Rows before the place have been handed over.
pub fn import<E: From<TransferError>>(
    mut file: impl BufRead,
    each: impl FnMut(Result<Row, Refused>) -> Result<(), E>,
) -> Result<(), E> {
    let first = file.fill_buf().map_err(TransferError::Read)?.first().copied();
    match first {
        Some(b'{') => lines::import(file, each),
        Some(pickle::MAGIC) => {
            let mut bytes = Vec::new();
            let limit = LARGEST_PICKLE as u64 + 1;
            file.take(limit)
                .read_to_end(&mut bytes)
                .map_err(TransferError::Read)?;
            if bytes.len() > LARGEST_PICKLE {
                return Err(TransferError::TooLarge.into());
            }
            ancestor::import(&bytes, each)
        }
        _ => Err(TransferError::Format.into()),
    }
}

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exported {
    pub rows: u64,
    /// Left out because they cannot be trusted.
    pub bad: Vec<BadRow>,
}

//! What can go wrong with the disk tier.

use std::path::PathBuf;

/// Why the disk tier could not do something. Each is one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    #[error(
        "the folder {path} of the cache could not be made ({why}): free the place or set XDG_CACHE_HOME to another"
    )]
    Folder { path: PathBuf, why: std::io::Error },
    #[error("the cache {path} could not be opened ({why}): check who owns it, or delete it to start anew")]
    Open { path: PathBuf, why: rusqlite::Error },
    #[error("the cache {path} is no database and could not be moved aside ({why}): delete it to start anew")]
    Stuck { path: PathBuf, why: std::io::Error },
    #[error("{path} is a database of another program: move it away to let the cache stand there")]
    Foreign { path: PathBuf },
    #[error(
        "the cache {path} has schema {found} and this version knows up to {known}: use the newer program, or delete the file"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{act} the cache {path} failed ({why}): see `defi-qa cache verify`")]
    Query {
        act: &'static str,
        path: PathBuf,
        why: rusqlite::Error,
    },
    #[error("the cache has been closed: start the program again")]
    Closed,
}

impl DiskError {
    /// Whether the file's pages themselves are broken, which no writing mends.
    pub(super) fn is_malformed(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let (Self::Open { why, .. } | Self::Query { why, .. }) = self else {
            return false;
        };
        matches!(why.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
    }
}

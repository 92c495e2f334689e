//! Why a database file could not be opened.

use std::path::PathBuf;

use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};

/// Each is one sentence for the user; `name` is what the file is called there.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    #[error(
        "the folder {path} of the {name} could not be made ({why}): free the place or set {home} to another"
    )]
    Folder {
        name: &'static str,
        home: &'static str,
        path: PathBuf,
        why: std::io::Error,
    },
    #[error("the {name} {path} could not be made ({why}): check who owns its folder")]
    Private {
        name: &'static str,
        path: PathBuf,
        why: std::io::Error,
    },
    #[error(
        "the {name} {path} could not be opened ({why}): check who owns it, or move it away to start anew"
    )]
    Open {
        name: &'static str,
        path: PathBuf,
        why: rusqlite::Error,
    },
    #[error(
        "the {name} {path} is no database and could not be moved aside ({why}): move it away to start anew"
    )]
    Stuck {
        name: &'static str,
        path: PathBuf,
        why: std::io::Error,
    },
    #[error("{path} is a database of another program: move it away to let the {name} stand there")]
    Foreign { name: &'static str, path: PathBuf },
    #[error(
        "the {name} {path} has schema {found} and this version knows up to {known}: use the newer program, or move the file away"
    )]
    Newer {
        name: &'static str,
        path: PathBuf,
        found: i64,
        known: i64,
    },
}

impl Unopened {
    /// Whether the file's pages themselves are broken, which no writing mends.
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(self, Self::Open { why, .. } if is_malformed(why))
    }
}

/// Whether an error says that the file's pages themselves are broken.
pub(crate) fn is_malformed(why: &rusqlite::Error) -> bool {
    matches!(why.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

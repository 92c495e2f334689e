//! What can go wrong with the disk tier.

use std::path::PathBuf;

use crate::sqlite::{Unopened, is_malformed};

/// Why the disk tier could not do something. Each is one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    #[error(transparent)]
    Unopened(#[from] Unopened),
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
        match self {
            Self::Unopened(why) => why.is_malformed(),
            Self::Query { why, .. } => is_malformed(why),
            Self::Closed => false,
        }
    }
}

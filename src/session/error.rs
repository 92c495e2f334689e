//! What can go wrong with what is kept.

use std::path::PathBuf;

use super::SessionId;
use crate::sqlite::Unopened;

/// Why the session store could not do something. Each is one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(transparent)]
    Unopened(#[from] Unopened),
    #[error("{act} the session store {path} failed ({why}): check its folder, or start with --no-history")]
    Query {
        act: &'static str,
        path: PathBuf,
        why: rusqlite::Error,
    },
    #[error("there is no session {0}: `defi-qa sessions list` names those there are")]
    Absent(SessionId),
    #[error("session {0} has been deleted: `defi-qa sessions restore {0}` brings it back")]
    Deleted(SessionId),
    #[error("session {0} has not been deleted, so there is nothing to restore")]
    NotDeleted(SessionId),
    #[error("no session has been kept yet: ask a question first")]
    None,
}

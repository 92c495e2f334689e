//! What can stop a run, as the error node tells it.

use super::event::Stage;

/// Why a node failed, and whether asking again may help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AgentError {
    pub stage: Stage,
    /// One sentence for the user.
    pub message: String,
    pub retryable: bool,
}

impl AgentError {
    /// A failure that another try will not mend. Readers put the sentence into one of their own, so its full stop goes.
    pub fn lasting(stage: Stage, message: impl AsRef<str>) -> Self {
        Self {
            stage,
            message: message.as_ref().trim_end_matches('.').to_owned(),
            retryable: false,
        }
    }
}

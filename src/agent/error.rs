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
    /// A failure that another try will not mend.
    pub fn lasting(stage: Stage, message: impl Into<String>) -> Self {
        Self {
            stage,
            message: message.into(),
            retryable: false,
        }
    }
}

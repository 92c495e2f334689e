//! How a command ends: the exit codes of the contract, and the one sentence that goes with a bad one.

use std::process::ExitCode;

use crate::agent::event::{Exchange, Outcome, Phase, Stage};
use crate::config::ConfigError;

/// An end that needs no words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: answered.
    Success,
    /// 1: anything else.
    Other,
    /// 3: declined for lack of evidence.
    Declined,
    /// 4: the provider failed.
    Provider,
    /// 130: interrupted.
    Interrupted,
    /// 128 + the number of a signal that asked the program to end.
    Signal(u8),
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Other => 1,
            Self::Declined => 3,
            Self::Provider => 4,
            Self::Interrupted => 130,
            Self::Signal(number) => number.saturating_add(128),
        }
    }

    /// How a run ended. A failure belongs to the provider when the stage that failed was served by one.
    pub fn of(exchange: &Exchange) -> Self {
        match &exchange.phase {
            Phase::Done(Outcome::Declined) => Self::Declined,
            Phase::Done(Outcome::Partial | Outcome::Failed | Outcome::Unknown) => Self::Other,
            Phase::Done(Outcome::Answered | Outcome::Conversed) => Self::Success,
            Phase::Cancelled => Self::Interrupted,
            Phase::Failed { stage, .. } => {
                let served = match stage {
                    Stage::Answer | Stage::Converse => &exchange.setup.chat,
                    Stage::Embed => &exchange.setup.embedder,
                    _ => return Self::Other,
                };
                if served.starts_with("openai:") {
                    Self::Provider
                } else {
                    Self::Other
                }
            }
            _ => Self::Other,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A sentence for standard error and the exit code that goes with it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub message: String,
    blame: Blame,
}

/// Whose fault it is, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    /// Of what the user wrote: 2.
    Usage,
    /// Of the provider: 4.
    Provider,
    /// Of the rest of the world: 1.
    Other,
}

impl Failure {
    /// What was asked cannot be done as it was asked (exit code 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            blame: Blame::Usage,
        }
    }

    /// The provider failed (exit code 4).
    pub fn provider(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            blame: Blame::Provider,
        }
    }

    /// What was asked did not work out (exit code 1).
    pub fn other(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            blame: Blame::Other,
        }
    }

    /// The number.
    pub fn code(&self) -> u8 {
        match self.blame {
            Blame::Usage => 2,
            Blame::Provider => 4,
            Blame::Other => 1,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::other(format!("writing the output failed: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(stage: Stage, chat: &str) -> Exit {
        let mut exchange = Exchange::asked("q");
        exchange.setup.chat = chat.to_owned();
        exchange.phase = Phase::Failed {
            stage,
            message: "m".into(),
            retryable: false,
        };
        Exit::of(&exchange)
    }

    #[test]
    fn only_a_stage_that_a_provider_served_is_the_providers_failure() {
        assert_eq!(failed(Stage::Answer, "openai:m").code(), 4);
        assert_eq!(failed(Stage::Answer, "extractive").code(), 1);
        assert_eq!(failed(Stage::Embed, "openai:m").code(), 1);
    }

    #[test]
    fn the_codes_are_those_of_the_contract() {
        let codes = [
            Exit::Success,
            Exit::Other,
            Exit::Declined,
            Exit::Provider,
            Exit::Interrupted,
            Exit::Signal(15),
        ]
        .map(Exit::code);
        assert_eq!(codes, [0, 1, 3, 4, 130, 143]);
    }
}

//! A question as it is asked.

/// A question and what may answer it. A plain text is asked in the usual way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    pub text: String,
    pub freshness: Freshness,
    /// What was asked and answered before it, the newest at the end: a question that goes on ("and on v3?") is read with
    /// it.
    pub before: Vec<Turn>,
}

/// A question of before and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// As it was searched.
    pub question: String,
    /// As far as there is one.
    pub answer: String,
}

/// Whether an answer that is kept will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// It will.
    #[default]
    Kept,
    /// The model is asked, and its answer takes the place of the kept one.
    Fresh,
}

impl From<&str> for Question {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Question {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

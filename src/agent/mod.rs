//! From a question to an answer.

pub mod event;

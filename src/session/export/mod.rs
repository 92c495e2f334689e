//! A session on its way out: as a document for people, or as an object for programs.

mod json;
mod markdown;

pub use json::{Exported, FORMAT, SCHEMA};
pub use markdown::markdown;

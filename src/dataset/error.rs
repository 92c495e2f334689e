//! Why a set was not taken, in words that lead to the place.

use std::io;
use std::path::PathBuf;

use super::Finding;

#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("the data set {} could not be read ({source}); check the path and its permissions", path.display())]
    Unreadable { path: PathBuf, source: io::Error },

    #[error("the folder {} holds no .json, .jsonl or .csv file; name a folder that does, or one file", path.display())]
    EmptyFolder { path: PathBuf },

    #[error(
        "{file} ends in none of .json, .jsonl, .ndjson, .csv, so its form is unknown; rename it by its form"
    )]
    UnknownForm { file: String },

    #[error("{file}:{line}: the text is not valid UTF-8; save the file as UTF-8 and load it again")]
    NotUtf8 { file: String, line: usize },

    #[error("{file}:{line}:{column}: {problem}")]
    Syntax {
        file: String,
        line: usize,
        column: usize,
        /// What is wrong and what to do, without a full stop.
        problem: String,
    },

    #[error("{file}:{line}:{column}: the field `{field}` {problem}")]
    Field {
        file: String,
        line: usize,
        column: usize,
        field: String,
        /// What is wrong with the field and what to do, without a full stop.
        problem: String,
    },

    #[error("{file} holds no pair; add at least one object with `id`, `question` and `answer`")]
    Empty { file: String },

    #[error("{first}{}", more_errors(*more))]
    Invalid { first: Box<Finding>, more: usize },
}

fn more_errors(more: usize) -> String {
    match more {
        0 => String::new(),
        1 => " One more error: `defi-qa dataset validate` lists both.".to_owned(),
        _ => format!(" {more} more errors: `defi-qa dataset validate` lists them all."),
    }
}

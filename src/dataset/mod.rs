//! What is known: question-and-answer pairs, where they come from, and whether they are fit to be quoted.
//!
//! [`Dataset::bundled`] is the set inside the program, [`Dataset::load`] reads one from a file or a folder (JSON, JSON
//! Lines, CSV). [`validate`] judges a set without stopping at the first fault; `load` refuses a set that has faults
//! which would break citations (empty fields, ids used twice).

mod beir;
mod bundled;
mod csv;
mod duplicates;
mod error;
mod json;
mod judged;
mod outside;
mod pair;
mod read;
mod stats;
mod style;
mod validate;
mod words;
mod worked;

pub use beir::{Beir, BeirError, BeirQuery};
pub use bundled::TOPICS;
pub use error::DatasetError;
pub use judged::{Half, JudgedError, JudgedQuestion, JudgedQuestions};
pub use outside::{OutsideKind, OutsideQuestion, outside_questions};
pub use pair::{Level, Pair, Worked, indexed_texts};
pub use stats::{Stats, stats};
pub use validate::{Finding, Severity, Strictness, validate};
pub(crate) use words::{is_stop_word, stem};

use std::path::Path;
use std::sync::Arc;

/// A named set of pairs, in the order in which they were read. Never empty when it came from a reader.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// `bundled`, or the name of the file (without its ending) or folder.
    pub name: String,
    pub pairs: Vec<Pair>,
    /// Where each pair was written; parallel to `pairs`, or empty for a set made in memory.
    origins: Vec<Origin>,
}

/// The place where a pair begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Path as it was given or found, for messages.
    pub file: Arc<str>,
    /// Line of the pair's first character, from 1.
    pub line: usize,
}

impl Dataset {
    /// A set made in memory; its findings name no file.
    pub fn new(name: impl Into<String>, pairs: Vec<Pair>) -> Self {
        Self {
            name: name.into(),
            pairs,
            origins: Vec::new(),
        }
    }

    /// The set inside the program, one topic after the other in the order of [`TOPICS`]. It is not checked again: a test
    /// holds it to the house style, and recomputing its worked examples would cost every start. Nor does it know the
    /// places of its pairs; see [`Dataset::bundled_with_origins`].
    pub fn bundled() -> Result<Self, DatasetError> {
        bundled::read()
    }

    /// The set inside the program with the place of each pair, for findings that name it.
    pub fn bundled_with_origins() -> Result<Self, DatasetError> {
        bundled::read_with_origins()
    }

    /// Reads a file (`.json`, `.jsonl`, `.ndjson`, `.csv`) or every such file of a folder, in the order of their
    /// names, and refuses a set that cannot be cited from: no pair, an empty field, an id used twice.
    pub fn load(path: &Path) -> Result<Self, DatasetError> {
        usable(Self::read(path)?)
    }

    /// As [`Dataset::load`], but leaves the faults of single pairs to [`validate`], which names them all.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        read::path(path)
    }

    /// Where the pair at `index` was written; `None` for a set made in memory.
    pub fn origin(&self, index: usize) -> Option<&Origin> {
        self.origins.get(index)
    }

    /// The pair with this id.
    pub fn find(&self, id: &str) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.id == id)
    }
}

fn usable(dataset: Dataset) -> Result<Dataset, DatasetError> {
    let mut errors = validate::unusable(&dataset).into_iter();
    match errors.next() {
        None => Ok(dataset),
        Some(first) => Err(DatasetError::Invalid {
            first: Box::new(first),
            more: errors.count(),
        }),
    }
}

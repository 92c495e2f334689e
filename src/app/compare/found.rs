//! What a comparison found, as the view reads it.

use serde::{Deserialize, Serialize};

use crate::agent::event::Hit;
use crate::retrieval::comparison::{Comparison, Retriever};

/// The end of one comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// That of the [`super::super::Effect::Compare`] that asked for it.
    pub ticket: u64,
    /// What was found, or a sentence for the user.
    pub result: Result<Box<Found>, String>,
}

/// A comparison and the pairs that it names: the fields of the event `compared`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Found {
    /// The query as it was written.
    pub asked: String,
    /// The retrievers as they were given; the comparison names their embedders.
    pub retrievers: Vec<Retriever>,
    #[serde(flatten)]
    pub comparison: Comparison,
    /// The pair of each row in full, without scores.
    pub pairs: Vec<Hit>,
    /// Words of the query that were read as others, where a misspelling was put right.
    pub read_as: Vec<(String, String)>,
}

/// A comparison as a recording has it.
#[derive(Deserialize)]
struct Written {
    asked: String,
    retrievers: Vec<Retriever>,
    #[serde(flatten)]
    comparison: Comparison,
    pairs: Vec<Hit>,
    #[serde(default)]
    read_as: Vec<(String, String)>,
}

/// Why it cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("a comparison needs a retriever for each column and a pair for each row, and this one has others")]
struct Uneven;

impl TryFrom<Written> for Found {
    type Error = Uneven;

    fn try_from(written: Written) -> Result<Self, Uneven> {
        let Written {
            asked,
            retrievers,
            comparison,
            pairs,
            read_as,
        } = written;
        if retrievers.len() != comparison.columns.len() || pairs.len() != comparison.rows.len() {
            return Err(Uneven);
        }
        Ok(Self {
            asked,
            retrievers,
            comparison,
            pairs,
            read_as,
        })
    }
}

/// A document's place in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its row in the joined comparison.
    pub row: usize,
    /// Whether the reference shows it and this column does not: it stands below the column's own.
    pub gone: bool,
}

impl Found {
    /// What a column lists: its own hits by rank, then what it leaves out of those that the reference shows.
    pub fn places(&self, column: usize) -> Vec<Place> {
        let rows = self.comparison.rows.iter().enumerate();
        let mut shown: Vec<(usize, usize)> = Vec::new();
        let mut gone: Vec<usize> = Vec::new();
        for (place, row) in rows {
            let is_shown = |column: usize| row.cells.get(column).copied().flatten().filter(|cell| cell.shown);
            match is_shown(column) {
                Some(cell) => shown.push((cell.rank, place)),
                // Rows stand in the order of the reference.
                None if is_shown(0).is_some() => gone.push(place),
                None => {}
            }
        }
        shown.sort_unstable();
        let shown = shown.into_iter().map(|(_, row)| Place { row, gone: false });
        let gone = gone.into_iter().map(|row| Place { row, gone: true });
        shown.chain(gone).collect()
    }

    /// The row of a document.
    pub fn row_of(&self, id: &str) -> Option<usize> {
        self.comparison.rows.iter().position(|row| row.id == id)
    }

    /// Where a column lists a document.
    pub fn place_of(&self, column: usize, id: &str) -> Option<usize> {
        let row = self.row_of(id)?;
        self.places(column).iter().position(|place| place.row == row)
    }
}

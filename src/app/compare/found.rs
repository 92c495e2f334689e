//! What a comparison found, as the view reads it.

use crate::agent::event::Hit;
use crate::retrieval::comparison::Comparison;

/// The end of one comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// That of the [`super::super::Effect::Compare`] that asked for it.
    pub ticket: u64,
    /// What was found, or a sentence for the user.
    pub result: Result<Box<Found>, String>,
}

/// A comparison and the pairs that it names.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub comparison: Comparison,
    /// The pair of each row in full, without scores.
    pub pairs: Vec<Hit>,
    /// Words of the query that were read as others, where a misspelling was put right.
    pub read_as: Vec<(String, String)>,
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

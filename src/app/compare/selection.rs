//! Which document and which column is selected, and what is pinned.

use super::{Compare, Typing};
use crate::app::scroll::shifted;

impl Compare {
    /// Moves the selection along the ranks of its column.
    pub(in crate::app) fn step(&mut self, by: i32) {
        let Some(found) = &self.found else { return };
        self.typing = Typing::Nothing;
        let places = found.places(self.column);
        let listed = self
            .document
            .as_deref()
            .and_then(|id| found.place_of(self.column, id));
        let Some(last) = places.len().checked_sub(1) else {
            return;
        };
        let place = shifted(listed.unwrap_or(self.place), by, last);
        if let Some(at) = places.get(place) {
            self.select_row(at.row);
        }
    }

    pub(super) fn select_row(&mut self, row: usize) {
        let Some(found) = &self.found else { return };
        if let Some(row) = found.comparison.rows.get(row) {
            self.document = Some(row.id.clone());
            self.place = found.place_of(self.column, &row.id).unwrap_or(self.place);
        }
    }

    /// Selects a column. The document stays, wherever that column ranks it.
    pub(super) fn select_column(&mut self, column: usize) {
        if column >= self.retrievers.len() {
            return;
        }
        self.column = column;
        if let (Some(found), Some(id)) = (&self.found, self.document.as_deref()) {
            self.place = found.place_of(column, id).unwrap_or(self.place);
        }
    }

    /// After a new result: the same document where it is still listed, else what stands in its place.
    pub(super) fn keep_a_document(&mut self) {
        if self.selected_row().is_none() {
            self.document = None;
            if let Some(found) = &self.found {
                let places = found.places(self.column);
                let place = self.place.min(places.len().saturating_sub(1));
                let row = places.get(place).map(|place| place.row);
                if let Some(row) = row {
                    self.select_row(row);
                }
            }
        } else {
            self.select_column(self.column);
        }
    }

    pub(super) fn pin(&mut self) {
        let Some(id) = self.document.clone() else { return };
        if self.is_pinned(&id) {
            self.pinned.retain(|pinned| *pinned != id);
        } else {
            self.pinned.push(id);
        }
    }
}

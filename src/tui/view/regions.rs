//! What lies under each cell, so that a click means what the eye sees.

use ratatui::layout::{Position, Rect};

use crate::app::compare::Spot;
use crate::app::{Target, beside};

/// The clickable areas of one frame, later ones above earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Regions(Vec<(Rect, Target)>);

impl Regions {
    pub(super) fn add(&mut self, area: Rect, target: Target) {
        if !area.is_empty() {
            self.0.push((area, target));
        }
    }

    /// What lies under a cell. In the composer the row and column are counted from its corner.
    pub fn at(&self, column: u16, row: u16) -> Option<Target> {
        let (area, target) = self
            .0
            .iter()
            .rev()
            .find(|(area, _)| area.contains(Position { x: column, y: row }))?;
        Some(match target {
            Target::Composer { .. } => Target::Composer {
                row: row - area.y,
                column: column - area.x,
            },
            Target::Tape { .. } => Target::Tape {
                column: column - area.x,
                columns: area.width,
            },
            Target::Compare(Spot::Query { .. }) => Target::Compare(Spot::Query {
                column: column - area.x,
            }),
            Target::Beside(beside::Spot::Question { .. }) => Target::Beside(beside::Spot::Question {
                column: column - area.x,
            }),
            other => *other,
        })
    }
}

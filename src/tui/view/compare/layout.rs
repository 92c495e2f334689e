//! Which columns are seen, where they stand, and what is between them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::theme::Theme;

/// Columns of text that a retriever's column needs at the least.
const NARROWEST: u16 = 24;
/// Width of the screen from which on lines are drawn between the columns.
const LINKED: u16 = 100;

/// The columns that are seen, by their place among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spread {
    first: usize,
    seen: usize,
    all: usize,
    gap: u16,
}

/// Columns and the gaps between them, from left to right.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// The place of each column that is seen, and its lane.
    pub(super) all: Vec<(usize, Rect)>,
    pub(super) gaps: Vec<Rect>,
    /// Whether the gaps are wide enough for lines.
    pub(super) linked: bool,
}

impl Spread {
    /// As many columns around the selected one as `width` holds.
    pub(super) fn of(width: u16, all: usize, selected: usize) -> Self {
        let gap = match all {
            _ if width < LINKED => 3,
            0..=2 => 13,
            3 => 9,
            _ => 6,
        };
        let needs = |seen: usize, gap: u16| {
            let seen = u16::try_from(seen).unwrap_or(u16::MAX);
            seen.saturating_mul(NARROWEST)
                .saturating_add(seen.saturating_sub(1).saturating_mul(gap))
        };
        let seen = (1..=all)
            .rev()
            .find(|seen| needs(*seen, gap) <= width)
            .unwrap_or(1);
        Self {
            first: (selected + 1).saturating_sub(seen).min(all.saturating_sub(seen)),
            seen,
            all,
            gap,
        }
    }

    /// Whether some columns are not seen.
    pub(super) fn has_tabs(&self) -> bool {
        self.seen < self.all
    }

    /// The lanes within so many columns of the screen.
    pub(super) fn columns(&self, x: u16, width: u16) -> Columns {
        let seen = u16::try_from(self.seen.max(1)).unwrap_or(1);
        let gaps = self.gap * (seen - 1);
        let lane = width.saturating_sub(gaps) / seen;
        let lane_at = |place: u16| Rect {
            x: x + place * (lane + self.gap),
            width: lane,
            y: 0,
            height: 1,
        };
        Columns {
            all: (self.first..).zip((0..seen).map(lane_at)).collect(),
            gaps: (1..seen)
                .map(|place| Rect {
                    x: lane_at(place).x - self.gap,
                    width: self.gap,
                    y: 0,
                    height: 1,
                })
                .collect(),
            linked: self.gap > 3,
        }
    }
}

/// The rule between two columns that no lines join.
pub(super) fn rule(buffer: &mut Buffer, gap: Rect, theme: &Theme) {
    for row in gap.rows() {
        buffer.set_string(row.x + gap.width / 2, row.y, "│", theme.rule);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(width: u16, all: usize, selected: usize) -> Vec<usize> {
        let columns = Spread::of(width, all, selected).columns(0, width);
        columns.all.into_iter().map(|(column, _)| column).collect()
    }

    #[test]
    fn what_does_not_fit_beside_each_other_becomes_tabs_around_the_selected_column() {
        assert_eq!(seen(120, 4, 0), [0, 1, 2, 3]);
        assert_eq!(seen(80, 3, 2), [0, 1, 2]);
        assert_eq!(seen(80, 4, 0), [0, 1, 2]);
        assert_eq!(seen(80, 4, 3), [1, 2, 3]);
        assert_eq!(seen(40, 3, 1), [1]);
        assert!(Spread::of(40, 3, 1).has_tabs());
        assert!(!Spread::of(80, 3, 1).has_tabs());
        let linked = |width| Spread::of(width, 3, 0).columns(0, width).linked;
        assert!(linked(120) && !linked(80));
    }

    proptest! {
        #[test]
        fn the_selected_column_is_always_seen_and_lanes_stay_on_the_screen(
            width in 0_u16..300, all in 2_usize..=4, selected in 0_usize..4
        ) {
            let selected = selected.min(all - 1);
            prop_assert!(seen(width, all, selected).contains(&selected));
            for (_, lane) in Spread::of(width, all, selected).columns(0, width).all {
                prop_assert!(lane.right() <= width);
            }
        }
    }
}

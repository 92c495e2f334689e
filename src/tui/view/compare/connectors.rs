//! Lines from the place of a document in one column to its place in the next, in dots of braille.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::theme::Theme;

/// A document that both neighbours list: the lines of its places, from the top of the gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) left: u16,
    pub(super) right: u16,
    pub(super) weight: Weight,
}

/// What a line stands for; where two cross, the heavier one has the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    Plain,
    Pinned,
    Selected,
}

impl Weight {
    fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Plain => theme.track,
            Self::Pinned => theme.warn,
            Self::Selected => theme.key,
        }
    }
}

/// Dots of a cell, across and down.
const ACROSS: u16 = 2;
const DOWN: u16 = 4;

/// The bit of each dot of a braille sign, by column and row: Unicode 16.0, block U+2800.
const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Draws the lines into the gap, a blank column at each side.
pub(super) fn render(buffer: &mut Buffer, gap: Rect, mut links: Vec<Link>, theme: &Theme) {
    let gap = Rect {
        x: gap.x + 1,
        width: gap.width.saturating_sub(2),
        ..gap
    };
    links.sort_unstable_by_key(|link| link.weight);
    let last = (gap.width * ACROSS).saturating_sub(1);
    for link in links {
        // The second row of dots is the middle of a line of text.
        let (from, to) = (link.left * DOWN + 1, link.right * DOWN + 1);
        // A step for each dot of the longer side, so that a steep line has no holes.
        let steps = last.max(from.abs_diff(to)).max(1);
        for step in 0..=steps {
            let share = f64::from(step) / f64::from(steps);
            let x = (share * f64::from(last)).round() as u16;
            let y = f64::from(from) + eased(share) * (f64::from(to) - f64::from(from));
            dot(buffer, gap, x, y.round() as u16, link.weight.style(theme));
        }
    }
}

/// A share of the way, 0 to 1, that leaves and arrives level.
fn eased(share: f64) -> f64 {
    share * share * (3.0 - 2.0 * share)
}

fn dot(buffer: &mut Buffer, gap: Rect, x: u16, y: u16, style: Style) {
    let (column, row) = (gap.x + x / ACROSS, gap.y + y / DOWN);
    if column >= gap.right() || row >= gap.bottom() {
        return;
    }
    let Some(cell) = buffer.cell_mut((column, row)) else {
        return;
    };
    const BLANK: u32 = 0x2800;
    let there = cell.symbol().chars().next().map_or(0, u32::from);
    let there = there.checked_sub(BLANK).filter(|bits| *bits < 256).unwrap_or(0);
    let bit = BITS
        .get(usize::from(x % ACROSS))
        .and_then(|column| column.get(usize::from(y % DOWN)))
        .copied()
        .unwrap_or(0);
    if let Some(sign) = char::from_u32(BLANK + (there | u32::from(bit))) {
        cell.set_char(sign).set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Theme as Choice;

    fn drawn(links: Vec<Link>) -> Vec<String> {
        let area = Rect::new(0, 0, 6, 3);
        let mut buffer = Buffer::empty(area);
        render(&mut buffer, area, links, &Theme::of(Choice::None, None));
        buffer
            .content
            .chunks(6)
            .map(|cells| cells.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect()
    }

    fn link(left: u16, right: u16) -> Link {
        Link {
            left,
            right,
            weight: Weight::Plain,
        }
    }

    #[test]
    fn a_document_that_keeps_its_place_has_a_level_line() {
        assert_eq!(drawn(vec![link(1, 1)]), ["      ", " ⠒⠒⠒⠒ ", "      "]);
    }

    #[test]
    fn one_that_falls_has_a_falling_line_without_holes_and_crossings_keep_both() {
        let falls = drawn(vec![link(0, 2)]);
        assert!(falls.iter().all(|row| !row.trim().is_empty()), "{falls:?}");
        let both = drawn(vec![link(0, 2), link(2, 0)]);
        let dots = |rows: &[String]| -> u32 {
            let signs = rows.iter().flat_map(|row| row.chars());
            signs
                .filter_map(|sign| u32::from(sign).checked_sub(0x2800))
                .map(u32::count_ones)
                .sum()
        };
        assert!(dots(&both) > dots(&falls) * 3 / 2, "{both:?}");
    }
}

//! How many terminal columns a text takes, counted as ratatui's buffer counts.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands for the part that was cut off; one column wide.
pub const ELLIPSIS: &str = "…";

/// Columns of one grapheme cluster. Control characters take none: the buffer leaves them out.
///
/// ratatui adds a column for each halfwidth katakana sound mark (U+FF9E, U+FF9F) on top of what `unicode-width` says,
/// which since its 0.2.3 counts them, too. A smaller count here would lose the end of such a line, so this follows.
pub fn grapheme_width(grapheme: &str) -> usize {
    if let [byte] = grapheme.as_bytes() {
        return usize::from(!byte.is_ascii_control());
    }
    if grapheme.contains(char::is_control) {
        return 0;
    }
    let sound_marks = grapheme.matches(['\u{ff9e}', '\u{ff9f}']).count();
    grapheme.width() + sound_marks
}

/// Columns of a text on one line: the sum over its grapheme clusters, which is what the buffer puts down.
pub fn width(text: &str) -> usize {
    if is_printable_ascii(text) {
        return text.len();
    }
    text.graphemes(true).map(grapheme_width).sum()
}

/// The text cut to at most `columns`, with an [`ELLIPSIS`] in the last column when something was cut.
///
/// Reads no more of the text than fits, so a line of any length costs the same.
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= columns && is_printable_ascii(text) {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    // Where the text must end to leave a column for the ellipsis.
    let mut cut = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme_width(grapheme);
        if used < columns {
            cut = at + grapheme.len();
        } else if used > columns {
            return match columns {
                0 => Cow::Borrowed(""),
                _ => Cow::Owned(format!("{}{ELLIPSIS}", &text[..cut])),
            };
        }
    }
    Cow::Borrowed(text)
}

/// The text in exactly `columns`: cut as by [`truncate`], or filled with spaces on the right.
pub fn fit(text: &str, columns: usize) -> String {
    let mut line = truncate(text, columns).into_owned();
    let missing = columns.saturating_sub(width(&line));
    line.extend(std::iter::repeat_n(' ', missing));
    line
}

fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_glyphs_marks_and_emoji_count_as_the_buffer_counts_them() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("流動性"), 6);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(width("👨\u{200d}👩\u{200d}👧"), 2);
        assert_eq!(width("a\nb"), 2);
    }

    #[test]
    fn a_cut_text_ends_with_an_ellipsis_inside_its_columns() {
        assert_eq!(truncate("liquidity", 9), "liquidity");
        assert_eq!(truncate("liquidity", 5), "liqu…");
        assert_eq!(truncate("liquidity", 1), "…");
        assert_eq!(truncate("liquidity", 0), "");
        assert_eq!(truncate("", 0), "");
    }

    #[test]
    fn a_wide_glyph_is_never_halved() {
        assert_eq!(truncate("流動性", 6), "流動性");
        assert_eq!(truncate("流動性", 5), "流動…");
        assert_eq!(truncate("流動性", 4), "流…");
        assert_eq!(truncate("流動性", 2), "…");
        assert_eq!(
            truncate("👨\u{200d}👩\u{200d}👧 family", 3),
            "👨\u{200d}👩\u{200d}👧…"
        );
    }

    #[test]
    fn fitted_text_fills_its_columns() {
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit("流動性", 4), "流… ");
    }

    proptest! {
        #[test]
        fn truncation_keeps_within_its_columns(text in any::<String>(), columns in 0usize..12) {
            let cut = truncate(&text, columns);
            prop_assert!(width(&cut) <= columns);
            prop_assert_eq!(width(&text) <= columns, cut == text);
            prop_assert_eq!(width(&fit(&text, columns)), columns);
        }
    }
}

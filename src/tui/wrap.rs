//! Breaks styled text into rows of at most so many columns.
//!
//! `ratatui::Paragraph::wrap` is not used anywhere: in 0.30 it can panic on a wide glyph in a narrow pane
//! (ratatui#2679), and it cannot tell where a citation ended up.

use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::text::{grapheme_width, width};

/// A piece of text with whatever its owner wants to know of it afterwards (a style, a citation).
pub type Run<'a, T> = (&'a str, T);

/// Stands for a glyph that is wider than the whole pane.
const TOO_WIDE: &str = "\u{fffd}";

/// Where a row may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaks {
    /// At spaces and between ideographs; a word that is longer than a row is broken where the row ends. The spaces at
    /// a break vanish, those at the start of a line stay.
    Words,
    /// After any grapheme; every space stays. For code.
    Anywhere,
}

/// Breaks runs into rows: the first of at most `first` columns, the others of at most `rest` (hanging indent).
///
/// `\n` always ends a row. Graphemes stay whole; the one exception is a cluster that is wider than a row, which falls
/// apart into its characters. A width of 0 counts as 1. There is always at least one row. Linear in the text.
pub fn wrap<'a, T: Copy>(
    runs: &[Run<'a, T>],
    first: usize,
    rest: usize,
    breaks: Breaks,
) -> Vec<Vec<Run<'a, T>>> {
    let mut wrapper = Wrapper::new(runs, first, rest);
    for (run, (text, _)) in runs.iter().enumerate() {
        for (start, grapheme) in text.grapheme_indices(true) {
            wrapper.take(Piece::new(run, start, grapheme), breaks);
        }
    }
    wrapper.finish()
}

/// Wraps spans at words, with `indent` before the first row and `hanging` before the others.
pub fn wrap_spans(
    spans: &[Span<'_>],
    indent: &Span<'_>,
    hanging: &Span<'_>,
    columns: usize,
) -> Vec<Line<'static>> {
    let runs: Vec<_> = spans
        .iter()
        .map(|span| (span.content.as_ref(), span.style))
        .collect();
    let room = |prefix: &Span<'_>| columns.saturating_sub(width(&prefix.content));
    wrap(&runs, room(indent), room(hanging), Breaks::Words)
        .into_iter()
        .enumerate()
        .map(|(row, pieces)| {
            let prefix = if row == 0 { indent } else { hanging };
            let pieces = pieces
                .into_iter()
                .map(|(text, style)| Span::styled(text.to_owned(), style));
            let prefix =
                (!prefix.content.is_empty()).then(|| Span::styled(prefix.content.to_string(), prefix.style));
            prefix.into_iter().chain(pieces).collect::<Line<'static>>()
        })
        .collect()
}

/// Some neighbouring graphemes of one run.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    run: usize,
    /// Byte offset in the run; `None` for a piece that must stay a span of its own.
    start: Option<usize>,
    text: &'a str,
    width: usize,
}

impl<'a> Piece<'a> {
    fn new(run: usize, start: usize, grapheme: &'a str) -> Self {
        Self {
            run,
            start: Some(start),
            text: grapheme,
            width: grapheme_width(grapheme),
        }
    }
}

/// Pieces in reading order, with neighbours of a run joined.
#[derive(Debug, Default)]
struct Pieces<'a> {
    pieces: Vec<Piece<'a>>,
    width: usize,
}

struct Wrapper<'a, 'r, T> {
    runs: &'r [Run<'a, T>],
    rows: Vec<Vec<Run<'a, T>>>,
    row: Pieces<'a>,
    /// Spaces that are put down only if a word follows on the same row.
    spaces: Pieces<'a>,
    word: Pieces<'a>,
    /// Columns of the row that is being filled, and of those after it.
    columns: usize,
    rest: usize,
    after_ideograph: bool,
}

impl<'a, 'r, T: Copy> Wrapper<'a, 'r, T> {
    fn new(runs: &'r [Run<'a, T>], first: usize, rest: usize) -> Self {
        Self {
            runs,
            rows: Vec::new(),
            row: Pieces::default(),
            spaces: Pieces::default(),
            word: Pieces::default(),
            columns: first.max(1),
            rest: rest.max(1),
            after_ideograph: false,
        }
    }

    fn take(&mut self, piece: Piece<'a>, breaks: Breaks) {
        let first = piece.text.chars().next().unwrap_or(' ');
        let after_ideograph = std::mem::replace(&mut self.after_ideograph, is_ideograph(first));
        if piece.text.ends_with('\n') {
            self.end_word();
            self.end_row();
        } else if breaks == Breaks::Anywhere {
            self.place(piece);
        } else if piece.text == " " {
            self.end_word();
            push(self.runs, &mut self.spaces, piece);
        } else {
            if (is_ideograph(first) || after_ideograph) && !closes(first) {
                self.end_word();
            }
            push(self.runs, &mut self.word, piece);
        }
    }

    /// Puts the word that is complete on this row if it fits behind the spaces, or else on a new one.
    fn end_word(&mut self) {
        if self.word.pieces.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        let spaces = std::mem::take(&mut self.spaces);
        if self.row.width + spaces.width + word.width <= self.columns {
            for piece in spaces.pieces.into_iter().chain(word.pieces) {
                push(self.runs, &mut self.row, piece);
            }
            return;
        }
        if self.row.width > 0 {
            self.end_row();
        }
        if word.width <= self.columns {
            // A row of no width may still hold something: a variation selector that stands by itself.
            for piece in word.pieces {
                push(self.runs, &mut self.row, piece);
            }
            return;
        }
        for piece in word.pieces {
            match piece.start {
                Some(start) => {
                    for (at, grapheme) in piece.text.grapheme_indices(true) {
                        self.place(Piece::new(piece.run, start + at, grapheme));
                    }
                }
                None => self.place(piece),
            }
        }
    }

    /// Puts one grapheme on this row, or on the next one if this one is full.
    fn place(&mut self, piece: Piece<'a>) {
        if self.row.width + piece.width > self.columns && (self.row.width > 0 || piece.width <= self.rest) {
            self.end_row();
        }
        if piece.width > self.columns {
            return self.place_oversize(piece);
        }
        push(self.runs, &mut self.row, piece);
    }

    /// A glyph wider than a row becomes a replacement, a whole cluster of characters falls apart into them. Each is a
    /// span of its own, so that the buffer, which measures span by span, cannot join them again.
    fn place_oversize(&mut self, piece: Piece<'a>) {
        let alone = |text, width| Piece {
            run: piece.run,
            start: None,
            text,
            width,
        };
        if piece.width <= 2 {
            return self.place(alone(TOO_WIDE, 1));
        }
        for (at, c) in piece.text.char_indices() {
            let text = &piece.text[at..at + c.len_utf8()];
            match grapheme_width(text) {
                0 => {}
                width if width > self.columns => self.place(alone(TOO_WIDE, 1)),
                width => self.place(alone(text, width)),
            }
        }
    }

    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row).pieces;
        self.rows.push(
            row.into_iter()
                .map(|piece| (piece.text, self.runs[piece.run].1))
                .collect(),
        );
        self.spaces = Pieces::default();
        self.columns = self.rest;
    }

    fn finish(mut self) -> Vec<Vec<Run<'a, T>>> {
        self.end_word();
        self.end_row();
        self.rows
    }
}

/// Appends a piece, as a longer last piece where it continues that one in the same run.
fn push<'a, T>(runs: &[Run<'a, T>], pieces: &mut Pieces<'a>, piece: Piece<'a>) {
    pieces.width += piece.width;
    if let Some(last) = pieces.pieces.last_mut()
        && let (Some(from), Some(start)) = (last.start, piece.start)
        && last.run == piece.run
        && from + last.text.len() == start
    {
        last.text = &runs[piece.run].0[from..start + piece.text.len()];
        last.width += piece.width;
    } else {
        pieces.pieces.push(piece);
    }
}

/// Scripts written without spaces, in which a row may end between any two characters.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{4dbf}')
        || matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Punctuation that does not begin a row.
fn closes(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | '!' | '?' | ':' | ';' | ')' | ']' | '}' | '%' | '"' | '\'' | '”' | '’'
    ) || matches!(
        c,
        '、' | '。'
            | '，'
            | '．'
            | '！'
            | '？'
            | '：'
            | '；'
            | '）'
            | '」'
            | '』'
            | '】'
            | '〉'
            | '》'
            | 'ー'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::{buffer::Buffer, layout::Rect};
    use std::time::{Duration, Instant};

    fn rows(text: &str, columns: usize) -> Vec<String> {
        rows_of(wrap(&[(text, ())], columns, columns, Breaks::Words))
    }

    fn rows_of(rows: Vec<Vec<Run<'_, ()>>>) -> Vec<String> {
        rows.into_iter()
            .map(|row| row.into_iter().map(|(text, ())| text).collect())
            .collect()
    }

    /// Columns that ratatui itself needs for the text.
    fn columns_in_buffer(text: &str) -> usize {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 2_000, 1));
        usize::from(buffer.set_line(0, 0, &Line::raw(text), 2_000).0)
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(rows("the pool pays a fee", 8), ["the pool", "pays a", "fee"]);
        assert_eq!(rows("the pool", 80), ["the pool"]);
        assert_eq!(rows("", 10), [""]);
    }

    #[test]
    fn a_long_word_is_broken_on_a_row_of_its_own() {
        assert_eq!(
            rows("at 0x1f9840a85d5af5bf1d today", 10),
            ["at", "0x1f9840a8", "5d5af5bf1d", "today"]
        );
    }

    #[test]
    fn spaces_vanish_at_breaks_and_stay_at_the_start() {
        assert_eq!(rows("one   two", 5), ["one", "two"]);
        assert_eq!(rows("one   two", 9), ["one   two"]);
        assert_eq!(rows("  one two ", 6), ["  one", "two"]);
        assert_eq!(rows("a\n\n b", 6), ["a", "", " b"]);
    }

    #[test]
    fn ideographs_break_anywhere_but_not_before_their_full_stop() {
        assert_eq!(rows("流動性プール。", 6), ["流動性", "プー", "ル。"]);
        assert_eq!(rows("用ETH支付", 5), ["用ETH", "支付"]);
    }

    #[test]
    fn a_wide_glyph_in_a_pane_of_one_column_is_replaced() {
        assert_eq!(rows("a流b", 1), ["a", "\u{fffd}", "b"]);
        assert_eq!(rows("👨\u{200d}👩\u{200d}👧", 1), ["\u{fffd}"]);
        assert_eq!(rows("流", 0), ["\u{fffd}"]);
    }

    #[test]
    fn a_cluster_wider_than_the_pane_falls_apart() {
        let cluster = "क\u{94d}".repeat(5) + "क";
        assert_eq!(columns_in_buffer(&cluster), 6);
        assert_eq!(rows(&cluster, 4), ["कककक", "कक"]);
    }

    #[test]
    fn code_breaks_anywhere_and_keeps_its_spaces() {
        let code = rows_of(wrap(&[("let x  =  1;\n  y", ())], 5, 5, Breaks::Anywhere));
        assert_eq!(code, ["let x", "  =  ", "1;", "  y"]);
    }

    #[test]
    fn a_word_over_several_runs_stays_one_word_and_keeps_its_tags() {
        let wrapped = wrap(
            &[("see un", 'a'), ("bold", 'b'), ("ed it", 'c')],
            8,
            8,
            Breaks::Words,
        );
        assert_eq!(
            wrapped,
            [
                vec![("see", 'a')],
                vec![("un", 'a'), ("bold", 'b'), ("ed", 'c')],
                vec![("it", 'c')]
            ]
        );
    }

    #[test]
    fn spans_get_an_indent_and_a_hanging_indent() {
        let lines = wrap_spans(&["one two three".into()], &"• ".into(), &"  ".into(), 7);
        let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["• one", "  two", "  three"]);
    }

    #[test]
    fn a_line_of_20_000_characters_wraps_in_linear_time() {
        let (one_word, ideographs, spaces) = ("x".repeat(20_000), "流".repeat(20_000), " ".repeat(20_000));
        let started = Instant::now();
        assert_eq!(rows(&one_word, 80).len(), 250);
        assert_eq!(rows(&ideographs, 80).len(), 500);
        assert_eq!(rows(&ideographs, 1).len(), 20_000);
        assert_eq!(rows(&spaces, 80), [""]);
        // Unoptimised on a busy machine; anything quadratic takes seconds.
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
    }

    #[test]
    fn what_has_no_width_is_not_lost_before_a_word_that_fills_the_row() {
        let wrapped = wrap(&[("\u{fe0f}  aaaaaaaaa", ())], 9, 9, Breaks::Words);
        assert_eq!(rows_of(wrapped), ["\u{fe0f}aaaaaaaaa"]);
    }

    /// Text with wide glyphs, clusters and marks.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z]{1,12}".boxed(),
            prop::sample::select(vec![
                " ",
                "  ",
                "\n",
                "流",
                "動",
                "。",
                "👨\u{200d}👩",
                "🇩🇪",
                "🇩",
                "e\u{301}",
                "❤\u{fe0f}",
                "\u{fe0f}",
                "क\u{94d}क\u{94d}क",
                "\u{1100}\u{1100}\u{1161}",
                "\u{600}1",
                "ｶ\u{ff9e}",
                "กำ",
                "\u{93e}",
            ])
            .prop_map(String::from)
            .boxed(),
        ];
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_measure_is_that_of_the_buffer(text in text()) {
            let text = text.replace('\n', " ");
            prop_assert_eq!(width(&text), columns_in_buffer(&text));
        }

        #[test]
        fn every_row_fits_in_the_buffer_and_no_text_is_lost(
            texts in prop::collection::vec(text(), 1..4), first in 0usize..14, rest in 0usize..14, words in any::<bool>()
        ) {
            let runs: Vec<_> = texts.iter().map(|text| (text.as_str(), ())).collect();
            let breaks = if words { Breaks::Words } else { Breaks::Anywhere };
            let wrapped = wrap(&runs, first, rest, breaks);
            for (row, pieces) in wrapped.iter().enumerate() {
                let columns = if row == 0 { first } else { rest }.max(1);
                let line: Line = pieces.iter().map(|(text, ())| Span::raw(*text)).collect();
                let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 1));
                prop_assert!(usize::from(buffer.set_line(0, 0, &line, 200).0) <= columns, "{:?}", line);
            }
            // Where every cluster fits, all that is missing is white space.
            if first > 5 && rest > 5 {
                let visible = |text: String| text.replace([' ', '\n'], "");
                prop_assert_eq!(visible(rows_of(wrapped).concat()), visible(texts.concat()));
            }
        }
    }
}

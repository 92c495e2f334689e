//! Text within a block: runs of one style, and the citations in them.

use ratatui::style::Style;

use crate::text::sanitize;

/// How a piece of text looks, and which citation it is part of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Look {
    pub(super) style: Style,
    pub(super) citation: Option<u16>,
}

impl From<Style> for Look {
    fn from(style: Style) -> Self {
        Self {
            style,
            citation: None,
        }
    }
}

/// A piece of text ready to be wrapped.
pub(super) type Piece = (String, Look);

/// Runs as they come from the parser, which splits text at every bracket and escape.
#[derive(Debug, Default)]
pub(super) struct Inline {
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    text: String,
    style: Style,
    kind: Kind,
}

/// Whether `[1]` in a run is a citation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Prose,
    /// Code, addresses.
    Literal,
}

impl Inline {
    pub(super) fn push(&mut self, text: &str, style: Style, kind: Kind) {
        match self.runs.last_mut() {
            Some(last) if last.style == style && last.kind == kind => last.text.push_str(text),
            _ => self.runs.push(Run {
                text: text.to_owned(),
                style,
                kind,
            }),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// All text so far, for comparing a link's text with its address.
    pub(super) fn text_since(&self, mark: usize) -> String {
        let text: String = self.runs.iter().map(|run| run.text.as_str()).collect();
        text.get(mark..).unwrap_or_default().to_owned()
    }

    /// A mark for [`text_since`](Self::text_since).
    pub(super) fn mark(&self) -> usize {
        self.runs.iter().map(|run| run.text.len()).sum()
    }

    /// The runs with their citations told apart; this is empty afterwards. Sanitised here, for entities (`&#27;`) decode
    /// to any character.
    pub(super) fn take(&mut self, citation: Style) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for run in std::mem::take(&mut self.runs) {
            let text = sanitize(&run.text);
            match run.kind {
                Kind::Prose => cite(&text, run.style, citation, &mut pieces),
                Kind::Literal => pieces.push((text.into_owned(), run.style.into())),
            }
        }
        pieces
    }
}

/// Splits prose at its citations: `[1]`, `[1, 3]`, `[2][5]`. Each number is a piece with the bracket it touches.
fn cite(text: &str, prose: Style, citation: Style, pieces: &mut Vec<Piece>) {
    let style = prose.patch(citation);
    let mut rest = text;
    let mut from = 0;
    while let Some(open) = rest[from..].find('[').map(|at| from + at) {
        let Some(numbers) = numbers(&rest[open..]) else {
            from = open + 1;
            continue;
        };
        if open > 0 {
            pieces.push((rest[..open].to_owned(), prose.into()));
        }
        let mut at = open;
        for (number, end) in numbers {
            let piece = &rest[at..open + end];
            let digits = piece.trim_start_matches([',', ' ']);
            if digits.len() < piece.len() {
                pieces.push((piece[..piece.len() - digits.len()].to_owned(), style.into()));
            }
            let citation = Some(number);
            pieces.push((digits.to_owned(), Look { style, citation }));
            at = open + end;
        }
        rest = &rest[at..];
        from = 0;
    }
    if !rest.is_empty() {
        pieces.push((rest.to_owned(), prose.into()));
    }
}

/// The numbers of the citation that the text begins with, each with the offset where its piece ends.
fn numbers(text: &str) -> Option<Vec<(u16, usize)>> {
    let mut found = Vec::new();
    let mut at = 1;
    loop {
        at += text[at..].len() - text[at..].trim_start_matches(' ').len();
        let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=3).contains(&digits) {
            return None;
        }
        let number = text[at..at + digits].parse().ok().filter(|&number| number > 0)?;
        at += digits;
        match text[at..].bytes().next()? {
            b']' => {
                found.push((number, at + 1));
                return Some(found);
            }
            b',' => found.push((number, at)),
            _ => return None,
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cited(text: &str) -> Vec<(String, Option<u16>)> {
        let mut inline = Inline::default();
        inline.push(text, Style::new(), Kind::Prose);
        let pieces = inline.take(Style::new());
        pieces
            .into_iter()
            .map(|(text, look)| (text, look.citation))
            .collect()
    }

    #[test]
    fn citations_of_every_form_are_found() {
        let own = |pieces: &[(&str, Option<u16>)]| -> Vec<_> {
            pieces
                .iter()
                .map(|(text, number)| ((*text).to_owned(), *number))
                .collect()
        };
        assert_eq!(
            cited("Fees [1]."),
            own(&[("Fees ", None), ("[1]", Some(1)), (".", None)])
        );
        assert_eq!(cited("[2][15]"), own(&[("[2]", Some(2)), ("[15]", Some(15))]));
        assert_eq!(
            cited("[1, 3]"),
            own(&[("[1", Some(1)), (", ", None), ("3]", Some(3))])
        );
        assert_eq!(
            cited("[1,3]x"),
            own(&[("[1", Some(1)), (",", None), ("3]", Some(3)), ("x", None)])
        );
    }

    #[test]
    fn what_only_looks_like_a_citation_is_text() {
        for text in [
            "[a]", "[]", "[1", "[1,", "[1,]", "[0]", "[2024]", "[1.5]", "[", "[[", "[-1]", "[1;2]",
        ] {
            assert_eq!(cited(text), [(text.to_owned(), None)], "{text}");
        }
    }

    #[test]
    fn a_number_behind_a_stray_bracket_is_found() {
        assert_eq!(cited("[[1]").last(), Some(&("[1]".to_owned(), Some(1))));
    }
}

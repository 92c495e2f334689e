//! Markdown as styled lines, with the place of every citation.
//!
//! ```text
//! source ─► split into chunks ─► blocks ─► inline runs ─► citations found ─► wrapped rows ─► Rendered
//!            (independent of           tables: aligned, shrunk, or one `key: value` a row
//!             each other)
//! ```
//!
//! Each chunk is parsed and rendered on its own, in one go and while streaming alike. So a stream keeps the lines of
//! finished chunks, and what comes later can never change them.

mod blocks;
mod inline;
mod mend;
mod split;
mod stream;
mod table;

use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

pub use stream::StreamingMarkdown;

/// Styles by role. `text` is the base; the others are patched onto what surrounds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkdownStyles {
    pub text: Style,
    pub strong: Style,
    pub emphasis: Style,
    /// Inline code and code blocks.
    pub code: Style,
    pub heading: Style,
    /// Quoted text and the bar beside it.
    pub quote: Style,
    pub link: Style,
    /// `[1]`, with its brackets.
    pub citation: Style,
    /// Rules, table lines, list markers.
    pub rule: Style,
}

impl Default for MarkdownStyles {
    /// Modifiers only, for any background.
    fn default() -> Self {
        let plain = Style::new();
        Self {
            text: plain,
            strong: plain.add_modifier(Modifier::BOLD),
            emphasis: plain.add_modifier(Modifier::ITALIC),
            code: plain.add_modifier(Modifier::DIM),
            heading: plain.add_modifier(Modifier::BOLD),
            quote: plain.add_modifier(Modifier::ITALIC),
            link: plain.add_modifier(Modifier::UNDERLINED),
            citation: plain.add_modifier(Modifier::BOLD),
            rule: plain.add_modifier(Modifier::DIM),
        }
    }
}

/// Lines of at most the asked width, and where the citations stand in them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    pub lines: Vec<Line<'static>>,
    /// In reading order.
    pub citations: Vec<CitationSpan>,
}

/// One number of a citation on the screen: `[1]` is one span, `[1, 3]` is two (`[1` and `3]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CitationSpan {
    /// The number in the brackets, 1 to 999.
    pub number: u16,
    /// Index into [`Rendered::lines`].
    pub line: usize,
    /// First column, from 0.
    pub column_start: usize,
    /// The column after the last one.
    pub column_end: usize,
}

impl Rendered {
    /// The number of the citation at a place, for a mouse click.
    pub fn citation_at(&self, line: usize, column: usize) -> Option<u16> {
        let first = self.citations.partition_point(|span| span.line < line);
        self.citations[first..]
            .iter()
            .take_while(|span| span.line == line)
            .find(|span| (span.column_start..span.column_end).contains(&column))
            .map(|span| span.number)
    }

    /// Appends what follows, a blank line apart.
    fn append(&mut self, next: Self) {
        if next.lines.is_empty() {
            return;
        }
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let offset = self.lines.len();
        self.lines.extend(next.lines);
        self.citations
            .extend(next.citations.into_iter().map(|span| CitationSpan {
                line: span.line + offset,
                ..span
            }));
    }
}

/// Renders markdown at a width. The source must be sanitised ([`crate::text::sanitize`]); what its entities decode to is
/// sanitised here.
///
/// Reference definitions and raw HTML are shown as text: an answer has no hidden parts.
pub fn render(source: &str, columns: usize, styles: &MarkdownStyles) -> Rendered {
    let mut rendered = Rendered::default();
    for chunk in split::chunks(source) {
        rendered.append(blocks::render_chunk(chunk, columns, styles));
    }
    rendered
}

#[cfg(test)]
mod tests;

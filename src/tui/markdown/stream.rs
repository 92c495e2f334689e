//! Markdown that is still coming in.

use super::mend::mend;
use super::split::boundaries;
use super::{MarkdownStyles, Rendered, render};

/// Renders a growing text: finished chunks once, and only the tail again.
///
/// The source is kept, so another width renders from the source. Once [`finish`](Self::finish)ed, the lines are those of
/// [`render`] for the whole text, however it came in.
#[derive(Clone, Debug)]
pub struct StreamingMarkdown {
    styles: MarkdownStyles,
    columns: usize,
    source: String,
    finished: bool,
    /// Bytes of the source, lines and citations of `shown` that cannot change any more.
    stable: Stable,
    shown: Rendered,
    outdated: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stable {
    bytes: usize,
    lines: usize,
    citations: usize,
}

impl StreamingMarkdown {
    /// An empty text for a pane of so many columns.
    pub fn new(columns: usize, styles: MarkdownStyles) -> Self {
        Self {
            styles,
            columns,
            source: String::new(),
            finished: false,
            stable: Stable::default(),
            shown: Rendered::default(),
            outdated: false,
        }
    }

    /// The text so far.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Appends a piece of sanitised text.
    pub fn push(&mut self, text: &str) {
        self.source.push_str(text);
        self.outdated |= !text.is_empty();
    }

    /// Sets the whole text so far, for text that is sanitised as a whole after each piece. Finished chunks are kept when
    /// the new text still begins with them, as it does when it only grew.
    pub fn set(&mut self, text: &str) {
        if text == self.source {
            return;
        }
        if !text.starts_with(&self.source[..self.stable.bytes]) {
            self.stable = Stable::default();
        }
        text.clone_into(&mut self.source);
        self.outdated = true;
    }

    /// No more text comes: the end is shown as it is, without a guess at how open markup would go on.
    pub fn finish(&mut self) {
        self.outdated |= !self.finished;
        self.finished = true;
    }

    /// Renders for another width. The same width costs nothing.
    pub fn set_columns(&mut self, columns: usize) {
        if columns != self.columns {
            self.columns = columns;
            self.stable = Stable::default();
            self.outdated = true;
        }
    }

    /// Renders with other styles (a changed theme). The same styles cost nothing.
    pub fn set_styles(&mut self, styles: MarkdownStyles) {
        if styles != self.styles {
            self.styles = styles;
            self.stable = Stable::default();
            self.outdated = true;
        }
    }

    /// The lines now. The work is done here, once per frame that asks, not once per piece.
    pub fn rendered(&mut self) -> &Rendered {
        if std::mem::take(&mut self.outdated) {
            self.shown.lines.truncate(self.stable.lines);
            self.shown.citations.truncate(self.stable.citations);
            self.settle();
            let tail = &self.source[self.stable.bytes..];
            let tail = if self.finished { tail.into() } else { mend(tail) };
            self.shown.append(render(&tail, self.columns, &self.styles));
        }
        &self.shown
    }

    /// Moves the finished chunks of the tail to the stable part: those before the last boundary whose line is complete.
    fn settle(&mut self) {
        let tail = &self.source[self.stable.bytes..];
        let complete = tail.rfind('\n').unwrap_or(0);
        let Some(boundary) = boundaries(tail).into_iter().rfind(|&at| at < complete) else {
            return;
        };
        self.shown
            .append(render(&tail[..boundary], self.columns, &self.styles));
        self.stable = Stable {
            bytes: self.stable.bytes + boundary,
            lines: self.shown.lines.len(),
            citations: self.shown.citations.len(),
        };
    }
}

//! From the parser's events to rows: blocks, their prefixes, and the space between them.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::inline::{Inline, Kind, Look, Piece};
use super::split::OPTIONS;
use super::table::Table;
use super::{CitationSpan, MarkdownStyles, Rendered};
use crate::text::{sanitize, sanitize_line, width};
use crate::tui::wrap::{Breaks, wrap};

/// Renders a part of a document that depends on no other part.
pub(super) fn render_chunk(source: &str, columns: usize, styles: &MarkdownStyles) -> Rendered {
    let source = show_definitions(source);
    let mut blocks = Blocks {
        source: &source,
        columns: columns.max(1),
        styles,
        out: Rendered::default(),
        containers: Vec::new(),
        inline: Inline::default(),
        looks: vec![styles.text],
        links: Vec::new(),
        code: None,
        table: None,
    };
    for (event, range) in Parser::new_ext(&source, OPTIONS).into_offset_iter() {
        blocks.take(event, &range);
    }
    blocks.flush();
    blocks.out
}

/// Makes reference definitions (`[1]: https://...`) text: the parser would take them out, and an answer that ends with a
/// list of its sources would lose it.
fn show_definitions(source: &str) -> Cow<'_, str> {
    let parser = Parser::new_ext(source, OPTIONS);
    if parser.reference_definitions().iter().next().is_none() {
        return Cow::Borrowed(source);
    }
    let code: Vec<_> = parser
        .into_offset_iter()
        .filter(|(event, _)| matches!(event, Event::Start(Tag::CodeBlock(_))))
        .map(|(_, range)| range)
        .collect();
    let mut shown = String::with_capacity(source.len() + 16);
    let mut at = 0;
    for line in source.split_inclusive('\n') {
        let text = line.trim_start_matches(|c: char| c.is_ascii_digit() || " \t>-+*.)".contains(c));
        let start = at + line.len() - text.len();
        at += line.len();
        shown.push_str(&line[..line.len() - text.len()]);
        let next_code = code.partition_point(|range| range.end <= start);
        let in_code = code.get(next_code).is_some_and(|range| range.start <= start);
        if text.starts_with('[') && (text.contains("]:") || !text.contains(']')) && !in_code {
            shown.push('\\');
        }
        shown.push_str(text);
    }
    Cow::Owned(shown)
}

/// What encloses a block, and puts something before its lines.
#[derive(Debug)]
enum Container {
    Quote,
    /// The number of the next item, if the list has numbers.
    List(Option<u64>),
    /// The marker stands before the first line only.
    Item {
        marker: String,
        width: usize,
        pending: bool,
    },
}

struct Blocks<'a> {
    source: &'a str,
    columns: usize,
    styles: &'a MarkdownStyles,
    out: Rendered,
    containers: Vec<Container>,
    inline: Inline,
    /// Styles of the open inline elements; the last one holds.
    looks: Vec<Style>,
    /// Addresses of the open links, with the mark of where their text begins.
    links: Vec<(String, usize)>,
    code: Option<String>,
    table: Option<Table>,
}

impl Blocks<'_> {
    fn take(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.push(&text, Kind::Prose),
            },
            Event::Code(text) => {
                let style = self.look().patch(self.styles.code);
                self.inline.push(&text, style, Kind::Literal);
            }
            Event::InlineHtml(tag) if is_line_break(&tag) => self.push("\n", Kind::Prose),
            Event::Html(text) | Event::InlineHtml(text) => self.push(&text, Kind::Literal),
            Event::SoftBreak => self.push(" ", Kind::Prose),
            Event::HardBreak => self.push("\n", Kind::Prose),
            Event::TaskListMarker(done) => self.push(if done { "☑ " } else { "☐ " }, Kind::Prose),
            Event::Rule => {
                self.open(range);
                let (_, used) = self.prefix(false);
                let rule = "─".repeat(self.columns.saturating_sub(used).max(1));
                self.emit(vec![vec![(rule, self.styles.rule.into())]]);
            }
            // Not enabled: footnotes and maths.
            Event::FootnoteReference(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.push(&text, Kind::Prose);
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        let styles = self.styles;
        match tag {
            Tag::Emphasis => self.nest(styles.emphasis),
            Tag::Strong => self.nest(styles.strong),
            Tag::Strikethrough if self.source[range.start..].starts_with("~~") => {
                self.nest(Style::new().add_modifier(Modifier::CROSSED_OUT));
            }
            // A single tilde is "about" in prose on prices and rates, not a deletion.
            Tag::Strikethrough => {
                self.push("~", Kind::Prose);
                self.nest(Style::new());
            }
            Tag::Link {
                link_type, dest_url, ..
            } => {
                let address = match link_type {
                    LinkType::Autolink | LinkType::Email => String::new(),
                    _ => sanitize_line(&dest_url).into_owned(),
                };
                self.links.push((address, self.inline.mark()));
                self.nest(styles.link);
            }
            Tag::Image { dest_url, .. } => {
                self.links
                    .push((sanitize_line(&dest_url).into_owned(), self.inline.mark()));
                self.nest(styles.link);
                self.push("image: ", Kind::Prose);
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.begin_row();
                }
            }
            Tag::TableCell => {}
            block => self.start_block(&block, range),
        }
    }

    fn start_block(&mut self, tag: &Tag<'_>, range: &Range<usize>) {
        self.flush();
        self.open(range);
        match tag {
            Tag::Heading { .. } => self.nest(self.styles.heading),
            Tag::BlockQuote(_) => {
                self.containers.push(Container::Quote);
                self.nest(self.styles.quote);
            }
            Tag::List(first) => self.containers.push(Container::List(*first)),
            Tag::Item => {
                let marker = self.next_marker();
                self.containers.push(Container::Item {
                    width: width(&marker),
                    marker,
                    pending: true,
                });
            }
            Tag::CodeBlock(_) => self.code = Some(String::new()),
            Tag::Table(alignments) => self.table = Some(Table::new(alignments.clone())),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: &Range<usize>) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong => self.unnest(),
            TagEnd::Strikethrough => {
                self.unnest();
                if !self.source[range.start..].starts_with("~~") {
                    self.push("~", Kind::Prose);
                }
            }
            TagEnd::Link | TagEnd::Image => {
                self.unnest();
                if let Some((address, mark)) = self.links.pop()
                    && !address.is_empty()
                    && self.inline.text_since(mark) != address
                {
                    let style = self.look().add_modifier(Modifier::DIM);
                    self.inline.push(&format!(" ({address})"), style, Kind::Literal);
                }
            }
            TagEnd::TableCell => {
                let cell = self.inline.take(self.styles.citation);
                if let Some(table) = &mut self.table {
                    table.push_cell(cell);
                }
            }
            TagEnd::Table => {
                let (_, used) = self.prefix(false);
                let room = self.columns.saturating_sub(used).max(1);
                if let Some(table) = self.table.take() {
                    self.emit(table.layout(room, self.styles));
                }
            }
            TagEnd::CodeBlock => {
                if let Some(code) = self.code.take() {
                    self.emit_code(&code);
                }
            }
            TagEnd::Item => {
                self.flush();
                if matches!(
                    self.containers.last(),
                    Some(Container::Item { pending: true, .. })
                ) {
                    self.emit(vec![Vec::<(&str, Look)>::new()]);
                }
                self.containers.pop();
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.unnest();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.unnest();
                self.containers.pop();
            }
            TagEnd::List(_) => {
                self.containers.pop();
            }
            _ => {
                if self.table.is_none() {
                    self.flush();
                }
            }
        }
    }

    fn push(&mut self, text: &str, kind: Kind) {
        self.inline.push(text, self.look(), kind);
    }

    fn look(&self) -> Style {
        self.looks.last().copied().unwrap_or_default()
    }

    fn nest(&mut self, style: Style) {
        self.looks.push(self.look().patch(style));
    }

    fn unnest(&mut self) {
        self.looks.pop();
    }

    fn next_marker(&mut self) -> String {
        match self.containers.last_mut() {
            Some(Container::List(Some(number))) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => "• ".to_owned(),
        }
    }

    /// A block begins: keeps the blank line that the source has before it.
    fn open(&mut self, range: &Range<usize>) {
        let lines_before = self.source[..range.start]
            .rsplit_once('\n')
            .map(|(before, _)| before);
        let previous = lines_before.map(|before| before.rsplit('\n').next().unwrap_or_default());
        let blank = previous.is_some_and(|line| line.trim_matches([' ', '\t', '>']).is_empty());
        let waiting = self
            .containers
            .iter()
            .any(|container| matches!(container, Container::Item { pending: true, .. }));
        let bare = |line: &Line<'_>| {
            line.spans
                .iter()
                .all(|span| matches!(span.content.trim(), "" | "│"))
        };
        if blank && !waiting && self.out.lines.last().is_some_and(|line| !bare(line)) {
            let (prefix, _) = self.prefix(false);
            self.out.lines.push(Line::from(prefix));
        }
    }

    /// Wraps the text that has come and puts it down.
    fn flush(&mut self) {
        if self.inline.is_empty() || self.table.is_some() {
            return;
        }
        let pieces = self.inline.take(self.styles.citation);
        self.emit_wrapped(&pieces, Breaks::Words);
    }

    /// Code is indented by two, broken where the row ends, and loses nothing.
    fn emit_code(&mut self, code: &str) {
        let code = sanitize(code);
        let style = self.look().patch(self.styles.code);
        let pieces = [(code.trim_end_matches('\n').to_owned(), Look::from(style))];
        let indent = if self.columns > 8 { "  " } else { "" };
        self.containers.push(Container::Item {
            marker: indent.to_owned(),
            width: indent.len(),
            pending: false,
        });
        self.emit_wrapped(&pieces, Breaks::Anywhere);
        self.containers.pop();
    }

    fn emit_wrapped(&mut self, pieces: &[Piece], breaks: Breaks) {
        let (_, used) = self.prefix(false);
        let room = self.columns.saturating_sub(used);
        let runs: Vec<_> = pieces.iter().map(|(text, look)| (text.as_str(), *look)).collect();
        self.emit(wrap(&runs, room, room, breaks));
    }

    /// Puts rows down behind their prefix, and notes where the citations are.
    fn emit<T: AsRef<str>>(&mut self, rows: Vec<Vec<(T, Look)>>) {
        for row in rows {
            let (mut spans, mut column) = self.prefix(true);
            let line = self.out.lines.len();
            for (text, look) in row {
                let text = text.as_ref();
                let end = column + width(text);
                if let Some(number) = look.citation {
                    self.out.citations.push(CitationSpan {
                        number,
                        line,
                        column_start: column,
                        column_end: end,
                    });
                }
                spans.push(Span::styled(text.to_owned(), look.style));
                column = end;
            }
            self.out.lines.push(Line::from(spans));
        }
    }

    /// What stands before the next line, and how wide it is: at most half of the columns, however deep the nesting.
    /// A marker is used up by the line that it stands before.
    fn prefix(&mut self, for_line: bool) -> (Vec<Span<'static>>, usize) {
        let (mut spans, mut used) = (Vec::new(), 0);
        for container in &mut self.containers {
            let (text, own, style) = match container {
                Container::List(_) => continue,
                Container::Quote => ("│ ".to_owned(), 2, self.styles.quote),
                Container::Item {
                    marker,
                    width,
                    pending,
                } => {
                    let marker = if *pending {
                        marker.clone()
                    } else {
                        " ".repeat(*width)
                    };
                    *pending &= !for_line;
                    (marker, *width, self.styles.rule)
                }
            };
            if used + own <= self.columns / 2 {
                used += own;
                spans.push(Span::styled(text, style));
            }
        }
        (spans, used)
    }
}

/// `<br>`: the only way to break a line in a table cell, and models use it.
fn is_line_break(tag: &str) -> bool {
    let name = tag
        .trim_start_matches('<')
        .trim_end_matches('>')
        .trim_end_matches('/')
        .trim();
    name.eq_ignore_ascii_case("br")
}

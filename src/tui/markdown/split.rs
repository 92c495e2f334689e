//! Cuts a document where nothing on one side can influence the other.

use pulldown_cmark::{Event, Options, Parser};

/// The markdown of an answer: `CommonMark`, tables, strikethrough, task lists. No maths: dollars are money here.
pub(super) const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS);

/// Offsets (never 0) where a top-level block starts that depends on nothing before it.
///
/// Such a block starts in the first column after a blank line, outside of every container, fence and HTML block. That is
/// decided by the text up to the end of its first line, so a text that grows never moves such an offset, once that line
/// is complete. A block that begins with `[` is left out: it may turn into a reference definition later.
pub(super) fn boundaries(source: &str) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for (event, range) in Parser::new_ext(source, OPTIONS).into_offset_iter() {
        let top_level = depth == 0;
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            _ => {}
        }
        if top_level
            && follows_blank_line(source, range.start)
            && !source[range.start..].starts_with([' ', '\t', '['])
        {
            found.push(range.start);
        }
    }
    found
}

/// The document as pieces that can be rendered one by one.
pub(super) fn chunks(source: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let mut ends = boundaries(source);
    ends.push(source.len());
    ends.into_iter().map(move |end| {
        let chunk = &source[start..end];
        start = end;
        chunk
    })
}

/// Whether the offset begins a line and the line before it is blank.
fn follows_blank_line(source: &str, at: usize) -> bool {
    source[..at].strip_suffix('\n').is_some_and(|before| {
        before
            .rsplit('\n')
            .next()
            .is_some_and(|line| line.trim().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(source: &str) -> Vec<&str> {
        chunks(source).collect()
    }

    #[test]
    fn paragraphs_headings_and_rules_are_apart() {
        assert_eq!(
            pieces("a\nb\n\n# c\n\n---\n\nd"),
            ["a\nb\n\n", "# c\n\n", "---\n\n", "d"]
        );
    }

    #[test]
    fn a_fence_a_list_and_html_stay_in_one_piece() {
        for whole in [
            "```\na\n\nb\n```\n",
            "- a\n\n- b\n\n  c\n",
            "1. a\n\n2. b\n",
            "<!-- a\n\nb -->\n",
            "> a\n>\n> b\n",
        ] {
            assert_eq!(pieces(whole), [whole]);
        }
    }

    #[test]
    fn what_may_become_a_definition_stays_with_what_is_before_it() {
        assert_eq!(
            pieces("a\n\n[1]: https://x\n\nb"),
            ["a\n\n[1]: https://x\n\n", "b"]
        );
    }
}

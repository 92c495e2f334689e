//! Makes the end of a text that is still coming look as it probably will.

use std::borrow::Cow;

use pulldown_cmark::{Event, Parser, Tag};

use super::split::OPTIONS;

/// Hides a last line that is only the beginning of markup (`**`, `-`, `##`), and closes bold text and code that are open.
///
/// Without this, a paragraph flashes as a heading for the time between `-` and the list item after it, and bold text
/// shows its asterisks until its end has come.
pub(super) fn mend(tail: &str) -> Cow<'_, str> {
    let last_line = tail.rfind('\n').map_or(0, |at| at + 1);
    let marks = |c: char| "-=*+#>|:_`~ ".contains(c);
    if tail[last_line..].chars().all(marks) {
        return Cow::Borrowed(&tail[..last_line]);
    }
    let body = tail.trim_end();
    let body = match body.trim_end_matches('*') {
        before if before.ends_with(' ') => before.trim_end(),
        _ => body,
    };
    let paragraph = &body[body.rfind("\n\n").map_or(0, |at| at + 2)..];
    for closer in ["**", "`"] {
        if paragraph.matches(closer).count() % 2 == 1 {
            // `**bold*` is one asterisk short of its end.
            let open = if closer == "**" {
                body.trim_end_matches('*')
            } else {
                body
            };
            let closed = format!("{open}{closer}");
            if ends_with_span(&closed) {
                return Cow::Owned(closed);
            }
        }
    }
    Cow::Borrowed(if body.len() < tail.trim_end().len() {
        body
    } else {
        tail
    })
}

/// Whether the text ends with bold text or code, which tells that the closer closed something.
fn ends_with_span(text: &str) -> bool {
    Parser::new_ext(text, OPTIONS)
        .into_offset_iter()
        .any(|(event, range)| {
            matches!(event, Event::Start(Tag::Strong) | Event::Code(_)) && range.end == text.len()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_markup_at_the_end_is_closed() {
        assert_eq!(mend("a **bold"), "a **bold**");
        assert_eq!(mend("a **bold te "), "a **bold te**");
        assert_eq!(mend("a **bold*"), "a **bold**");
        assert_eq!(mend("use `swap"), "use `swap`");
    }

    #[test]
    fn markup_that_has_no_text_yet_is_hidden() {
        assert_eq!(mend("Intro:\n-"), "Intro:\n");
        assert_eq!(mend("Intro:\n\n##"), "Intro:\n\n");
        assert_eq!(mend("a **"), "a");
    }

    #[test]
    fn finished_text_and_code_blocks_stay_as_they_are() {
        for text in [
            "a **b** c",
            "x * y = k",
            "```\na ** b",
            "see [1",
            "```\nlet `x",
            "",
        ] {
            assert_eq!(mend(text), text);
        }
    }
}

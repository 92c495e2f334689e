use super::*;
use crate::text::{sanitize, width};
use proptest::prelude::*;
use ratatui::style::Color;
use std::time::{Duration, Instant};

fn shown(source: &str, columns: usize) -> Vec<String> {
    let rendered = render(source, columns, &MarkdownStyles::default());
    rendered
        .lines
        .iter()
        .map(|line| line.to_string().trim_end().to_owned())
        .collect()
}

fn style_of(rendered: &Rendered, text: &str) -> Style {
    let spans = rendered.lines.iter().flat_map(|line| &line.spans);
    spans.into_iter().find(|span| span.content == text).unwrap().style
}

#[test]
fn paragraphs_wrap_and_keep_their_breaks() {
    assert_eq!(
        shown("one two\nthree\n\nfour\\\nfive", 9),
        ["one two", "three", "", "four", "five"]
    );
}

#[test]
fn lists_hang_and_nest() {
    assert_eq!(
        shown("1. first item\n2. second\n   - inner one\n\nafter", 12),
        [
            "1. first",
            "   item",
            "2. second",
            "   • inner",
            "     one",
            "",
            "after"
        ]
    );
    assert_eq!(shown("- a\n\n- b\n", 20), ["• a", "", "• b"]);
    assert_eq!(shown("-\n- b\n", 20), ["•", "• b"]);
    assert_eq!(shown("- [x] done\n- [ ] open", 20), ["• ☑ done", "• ☐ open"]);
    assert_eq!(shown("Intro:\n- a", 20), ["Intro:", "• a"]);
}

#[test]
fn quotes_rules_and_headings_have_their_marks() {
    assert_eq!(shown("> a b\n> c\n>\n> d", 5), ["│ a b", "│ c", "│", "│ d"]);
    assert_eq!(shown("# Head\ntext\n\n---", 6), ["Head", "text", "", "──────"]);
}

#[test]
fn code_keeps_its_spaces_and_loses_nothing() {
    assert_eq!(
        shown("```rust\nlet x  = 1;\n\n  y\n```", 20),
        ["  let x  = 1;", "", "    y"]
    );
    assert_eq!(shown("```\nabcdefghij\n```", 9), ["  abcdefg", "  hij"]);
    assert_eq!(shown("```\nnot closed [1]", 30), ["  not closed [1]"]);
    assert!(
        render("`[1]` and\n\n    [2]", 30, &MarkdownStyles::default())
            .citations
            .is_empty()
    );
}

#[test]
fn styles_go_by_role() {
    let mut styles = MarkdownStyles::default();
    styles.link = styles.link.fg(Color::Blue);
    let rendered = render("**b** *e* ~~s~~ `c` [l](https://x)", 60, &styles);
    assert_eq!(style_of(&rendered, "b"), styles.strong);
    assert_eq!(style_of(&rendered, "e"), styles.emphasis);
    assert_eq!(
        style_of(&rendered, "s"),
        Style::new().add_modifier(Modifier::CROSSED_OUT)
    );
    assert_eq!(style_of(&rendered, "c"), styles.code);
    assert_eq!(style_of(&rendered, "l"), styles.link);
    assert_eq!(
        style_of(&rendered, " (https://x)"),
        Style::new().add_modifier(Modifier::DIM)
    );
}

#[test]
fn links_show_where_they_lead_once() {
    assert_eq!(
        shown("[docs](https://x.org) <https://y.org>", 60),
        ["docs (https://x.org) https://y.org"]
    );
    assert_eq!(shown("[https://x.org](https://x.org)", 60), ["https://x.org"]);
    assert_eq!(shown("![pool](p.png)", 60), ["image: pool (p.png)"]);
}

#[test]
fn tildes_and_dollars_are_prose() {
    assert_eq!(shown("~5~ costs $5 to $6", 60), ["~5~ costs $5 to $6"]);
}

#[test]
fn raw_html_is_text() {
    assert_eq!(shown("a <b>b</b><br>c", 60), ["a <b>b</b>", "c"]);
    assert_eq!(
        shown("<script>\nx\n</script>", 60),
        ["<script>", "x", "</script>"]
    );
}

#[test]
fn a_list_of_sources_is_not_swallowed_as_definitions() {
    assert_eq!(
        shown("See [1].\n\n[1]: https://x.org\n[2]: https://y.org", 60),
        ["See [1].", "", "[1]: https://x.org [2]: https://y.org"]
    );
    assert_eq!(shown("- [1]: https://x.org", 60), ["• [1]: https://x.org"]);
    assert_eq!(
        shown("> [1]: https://x.org\n\n```\n[2]: b\n```", 60),
        ["│ [1]: https://x.org", "", "  [2]: b"]
    );
}

#[test]
fn an_entity_cannot_smuggle_a_control_character() {
    assert_eq!(shown("a&#27;[31mb &#x202e;c", 60), ["ab c"]);
}

#[test]
fn a_table_is_aligned() {
    assert_eq!(
        shown("| Pool | APY |\n|:--|--:|\n| ETH/USDC | 4.2 |\n| 流動 | 12 |", 40),
        [
            "Pool     │ APY",
            "─────────┼────",
            "ETH/USDC │ 4.2",
            "流動     │  12"
        ]
    );
}

#[test]
fn a_wide_table_is_shrunk_and_a_narrow_pane_gets_pairs() {
    let table = "| Name | What it does |\n|---|---|\n| AMM | trades against a pool |";
    assert_eq!(
        shown(table, 20),
        [
            "Name │ What it does",
            "─────┼──────────────",
            "AMM  │ trades",
            "     │ against a",
            "     │ pool"
        ]
    );
    assert_eq!(
        shown(table, 11),
        ["Name: AMM", "What it", "does:", "trades", "against a", "pool"]
    );
}

#[test]
fn citations_tell_where_they_are() {
    let rendered = render(
        "Fees go to LPs [1, 3].\n\n- see [12]",
        18,
        &MarkdownStyles::default(),
    );
    let spans: Vec<_> = rendered
        .citations
        .iter()
        .map(|span| (span.number, span.line, span.column_start, span.column_end))
        .collect();
    assert_eq!(spans, [(1, 0, 15, 17), (3, 1, 0, 2), (12, 3, 6, 10)]);
    assert_eq!(rendered.citation_at(0, 16), Some(1));
    assert_eq!(rendered.citation_at(0, 14), None);
    assert_eq!(rendered.citation_at(3, 9), Some(12));
    assert_eq!(rendered.citation_at(9, 0), None);
}

#[test]
fn citations_in_tables_and_quotes_are_found_where_they_stand() {
    let rendered = render(
        "> quoted [2]\n\n| a | b |\n|--|--|\n| x | y [4] |",
        40,
        &MarkdownStyles::default(),
    );
    for span in &rendered.citations {
        let line = rendered.lines[span.line].to_string();
        let text: String = line
            .chars()
            .skip(span.column_start)
            .take(span.column_end - span.column_start)
            .collect();
        assert_eq!(text, format!("[{}]", span.number));
    }
    assert_eq!(rendered.citations.len(), 2);
}

#[test]
fn hostile_nesting_and_giant_tables_stay_cheap() {
    let started = Instant::now();
    for source in [
        ">".repeat(5_000),
        "- ".repeat(2_000) + "x",
        "[".repeat(5_000),
        "*a ".repeat(3_000),
        format!(
            "{}\n{}\n{}",
            "|a".repeat(400),
            "|-".repeat(400),
            "|\n".repeat(400)
        ),
        "x".repeat(20_000),
        "[1]: a\n\n".repeat(1_000),
    ] {
        for columns in [1, 2, 3, 80] {
            let rendered = render(&source, columns, &MarkdownStyles::default());
            assert!(rendered.lines.iter().all(|line| line.width() <= columns));
        }
    }
    // Unoptimised on a busy machine; what is quadratic takes minutes.
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_stream_shows_open_markup_closed_and_the_end_as_it_is() {
    let mut stream = StreamingMarkdown::new(40, MarkdownStyles::default());
    stream.push("a **bo");
    assert_eq!(stream.rendered().lines[0].to_string(), "a bo");
    stream.finish();
    assert_eq!(stream.rendered().lines[0].to_string(), "a **bo");
}

#[test]
fn a_stream_renders_only_its_tail_again() {
    let mut stream = StreamingMarkdown::new(40, MarkdownStyles::default());
    let paragraph = "A paragraph of some words, with a source [1].\n\n";
    stream.push(&paragraph.repeat(20_000));
    stream.rendered();
    let started = Instant::now();
    for _ in 0..100 {
        stream.push("word ");
        stream.rendered();
    }
    // The whole text takes about a second unoptimised; a hundred times that would not pass.
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

/// Markdown in small pieces, with every construct and its broken halves.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "word ",
        "two words",
        "\n",
        "\n\n",
        "\n\n",
        "- ",
        "* ",
        "1. ",
        "2. ",
        "> ",
        "# ",
        "```",
        "```\n",
        "~~~\n",
        "    ",
        "  ",
        "**",
        "*",
        "`",
        "[1]",
        "[1, 3]",
        "[2",
        "]",
        "[x](y)",
        "[1]: u\n",
        "[a\nb]: u\n",
        "\"t\"",
        "| a | b |\n",
        "|---|:-:|\n",
        "| c |",
        "---\n",
        "===\n",
        "<!-- ",
        "-->",
        "<div>\n",
        "</div>",
        "<br>",
        "\\",
        "&#27;",
        "流動",
        "👨\u{200d}👩",
        "~",
        "~~",
        "<script>",
        "_",
        "\t",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| sanitize(&pieces.concat()).into_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_stream_ends_as_the_whole_text_renders(source in markdown(), cuts in prop::collection::vec(1usize..9, 1..9), columns in 1usize..40) {
        let styles = MarkdownStyles::default();
        let mut stream = StreamingMarkdown::new(columns, styles);
        let chars: Vec<char> = source.chars().collect();
        let (mut at, mut cuts) = (0, cuts.iter().cycle());
        while at < chars.len() {
            let end = (at + cuts.next().unwrap()).min(chars.len());
            stream.push(&chars[at..end].iter().collect::<String>());
            stream.rendered();
            at = end;
        }
        stream.finish();
        prop_assert_eq!(stream.rendered(), &render(&source, columns, &styles));
        stream.set_columns(columns + 7);
        prop_assert_eq!(stream.rendered(), &render(&source, columns + 7, &styles));
    }

    #[test]
    fn lines_fit_and_citations_lie_inside_them(source in markdown(), columns in 1usize..40) {
        let rendered = render(&source, columns, &MarkdownStyles::default());
        for line in &rendered.lines {
            prop_assert!(line.spans.iter().map(|span| width(&span.content)).sum::<usize>() <= columns, "{:?}", line);
        }
        for span in &rendered.citations {
            prop_assert!(span.column_start < span.column_end && span.column_end <= columns);
            prop_assert!(span.line < rendered.lines.len());
        }
    }
}

//! The comparison as it is seen, clicked and fed with hostile text.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use insta::assert_snapshot;
use proptest::prelude::*;
use ratatui::style::Modifier;

use super::hostile::{assert_harmless, text};
use super::{Talk, fixtures, rows};
use crate::app::compare::fixture::{self, PAIRS};
use crate::app::compare::{Disputed, Progress, Ranked, Spot};
use crate::app::keymap::{Context, bindings};
use crate::app::{Effect, Message, Overlay, Target};
use crate::config::Theme as Choice;
use crate::retrieval::comparison::Lab;
use crate::tui::theme::Theme;

const QUERY: &str = "somebody saw my trade waiting and bought just before me";
const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];

/// A session with a lab that serves what it asks for.
pub(super) struct Bench {
    pub(super) talk: Talk,
    lab: Arc<Lab>,
}

impl Bench {
    /// The view on the query, by three methods of five hits each.
    pub(super) fn on(width: u16, height: u16) -> Self {
        let mut bench = Self {
            talk: Talk::on(width, height),
            lab: fixture::lab(PAIRS),
        };
        bench.talk.app.compare.retrievers = ["hybrid(k=5)", "dense(k=5)", "lexical(k=5)"]
            .map(|spec| spec.parse().unwrap())
            .to_vec();
        bench.talk.types(QUERY);
        bench.presses(&[KeyCode::F(3)]);
        bench
    }

    pub(super) fn presses(&mut self, codes: &[KeyCode]) -> &mut Self {
        for code in codes {
            self.key(KeyEvent::new(*code, KeyModifiers::NONE));
        }
        self
    }

    fn key(&mut self, key: KeyEvent) {
        let effects = self.talk.key(key);
        self.serves(&effects);
    }

    fn clicks(&mut self, target: Target) {
        let effects = self.talk.app.update(Message::Click(target));
        self.serves(&effects);
    }

    fn serves(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Some(compared) = fixture::serve(&self.lab, effect) {
                self.talk.app.update(Message::Compared(compared));
            }
        }
    }
}

/// Plays on a screen of each size and keeps what each of them shows.
fn on_every_size(name: &str, play: impl Fn(&mut Bench)) {
    for (width, height) in SIZES {
        let mut bench = Bench::on(width, height);
        play(&mut bench);
        assert_snapshot!(format!("{name}_{width}x{height}"), bench.talk.screen());
    }
}

#[test]
fn three_methods_side_by_side() {
    on_every_size("compare", |_| {});
}

#[test]
fn the_same_document_two_columns_on_pinned() {
    on_every_size("compare_pinned", |bench| {
        bench.presses(&[KeyCode::Down, KeyCode::Char('p'), KeyCode::Right, KeyCode::Right]);
    });
}

#[test]
fn a_weight_that_was_moved() {
    on_every_size("compare_weight", |bench| {
        bench.presses(&[KeyCode::Char('-'); 8]);
    });
}

#[test]
fn four_columns() {
    on_every_size("compare_four", |bench| {
        bench.presses(&[KeyCode::End, KeyCode::Char('a'), KeyCode::Right]);
    });
}

#[test]
fn the_presets() {
    on_every_size("compare_presets", |bench| {
        bench.presses(&[KeyCode::Char('s'), KeyCode::Down]);
    });
}

#[test]
fn a_pair_in_full_with_its_place_in_every_column() {
    on_every_size("compare_pair", |bench| {
        bench.presses(&[KeyCode::Enter]);
    });
}

#[test]
fn a_retriever_that_is_being_written() {
    on_every_size("compare_spec", |bench| {
        bench.presses(&[KeyCode::Char('e')]);
    });
}

#[test]
fn a_query_that_is_being_written_and_not_yet_found() {
    on_every_size("compare_query", |bench| {
        bench.talk.app.compare.found = None;
        bench.talk.app.compare.progress = Progress::Searching;
        bench.presses(&[KeyCode::Char('/')]);
    });
}

#[test]
fn a_retriever_without_an_index() {
    on_every_size("compare_failed", |bench| {
        bench.talk.app.compare.retrievers[1] =
            "dense(embedder=openai:text-embedding-3-small)".parse().unwrap();
        bench.presses(&[KeyCode::Char('+')]);
    });
}

#[test]
fn the_help_begins_with_the_keys_of_the_comparison() {
    let mut bench = Bench::on(120, 40);
    bench.presses(&[KeyCode::F(1)]);
    assert_snapshot!("compare_help_120x40", bench.talk.screen());
    let keys = bindings().filter(|binding| binding.context == Context::Compare);
    let mut lines = String::new();
    for _ in 0..8 {
        lines.push_str(&bench.talk.screen());
        bench.presses(&[KeyCode::PageDown]);
    }
    let lines = lines.split_whitespace().collect::<Vec<_>>().join(" ");
    for binding in keys {
        let first = binding
            .help
            .split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(" ");
        assert!(lines.contains(&first), "{first}");
    }
}

/// The style of the first cell of a text on the screen.
fn style_of(talk: &mut Talk, text: &str) -> ratatui::style::Style {
    let buffer = talk.draws().clone();
    let rows = rows(&buffer);
    let (y, x) = rows
        .iter()
        .enumerate()
        .find_map(|(y, row)| Some((y, crate::text::width(&row[..row.find(text)?]))))
        .unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{}", rows.join("\n")));
    buffer[(u16::try_from(x).unwrap(), u16::try_from(y).unwrap())].style()
}

#[test]
fn in_every_theme_matched_words_are_underlined_and_moves_have_shapes() {
    for choice in [Choice::Dark, Choice::Light, Choice::None] {
        let mut bench = Bench::on(120, 40);
        bench.talk.theme = Theme::of(choice, None);
        let matched = style_of(&mut bench.talk, "bought the votes");
        assert!(matched.add_modifier.contains(Modifier::UNDERLINED), "{choice:?}");
        let screen = bench.talk.screen();
        for shape in ["▲", "▼", "=", "new", "gone", "only here"] {
            assert!(screen.contains(shape), "{shape} in\n{screen}");
        }
        let selected = style_of(&mut bench.talk, "▸");
        assert!(
            selected
                .add_modifier
                .intersects(Modifier::BOLD | Modifier::REVERSED),
            "{choice:?}"
        );
    }
}

#[test]
fn a_light_screen_says_the_same_as_a_dark_one_in_other_colours() {
    let mut dark = Bench::on(120, 40);
    let mut light = Bench::on(120, 40);
    light.talk.theme = Theme::of(Choice::Light, None);
    assert_eq!(dark.talk.screen(), light.talk.screen());
    assert_ne!(
        style_of(&mut dark.talk, "fused").fg,
        style_of(&mut light.talk, "fused").fg
    );
}

#[test]
fn clicks_mean_the_head_the_document_the_query_and_the_preset_under_them() {
    let mut bench = Bench::on(120, 40);
    bench.talk.draws();
    let head = bench.talk.regions.at(50, 2);
    assert_eq!(head, Some(Target::Compare(Spot::Head(1))));
    bench.clicks(head.unwrap());
    assert_eq!(bench.talk.app.compare.column, 1);
    // The second of its documents, each of three lines below six of head.
    let document = bench.talk.regions.at(50, 9).unwrap();
    assert!(matches!(
        document,
        Target::Compare(Spot::Document { column: 1, .. })
    ));
    bench.clicks(document);
    bench.clicks(document);
    assert_eq!(bench.talk.app.overlay, Some(Overlay::Compared { top: 0 }));
    bench.clicks(Target::Compare(Spot::Page));
    assert_eq!(bench.talk.app.overlay, None);
    let query = bench.talk.regions.at(3 + 8, 1).unwrap();
    assert_eq!(query, Target::Compare(Spot::Query { column: 8 }));
    bench.clicks(query);
    bench.talk.draws();
    bench.clicks(query);
    bench.presses(&[KeyCode::Char('!')]);
    assert!(bench.talk.app.compare.query.text().starts_with("somebody! saw"));
    bench.presses(&[KeyCode::Down, KeyCode::Char('s')]);
    bench.talk.draws();
    let preset = bench.talk.regions.at(60, 4);
    assert_eq!(preset, Some(Target::Compare(Spot::Preset(1))));
    bench.clicks(preset.unwrap());
    assert_eq!(bench.talk.app.compare.retrievers.len(), 2);
}

#[test]
fn the_selected_document_is_in_view_wherever_the_keys_go() {
    for (width, height) in SIZES {
        let mut bench = Bench::on(width, height);
        bench.presses(&[
            KeyCode::Right,
            KeyCode::Right,
            KeyCode::Char(']'),
            KeyCode::Char(']'),
        ]);
        for code in [
            KeyCode::End,
            KeyCode::Up,
            KeyCode::PageUp,
            KeyCode::Home,
            KeyCode::PageDown,
        ] {
            bench.presses(&[code]);
            let screen = bench.talk.screen();
            assert!(screen.contains('▸'), "{code:?} at {width}x{height}:\n{screen}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn no_text_no_key_and_no_size_breaks_the_comparison(
        texts in prop::collection::vec(text(), 5), query in text(),
        presses in prop::collection::vec(0..bindings().count(), 0..12),
        sizes in prop::collection::vec((0_u16..160, 0_u16..50), 1..4)
    ) {
        let ids: Vec<String> = (0..5).map(|n| format!("{n}{}", texts[4 - n])).collect();
        let pairs: Vec<(&str, &str, &str)> = (0..5)
            .map(|n| (ids[n].as_str(), texts[n].as_str(), texts[(n + 1) % 5].as_str()))
            .collect();
        let mut bench = Bench::on(100, 30);
        bench.lab = fixture::lab(&pairs);
        bench.talk.app.compare.query.paste(&query);
        bench.presses(&[KeyCode::Char('+')]);
        for (n, press) in presses.into_iter().enumerate() {
            let (width, height) = sizes[n % sizes.len()];
            bench.talk.resized(width, height);
            let binding = bindings().nth(press).unwrap();
            bench.key(KeyEvent::new(binding.code, binding.modifiers));
            if width > 0 && height > 0 {
                assert_harmless(bench.talk.draws());
            }
        }
    }
}

#[test]
fn a_session_that_is_ready_says_which_key_compares() {
    let mut talk = Talk::with(120, 40, fixtures::ready());
    assert!(talk.screen().contains("F3 compare"));
}

#[test]
fn the_judged_queries_by_disagreement() {
    on_every_size("compare_queries", |bench| {
        let columns = bench.talk.app.compare.retrievers.clone();
        bench.talk.app.with_set("development.jsonl".to_owned(), columns);
        let row = |n: usize| Disputed {
            id: format!("dev-{n:03}"),
            query: format!("{QUERY}, case {n}"),
            disagreement: 0.9 - 0.02 * n as f64,
            ndcg: vec![1.0, 0.63, 0.0],
        };
        let ranked = Ranked {
            ticket: 1,
            result: Ok((1..=44).map(row).collect()),
        };
        bench.talk.app.update(Message::Ranked(ranked));
        bench.presses(&[KeyCode::Down, KeyCode::PageDown]);
    });
}

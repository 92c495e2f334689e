//! Two answers side by side as they are seen, clicked and fed with hostile text.

use crossterm::event::KeyCode;
use insta::assert_snapshot;
use proptest::prelude::*;
use ratatui::style::Modifier;

use super::fixtures::{self, QUESTION, answer, token};
use super::hostile::{assert_harmless, text};
use super::{Talk, rows};
use crate::agent::event::{AgentEvent, Outcome, Price, RunId, Setup, Side, Stage, Usage};
use crate::app::beside::Spot;
use crate::app::{Effect, Target};
use crate::config::Theme as Choice;
use crate::tui::theme::Theme;

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];
const SPECS: [&str; 2] = ["gpt-4.1-mini(temperature=0)", "gpt-4.1-mini(temperature=1)"];

/// A view on which the question has been asked on both sides.
struct Both {
    talk: Talk,
    runs: [RunId; 2],
}

impl Both {
    fn on(width: u16, height: u16) -> Self {
        let mut talk = Talk::with(width, height, fixtures::online());
        talk.app.beside.sides = Some(SPECS.map(|spec| spec.parse().unwrap()));
        talk.types(QUESTION).presses(KeyCode::F(4));
        let enter = crossterm::event::KeyEvent::new(KeyCode::Enter, crossterm::event::KeyModifiers::NONE);
        let runs = match talk.key(enter).as_slice() {
            [Effect::AskBeside { sides, .. }] => [sides[0].0, sides[1].0],
            other => panic!("{other:?}"),
        };
        Self { talk, runs }
    }

    /// The search, which both tell.
    fn finds(&mut self) -> &mut Self {
        for (place, run) in self.runs.into_iter().enumerate() {
            let side = Side {
                of: self.runs[0],
                place,
                spec: SPECS[place].into(),
            };
            for (at_ms, mut what) in fixtures::search(QUESTION, fixtures::hits()) {
                if let AgentEvent::Started { setup, .. } = &mut what {
                    *setup = Setup {
                        chat: "openai:gpt-4.1-mini".into(),
                        price: Some(Price {
                            input: 0.4.try_into().unwrap(),
                            output: 1.6.try_into().unwrap(),
                            as_of: "2025-06".into(),
                        }),
                        side: Some(side.clone()),
                        ..setup.clone()
                    };
                }
                self.talk.hears(run, at_ms, what);
            }
            self.talk.hears(run, 14.0, fixtures::begins(Stage::Answer));
        }
        self
    }

    fn says(&mut self, side: usize, at_ms: f64, text: &str) -> &mut Self {
        self.talk.hears(self.runs[side], at_ms, token(text));
        self
    }

    fn ends(&mut self, side: usize, at_ms: f64, tokens: u64) -> &mut Self {
        let usage = Usage {
            prompt_tokens: 1_204,
            completion_tokens: tokens,
            total_tokens: 1_204 + tokens,
        };
        let run = self.runs[side];
        self.talk
            .hears(run, at_ms, fixtures::ends(Stage::Answer, at_ms - 14.0, None))
            .hears(run, at_ms, fixtures::answered(Some(usage)));
        self
    }
}

fn on_every_size(name: &str, play: impl Fn(&mut Both)) {
    for (width, height) in SIZES {
        let mut both = Both::on(width, height);
        play(&mut both);
        assert_snapshot!(format!("{name}_{width}x{height}"), both.talk.screen());
    }
}

#[test]
fn two_that_stream_at_different_rates() {
    on_every_size("beside_streaming", |both| {
        both.finds();
        for (n, piece) in answer().into_iter().take(3).enumerate() {
            both.says(0, 400.0 + 50.0 * n as f64, piece);
        }
        both.says(1, 700.0, "It is what you lose ")
            .says(1, 900.0, "against holding [2].");
        both.talk.at(900.0);
    });
}

#[test]
fn one_that_has_ended_and_one_that_was_cancelled() {
    on_every_size("beside_cancelled", |both| {
        both.finds();
        for (n, piece) in answer().into_iter().enumerate() {
            both.says(0, 400.0 + 475.0 * n as f64, piece);
        }
        both.ends(0, 2_310.0, 96).says(1, 700.0, "It is what you lose ");
        let right = both.runs[1];
        both.talk
            .hears(right, 2_400.0, AgentEvent::Cancelled {})
            .at(2_400.0);
        both.talk.presses(KeyCode::Char('2'));
    });
}

#[test]
fn one_that_failed_while_the_other_tries_again() {
    on_every_size("beside_failed", |both| {
        both.finds();
        let [left, right] = both.runs;
        let failed = AgentEvent::Failed {
            stage: Stage::Answer,
            message: "asking gpt-4.1-mini needs a key: set OPENAI_API_KEY".into(),
            retryable: false,
        };
        both.talk
            .hears(left, 20.0, failed)
            .hears(right, 250.0, fixtures::retry())
            .at(1_000.0)
            .presses(KeyCode::Right);
    });
}

#[test]
fn before_anything_was_asked_and_while_a_side_is_written() {
    for (width, height) in SIZES {
        let mut talk = Talk::with(width, height, fixtures::ready());
        talk.presses(KeyCode::F(4));
        assert_snapshot!(format!("beside_empty_{width}x{height}"), talk.screen());
        talk.presses(KeyCode::Down)
            .presses(KeyCode::Right)
            .presses(KeyCode::Char('e'));
        assert_snapshot!(format!("beside_side_{width}x{height}"), talk.screen());
    }
}

#[test]
fn the_chat_names_the_side_of_each_answer() {
    let mut both = Both::on(120, 40);
    both.finds().says(0, 400.0, "A [1].").says(1, 410.0, "B [2].");
    both.ends(0, 500.0, 3).ends(1, 510.0, 3);
    both.talk.presses(KeyCode::Esc);
    let screen = both.talk.screen();
    assert!(
        screen.contains("B of two side by side: gpt-4.1-mini(temperature=1)"),
        "{screen}"
    );
}

#[test]
fn a_click_means_what_the_eye_sees() {
    let mut both = Both::on(120, 40);
    both.finds()
        .says(0, 400.0, "It is a loss [1].")
        .says(1, 410.0, "Less than holding [3].");
    both.talk.draws();
    let shown = rows(both.talk.terminal.backend().buffer());
    let at = |text: &str| {
        let (y, row) = shown
            .iter()
            .enumerate()
            .find(|(_, row)| row.contains(text))
            .unwrap();
        let x = crate::text::width(&row[..row.find(text).unwrap()]);
        both.talk.regions.at(x as u16, y as u16)
    };
    assert_eq!(
        at("[3]."),
        Some(Target::Beside(Spot::Citation { side: 1, hit: 2 }))
    );
    assert_eq!(at("Less than"), Some(Target::Beside(Spot::Text(1))));
    assert_eq!(at("B gpt-4.1-mini"), Some(Target::Beside(Spot::Head(1))));
    assert_eq!(at(" 1 A·"), Some(Target::Beside(Spot::Evidence(0))));
    assert_eq!(at(QUESTION), Some(Target::Beside(Spot::Question { column: 0 })));
}

#[test]
fn in_every_theme_the_selected_side_is_told_by_more_than_a_colour() {
    for choice in [Choice::Dark, Choice::Light, Choice::None] {
        let mut both = Both::on(120, 40);
        both.talk.theme = Theme::of(choice, None);
        both.finds();
        let screen = both.talk.screen();
        assert!(screen.contains('━') && screen.contains('─'), "{choice:?}");
        let buffer = both.talk.draws();
        let head = buffer.content.iter().find(|cell| cell.symbol() == "A").unwrap();
        assert!(
            head.style()
                .add_modifier
                .intersects(Modifier::BOLD | Modifier::REVERSED),
            "{choice:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn hostile_text_on_both_sides_drives_no_terminal(
        said in prop::collection::vec(text(), 2), width in 1_u16..140, height in 1_u16..45, spec in text()
    ) {
        let mut both = Both::on(width, height);
        both.finds();
        for (side, text) in said.iter().enumerate() {
            both.says(side, 20.0, text);
        }
        let [left, right] = both.runs;
        let setup = Setup { side: Some(Side { of: left, place: 1, spec }), ..Setup::default() };
        let started = AgentEvent::Started { question: said[0].clone(), setup };
        both.talk.hears(right, 21.0, started);
        let answered = AgentEvent::Answered { outcome: Outcome::Answered, citations: vec![], usage: None, note: Some(said[1].clone()) };
        both.talk.hears(right, 22.0, answered);
        assert_harmless(both.talk.draws());
    }
}

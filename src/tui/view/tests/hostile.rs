//! Whatever is said, whatever is pressed, at any size: a frame is drawn, and nothing in it can drive the terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::{Buffer, CellWidth as _};

use super::{Talk, fixtures, rows};
use crate::agent::event::{
    AgentEvent, BreakerPhase, CacheStats, DenseScore, Hit, Kept, LexicalScore, Limit, LimitOrigin, Limits,
    Nearest, Outcome, Price, RunId, Setup, Stage, Tier, TierState, TierStats, Usage,
};
use crate::app::keymap::bindings;
use crate::app::{Gauges, Loading, Message};

/// Panics when a cell holds what a terminal would act on, or what reaches out of its row, or when what is left of a
/// control sequence shows as text.
pub(super) fn assert_harmless(buffer: &Buffer) {
    let width = buffer.area.width;
    for (n, cell) in buffer.content.iter().enumerate() {
        let column = n as u16 % width.max(1);
        let acts = |c: char| {
            c.is_control()
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(
            !cell.symbol().contains(acts),
            "{:?} in cell {n} of\n{}",
            cell.symbol(),
            rows(buffer).join("\n")
        );
        assert!(
            column + cell.cell_width() <= width,
            "{:?} reaches out of its row",
            cell.symbol()
        );
    }
    let shown = rows(buffer).join("\n");
    assert!(!shown.contains("]0;title"), "{shown}");
}

/// Text as an enemy, a foreigner or a broken file would write it.
pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,12}".boxed(),
        1 => any::<String>().boxed(),
        6 => prop::sample::select(vec![
            " ", "\n", "\t", "\r\n", "\n\n", "[1]", "[2, 9]", "[", "```\n", "**", "- ", "| a | b |\n|---|---|\n", "# ",
            "\u{1b}[2J", "\u{1b}]0;title\u{7}", "\u{1b}P", "\u{9b}31m", "\u{7f}", "\u{0}", "\u{8}", "\u{202e}", "\u{2066}",
            "\u{200f}", "\u{feff}", "\u{ad}", "流動性", "。", "👨\u{200d}👩\u{200d}👧", "🇩🇪", "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
            "ｶ\u{ff9e}", "क\u{94d}क\u{94d}क", "กำ", "❤\u{fe0f}", "&#27;[31m", "&#x202e;",
        ])
        .prop_map(String::from)
        .boxed(),
        1 => prop::sample::select(vec!["x", "流", "\u{301}", " ", "`", "[1] ", "👩\u{200d}"])
            .prop_map(|piece| piece.repeat(20_000 / piece.chars().count()))
            .boxed(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn ms() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1e7_f64,
        prop::sample::select(vec![0.0, -1.0, f64::NAN, f64::INFINITY, 1e300])
    ]
}

fn stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(vec![
        Stage::Parse,
        Stage::Embed,
        Stage::Lexical,
        Stage::Answer,
        Stage::Unknown,
    ])
}

fn hit() -> impl Strategy<Value = Hit> {
    let dense = prop::option::of((ms(), any::<usize>()));
    let lexical = prop::option::of((ms(), prop::collection::vec(text(), 0..3)));
    let texts = (
        text(),
        text(),
        text(),
        prop::option::of(text()),
        prop::collection::vec(text(), 0..2),
    );
    (texts, ms(), prop::option::of(ms()), dense, lexical).prop_map(
        |((id, question, answer, as_of, sources), score, percentile, dense, lexical)| Hit {
            rank: 1,
            id,
            question,
            answer,
            topic: None,
            sources,
            as_of,
            score,
            percentile,
            dense: dense.map(|(score, rank)| DenseScore {
                score,
                rank,
                nearest: Some(Nearest::Alias),
            }),
            lexical: lexical.map(|(score, terms)| LexicalScore {
                score,
                rank: 7,
                terms,
            }),
        },
    )
}

fn hits() -> impl Strategy<Value = Vec<Hit>> {
    prop_oneof![
        prop::collection::vec(hit(), 0..4),
        // Many, but cheap to make.
        (hit(), 0_usize..300).prop_map(|(hit, count)| vec![
            Hit {
                answer: String::new(),
                ..hit
            };
            count
        ]),
    ]
}

fn limit() -> impl Strategy<Value = Option<Limit>> {
    let origin = prop::sample::select(vec![
        LimitOrigin::Reported,
        LimitOrigin::Configured,
        LimitOrigin::Estimated,
        LimitOrigin::NotReported,
    ]);
    let ms = || prop::option::of(any::<u64>());
    let any_limit = (any::<u64>(), any::<u64>(), ms(), prop::option::of(origin), ms());
    prop::option::of(
        any_limit.prop_map(|(limit, remaining, reset_ms, origin, age_ms)| Limit {
            limit,
            remaining,
            reset_ms,
            origin,
            age_ms,
        }),
    )
}

fn limits() -> impl Strategy<Value = Limits> {
    let count = || prop::option::of(any::<u64>());
    let breaker = prop::sample::select(vec![
        BreakerPhase::Closed,
        BreakerPhase::Open,
        BreakerPhase::HalfOpen,
        BreakerPhase::Unknown,
    ]);
    let gate = (
        count(),
        count(),
        count(),
        count(),
        prop::option::of(breaker),
        count(),
    );
    (text(), text(), limit(), limit(), gate).prop_map(
        |(
            endpoint,
            model,
            requests,
            tokens,
            (in_flight, queued, next_slot_ms, paused_ms, breaker, probe),
        )| {
            Limits {
                endpoint,
                model,
                requests,
                tokens,
                in_flight,
                queued,
                next_slot_ms,
                paused_ms,
                breaker,
                probe_in_ms: probe,
            }
        },
    )
}

fn said() -> impl Strategy<Value = AgentEvent> {
    prop_oneof![
        (text(), text()).prop_map(|(question, name)| AgentEvent::Started {
            question,
            setup: Setup {
                price: Some(Price {
                    as_of: name.clone(),
                    ..Price::default()
                }),
                chat: name,
                ..Setup::default()
            },
        }),
        stage().prop_map(|stage| AgentEvent::StageStarted { stage }),
        (stage(), text()).prop_map(|(stage, on)| AgentEvent::Waiting { stage, on }),
        (stage(), ms(), ms(), prop::option::of(text())).prop_map(|(stage, ms, wait_ms, note)| {
            AgentEvent::StageFinished {
                stage,
                ms,
                wait_ms,
                cache: Some(Tier::Redis),
                note,
            }
        }),
        hits().prop_map(|hits| AgentEvent::Retrieved { hits }),
        (stage(), text()).prop_map(|(stage, note)| AgentEvent::Fallback {
            stage,
            embedder: Some(note.clone()),
            note,
        }),
        text().prop_map(|text| AgentEvent::Token { text }),
        limits().prop_map(|limits| AgentEvent::Limits { limits }),
        limits().prop_map(|limits| AgentEvent::EmbeddingLimits { limits }),
        (text(), any::<bool>(), prop::option::of(ms()), any::<u64>()).prop_map(
            |(key, answer, age_ms, tokens)| {
                AgentEvent::Cache {
                    key,
                    kind: if answer { Kept::Answer } else { Kept::Vector },
                    tier: Some(Tier::Disk),
                    age_ms,
                    saved_ms: age_ms,
                    saved_tokens: Some(tokens),
                }
            }
        ),
        (stage(), ms()).prop_map(|(stage, waited_ms)| AgentEvent::Resumed { stage, waited_ms }),
        (text(), ms()).prop_map(|(why, wait_ms)| AgentEvent::Retry {
            why,
            wait_ms,
            attempt: 2,
            of: Some(4),
        }),
        (prop::option::of(text()), any::<u64>()).prop_map(|(note, tokens)| AgentEvent::Answered {
            outcome: Outcome::Partial,
            citations: vec!["a".into(); 3],
            usage: Some(Usage {
                total_tokens: tokens,
                completion_tokens: tokens,
                prompt_tokens: tokens,
            }),
            note,
        }),
        (stage(), text(), any::<bool>()).prop_map(|(stage, message, retryable)| AgentEvent::Failed {
            stage,
            message,
            retryable,
        }),
        Just(AgentEvent::Cancelled {}),
    ]
}

/// Something that happens to the application.
#[derive(Clone, Debug)]
enum Step {
    Asks(String),
    Hears(u64, f64, AgentEvent),
    /// The binding with this index, pressed.
    Presses(usize),
    Writes(char),
    Pastes(String),
    Clicks(u16, u16),
    Wheels(u16, u16, i32),
    Clock(f64),
    Gauges(Gauges),
    Trouble(String),
    Resizes(u16, u16),
}

fn size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![(1_u16..=130, 1_u16..=45), (1_u16..=12, 1_u16..=12)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => text().prop_map(Step::Asks),
        6 => (1_u64..4, ms(), said()).prop_map(|(run, at_ms, what)| Step::Hears(run, at_ms, what)),
        6 => (0..bindings().count()).prop_map(Step::Presses),
        1 => any::<char>().prop_map(Step::Writes),
        1 => prop::sample::select(vec!['\u{202e}', '\u{1b}', '\t', '流', '\u{301}', '\u{200d}']).prop_map(Step::Writes),
        1 => text().prop_map(Step::Pastes),
        2 => size().prop_map(|(x, y)| Step::Clicks(x, y)),
        1 => (size(), any::<i32>()).prop_map(|((x, y), lines)| Step::Wheels(x, y, lines)),
        1 => ms().prop_map(Step::Clock),
        1 => (text(), text(), text()).prop_map(|(chat, dataset, why)| Step::Gauges(Gauges {
            chat,
            dataset,
            pairs: 3,
            offline: true,
            knowledge: Loading::Failed(why.clone()),
            cache: Box::new(CacheStats {
                disk: Some(TierStats {
                    state: TierState::Off { why },
                    ..TierStats::default()
                }),
                ..CacheStats::default()
            }),
            ..fixtures::ready()
        })),
        1 => text().prop_map(Step::Trouble),
        2 => size().prop_map(|(width, height)| Step::Resizes(width, height)),
    ]
}

impl Talk {
    fn takes(&mut self, step: Step) {
        match step {
            Step::Asks(question) => {
                self.types(&question);
                self.presses(KeyCode::Enter);
            }
            Step::Hears(run, at_ms, what) => {
                self.hears(RunId(run), at_ms, what);
            }
            Step::Presses(at) => {
                let binding = bindings().nth(at).unwrap();
                self.key(KeyEvent::new(binding.code, binding.modifiers));
            }
            Step::Writes(letter) => {
                self.key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE));
            }
            Step::Pastes(text) => {
                self.types(&text);
            }
            Step::Clicks(x, y) => {
                if let Some(target) = self.regions.at(x, y) {
                    self.app.update(Message::Click(target));
                }
            }
            Step::Wheels(x, y, lines) => {
                if let Some(over) = self.regions.at(x, y) {
                    self.app.update(Message::Scroll { over, lines });
                }
            }
            Step::Clock(now_ms) => {
                self.at(now_ms);
            }
            Step::Gauges(gauges) => {
                self.app.update(Message::Gauges(gauges));
            }
            Step::Trouble(text) => {
                self.app.update(Message::Trouble(text));
            }
            Step::Resizes(width, height) => {
                self.resized(width, height);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_conversation_can_be_drawn_at_every_size(
        (width, height) in size(), steps in prop::collection::vec(step(), 0..24)
    ) {
        let mut talk = Talk::on(width, height);
        for step in steps {
            talk.takes(step);
        }
        assert_harmless(talk.draws());
        // The kept lines of one size must not stand in the way of the next.
        assert_harmless(talk.resized(80, 24).draws());
        assert_harmless(talk.resized(3, 24).draws());
    }
}

/// A session with a bit of everything, in front of which `overlay` may lie.
fn busy(press: Option<KeyCode>) -> Talk {
    let mut talk = Talk::on(80, 24);
    for question in ["流動性プールとは何ですか？", "why\nand how", "a"] {
        let run = talk.asks(question);
        talk.finds(run, question, fixtures::hits())
            .hears(
                run,
                15.0,
                fixtures::token("流動性 [1, 2] is **bold** `code`\n\n| a | b |\n|---|---|\n| 流 | x |\n"),
            )
            .hears(run, 16.0, fixtures::limits(None));
    }
    talk.hears(RunId(1), 20.0, fixtures::answered(Some(fixtures::usage())));
    talk.types("draft 流動性\nof two lines").at(1_000.0);
    if let Some(code) = press {
        talk.presses(code);
    }
    talk
}

#[test]
fn every_small_size_can_be_drawn_in_every_mode() {
    for press in [
        None,
        Some(KeyCode::F(1)),
        Some(KeyCode::F(2)),
        Some(KeyCode::BackTab),
    ] {
        let mut talk = busy(press);
        for width in 1..=24 {
            for height in 1..=18 {
                assert_harmless(talk.resized(width, height).draws());
            }
        }
    }
}

#[test]
fn a_pane_of_three_columns_holds_wide_glyphs() {
    let mut talk = Talk::on(3, 14);
    let run = talk.asks("流動 a");
    talk.finds(run, "流動 a", fixtures::hits())
        .hears(run, 15.0, fixtures::token("性 [1]"))
        .types("流動");
    // One column is left for the text: a glyph of two does not fit.
    insta::assert_snapshot!("three_columns_3x14", talk.screen());
    talk.resized(5, 14);
    insta::assert_snapshot!("five_columns_5x14", talk.screen());
    talk.presses(KeyCode::F(2));
    insta::assert_snapshot!("five_columns_side_5x14", talk.screen());
}

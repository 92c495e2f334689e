//! What a user sees in each state, as text.

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::Talk;
use super::fixtures::{self, QUESTION, answer, answered, token};
use crate::agent::event::{
    AgentEvent, CacheStats, Hit, Limit, Outcome, RunId, Stage, Tier, TierState, TierStats,
};
use crate::app::{Gauges, Loading, Message, keymap};

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];

/// Plays a conversation on a screen of each size and keeps what each of them shows.
pub(super) fn on_every_size(name: &str, gauges: &Gauges, play: impl Fn(&mut Talk)) {
    for (width, height) in SIZES {
        let mut talk = Talk::with(width, height, gauges.clone());
        play(&mut talk);
        assert_snapshot!(format!("{name}_{width}x{height}"), talk.screen());
    }
}

fn answers(talk: &mut Talk, run: RunId) {
    talk.finds(run, QUESTION, fixtures::hits())
        .hears(run, 14.0, fixtures::begins(Stage::Answer));
    for (n, piece) in answer().into_iter().enumerate() {
        talk.hears(run, 15.0 + n as f64, token(piece));
    }
    talk.hears(run, 20.0, fixtures::ends(Stage::Answer, 6.0, None))
        .hears(run, 20.0, answered(None));
}

fn an_answered_question(talk: &mut Talk) -> RunId {
    let run = talk.asks(QUESTION);
    answers(talk, run);
    talk.at(20.0);
    run
}

#[test]
fn a_start_before_anything_is_loaded() {
    let gauges = Gauges {
        knowledge: Loading::Loading,
        model: Loading::Loading,
        pairs: 0,
        ..fixtures::ready()
    };
    on_every_size("start_loading", &gauges, |_| {});
}

#[test]
fn a_start_with_everything_ready() {
    on_every_size("start_ready", &fixtures::ready(), |_| {});
}

#[test]
fn a_start_without_a_usable_data_set() {
    let why = "The data set pairs.csv has no column \"answer\": name the columns id, question and answer.";
    let gauges = Gauges {
        dataset: "pairs".into(),
        knowledge: Loading::Failed(why.into()),
        pairs: 0,
        ..fixtures::ready()
    };
    on_every_size("start_failed", &gauges, |_| {});
}

#[test]
fn a_question_that_waits_for_the_model() {
    on_every_size("waiting", &fixtures::ready(), |talk| {
        let run = talk.asks(QUESTION);
        let waiting = AgentEvent::Waiting {
            stage: Stage::Embed,
            on: "the embedding model to load".into(),
        };
        talk.hears_all(run, fixtures::begin_search(QUESTION))
            .hears(run, 0.7, waiting)
            .at(420.0);
    });
}

#[test]
fn a_question_that_is_being_searched_for() {
    on_every_size("searching", &fixtures::ready(), |talk| {
        let run = talk.asks(QUESTION);
        talk.hears_all(run, fixtures::begin_search(QUESTION))
            .hears(run, 10.9, fixtures::ends(Stage::Embed, 10.7, None))
            .hears(run, 10.9, fixtures::begins(Stage::Dense))
            .at(11.0);
    });
}

#[test]
fn an_answer_that_streams() {
    on_every_size("streaming", &fixtures::online(), |talk| {
        let run = talk.asks(QUESTION);
        talk.finds(run, QUESTION, fixtures::hits())
            .hears(run, 14.0, fixtures::begins(Stage::Answer))
            .hears(run, 612.0, token(answer()[0]))
            .hears(
                run,
                640.0,
                token("[1]. It is `2 * sqrt(r) / (1 + r) - 1` for a **price"),
            )
            .types("And on v3?")
            .at(700.0);
    });
}

#[test]
fn an_answer_with_its_citations_and_evidence() {
    on_every_size("answered", &fixtures::ready(), |talk| {
        an_answered_question(talk);
        talk.key(crossterm::event::KeyEvent::new(
            KeyCode::Char('2'),
            crossterm::event::KeyModifiers::ALT,
        ));
    });
}

#[test]
fn the_evidence_alone_on_a_narrow_screen() {
    let mut talk = Talk::on(40, 12);
    an_answered_question(&mut talk);
    talk.presses(KeyCode::F(2));
    assert_snapshot!("side_alone_40x12", talk.screen());
    talk.presses(KeyCode::BackTab).presses(KeyCode::Down);
    assert_snapshot!("side_alone_focused_40x12", talk.screen());
    talk.presses_ctrl('t');
    assert_snapshot!("side_alone_trace_40x12", talk.screen());
    talk.presses_ctrl('t').resized(60, 24);
    assert_snapshot!("side_alone_60x24", talk.screen());
}

#[test]
fn a_question_that_nothing_known_answers() {
    let said = "I cannot answer this: nothing I know is near enough (nearest cosine 0.31, shared words 0 %).\n\n\
                The nearest questions that I can answer:\n\n- How does concentrated liquidity work in Uniswap v3? [1]\n\
                - When do fees outweigh it? [2]";
    on_every_size("declined", &fixtures::ready(), |talk| {
        let question = "Who won the football world cup in 1974?";
        let run = talk.asks(question);
        let mut hits: Vec<Hit> = fixtures::hits().split_off(2);
        for (n, hit) in hits.iter_mut().enumerate() {
            hit.rank = n + 1;
            hit.lexical = None;
        }
        talk.finds(run, question, hits)
            .hears(run, 14.0, fixtures::begins(Stage::Decline))
            .hears(run, 14.1, token(said))
            .hears(run, 14.1, fixtures::ends(Stage::Decline, 0.1, None))
            .hears(
                run,
                14.2,
                AgentEvent::Answered {
                    outcome: Outcome::Declined,
                    citations: vec![
                        "amm-concentrated-liquidity-how-it-works".into(),
                        "yield-fees-against-loss".into(),
                    ],
                    usage: None,
                    note: None,
                },
            );
    });
}

#[test]
fn an_answer_that_broke_off() {
    on_every_size("failed", &fixtures::online(), |talk| {
        let run = talk.asks(QUESTION);
        talk.finds(run, QUESTION, fixtures::hits())
            .hears(run, 14.0, fixtures::begins(Stage::Answer))
            .hears(run, 612.0, token(answer()[0]))
            .hears(
                run,
                2_340.0,
                fixtures::ends(Stage::Answer, 2_326.0, Some("failed")),
            )
            .hears(run, 2_340.0, fixtures::begins(Stage::Error))
            .hears(
                run,
                2_340.0,
                fixtures::ends(Stage::Error, 0.0, Some("after answer")),
            )
            .hears(
                run,
                2_340.0,
                AgentEvent::Failed {
                    stage: Stage::Answer,
                    message:
                        "The connection to api.openai.com broke off before the answer was complete; ask again"
                            .into(),
                    retryable: true,
                },
            );
    });
}

#[test]
fn a_refused_key() {
    let mut talk = Talk::with(80, 24, fixtures::online());
    let run = talk.asks(QUESTION);
    talk.finds(run, QUESTION, fixtures::hits())
        .hears(run, 14.0, fixtures::begins(Stage::Answer))
        .hears(
            run,
            240.0,
            AgentEvent::Failed {
                stage: Stage::Answer,
                message: "api.openai.com refused the key (401); set OPENAI_API_KEY to a valid one.".into(),
                retryable: false,
            },
        );
    assert_snapshot!("failed_for_good_80x24", talk.screen());
}

#[test]
fn an_answer_that_was_cancelled() {
    on_every_size("cancelled", &fixtures::online(), |talk| {
        let run = talk.asks(QUESTION);
        talk.finds(run, QUESTION, fixtures::hits())
            .hears(run, 14.0, fixtures::begins(Stage::Answer))
            .hears(run, 612.0, token(answer()[0]))
            .presses(KeyCode::Esc)
            .hears(run, 900.0, AgentEvent::Cancelled {});
    });
}

#[test]
fn a_countdown_to_the_next_try() {
    on_every_size("retrying", &fixtures::online(), |talk| {
        let run = talk.asks(QUESTION);
        talk.finds(run, QUESTION, fixtures::hits())
            .hears(run, 14.0, fixtures::begins(Stage::Answer))
            .hears(run, 250.0, fixtures::retry())
            .at(1_000.0);
    });
}

#[test]
fn several_questions_of_which_one_runs() {
    on_every_size("several", &fixtures::ready(), |talk| {
        an_answered_question(talk);
        let second = talk.asks("hello");
        talk.hears_all(
            second,
            [
                (0.0, fixtures::started("hello")),
                (
                    0.3,
                    token("Hello. Ask me about DeFi: I know 347 questions and their sources."),
                ),
                (
                    0.4,
                    AgentEvent::Answered {
                        outcome: Outcome::Conversed,
                        citations: Vec::new(),
                        usage: None,
                        note: None,
                    },
                ),
            ],
        );
        let question = "Does it get worse when the range is narrow,\nand by how much?";
        let third = talk.asks(question);
        talk.finds(third, question, fixtures::hits())
            .hears(third, 14.0, fixtures::begins(Stage::Answer))
            .hears(
                third,
                15.0,
                token("Yes: a narrow range holds less of each token, so [3] the loss"),
            )
            .at(1_234.0);
    });
}

#[test]
fn an_earlier_question_that_is_selected() {
    let mut talk = Talk::on(80, 24);
    an_answered_question(&mut talk);
    let second = talk.asks("And on v3?");
    answers(&mut talk, second);
    talk.presses(KeyCode::Tab).presses(KeyCode::Char('['));
    assert_snapshot!("earlier_selected_80x24", talk.screen());
}

#[test]
fn limits_that_an_endpoint_reports() {
    on_every_size("limits_reported", &fixtures::online(), |talk| {
        let run = talk.asks(QUESTION);
        let tokens = Limit {
            limit: 200_000,
            remaining: 12_345,
            reset_ms: Some(59_000),
            ..Limit::default()
        };
        talk.finds(run, QUESTION, fixtures::hits())
            .hears(run, 14.0, fixtures::begins(Stage::Answer))
            .hears(run, 300.0, fixtures::limits(Some(tokens)));
        for (n, piece) in answer().into_iter().enumerate() {
            talk.hears(run, 612.0 + n as f64, token(piece));
        }
        talk.hears(run, 900.0, fixtures::ends(Stage::Answer, 886.0, None))
            .hears(run, 900.0, answered(Some(fixtures::usage())))
            .at(2_000.0);
    });
}

#[test]
fn limits_that_an_endpoint_reports_in_part_and_that_have_run_out_since() {
    let mut talk = Talk::with(120, 40, fixtures::online());
    let run = talk.asks(QUESTION);
    talk.hears(run, 300.0, fixtures::limits(None)).at(10_000.0);
    assert_snapshot!("limits_in_part_120x40", talk.screen());
}

#[test]
fn an_endpoint_of_which_nothing_was_asked() {
    let mut talk = Talk::with(80, 24, fixtures::online());
    assert_snapshot!("limits_not_asked_80x24", talk.screen());
}

#[test]
fn caches_that_served_some() {
    let mut talk = Talk::on(80, 24);
    let run = an_answered_question(&mut talk);
    for tier in [
        Some(Tier::Memory),
        Some(Tier::Memory),
        Some(Tier::Disk),
        Some(Tier::Redis),
        None,
    ] {
        talk.hears(run, 21.0, fixtures::lookup(tier));
    }
    assert_snapshot!("cache_80x24", talk.screen());
}

#[test]
fn caches_of_three_tiers_one_of_them_down() {
    let mut talk = Talk::on(120, 40);
    let run = an_answered_question(&mut talk);
    let looked = [None, Some(Tier::Memory), Some(Tier::Disk), Some(Tier::Redis)];
    for tier in looked.into_iter().cycle().take(18) {
        talk.hears(run, 21.0, fixtures::lookup(tier));
    }
    talk.app.update(Message::Gauges(Gauges {
        cache: Box::new(CacheStats {
            redis: Some(TierStats {
                state: TierState::Down {
                    since_ms: 1,
                    next_probe_ms: 2,
                    why: "connection refused".into(),
                },
                ..TierStats::default()
            }),
            ..CacheStats::default()
        }),
        redis_probe_ms: Some(7_500),
        ..fixtures::ready()
    }));
    assert_snapshot!("cache_120x40", talk.screen());
}

#[test]
fn the_trace_in_place_of_the_evidence() {
    let mut talk = Talk::on(80, 24);
    an_answered_question(&mut talk);
    talk.presses_ctrl('t');
    assert_snapshot!("trace_80x24", talk.screen());
}

#[test]
fn a_trace_with_a_cache_hit_and_a_wait() {
    let mut talk = Talk::on(120, 40);
    let run = talk.asks(QUESTION);
    talk.hears_all(
        run,
        [
            (0.0, fixtures::started(QUESTION)),
            (0.0, fixtures::begins(Stage::Embed)),
            (
                12_345.0,
                AgentEvent::StageFinished {
                    stage: Stage::Embed,
                    ms: 12_345.0,
                    wait_ms: 12_300.0,
                    cache: Some(Tier::Memory),
                    note: None,
                },
            ),
            (12_345.0, fixtures::begins(Stage::Dense)),
        ],
    )
    .at(12_400.0);
    assert_snapshot!("trace_waited_120x40", talk.screen());
}

#[test]
fn the_keys() {
    for (width, height) in SIZES {
        let mut talk = Talk::on(width, height);
        an_answered_question(&mut talk);
        talk.presses(KeyCode::F(1));
        assert_snapshot!(format!("help_{width}x{height}"), talk.screen());
        talk.presses(KeyCode::End);
        assert_snapshot!(format!("help_end_{width}x{height}"), talk.screen());
    }
}

#[test]
fn a_pair_in_full() {
    on_every_size("pair", &fixtures::ready(), |talk| {
        an_answered_question(talk);
        talk.presses(KeyCode::BackTab).presses(KeyCode::Enter);
    });
}

#[test]
fn a_notice() {
    on_every_size("notice", &fixtures::ready(), |talk| {
        talk.presses(KeyCode::Enter);
    });
    let mut talk = Talk::on(80, 24);
    talk.app
        .update(Message::Trouble("The clipboard cannot be reached.".into()));
    assert_snapshot!("notice_of_trouble_80x24", talk.screen());
}

#[test]
fn a_draft_of_several_lines() {
    on_every_size("draft", &fixtures::ready(), |talk| {
        talk.types("How does a liquidation on Aave v3 work,\nwho may do it, and what does the one who does it earn when the position is");
        talk.app.update(Message::Command(keymap::Command::Newline));
        talk.types("small?");
    });
}

#[test]
fn a_draft_longer_than_its_place() {
    let mut talk = Talk::on(80, 24);
    let lines: Vec<String> = (1..=12).map(|n| format!("line {n} of the draft")).collect();
    talk.types(&lines.join("\n"));
    assert_snapshot!("draft_long_80x24", talk.screen());
}

#[test]
fn wide_glyphs_and_hostile_text() {
    let mut talk = Talk::on(80, 24);
    let run = talk.asks("什么是无常损失？ \u{202e}evil\u{1b}[31m red");
    let mut hits = fixtures::hits();
    hits[0].question = "流動性プールの仕組みは何ですか、そして手数料はどのように分配されますか？".into();
    hits[1].question = "\u{1b}]0;owned\u{7}A title that is not one".into();
    talk.finds(run, "什么是无常损失？", hits)
        .hears(run, 14.0, fixtures::begins(Stage::Answer))
        .hears(
            run,
            15.0,
            token("无常损失是流动性提供者相对于单纯持有两种代币的损失 [1]。👨\u{200d}👩\u{200d}👧 \u{1b}[2J gone?"),
        )
        .hears(run, 20.0, answered(None));
    assert_snapshot!("wide_80x24", talk.screen());
}

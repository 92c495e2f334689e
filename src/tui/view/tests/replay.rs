//! A replay looks as the live session did: every cell but those of the last row, which tells how far it has been played.

mod compared;
mod transport;

use std::fs::File;

use ratatui::buffer::Buffer;

use super::fixtures::{self, QUESTION, begins, ends, token};
use super::*;
use crate::agent::event::{BreakerPhase, Limits, Outcome, Stage, Tier};
use crate::app::keymap::Command;
use crate::app::{App, Gauges, Loading, Transport};
use crate::recording::{Recorder, Recording};
use crate::text::Redactor;

/// What happens in a session.
enum Step {
    Asks(&'static str),
    /// The run with this number, so many milliseconds after its start.
    Says(u64, f64, AgentEvent),
    Hears(Gauges),
}
use Step::{Asks, Hears, Says};

/// A session: steps with their times on the application's clock.
type Session = Vec<(f64, Step)>;

/// One run from its question to its end, asked `from_ms`.
fn run(number: u64, from_ms: f64, question: &'static str, said: Vec<(f64, AgentEvent)>) -> Session {
    let mut session = vec![(from_ms, Asks(question))];
    let says = |(at_ms, what)| (from_ms + at_ms, Says(number, at_ms, what));
    session.extend(said.into_iter().map(says));
    session
}

fn ended(outcome: Outcome, note: Option<&str>) -> AgentEvent {
    AgentEvent::Answered {
        outcome,
        citations: fixtures::hits().into_iter().take(1).map(|hit| hit.id).collect(),
        usage: Some(fixtures::usage()),
        note: note.map(str::to_owned),
    }
}

fn failed() -> AgentEvent {
    AgentEvent::Failed {
        stage: Stage::Answer,
        message: "api.openai.com broke the answer off: ask again".into(),
        retryable: true,
    }
}

/// A search, then these events.
fn found_then(rest: Vec<(f64, AgentEvent)>) -> Vec<(f64, AgentEvent)> {
    let mut said = fixtures::search(QUESTION, fixtures::hits());
    said.extend(rest);
    said
}

/// All kinds of runs, each as a session of its own, by name.
fn sessions() -> Vec<(&'static str, Session)> {
    let pieces = fixtures::answer();
    let streamed = |end: AgentEvent| {
        let mut rest = vec![(15.0, begins(Stage::Answer))];
        let at = |n: usize| 400.0 + 80.0 * n as f64;
        rest.extend(pieces.iter().enumerate().map(|(n, piece)| (at(n), token(piece))));
        rest.extend([(900.0, ends(Stage::Answer, 885.0, None)), (901.0, end)]);
        found_then(rest)
    };
    let text = "The nearest pairs are about something else.";
    let gate = fixtures::gate();
    let opened = Limits {
        breaker: Some(BreakerPhase::Open),
        probe_in_ms: Some(15_000),
        in_flight: Some(0),
        queued: Some(0),
        ..gate.clone()
    };
    let told = |limits: &Limits| {
        Hears(Gauges {
            limits: Some(Box::new(limits.clone())),
            ..fixtures::online()
        })
    };
    let of_two = |limits: &Limits| {
        Hears(Gauges {
            limits: Some(Box::new(gate.clone())),
            embedding_limits: Some(Box::new(limits.clone())),
            ..fixtures::online()
        })
    };
    let embedding = fixtures::embedding_gate();
    let mut embedded = run(
        1,
        1_000.0,
        QUESTION,
        vec![
            (0.0, fixtures::started(QUESTION)),
            (1.0, begins(Stage::Embed)),
            (
                2.0,
                AgentEvent::EmbeddingLimits {
                    limits: embedding.clone(),
                },
            ),
            (250.0, fixtures::retry()),
            (
                4_250.0,
                AgentEvent::Resumed {
                    stage: Stage::Embed,
                    waited_ms: 4_000.0,
                },
            ),
            (4_400.0, fixtures::lookup(None)),
            (4_500.0, ended(Outcome::Answered, None)),
        ],
    );
    embedded.extend([(400.0, of_two(&embedding)), (6_900.0, of_two(&opened))]);
    embedded.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut tried_again = run(
        1,
        1_000.0,
        QUESTION,
        found_then(vec![
            (15.0, begins(Stage::Answer)),
            (
                20.0,
                AgentEvent::Waiting {
                    stage: Stage::Answer,
                    on: "a free slot, 3 s".into(),
                },
            ),
            (
                1_220.0,
                AgentEvent::Resumed {
                    stage: Stage::Answer,
                    waited_ms: 1_200.0,
                },
            ),
            (1_300.0, fixtures::limits(None)),
            (1_301.0, fixtures::retry()),
            (
                5_301.0,
                AgentEvent::Resumed {
                    stage: Stage::Answer,
                    waited_ms: 4_000.0,
                },
            ),
            (5_400.0, token("By holding.")),
            (
                5_500.0,
                ended(Outcome::Answered, Some("the endpoint was asked twice")),
            ),
        ]),
    );
    tried_again.extend([(1_001.0, told(&gate)), (6_700.0, told(&opened))]);
    tried_again.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut loading = run(
        1,
        500.0,
        QUESTION,
        vec![
            (0.0, fixtures::started(QUESTION)),
            (0.1, begins(Stage::Rewrite)),
            (
                0.2,
                AgentEvent::Waiting {
                    stage: Stage::Rewrite,
                    on: "the data set to load".into(),
                },
            ),
        ],
    );
    loading.push((1_700.0, Hears(fixtures::ready())));
    loading.push((
        1_750.0,
        Says(
            1,
            1_250.0,
            AgentEvent::Resumed {
                stage: Stage::Rewrite,
                waited_ms: 1_249.0,
            },
        ),
    ));
    loading.push((1_800.0, Says(1, 1_300.0, fixtures::lookup(Some(Tier::Disk)))));
    let mut together = run(1, 100.0, QUESTION, streamed(ended(Outcome::Answered, None)));
    together.extend(run(2, 350.0, "And on v3?", streamed(AgentEvent::Cancelled {})));
    together.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    vec![
        (
            "answered",
            run(
                1,
                100.0,
                QUESTION,
                streamed(fixtures::answered(Some(fixtures::usage()))),
            ),
        ),
        (
            "partial",
            run(
                1,
                100.0,
                QUESTION,
                streamed(ended(Outcome::Partial, Some("cut at the length limit"))),
            ),
        ),
        (
            "declined",
            run(
                1,
                100.0,
                QUESTION,
                found_then(vec![
                    (15.0, begins(Stage::Decline)),
                    (15.1, token(text)),
                    (15.2, ends(Stage::Decline, 0.2, None)),
                    (15.3, ended(Outcome::Declined, None)),
                ]),
            ),
        ),
        (
            "conversed",
            run(
                1,
                100.0,
                "hello",
                vec![
                    (0.0, fixtures::started("hello")),
                    (0.1, begins(Stage::Converse)),
                    (0.2, token("Hello. Ask about DeFi.")),
                    (0.3, ends(Stage::Converse, 0.2, None)),
                    (0.4, ended(Outcome::Conversed, None)),
                ],
            ),
        ),
        (
            "failed in mid-answer",
            run(1, 100.0, QUESTION, streamed(failed())),
        ),
        (
            "failed before a word",
            run(
                1,
                100.0,
                QUESTION,
                found_then(vec![(15.0, begins(Stage::Answer)), (30_000.0, failed())]),
            ),
        ),
        (
            "cancelled in mid-answer",
            run(1, 100.0, QUESTION, streamed(AgentEvent::Cancelled {})),
        ),
        (
            "cancelled before a word",
            run(
                1,
                100.0,
                QUESTION,
                found_then(vec![(500.0, AgentEvent::Cancelled {})]),
            ),
        ),
        ("tried again, with limits and an open circuit", tried_again),
        ("embedded by a server, tried again", embedded),
        ("while the parts load", loading),
        ("two at once", together),
    ]
}

/// The cells of the rows but the last.
fn cells(buffer: &Buffer) -> &[ratatui::buffer::Cell] {
    let last = usize::from(buffer.area.width);
    &buffer.content[..buffer.content.len() - last]
}

/// The screen after each step of a session, and its recording.
fn lived(session: Session, gauges: Gauges, (width, height): (u16, u16)) -> (Vec<Buffer>, Recording) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let mut talk = Talk::with(width, height, gauges);
    talk.at(40.0);
    let mut recorder = Recorder::create(&path, 40.0, talk.app.beginning(), Redactor::default()).unwrap();
    let mut frames = vec![talk.draws().clone()];
    for (at_ms, step) in session {
        talk.at(at_ms);
        match step {
            Asks(question) => {
                let run = talk.asks(question);
                recorder.asked(talk.app.now_ms, run, question);
            }
            Says(run, at_ms, what) => {
                let event = Event {
                    v: VERSION,
                    run: RunId(run),
                    at_ms,
                    what,
                };
                recorder.event(talk.app.now_ms, &event);
                talk.app.update(Message::Agent(Box::new(event)));
            }
            Hears(gauges) => {
                recorder.gauges(talk.app.now_ms, &gauges);
                talk.app.update(Message::Gauges(gauges));
            }
        }
        frames.push(talk.draws().clone());
    }
    recorder.finish().unwrap();
    let recording = Recording::read(File::open(&path).unwrap(), "r.jsonl").unwrap();
    assert_eq!(recording.damage.sentences(), Vec::<String>::new());
    (frames, recording)
}

/// A recording on a screen of this size, before its first moment.
fn shown(recording: &Recording, (width, height): (u16, u16)) -> Talk {
    let mut talk = Talk::on(width, height);
    talk.app = App::replaying(recording.moments.clone(), 1.0);
    talk
}

fn press(talk: &mut Talk, key: Transport) {
    talk.app.update(Message::Command(Command::Transport(key)));
}

#[track_caller]
fn same(name: &str, step: usize, live: &Buffer, again: &Buffer) {
    let text = |buffer: &Buffer| rows(buffer).join("\n");
    assert!(
        cells(live) == cells(again),
        "{name}, step {step}, live:\n{}\n\nagain:\n{}",
        text(live),
        text(again)
    );
}

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];

fn loading() -> Gauges {
    Gauges {
        knowledge: Loading::Loading,
        model: Loading::Loading,
        pairs: 0,
        ..fixtures::online()
    }
}

#[test]
fn a_replay_shows_at_every_event_what_was_shown_live() {
    for size in SIZES {
        for (name, session) in sessions() {
            let (frames, recording) = lived(session, loading(), size);
            assert_eq!(frames.len(), recording.moments.len(), "{name}");
            let mut talk = shown(&recording, size);
            for (step, live) in frames.iter().enumerate() {
                press(&mut talk, Transport::On);
                same(name, step, live, talk.draws());
            }
            // And backwards, which is told again from the start: once is enough.
            if size != SIZES[1] {
                continue;
            }
            for (step, live) in frames.iter().enumerate().rev().skip(1) {
                press(&mut talk, Transport::Back);
                same(name, step, live, talk.draws());
            }
        }
    }
}

#[test]
fn a_replay_at_the_live_pace_shows_the_same_at_every_event_and_between() {
    for (name, session) in sessions() {
        let times: Vec<f64> = std::iter::once(40.0)
            .chain(session.iter().map(|(at_ms, _)| *at_ms))
            .collect();
        // Nobody waits half a minute for the end of this one.
        if times.windows(2).any(|pair| pair[1] - pair[0] > 2_500.0 * 4.0) {
            continue;
        }
        let (frames, recording) = lived(session, loading(), (120, 40));
        let mut talk = shown(&recording, (120, 40));
        for (step, (live, at_ms)) in frames.iter().zip(&times).enumerate() {
            // Where several things happened at once, only the last of them was left to see.
            if times.get(step + 1) == Some(at_ms) {
                continue;
            }
            let before = talk.app.replay.as_ref().unwrap().position_ms().0;
            for part in 1..=8 {
                let at = before + (at_ms - 40.0 - before) * f64::from(part) / 8.0;
                talk.app.update(Message::Tick(at));
            }
            same(name, step, live, talk.draws());
        }
        assert!(talk.app.replay.as_ref().unwrap().at_end(), "{name}");
    }
}

#[test]
fn the_middle_and_the_end_of_a_replay() {
    let session = run(
        1,
        100.0,
        QUESTION,
        found_then(vec![
            (15.0, begins(Stage::Answer)),
            (1_400.0, token("By holding [1].")),
            (2_000.0, fixtures::answered(Some(fixtures::usage()))),
        ]),
    );
    let (_, recording) = lived(session, fixtures::online(), (120, 40));
    for size in SIZES {
        let mut talk = shown(&recording, size);
        talk.app.update(Message::Tick(0.0));
        talk.app.update(Message::Tick(1_500.0));
        let (width, height) = size;
        insta::assert_snapshot!(format!("replay_{width}x{height}"), talk.screen());
        talk.app.update(Message::Tick(3_900.0));
        let screen = talk.screen();
        let last = screen.lines().last().unwrap();
        assert!(last.starts_with(" ■ 1x"), "{last}");
    }
}

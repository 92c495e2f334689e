//! What a frame costs: the whole screen with few and many questions on it, while an answer streams, and the update
//! that goes before it.
//!
//! `cargo bench --bench screen`

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use defi_qa::agent::event::{
    AgentEvent, DenseScore, Event, Hit, LexicalScore, Outcome, RunId, Setup, Stage, VERSION,
};
use defi_qa::app::keymap::Command;
use defi_qa::app::{App, Gauges, Loading, Message};
use defi_qa::config::Theme as Choice;
use defi_qa::tui::theme::Theme;
use defi_qa::tui::view::{Rendered, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZE: (u16, u16) = (120, 40);
/// An answer of the usual length, about 150 words.
const PARAGRAPH: &str = "Impermanent loss is what a liquidity provider loses against **simply holding** the two tokens, \
    before fees [1]. It is `2 * sqrt(r) / (1 + r) - 1` for a price ratio r [1, 2]:\n\n- a token that doubles costs 5.7 %\n\
    - one that rises fourfold costs 20.0 %\n\nThe pool sells the rising token and buys the falling one all the way, so \
    the position ends with more of the one that lost value. It is called impermanent because it is zero again if the \
    price ratio returns to where it was. A concentrated position loses more for the same move [3], since the same \
    liquidity trades with less capital behind it.\n\n";

fn hits() -> Vec<Hit> {
    (1..=5)
        .map(|rank| Hit {
            rank,
            id: format!("amm-pair-{rank}"),
            question: "What is loss-versus-rebalancing (LVR) and how does it differ from impermanent loss?"
                .into(),
            answer: PARAGRAPH.into(),
            score: 1.0 / rank as f64,
            percentile: Some(99.0),
            dense: Some(DenseScore {
                score: 0.7,
                rank,
                nearest: None,
            }),
            lexical: Some(LexicalScore {
                score: 9.0,
                rank,
                terms: vec!["impermanent".into(), "loss".into()],
            }),
            ..Hit::default()
        })
        .collect()
}

fn told(run: u64, what: AgentEvent) -> Message {
    Message::Agent(Box::new(Event {
        v: VERSION,
        run: RunId(run),
        at_ms: 20.0,
        what,
    }))
}

fn token(run: u64, text: &str) -> Message {
    told(run, AgentEvent::Token { text: text.into() })
}

/// A session in which the last of `exchanges` questions is still being answered.
fn session(exchanges: u64) -> App {
    let mut app = App::new(Gauges {
        chat: "openai:gpt-4.1-mini".into(),
        embedder: "minilm-l6-defi-q4".into(),
        offline: false,
        dataset: "bundled".into(),
        knowledge: Loading::Ready,
        model: Loading::Ready,
        pairs: 347,
        cache: Box::default(),
        redis_probe_ms: None,
        limits: None,
        embedding_limits: None,
    });
    for run in 1..=exchanges {
        app.update(Message::Paste("What is impermanent loss?".into()));
        app.update(Message::Command(Command::Ask));
        app.update(told(
            run,
            AgentEvent::Started {
                question: "What is impermanent loss?".into(),
                setup: Setup::default(),
            },
        ));
        for stage in [
            Stage::Parse,
            Stage::Classify,
            Stage::Embed,
            Stage::Lexical,
            Stage::Dense,
            Stage::Fuse,
            Stage::Judge,
        ] {
            app.update(told(run, AgentEvent::StageStarted { stage }));
            app.update(told(
                run,
                AgentEvent::StageFinished {
                    stage,
                    ms: 1.5,
                    wait_ms: 0.0,
                    cache: None,
                    note: Some("347 vectors".into()),
                },
            ));
        }
        app.update(told(run, AgentEvent::Retrieved { hits: hits() }));
        app.update(token(run, PARAGRAPH));
        if run < exchanges {
            app.update(told(
                run,
                AgentEvent::Answered {
                    outcome: Outcome::Answered,
                    citations: vec!["amm-pair-1".into()],
                    usage: None,
                    note: None,
                },
            ));
        }
    }
    app
}

/// A session and the screen that it is drawn on.
struct Screen {
    app: App,
    theme: Theme,
    rendered: Rendered,
    terminal: Terminal<TestBackend>,
}

impl Screen {
    /// With the first frame drawn.
    fn of(exchanges: u64) -> Self {
        let Ok(terminal) = Terminal::new(TestBackend::new(SIZE.0, SIZE.1));
        let mut screen = Self {
            app: session(exchanges),
            theme: Theme::of(Choice::Dark, None),
            rendered: Rendered::default(),
            terminal,
        };
        screen.draw();
        screen
    }

    fn draw(&mut self) {
        let (app, theme, rendered) = (&self.app, &self.theme, &mut self.rendered);
        let Ok(_) = self.terminal.draw(|frame| {
            black_box(draw(frame, app, theme, rendered));
        });
    }
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame of 120x40");
    for exchanges in [1, 50, 500] {
        let mut screen = Screen::of(exchanges);
        group.bench_function(BenchmarkId::new("exchanges", exchanges), |bencher| {
            bencher.iter(|| screen.draw());
        });
    }
    // Each exchange must be broken into lines again; what a resize costs.
    group.sample_size(10);
    for exchanges in [50, 500] {
        let mut screen = Screen::of(exchanges);
        group.bench_function(BenchmarkId::new("exchanges, all anew", exchanges), |bencher| {
            bencher.iter(|| {
                screen.rendered = Rendered::default();
                screen.draw();
            });
        });
    }
    group.finish();
}

fn streaming(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame of 120x40 after one more token");
    for (name, exchanges) in [("1 exchange", 1), ("500 exchanges", 500)] {
        let mut screen = Screen::of(exchanges);
        let mut words = PARAGRAPH.split_inclusive(' ').cycle();
        let mut spoken = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                // An answer of 600 words, then the next: one that grows for ever would measure its length.
                if spoken == 600 {
                    spoken = 0;
                    for entry in &mut screen.app.entries {
                        if entry.is_live() {
                            entry.exchange.answer.clear();
                        }
                    }
                }
                spoken += 1;
                let word = words.next().unwrap_or_default();
                screen.app.update(token(exchanges, word));
                screen.draw();
            });
        });
    }
    group.finish();
}

fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("update");
    for exchanges in [1, 500] {
        let mut app = session(exchanges);
        group.bench_function(BenchmarkId::new("one token, exchanges", exchanges), |bencher| {
            bencher.iter_batched(
                || token(exchanges, "pool "),
                |message| app.update(message),
                BatchSize::SmallInput,
            );
        });
    }
    let mut app = session(1);
    let key = KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE);
    let back = KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE);
    group.bench_function("one key and its backspace", |bencher| {
        bencher.iter(|| {
            for key in [key, back] {
                if let Some(message) = app.message_of(key) {
                    black_box(app.update(message));
                }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, frames, streaming, updates);
criterion_main!(benches);

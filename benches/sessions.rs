//! The session store with 100,000 exchanges in 10,000 sessions: opening it, listing, searching, and writing one more.
//!
//! `cargo bench --bench sessions`
//!
//! The exchanges are built from the bundled pairs and written one by one by the store's own `add`, which takes minutes,
//! so the file stays below the target folder for the next run; a new schema makes a new one. Each question is an alias,
//! each answer that pair's with its neighbours, each has five hits and a trace, as the extractive answerer leaves them.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark without its store must stop, and says how large it is"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use defi_qa::agent::event::{
    AgentEvent, Event, Exchange, Hit, LexicalScore, Outcome, Phase, RunId, Stage, StageRow, VERSION,
};
use defi_qa::dataset::{Dataset, Pair};
use defi_qa::session::{Said, SessionId, Store};
use defi_qa::text::Redactor;

const EXCHANGES: usize = 100_000;
const IN_A_SESSION: usize = 10;

/// Stands in one question of all, among the oldest.
const RARE: &str = "zygodactyl";
/// Stands in one pair that every tenth exchange showed, and in no question or answer.
const SHOWN_ONLY: &str = "quixotry";

/// Rows of a list on the largest screen.
const ROWS: usize = 200;
/// What `sessions search` prints unless told.
const FOUND: usize = 10;

fn hit(pair: &Pair, rank: usize) -> Hit {
    Hit {
        rank,
        id: pair.id.clone(),
        question: pair.question.clone(),
        answer: pair.answer.clone(),
        topic: pair.topic.clone(),
        sources: pair.sources.clone(),
        as_of: pair.as_of.clone(),
        score: 1.0 / rank as f64,
        percentile: Some(99.5),
        dense: None,
        lexical: Some(LexicalScore {
            score: 9.0 / rank as f64,
            rank,
            terms: vec!["pool".to_owned()],
        }),
    }
}

/// The exchange of this number, the same in every run.
fn exchange(pairs: &[Pair], number: usize) -> Exchange {
    let near = |step: usize| &pairs[(number * 7 + step * 31) % pairs.len()];
    let asked = near(0);
    let question = asked.aliases.get(number % 6).unwrap_or(&asked.question);
    let mut hits: Vec<Hit> = (0..5).map(|step| hit(near(step), step + 1)).collect();
    if number.is_multiple_of(10)
        && let Some(last) = hits.last_mut()
    {
        last.id = SHOWN_ONLY.to_owned();
        last.answer = format!("{SHOWN_ONLY} is a word of this pair alone.");
        last.question.clear();
        last.sources.clear();
    }
    let stages = [
        Stage::Embed,
        Stage::Lexical,
        Stage::Dense,
        Stage::Fuse,
        Stage::Answer,
    ];
    Exchange {
        question: match number {
            4_242 => format!("{question} {RARE}"),
            _ => question.clone(),
        },
        phase: Phase::Done(Outcome::Answered),
        answer: format!("{} [1]\n\n{} [2]", asked.answer, near(1).question),
        citations: hits.iter().take(2).map(|hit| hit.id.clone()).collect(),
        hits,
        stages: (0..)
            .zip(stages)
            .map(|(index, name)| StageRow {
                name,
                start_ms: f64::from(index),
                ms: Some(1.25),
                wait_ms: 0.0,
                waits_for: None,
                cache: None,
                note: None,
            })
            .collect(),
        at_ms: 6.5,
        ..Exchange::default()
    }
}

/// What its run said: every stage, the evidence, the answer by its words, as a chat model gives it.
fn said(store: &Store, exchange: &Exchange) -> Said {
    let mut said = store.said();
    let mut at_ms = 0.012;
    let mut say = |what: AgentEvent| {
        at_ms += 1.234;
        said.hear(&Event {
            v: VERSION,
            run: RunId(1),
            at_ms,
            what,
        });
    };
    say(AgentEvent::Started {
        question: exchange.question.clone(),
        setup: exchange.setup.clone(),
    });
    for row in &exchange.stages {
        say(AgentEvent::StageStarted { stage: row.name });
        say(AgentEvent::StageFinished {
            stage: row.name,
            ms: row.ms.unwrap_or_default(),
            wait_ms: row.wait_ms,
            cache: None,
            note: None,
        });
    }
    say(AgentEvent::Retrieved {
        hits: exchange.hits.clone(),
    });
    for word in exchange.answer.split_inclusive(' ') {
        say(AgentEvent::Token {
            text: word.to_owned(),
        });
    }
    say(AgentEvent::Answered {
        outcome: Outcome::Answered,
        citations: exchange.citations.clone(),
        usage: None,
        note: None,
    });
    said
}

/// The number of exchanges, which is known without reading one: sessions are all of one size.
fn held(store: &Store) -> usize {
    let sessions = store.list(false, usize::MAX >> 1).expect("a readable store");
    sessions.iter().map(|session| session.exchanges as usize).sum()
}

/// The file, filled by what earlier runs have not.
fn filled(pairs: &[Pair]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sessions-bench-2");
    let path = folder.join("sessions.sqlite");
    let mut store = Store::open(&path, Redactor::default()).expect("a store");
    let before = held(&store);
    let start = Instant::now();
    let mut session: Option<SessionId> = None;
    for number in before..EXCHANGES {
        if session.is_none() || number.is_multiple_of(IN_A_SESSION) {
            session = Some(store.create(None).expect("a session"));
        }
        let id = session.expect("made above");
        let asked_ms = 1_700_000_000_000 + number as u64 * 60_000;
        let exchange = exchange(pairs, number);
        let mut said = said(&store, &exchange);
        store
            .add(id, asked_ms, &exchange, &mut said)
            .expect("an exchange that can be written");
    }
    let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
    println!(
        "{} exchanges were added in {:.1} s; the file holds {} of them in {} MB",
        EXCHANGES.saturating_sub(before),
        start.elapsed().as_secs_f64(),
        before.max(EXCHANGES),
        bytes / 1_000_000
    );
    path
}

fn benches(criterion: &mut Criterion) {
    let pairs = Dataset::bundled().expect("the bundled pairs").pairs;
    let path = filled(&pairs);
    let mut group = criterion.benchmark_group("sessions, 100,000 exchanges");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    group.bench_function("open", |bencher| {
        bencher.iter(|| Store::open(black_box(&path), Redactor::default()));
    });
    let mut store = Store::open(&path, Redactor::default()).expect("a store");
    for (name, most) in [
        ("list, 200 sessions", ROWS),
        ("list, all sessions", usize::MAX >> 1),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| store.list(false, black_box(most)).expect("a list"));
        });
    }
    let queries = [
        ("search, a common word", "pool"),
        ("search, a word typed to its second letter", "po"),
        ("search, a rare word", RARE),
        ("search, three words", "impermanent loss pool"),
        ("search, a word of the evidence only", SHOWN_ONLY),
    ];
    for (name, query) in queries {
        let found = store.search(query, FOUND).expect("a search");
        assert!(!found.is_empty(), "{query} is in the store and was not found");
        group.bench_function(name, |bencher| {
            bencher.iter(|| store.search(black_box(query), FOUND).expect("a search"));
        });
    }
    // What the picker asks at each key.
    for query in [
        "",
        "p",
        "po",
        "poo",
        "pool",
        "impermanent loss p",
        RARE,
        SHOWN_ONLY,
    ] {
        assert!(
            !store.find(query, ROWS).expect("sessions").is_empty(),
            "{query} is in the store and was not found"
        );
        group.bench_function(format!("find sessions by {query:?}"), |bencher| {
            bencher.iter(|| store.find(black_box(query), ROWS).expect("sessions"));
        });
    }
    let last = store.last().expect("a session").id;
    group.bench_function("read a session of 10", |bencher| {
        bencher.iter(|| store.exchanges(last, ROWS).expect("its exchanges"));
    });
    // Written again and not added: the store stays as large as it is.
    let kept = store.exchanges(last, 1).expect("its exchanges");
    let one = kept.first().expect("an exchange");
    let mut longer = one.exchange.clone();
    let mut said = store.said();
    group.bench_function("write one more piece of an answer", |bencher| {
        bencher.iter(|| {
            // The words of the answer are indexed again whenever they changed.
            match longer.answer.strip_suffix(" more") {
                Some(shorter) => longer.answer.truncate(shorter.len()),
                None => longer.answer.push_str(" more"),
            }
            store.save(one.id, &longer, false, &mut said).expect("a write");
        });
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);

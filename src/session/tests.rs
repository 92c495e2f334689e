//! The store from outside: what went in comes back, and is found.

use serde_json::json;

use super::export::{Exported, markdown};
use super::*;
use crate::agent::event::{Event, Exchange, Outcome, Phase};
use crate::text::Redactor;

fn event(run: u64, at_ms: f64, mut what: serde_json::Value) -> Event {
    for (key, value) in [("v", json!(1)), ("run", json!(run)), ("at_ms", json!(at_ms))] {
        what[key] = value;
    }
    serde_json::from_value(what).unwrap()
}

/// A whole run: evidence, a cache, a stage, text, usage.
fn events(run: u64, question: &str, answer: &str) -> Vec<Event> {
    let hits = json!([{"rank": 1, "id": "amm-1", "question": "What is a pool?", "answer": "A reserve of two tokens.",
        "sources": ["Uniswap v2 whitepaper, section 2"], "score": 0.9, "percentile": 99.5,
        "dense": {"score": 0.8, "rank": 1, "nearest": "question"},
        "lexical": {"score": 4.5, "rank": 2, "terms": ["pool"]}}]);
    vec![
        event(
            run,
            0.0,
            json!({"event": "started", "question": question, "setup": {"chat": "openai:m",
            "embedder": "e", "retriever": "hybrid", "dataset": "d", "pairs": 3, "offline": false}}),
        ),
        event(run, 1.0, json!({"event": "stage_started", "stage": "answer"})),
        event(
            run,
            2.0,
            json!({"event": "cache", "key": "k", "tier": "disk", "age_ms": 7.0}),
        ),
        event(run, 3.0, json!({"event": "retrieved", "hits": hits})),
        event(run, 4.0, json!({"event": "token", "text": answer})),
        event(
            run,
            5.0,
            json!({"event": "stage_finished", "stage": "answer", "ms": 4.0, "wait_ms": 1.0,
            "note": "wrote"}),
        ),
        event(
            run,
            6.0,
            json!({"event": "answered", "outcome": "answered", "citations": ["amm-1"],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}}),
        ),
    ]
}

fn folded(events: &[Event]) -> Exchange {
    let mut exchange = Exchange::default();
    for event in events {
        exchange.apply(event);
    }
    exchange
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("sessions.sqlite"), Redactor::default()).unwrap();
    (folder, store)
}

fn asked(store: &mut Store, session: SessionId, question: &str, answer: &str) -> i64 {
    let exchange = folded(&events(1, question, answer));
    store
        .add(session, 1_000, &exchange, &mut Said::default())
        .unwrap()
}

#[test]
fn an_exchange_comes_back_as_the_screen_folded_it() {
    let (_folder, mut store) = store();
    let session = store.create(None).unwrap();
    let exchange = folded(&events(1, "How deep is the pool?", "Very [1]."));
    store
        .add(session, 1_000, &exchange, &mut Said::default())
        .unwrap();
    let kept = store.exchanges(session, 9).unwrap();
    assert_eq!(kept[0].exchange, exchange);
    assert_eq!((kept[0].session, kept[0].asked_ms), (session, 1_000));
}

#[test]
fn an_exchange_whose_end_was_never_written_is_partial_and_can_be_asked_again() {
    let (_folder, mut store) = store();
    let session = store.create(None).unwrap();
    let said = events(1, "How deep?", "Very");
    let mut none = Said::default();
    let id = store.add(session, 1, &folded(&said[..1]), &mut none).unwrap();
    store.save(id, &folded(&said[..5]), true, &mut none).unwrap();
    let kept = store.exchanges(session, 9).unwrap().remove(0).exchange;
    assert_eq!((kept.answer.as_str(), kept.hits.len()), ("Very", 1));
    assert_eq!(kept.outcome(), Some(Outcome::Partial));
    assert!(matches!(kept.phase, Phase::Failed { retryable: true, .. }));
}

#[test]
fn a_pair_that_two_exchanges_show_stands_there_once() {
    let (_folder, mut store) = store();
    let session = store.create(None).unwrap();
    for _ in 0..2 {
        asked(&mut store, session, "q", "a");
    }
    let pairs: i64 = store
        .connection
        .query_row("SELECT count(*) FROM pair", [], |row| row.get(0))
        .unwrap();
    assert_eq!(pairs, 1);
}

#[test]
fn questions_and_answers_are_found_before_evidence() {
    let (_folder, mut store) = store();
    let session = store.create(None).unwrap();
    asked(
        &mut store,
        session,
        "What is liquidation?",
        "A sale of collateral.",
    );
    let by_question = asked(
        &mut store,
        session,
        "Which reserves does it hold?",
        "Two of them.",
    );
    let found = store.search("reserve", 9).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].exchange, found[0].place),
        (by_question, Place::Exchange)
    );
    assert_eq!(found[1].place, Place::Evidence);
    assert!(found[0].snippet.parts.contains(&("reserves".to_owned(), true)));
    // The beginning of the last word, a plural for a singular, an accent.
    // And the words before one that has just been begun.
    for query in [
        "collat",
        "liquidations",
        "Líquidation COLLATERAL",
        "liquidation c",
        "liquidation x",
    ] {
        assert_eq!(store.search(query, 9).unwrap().len(), 1, "{query}");
    }
}

#[test]
fn no_query_is_an_operator_and_none_is_an_error() {
    let (_folder, mut store) = store();
    let session = store.create(None).unwrap();
    asked(
        &mut store,
        session,
        "Is this NOT a test?",
        "It is, AND it passes.",
    );
    assert_eq!(store.search("NOT test AND passes", 9).unwrap().len(), 1);
    let long = "x".repeat(20_000);
    for query in [
        "\"",
        "'; DROP TABLE session; --",
        "question : test",
        "{a b} : c",
        "NEAR(a b)",
        "^a",
        "a*",
        "-a",
        "((",
        "\0",
        "é\u{301}\u{202e}",
        "***",
        "",
        " ",
        "a\0b",
        "\"a\" OR \"b",
        long.as_str(),
        "日本語",
        "0x'",
        "s",
        "ßs",
        "éééés",
    ] {
        store
            .search(query, 9)
            .unwrap_or_else(|error| panic!("{query:?}: {error}"));
    }
}

#[test]
fn a_deleted_session_is_in_no_list_until_it_is_restored_and_gone_once_pruned() {
    let (_folder, mut store) = store();
    let (kept, gone) = (store.create(None).unwrap(), store.create(Some("gone")).unwrap());
    asked(&mut store, kept, "kept question", "a");
    asked(&mut store, gone, "gone question", "a");
    store.delete(gone).unwrap();
    assert_eq!(store.list(false, 9).unwrap().len(), 1);
    assert_eq!(store.search("question", 9).unwrap().len(), 1);
    store.restore(gone).unwrap();
    assert_eq!(store.search("gone", 9).unwrap().len(), 1);
    assert_eq!(
        store.restore(gone).unwrap_err().to_string(),
        format!("session {gone} has not been deleted, so there is nothing to restore")
    );
    store.delete(gone).unwrap();
    let pruned = Pruned {
        sessions: 1,
        exchanges: 1,
    };
    assert_eq!(store.prune(None, true).unwrap(), pruned);
    assert_eq!(store.prune(None, false).unwrap(), pruned);
    assert!(matches!(store.restore(gone), Err(SessionError::Absent(_))));
    assert_eq!(store.exchanges(kept, 9).unwrap()[0].exchange.hits.len(), 1);
}

#[test]
fn a_session_is_called_by_its_name_or_by_its_first_question() {
    let (_folder, mut store) = store();
    let session = store.create(None).unwrap();
    asked(&mut store, session, "first", "a");
    asked(&mut store, session, "second", "a");
    assert_eq!(store.summary(session).unwrap().title(), "first");
    store.rename(session, " Pools ").unwrap();
    assert_eq!(store.last().unwrap().title(), "Pools");
    assert_eq!(store.list(false, 9).unwrap()[0].exchanges, 2);
    store.rename(session, " ").unwrap();
    assert_eq!(store.summary(session).unwrap().title(), "first");
}

#[tokio::test]
async fn the_keeper_writes_what_runs_say_side_by_side_and_goes_on_where_a_session_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let redactor = || Redactor::knowing(["hunter2hunter2".to_owned()]);
    let keeper = Keeper::open(path.clone(), Into::New, redactor(), |_| {});
    let (first, second) = (events(1, "one", "uno"), events(2, "my hunter2hunter2", "dos"));
    for (a, b) in first.iter().zip(&second[..5]) {
        keeper.hear(a);
        keeper.hear(b);
    }
    keeper.hear(&first[5]);
    keeper.hear(&first[6]);
    assert_eq!(keeper.close().await, None);
    let store = Store::open(&path, Redactor::default()).unwrap();
    let session = store.last().unwrap().id;
    let kept = store.exchanges(session, 9).unwrap();
    assert_eq!(kept[0].exchange, folded(&first));
    assert_eq!(
        (kept[1].exchange.question.as_str(), kept[1].exchange.outcome()),
        ("my [redacted]", Some(Outcome::Partial))
    );
    // A second window goes on in the same session.
    let other = Keeper::open(path.clone(), Into::Session(session), redactor(), |_| {});
    for event in &events(1, "three", "tres") {
        other.hear(event);
    }
    assert_eq!(other.close().await, None);
    assert_eq!(store.summary(session).unwrap().exchanges, 3);
    for side in ["sessions.sqlite", "sessions.sqlite-wal"] {
        let bytes = std::fs::read(folder.path().join(side)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{side}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_is_told_and_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::open(folder.path().to_owned(), Into::New, Redactor::default(), |_| {});
    keeper.hear(&events(1, "q", "a")[0]);
    let said = keeper.close().await.unwrap();
    assert!(said.starts_with("the session store"), "{said}");
}

#[test]
fn an_export_holds_numbered_sources_and_no_markup_from_outside() {
    let (_folder, mut store) = store();
    let session = store.create(None).unwrap();
    asked(
        &mut store,
        session,
        "What <b>is</b> a [pool](x)?",
        "# Pools\n\nThey hold \u{1b}[31mtokens [1].",
    );
    let (summary, kept) = (
        store.summary(session).unwrap(),
        store.exchanges(session, 9).unwrap(),
    );
    let document = markdown(&summary, &kept);
    assert_eq!(
        document,
        "# What \\<b\\>is\\</b\\> a \\[pool\\](x)?\n\n\
         Session 1 of defi-qa, CREATED UTC to UPDATED UTC.\n\n\
         ## What \\<b\\>is\\</b\\> a \\[pool\\](x)?\n\n\
         *1970-01-01 00:00 UTC · openai:m · answered · 12 tokens in, 3 out*\n\n\
         ### Pools\n\nThey hold tokens [1].\n\n\
         ### Sources\n\n\
         1. **What is a pool?** (`amm-1`, cosine 0.800, cited)\n   - Uniswap v2 whitepaper, section 2\n"
            .replace("CREATED", &Utc(summary.created_ms).minute())
            .replace("UPDATED", &Utc(summary.updated_ms).minute())
    );
    let object = serde_json::to_value(Exported::of(&summary, &kept)).unwrap();
    assert_eq!(object["format"], "defi-qa session");
    assert_eq!(object["version"], 1);
    assert_eq!(object["exchanges"][0]["asked_at"], "1970-01-01T00:00:01Z");
    assert_eq!(object["exchanges"][0]["hits"][0]["lexical"]["terms"][0], "pool");
    assert_eq!(object["exchanges"][0]["outcome"], "answered");
}

#[tokio::test]
async fn wishes_are_answered_and_what_is_asked_goes_into_the_session_that_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let mut store = Store::open(&path, Redactor::default()).unwrap();
    let (old, other) = (store.create(None).unwrap(), store.create(None).unwrap());
    asked(&mut store, old, "What is a pool?", "a");
    asked(&mut store, other, "What is a vault?", "a");
    let (to, mut told) = tokio::sync::mpsc::unbounded_channel();
    let keeper = Keeper::open(path, Into::Session(other), Redactor::default(), move |news| {
        to.send(news).unwrap();
    });
    keeper.wish(Wish::Find {
        ticket: 7,
        query: "vaul".to_owned(),
    });
    let Some(News::Found {
        ticket: 7, sessions, ..
    }) = told.recv().await
    else {
        panic!("nothing was found");
    };
    assert_eq!((sessions.len(), sessions[0].0.id), (1, other));
    assert!(sessions[0].1.is_some(), "a match has its snippet");
    keeper.wish(Wish::Change {
        id: other,
        change: Change::Delete,
    });
    assert!(matches!(
        told.recv().await,
        Some(News::Changed {
            change: Change::Delete,
            ..
        })
    ));
    let Some(News::Found {
        ticket: 7, sessions, ..
    }) = told.recv().await
    else {
        panic!("a change answers the last search anew");
    };
    assert_eq!(sessions, []);
    // Into the session that is deleted by now nothing may go.
    for event in &events(1, "four", "cuatro") {
        keeper.hear(event);
    }
    keeper.wish(Wish::Open(other));
    assert!(
        matches!(told.recv().await, Some(News::Trouble(why)) if why.starts_with("Session 2 has been deleted"))
    );
    keeper.wish(Wish::Open(old));
    let Some(News::Opened { session, kept }) = told.recv().await else {
        panic!("it was not opened");
    };
    assert_eq!((session.id, kept.len()), (old, 1));
    for event in &events(2, "five", "cinco") {
        keeper.hear(event);
    }
    assert_eq!(keeper.close().await, None);
    let count = |id| store.summary(id).unwrap().exchanges;
    assert_eq!((count(old), count(other), count(other + 1)), (2, 1, 1));
}

#[test]
fn a_session_is_found_by_its_name_before_those_that_only_say_it() {
    let (_folder, mut store) = store();
    let (says, named) = (
        store.create(None).unwrap(),
        store.create(Some("My Pools")).unwrap(),
    );
    asked(&mut store, says, "what are pools", "a");
    asked(&mut store, says, "and pools again", "a");
    asked(&mut store, named, "what is a vault", "a");
    let ids = |query: &str| -> Vec<SessionId> {
        let found = store.find(query, 9).unwrap();
        found.iter().map(|(session, _)| session.id).collect()
    };
    assert_eq!(ids("pools"), [named, says]);
    assert_eq!(ids(" "), [named, says], "the newest first");
    assert_eq!(ids("nothing of it"), [] as [SessionId; 0]);
}

/// The store after these events were heard in one go, and the runs that are read from it.
async fn kept_runs(redactor: Redactor, said: &[Event]) -> (tempfile::TempDir, Vec<Run>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let keeper = Keeper::open(path.clone(), Into::New, redactor, |_| {});
    for event in said {
        keeper.hear(event);
    }
    assert_eq!(keeper.close().await, None);
    let store = Store::open(&path, Redactor::default()).unwrap();
    let runs = store.runs(store.last().unwrap().id).unwrap();
    (folder, runs)
}

fn bytes_of(folder: &tempfile::TempDir) -> String {
    let files = std::fs::read_dir(folder.path()).unwrap();
    // SQLite takes its side files away when the last connection is closed.
    let read = files.filter_map(|file| std::fs::read(file.unwrap().path()).ok());
    let bytes = read.flatten();
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}

#[tokio::test]
async fn the_events_of_a_run_come_back_as_they_were_said_and_when() {
    let mut said = events(1, "How deep is the pool?", "Very ");
    let more = event(1, 4.75, json!({"event": "token", "text": "deep [1]."}));
    let retry = event(
        1,
        4.9,
        json!({"event": "retry", "why": "h failed (500)", "wait_ms": 1.5, "attempt": 2, "of": 4}),
    );
    said.splice(5..5, [more, retry]);
    let (_folder, runs) = kept_runs(Redactor::default(), &said).await;
    assert!(runs[0].as_said);
    assert_eq!(runs[0].events, said);
    assert_eq!(folded(&runs[0].events), folded(&said));
}

#[tokio::test]
async fn a_run_that_was_cut_off_folds_to_what_is_shown_of_it() {
    let (_folder, runs) = kept_runs(Redactor::default(), &events(1, "How deep?", "Very")[..5]).await;
    let Run {
        kept,
        events,
        as_said,
    } = &runs[0];
    assert!(*as_said && events.last().unwrap().what.ends_run());
    assert_eq!(folded(events), kept.exchange);
}

#[test]
fn an_exchange_of_an_older_version_is_told_again_and_folds_to_itself() {
    let (_folder, mut store) = store();
    let session = store.create(None).unwrap();
    let mut failed = folded(&events(1, "q", "half")[..5]);
    failed.phase = Phase::Failed {
        stage: crate::agent::event::Stage::Answer,
        message: "h failed (500)".to_owned(),
        retryable: true,
    };
    failed.note = Some("found by words alone".to_owned());
    failed.embedder = None;
    let mut cancelled = folded(&events(1, "q", "")[..3]);
    cancelled.phase = Phase::Cancelled;
    let whole = folded(&events(1, "How deep is the pool?", "Very [1]."));
    for exchange in [&whole, &failed, &cancelled] {
        store.add(session, 1_000, exchange, &mut Said::default()).unwrap();
    }
    for run in store.runs(session).unwrap() {
        assert!(!run.as_said);
        assert_eq!(folded(&run.events), run.kept.exchange);
    }
}

#[tokio::test]
async fn a_key_is_in_no_file_whoever_said_it_and_in_however_many_pieces() {
    const KEY: &str = "sk-proj-a1B2c3D4e5F6g7H8";
    let (known, redactor) = ("hunter2hunter2", Redactor::knowing(["hunter2hunter2".to_owned()]));
    let mut said = events(1, &format!("my key:\n{KEY}"), "You said sk-pr");
    let rest = ["oj-a1B2c3D4", "e5F6g7H8 and hunter2", "hunter2, did you?"];
    let rest = rest.map(|text| event(1, 4.5, json!({"event": "token", "text": text})));
    said.splice(5..5, rest);
    let hit = json!({"rank": 1, "id": known, "question": format!("Is {KEY} a key?"), "answer": known,
        "sources": [format!("see {KEY}")], "score": 0.9});
    said.insert(4, event(1, 3.5, json!({"event": "retrieved", "hits": [hit]})));
    let (folder, runs) = kept_runs(redactor, &said).await;
    let written = bytes_of(&folder);
    for secret in [KEY, "a1B2c3D4", known] {
        assert!(!written.contains(secret), "{secret} was written");
    }
    let exchange = folded(&runs[0].events);
    assert_eq!(exchange.question, "my key:\n[redacted]");
    assert_eq!(exchange.answer, "You said [redacted] and [redacted], did you?");
    assert_eq!(exchange.hits[0].question, "Is [redacted] a key?");
    assert_eq!(exchange.last_token_ms, Some(4.5));
}

#[tokio::test]
async fn what_a_pruned_session_said_is_gone_with_it() {
    let (folder, runs) = kept_runs(Redactor::default(), &events(1, "q", "a word: quixotry")).await;
    let mut store = Store::open(&folder.path().join("sessions.sqlite"), Redactor::default()).unwrap();
    store.delete(runs[0].kept.session).unwrap();
    store.prune(None, false).unwrap();
    let left: i64 = store
        .connection
        .query_row("SELECT count(*) FROM said", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    drop(store);
    assert!(!bytes_of(&folder).contains("quixotry"));
}

#[tokio::test]
async fn the_session_that_questions_go_into_is_named_and_read_as_far_as_it_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let (to, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (read, mut runs) = tokio::sync::mpsc::unbounded_channel();
    let keeper = Keeper::open(
        folder.path().join("sessions.sqlite"),
        Into::New,
        Redactor::default(),
        move |news| to.send(news).unwrap(),
    );
    let ask_for_it = |keeper: &Keeper| {
        let read = read.clone();
        keeper.read(None, move |session, runs| read.send((session.id, runs)).unwrap());
    };
    ask_for_it(&keeper);
    assert!(matches!(told.recv().await, Some(News::Trouble(why)) if why.starts_with("No session")));
    for event in &events(1, "q", "half an answer")[..5] {
        keeper.hear(event);
    }
    ask_for_it(&keeper);
    let (id, runs) = runs.recv().await.unwrap();
    assert_eq!(runs[0].kept.exchange.answer, "half an answer");
    keeper.wish(Wish::Find {
        ticket: 1,
        query: String::new(),
    });
    assert!(matches!(told.recv().await, Some(News::Found { current, .. }) if current == Some(id)));
}

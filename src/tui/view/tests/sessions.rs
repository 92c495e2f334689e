//! The picker of sessions on the screen.

use crossterm::event::KeyCode;

use super::Talk;
use super::fixtures;
use super::screens::on_every_size;
use crate::app::Message;
use crate::app::sessions::{Match, Row, Told};

fn row(id: i64, title: &str, exchanges: u64) -> Row {
    Row {
        id,
        title: title.to_owned(),
        when: format!("2026-11-2{} 20:05", id % 10),
        exchanges,
        ..Row::default()
    }
}

fn found(mut row: Row, parts: &[(&str, bool)], in_evidence: bool) -> Row {
    let parts = parts
        .iter()
        .map(|(text, hit)| ((*text).to_owned(), *hit))
        .collect();
    row.found = Some(Match { parts, in_evidence });
    row
}

fn three() -> Vec<Row> {
    let mut named = row(3, "Liquidations on lending markets", 12);
    named.name = Some(named.title.clone());
    vec![
        named,
        Row {
            current: true,
            ..row(2, "What is impermanent loss?", 3)
        },
        row(
            1,
            "How do restaking and slashing of several services at once add up to a risk for one stake?",
            1,
        ),
    ]
}

/// The picker, and what the store answers to the query that stands in it.
fn picker(talk: &mut Talk, query: &str, rows: Vec<Row>) {
    talk.presses_ctrl('o');
    let mut ticket = 1;
    if !query.is_empty() {
        talk.types(query);
        ticket += 1;
    }
    talk.app.update(Message::Sessions(Told::Found { ticket, rows }));
}

#[test]
fn the_sessions_that_were_kept() {
    on_every_size("sessions", &fixtures::ready(), |talk| {
        picker(talk, "", three());
        talk.presses(KeyCode::Down);
    });
}

#[test]
fn what_a_search_found_with_its_words_marked() {
    on_every_size("sessions_found", &fixtures::ready(), |talk| {
        let rows = three();
        picker(
            talk,
            "loss",
            vec![
                found(
                    rows[1].clone(),
                    &[("What is impermanent ", false), ("loss", true), ("?", false)],
                    false,
                ),
                found(
                    rows[2].clone(),
                    &[
                        ("…a pool's ", false),
                        ("loss", true),
                        (" to arbitrageurs…", false),
                    ],
                    true,
                ),
            ],
        );
    });
}

#[test]
fn a_session_is_renamed() {
    on_every_size("sessions_named", &fixtures::ready(), |talk| {
        picker(talk, "", three());
        talk.presses(KeyCode::F(2));
    });
}

#[test]
fn nothing_is_found_and_a_deletion_can_be_taken_back() {
    on_every_size("sessions_none", &fixtures::ready(), |talk| {
        picker(talk, "zebra", Vec::new());
        talk.app.update(Message::Sessions(Told::Deleted {
            id: 1,
            title: "Pools".to_owned(),
        }));
    });
}

#[test]
fn hostile_titles_and_finds_stay_in_their_row() {
    on_every_size("sessions_hostile", &fixtures::ready(), |talk| {
        let evil = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{202e}abc\nline two\u{0}";
        let long = "x".repeat(20_000);
        picker(
            talk,
            "\u{1b}[2Jq",
            vec![
                found(row(1, evil, u64::MAX), &[(evil, false), (evil, true)], false),
                found(row(2, &long, 0), &[(&long, true)], true),
                row(
                    3,
                    "日本語の質問はとても長いので切り捨てられるべきです日本語の質問はとても長いので切り捨て",
                    1,
                ),
            ],
        );
    });
}

#[test]
fn the_ways_to_export_a_session() {
    on_every_size("sessions_export", &fixtures::ready(), |talk| {
        picker(talk, "", three());
        talk.presses(KeyCode::F(8));
        talk.presses(KeyCode::Down);
    });
}

#[test]
fn it_is_drawn_on_any_screen() {
    for (width, height) in [(1, 1), (3, 3), (5, 4), (7, 30), (200, 5)] {
        let mut talk = Talk::on(width, height);
        picker(&mut talk, "", three());
        talk.draws();
        talk.presses(KeyCode::F(8));
        talk.draws();
    }
}

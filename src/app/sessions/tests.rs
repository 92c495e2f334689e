//! Conversations with the picker: what the user does, what the store says, what comes of it.

use tui_textarea::{Input, Key};

use super::*;
use crate::agent::event::{Hit, RunId};
use crate::app::keymap::Command;
use crate::app::{App, Effect, Focus, Message, Overlay};

/// A row of the list.
fn row(id: i64, title: &str) -> Row {
    Row {
        id,
        title: title.to_owned(),
        when: "2026-11-23 20:05".to_owned(),
        exchanges: 1,
        ..Row::default()
    }
}

#[derive(Default)]
struct Talk {
    app: App,
    effects: Vec<Effect>,
}

impl Talk {
    /// The picker with two sessions.
    fn open() -> Self {
        let mut talk = Self::default();
        talk.presses(Command::Sessions(SessionsCommand::Open));
        talk.finds(1, vec![row(7, "Pools"), row(9, "Vaults")]);
        talk
    }

    fn does(&mut self, message: Message) -> &mut Self {
        self.effects = self.app.update(message);
        self
    }

    fn presses(&mut self, command: Command) -> &mut Self {
        self.does(Message::Command(command))
    }

    fn commands(&mut self, command: SessionsCommand) -> &mut Self {
        self.presses(Command::Sessions(command))
    }

    fn types(&mut self, letter: char) -> &mut Self {
        self.does(Message::Edit(Input {
            key: Key::Char(letter),
            ..Input::default()
        }))
    }

    fn hears(&mut self, told: Told) -> &mut Self {
        self.does(Message::Sessions(told))
    }

    fn finds(&mut self, ticket: u64, rows: Vec<Row>) -> &mut Self {
        self.hears(Told::Found { ticket, rows })
    }

    fn notice(&self) -> &str {
        self.app.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }
}

#[test]
fn opening_it_asks_for_the_newest_and_typing_searches() {
    let mut talk = Talk::default();
    talk.commands(SessionsCommand::Open);
    let find = |ticket, query: &str| Effect::FindSessions {
        ticket,
        query: query.to_owned(),
    };
    assert_eq!(talk.effects, [find(1, "")]);
    assert_eq!(talk.types('p').effects, [find(2, "p")]);
    assert_eq!(
        talk.does(Message::Paste("ool\nof".to_owned())).effects,
        [find(3, "pool of")]
    );
    assert!(talk.app.composer.is_blank(), "the draft is left alone");
}

#[test]
fn an_answer_to_an_older_query_is_dropped() {
    let mut talk = Talk::open();
    talk.types('v');
    talk.finds(1, Vec::new());
    assert_eq!(talk.app.sessions.rows.len(), 2);
    assert!(talk.app.sessions.searching);
    talk.finds(2, vec![row(9, "Vaults")]);
    assert_eq!(talk.app.sessions.rows, [row(9, "Vaults")]);
    assert!(!talk.app.sessions.searching);
}

#[test]
fn a_session_takes_the_place_of_what_was_shown_and_new_questions_go_below_it() {
    let mut talk = Talk::open();
    talk.presses(Command::Down).commands(SessionsCommand::Accept);
    assert_eq!(talk.effects, [Effect::OpenSession { id: 9 }]);
    let mut exchange = Exchange::asked("What is a vault?");
    exchange.phase = crate::agent::event::Phase::Cancelled;
    exchange.hits = vec![Hit::default()];
    talk.hears(Told::Opened {
        row: row(9, "Vaults"),
        exchanges: vec![exchange],
    });
    assert_eq!(talk.app.overlay, None);
    assert_eq!(talk.app.focus, Focus::Composer);
    assert_eq!(
        talk.app.current().unwrap().exchange.hits.len(),
        1,
        "with its evidence"
    );
    talk.does(Message::Paste("and on v3?".to_owned()))
        .presses(Command::Ask);
    assert!(matches!(talk.effects[..], [Effect::Ask { run: RunId(2), .. }]));
    assert_eq!(talk.app.entries.len(), 2);
}

#[test]
fn nothing_is_resumed_over_a_question_that_is_being_answered() {
    let mut talk = Talk::default();
    talk.does(Message::Paste("q".to_owned())).presses(Command::Ask);
    talk.commands(SessionsCommand::Open)
        .finds(1, vec![row(7, "Pools")]);
    assert_eq!(talk.commands(SessionsCommand::Accept).effects, []);
    assert!(
        talk.notice().contains("still being answered"),
        "{}",
        talk.notice()
    );
    talk.hears(Told::Opened {
        row: row(7, "Pools"),
        exchanges: Vec::new(),
    });
    assert_eq!(talk.app.entries.len(), 1);
}

#[test]
fn a_new_name_is_written_taken_over_or_dropped() {
    let mut talk = Talk::open();
    talk.commands(SessionsCommand::Rename).types('L').types('P');
    assert_eq!(talk.app.sessions.query.text(), "", "it is no query");
    talk.commands(SessionsCommand::Accept);
    assert_eq!(
        talk.effects,
        [Effect::RenameSession {
            id: 7,
            name: "LP".to_owned()
        }]
    );
    talk.commands(SessionsCommand::Rename).types('x');
    talk.presses(Command::Escape);
    assert_eq!(
        talk.app.overlay,
        Some(Overlay::Sessions),
        "only the name is dropped"
    );
    assert!(talk.app.sessions.naming.is_none());
    talk.presses(Command::Escape);
    assert_eq!(talk.app.overlay, None);
}

#[test]
fn deletions_are_taken_back_one_by_one_the_last_first() {
    let mut talk = Talk::open();
    assert_eq!(
        talk.commands(SessionsCommand::Delete).effects,
        [Effect::DeleteSession { id: 7 }]
    );
    for id in [7, 9] {
        talk.hears(Told::Deleted {
            id,
            title: "Pools".to_owned(),
        });
    }
    assert_eq!(talk.notice(), "Deleted, Ctrl-Z takes it back: Pools");
    for id in [9, 7] {
        assert_eq!(
            talk.commands(SessionsCommand::Undo).effects,
            [Effect::RestoreSession { id }]
        );
    }
    assert_eq!(talk.commands(SessionsCommand::Undo).effects, []);
    assert!(
        talk.notice().starts_with("Nothing was deleted"),
        "{}",
        talk.notice()
    );
}

#[test]
fn the_mark_stays_on_a_row_when_the_list_gets_shorter() {
    let mut talk = Talk::open();
    talk.presses(Command::Down).presses(Command::Down);
    assert_eq!(talk.app.sessions.at, 1);
    talk.finds(1, vec![row(7, "Pools")]);
    assert_eq!(talk.app.sessions.marked().map(|row| row.id), Some(7));
    talk.finds(1, Vec::new());
    assert_eq!(talk.commands(SessionsCommand::Accept).effects, []);
    assert_eq!(talk.commands(SessionsCommand::Delete).effects, []);
}

#[test]
fn the_marked_session_is_exported_and_the_picker_stays_open() {
    let mut talk = Talk::open();
    talk.presses(Command::Down).commands(SessionsCommand::Export);
    assert_eq!(talk.app.overlay, Some(Overlay::Exports { at: 0 }));
    talk.presses(Command::Down)
        .commands(SessionsCommand::ChooseExport);
    let what = Export {
        format: Format::Markdown,
        to: Destination::Clipboard,
    };
    assert_eq!(talk.effects, [Effect::ExportSession { id: Some(9), what }]);
    assert_eq!(talk.app.overlay, Some(Overlay::Sessions));
    talk.hears(Told::Copied {
        text: "# Vaults".to_owned(),
    });
    let text = "# Vaults".to_owned();
    assert_eq!(talk.effects, [Effect::Copy { text }]);
    assert_eq!(
        talk.notice(),
        "The session was sent to the terminal's clipboard, 8 characters."
    );
}

#[test]
fn the_session_that_is_asked_in_is_exported_without_the_picker() {
    let mut talk = Talk::default();
    talk.commands(SessionsCommand::Export);
    assert!(
        talk.notice().starts_with("Nothing was asked"),
        "{}",
        talk.notice()
    );
    talk.does(Message::Paste("q".to_owned())).presses(Command::Ask);
    talk.commands(SessionsCommand::Export);
    talk.does(Message::Click(crate::app::Target::Export(4)));
    let what = Export {
        format: Format::Recording,
        to: Destination::File,
    };
    assert_eq!(talk.effects, [Effect::ExportSession { id: None, what }]);
    assert_eq!(talk.app.overlay, None);
    talk.hears(Told::Exported {
        path: "/home/a/defi-qa-session-1.jsonl".to_owned(),
    });
    assert_eq!(
        talk.notice(),
        "The session was exported to /home/a/defi-qa-session-1.jsonl"
    );
    talk.commands(SessionsCommand::Export).presses(Command::Escape);
    assert_eq!(talk.app.overlay, None);
}

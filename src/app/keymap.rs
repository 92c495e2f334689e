//! What a key means. The help pane and the status line print this same table, so they cannot be out of date.

mod chat;
mod composer;
mod evidence;
mod global;
mod overlay;
mod replay;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_textarea::Input;

use super::beside::{self, BesideCommand};
use super::compare::{self, CompareCommand};
use super::sessions::{self, SessionsCommand};
use super::{App, Message, Transport};

/// Where a key is looked up: its own table first, then [`Context::Global`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    Global,
    Composer,
    Chat,
    Evidence,
    Overlay,
    /// The comparison, while nothing is written there.
    Compare,
    /// Its query line or a retriever's text form.
    CompareText,
    /// Its presets.
    Presets,
    /// The judged queries of the comparison.
    Queries,
    /// The answers side by side, while nothing is written there.
    Beside,
    /// Their question line or a side's text form.
    BesideText,
    /// The picker of sessions.
    Sessions,
    /// The ways to export one.
    Exports,
    /// Before all others but [`Context::Overlay`] while a recording is shown.
    Replay,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Ask,
    Newline,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    PreviousExchange,
    NextExchange,
    /// Selects the evidence row with this number, from 1.
    Evidence(usize),
    OpenPair,
    Retry,
    /// Asks the model although the answer is kept: the draft, else the selected question.
    AskFresh,
    Copy,
    /// Closes what lies on top, else cancels a running answer, else goes back to the composer.
    Escape,
    /// Ctrl-C: cancels, else sets the draft aside, else quits.
    Interrupt,
    FocusNext,
    FocusPrevious,
    FocusComposer,
    ToggleTrace,
    ToggleSide,
    Help,
    /// `?` while writing: help when nothing is written, a question mark otherwise.
    HelpOrText,
    /// Ctrl-D while writing: quits when nothing is written.
    QuitOrDelete,
    /// Moves a recording that is shown.
    Transport(Transport),
    /// Begins a recording, or ends the one that goes on.
    Record,
    Suspend,
    Quit,
    /// Something of the comparison.
    Compare(CompareCommand),
    /// Something of the answers side by side.
    Beside(BesideCommand),
    /// Something of the picker of sessions.
    Sessions(SessionsCommand),
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub context: Context,
    pub code: KeyCode,
    pub modifiers: KeyModifiers,
    pub command: Command,
    /// What it does, for help; rows with the same words are shown as one.
    pub help: &'static str,
    /// A word for the status line, on rows that matter most there.
    pub hint: Option<&'static str>,
}

impl Binding {
    /// The key as people write it: `Ctrl-T`, `PageUp`, `?`.
    pub fn key(&self) -> String {
        let mut name = String::new();
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            name.push_str("Ctrl-");
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            name.push_str("Alt-");
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            name.push_str("Shift-");
        }
        match self.code {
            KeyCode::Char(' ') => name.push_str("Space"),
            KeyCode::Char(c) if self.modifiers.is_empty() => name.push(c),
            KeyCode::Char(c) => name.push(c.to_ascii_uppercase()),
            KeyCode::F(n) => name.push_str(&format!("F{n}")),
            KeyCode::BackTab => name.push_str("Shift-Tab"),
            KeyCode::Esc => name.push_str("Esc"),
            code => name.push_str(&format!("{code:?}")),
        }
        name
    }
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

pub(super) const fn row(
    context: Context,
    modifiers: KeyModifiers,
    code: KeyCode,
    command: Command,
    help: &'static str,
) -> Binding {
    Binding {
        context,
        code,
        modifiers,
        command,
        help,
        hint: None,
    }
}

pub(super) const fn hinted(binding: Binding, hint: &'static str) -> Binding {
    Binding {
        hint: Some(hint),
        ..binding
    }
}

/// The whole table, in the order of the help pane.
pub fn bindings() -> impl Iterator<Item = &'static Binding> {
    const TABLES: [&[Binding]; 9] = [
        replay::BINDINGS,
        composer::BINDINGS,
        chat::BINDINGS,
        evidence::BINDINGS,
        overlay::BINDINGS,
        global::BINDINGS,
        sessions::keys::BINDINGS,
        compare::keys::BINDINGS,
        beside::keys::BINDINGS,
    ];
    TABLES.into_iter().flatten()
}

/// The command of a key in a context, the context's own rows first.
pub fn command(context: Context, key: KeyEvent) -> Option<Command> {
    bound(context, key).or_else(|| bound(Context::Global, key))
}

/// The command of a key in the rows of one context.
fn bound(context: Context, key: KeyEvent) -> Option<Command> {
    // A shifted character arrives as the character itself; some terminals also say Shift.
    let modifiers = match key.code {
        KeyCode::Char(_) | KeyCode::BackTab => key.modifiers - KeyModifiers::SHIFT,
        _ => key.modifiers,
    };
    bindings()
        .find(|b| b.context == context && b.code == key.code && b.modifiers == modifiers)
        .map(|b| b.command)
}

impl App {
    /// What a key means now: a command of the table, or text for the composer when that has the focus.
    pub fn message_of(&self, key: KeyEvent) -> Option<Message> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let context = self.context();
        let replays = self.replay.is_some() && context != Context::Overlay;
        let of_replay = bound(Context::Replay, key).filter(|_| replays);
        match of_replay.or_else(|| command(context, key)) {
            Some(Command::HelpOrText) if self.composer.is_blank() => Some(Message::Command(Command::Help)),
            Some(Command::QuitOrDelete) if self.composer.is_blank() => Some(Message::Command(Command::Quit)),
            Some(Command::HelpOrText | Command::QuitOrDelete) => Some(Message::Edit(Input::from(key))),
            Some(command) => Some(Message::Command(command)),
            None if matches!(
                context,
                Context::Composer | Context::CompareText | Context::BesideText | Context::Sessions
            ) =>
            {
                Some(Message::Edit(Input::from(key)))
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        for (n, a) in bindings().enumerate() {
            for b in bindings().skip(n + 1) {
                assert!(
                    a.context != b.context || a.code != b.code || a.modifiers != b.modifiers,
                    "{} is bound twice in {:?}",
                    a.key(),
                    a.context
                );
            }
        }
    }

    #[test]
    fn a_letter_is_text_in_the_composer_and_a_command_in_the_chat() {
        let mut app = App::default();
        let q = KeyEvent::new(KeyCode::Char('q'), NONE);
        assert!(matches!(app.message_of(q), Some(Message::Edit(_))));
        app.focus = super::super::Focus::Chat;
        assert!(matches!(app.message_of(q), Some(Message::Command(Command::Quit))));
    }

    #[test]
    fn a_question_mark_is_help_only_while_nothing_is_written() {
        let mut app = App::default();
        let mark = KeyEvent::new(KeyCode::Char('?'), KeyModifiers::SHIFT);
        assert!(matches!(
            app.message_of(mark),
            Some(Message::Command(Command::Help))
        ));
        app.composer.paste("what is TVL");
        assert!(matches!(app.message_of(mark), Some(Message::Edit(_))));
    }

    #[test]
    fn a_released_key_is_nothing() {
        let mut key = KeyEvent::new(KeyCode::Char('x'), NONE);
        key.kind = KeyEventKind::Release;
        assert!(App::default().message_of(key).is_none());
    }

    #[test]
    fn keys_are_named_as_people_write_them() {
        let name = |command: Command, context: Context| {
            bindings()
                .find(|b| b.command == command && b.context == context)
                .unwrap()
                .key()
        };
        assert_eq!(name(Command::ToggleTrace, Context::Global), "Ctrl-T");
        assert_eq!(name(Command::Newline, Context::Composer), "Alt-Enter");
        assert_eq!(name(Command::FocusPrevious, Context::Global), "Shift-Tab");
        assert_eq!(name(Command::Help, Context::Global), "F1");
    }
}

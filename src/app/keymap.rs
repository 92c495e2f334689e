//! What a key means. The help pane and the status line print this same table, so they cannot be out of date.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_textarea::Input;

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
    BINDINGS
        .iter()
        .chain(sessions::keys::BINDINGS)
        .chain(compare::keys::BINDINGS)
}

/// Everything but the comparison's and the picker's own.
const BINDINGS: &[Binding] = {
    use Command as C;
    use Context::{Chat, Composer, Evidence, Global, Overlay, Replay};
    use KeyCode::{BackTab, Char, Down, End, Enter, Esc, F, Home, Left, PageDown, PageUp, Right, Tab, Up};
    use Transport as T;
    &[
        hinted(
            row(
                Replay,
                NONE,
                Char(' '),
                C::Transport(T::Pause),
                "pause, or play on",
            ),
            "pause",
        ),
        hinted(
            row(Replay, NONE, Right, C::Transport(T::On), "an event on, and pause"),
            "step",
        ),
        row(
            Replay,
            NONE,
            Left,
            C::Transport(T::Back),
            "an event back, and pause",
        ),
        hinted(
            row(
                Replay,
                NONE,
                Char('n'),
                C::Transport(T::NextRun),
                "to the next question",
            ),
            "question",
        ),
        row(
            Replay,
            CTRL,
            Right,
            C::Transport(T::NextRun),
            "to the next question",
        ),
        row(
            Replay,
            NONE,
            Char('p'),
            C::Transport(T::PreviousRun),
            "to the question before",
        ),
        row(
            Replay,
            CTRL,
            Left,
            C::Transport(T::PreviousRun),
            "to the question before",
        ),
        row(Replay, NONE, Home, C::Transport(T::First), "to the beginning"),
        row(Replay, NONE, End, C::Transport(T::Last), "to the end"),
        row(Replay, NONE, Char('+'), C::Transport(T::Faster), "twice as fast"),
        row(Replay, NONE, Char('='), C::Transport(T::Faster), "twice as fast"),
        row(Replay, NONE, Char('-'), C::Transport(T::Slower), "half as fast"),
        hinted(row(Composer, NONE, Enter, C::Ask, "ask the question"), "ask"),
        row(Composer, ALT, Enter, C::Newline, "start a new line"),
        row(Composer, CTRL, Char('j'), C::Newline, "start a new line"),
        row(Composer, NONE, Up, C::Up, "a line up, then back in the history"),
        row(
            Composer,
            NONE,
            Down,
            C::Down,
            "a line down, then on in the history",
        ),
        row(Composer, NONE, PageUp, C::PageUp, "scroll the chat a page up"),
        row(
            Composer,
            NONE,
            PageDown,
            C::PageDown,
            "scroll the chat a page down",
        ),
        row(
            Composer,
            NONE,
            Char('?'),
            C::HelpOrText,
            "help, while nothing is written",
        ),
        row(
            Composer,
            CTRL,
            Char('d'),
            C::QuitOrDelete,
            "quit, while nothing is written",
        ),
        hinted(row(Chat, NONE, Up, C::Up, "scroll a line up"), "scroll"),
        row(Chat, NONE, Char('k'), C::Up, "scroll a line up"),
        row(Chat, NONE, Down, C::Down, "scroll a line down"),
        row(Chat, NONE, Char('j'), C::Down, "scroll a line down"),
        row(Chat, NONE, PageUp, C::PageUp, "scroll a page up"),
        row(Chat, NONE, PageDown, C::PageDown, "scroll a page down"),
        row(Chat, NONE, Home, C::Top, "to the first question"),
        row(Chat, NONE, Char('g'), C::Top, "to the first question"),
        row(Chat, NONE, End, C::Bottom, "to the end, and follow it"),
        row(Chat, NONE, Char('G'), C::Bottom, "to the end, and follow it"),
        hinted(
            row(
                Chat,
                NONE,
                Char('['),
                C::PreviousExchange,
                "select the question before",
            ),
            "question",
        ),
        row(
            Chat,
            NONE,
            Char(']'),
            C::NextExchange,
            "select the question after",
        ),
        hinted(
            row(Chat, NONE, Char('r'), C::Retry, "ask the selected question again"),
            "ask again",
        ),
        row(
            Chat,
            NONE,
            Char('R'),
            C::AskFresh,
            "ask it again past the kept answer",
        ),
        hinted(
            row(Chat, NONE, Char('y'), C::Copy, "copy the selected answer"),
            "copy",
        ),
        row(Chat, NONE, Char('q'), C::Quit, "quit"),
        row(Chat, NONE, Char('?'), C::Help, "help"),
        row(Chat, NONE, Char('i'), C::FocusComposer, "write"),
        row(Chat, NONE, Enter, C::FocusComposer, "write"),
        hinted(
            row(Evidence, NONE, Up, C::Up, "select the evidence above"),
            "select",
        ),
        row(Evidence, NONE, Char('k'), C::Up, "select the evidence above"),
        row(Evidence, NONE, Down, C::Down, "select the evidence below"),
        row(Evidence, NONE, Char('j'), C::Down, "select the evidence below"),
        hinted(
            row(
                Evidence,
                NONE,
                Enter,
                C::OpenPair,
                "open the selected pair in full",
            ),
            "open",
        ),
        row(Evidence, NONE, PageUp, C::PageUp, "scroll the chat a page up"),
        row(
            Evidence,
            NONE,
            PageDown,
            C::PageDown,
            "scroll the chat a page down",
        ),
        row(
            Evidence,
            NONE,
            Char('['),
            C::PreviousExchange,
            "select the question before",
        ),
        row(
            Evidence,
            NONE,
            Char(']'),
            C::NextExchange,
            "select the question after",
        ),
        row(Evidence, NONE, Char('y'), C::Copy, "copy the selected answer"),
        row(Evidence, NONE, Char('q'), C::Quit, "quit"),
        row(Evidence, NONE, Char('?'), C::Help, "help"),
        row(Evidence, NONE, Char('i'), C::FocusComposer, "write"),
        row(
            Evidence,
            NONE,
            Char('1'),
            C::Evidence(1),
            "select evidence 1 to 9",
        ),
        row(
            Evidence,
            NONE,
            Char('2'),
            C::Evidence(2),
            "select evidence 1 to 9",
        ),
        row(
            Evidence,
            NONE,
            Char('3'),
            C::Evidence(3),
            "select evidence 1 to 9",
        ),
        row(
            Evidence,
            NONE,
            Char('4'),
            C::Evidence(4),
            "select evidence 1 to 9",
        ),
        row(
            Evidence,
            NONE,
            Char('5'),
            C::Evidence(5),
            "select evidence 1 to 9",
        ),
        row(
            Evidence,
            NONE,
            Char('6'),
            C::Evidence(6),
            "select evidence 1 to 9",
        ),
        row(
            Evidence,
            NONE,
            Char('7'),
            C::Evidence(7),
            "select evidence 1 to 9",
        ),
        row(
            Evidence,
            NONE,
            Char('8'),
            C::Evidence(8),
            "select evidence 1 to 9",
        ),
        row(
            Evidence,
            NONE,
            Char('9'),
            C::Evidence(9),
            "select evidence 1 to 9",
        ),
        hinted(row(Overlay, NONE, Up, C::Up, "scroll a line up"), "scroll"),
        row(Overlay, NONE, Char('k'), C::Up, "scroll a line up"),
        row(Overlay, NONE, Down, C::Down, "scroll a line down"),
        row(Overlay, NONE, Char('j'), C::Down, "scroll a line down"),
        row(Overlay, NONE, PageUp, C::PageUp, "scroll a page up"),
        row(Overlay, NONE, PageDown, C::PageDown, "scroll a page down"),
        row(Overlay, NONE, Home, C::Top, "to the top"),
        row(Overlay, NONE, End, C::Bottom, "to the end"),
        hinted(
            row(Overlay, NONE, Char('['), C::PreviousExchange, "the pair before"),
            "pair",
        ),
        row(Overlay, NONE, Char(']'), C::NextExchange, "the pair after"),
        row(Overlay, NONE, Char('q'), C::Escape, "close"),
        row(Overlay, NONE, Enter, C::Escape, "close"),
        row(Overlay, NONE, Char('?'), C::Escape, "close"),
        hinted(
            row(
                Global,
                NONE,
                Esc,
                C::Escape,
                "close, else cancel the answer, else write",
            ),
            "cancel",
        ),
        hinted(row(Global, NONE, Tab, C::FocusNext, "to the next pane"), "pane"),
        row(Global, NONE, BackTab, C::FocusPrevious, "to the pane before"),
        row(Global, ALT, Up, C::PreviousExchange, "select the question before"),
        row(Global, ALT, Down, C::NextExchange, "select the question after"),
        row(
            Global,
            ALT,
            Char('1'),
            C::Evidence(1),
            "select evidence 1 to 9 from anywhere",
        ),
        row(
            Global,
            ALT,
            Char('2'),
            C::Evidence(2),
            "select evidence 1 to 9 from anywhere",
        ),
        row(
            Global,
            ALT,
            Char('3'),
            C::Evidence(3),
            "select evidence 1 to 9 from anywhere",
        ),
        row(
            Global,
            ALT,
            Char('4'),
            C::Evidence(4),
            "select evidence 1 to 9 from anywhere",
        ),
        row(
            Global,
            ALT,
            Char('5'),
            C::Evidence(5),
            "select evidence 1 to 9 from anywhere",
        ),
        row(
            Global,
            ALT,
            Char('6'),
            C::Evidence(6),
            "select evidence 1 to 9 from anywhere",
        ),
        row(
            Global,
            ALT,
            Char('7'),
            C::Evidence(7),
            "select evidence 1 to 9 from anywhere",
        ),
        row(
            Global,
            ALT,
            Char('8'),
            C::Evidence(8),
            "select evidence 1 to 9 from anywhere",
        ),
        row(
            Global,
            ALT,
            Char('9'),
            C::Evidence(9),
            "select evidence 1 to 9 from anywhere",
        ),
        hinted(
            row(Global, CTRL, Char('t'), C::ToggleTrace, "trace or evidence"),
            "trace",
        ),
        row(
            Global,
            ALT,
            Char('r'),
            C::AskFresh,
            "ask past the kept answer: the draft, else the selected question",
        ),
        row(
            Global,
            NONE,
            F(2),
            C::ToggleSide,
            "chat or side panel, on a narrow screen",
        ),
        row(
            Global,
            NONE,
            F(9),
            C::Record,
            "record what happens, or stop recording",
        ),
        hinted(row(Global, NONE, F(1), C::Help, "help"), "help"),
        row(
            Global,
            CTRL,
            Char('c'),
            C::Interrupt,
            "cancel, else set the draft aside, else quit",
        ),
        row(Global, CTRL, Char('z'), C::Suspend, "suspend (on Unix)"),
        hinted(row(Global, CTRL, Char('q'), C::Quit, "quit"), "quit"),
    ]
};

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
                Context::Composer | Context::CompareText | Context::Sessions
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

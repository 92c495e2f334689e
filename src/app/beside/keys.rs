//! The keys of the answers side by side, in the order of the help pane.

use crossterm::event::{KeyCode, KeyModifiers};

use super::BesideCommand as C;
use crate::app::keymap::{Binding, Command, Context, hinted, row};

const NONE: KeyModifiers = KeyModifiers::NONE;

const fn own(code: KeyCode, command: C, help: &'static str) -> Binding {
    row(Context::Beside, NONE, code, Command::Beside(command), help)
}

const fn shared(code: KeyCode, command: Command, help: &'static str) -> Binding {
    row(Context::Beside, NONE, code, command, help)
}

const fn text(code: KeyCode, command: C, help: &'static str) -> Binding {
    row(Context::BesideText, NONE, code, Command::Beside(command), help)
}

const fn number(sign: char, number: usize) -> Binding {
    shared(
        KeyCode::Char(sign),
        Command::Evidence(number),
        "select evidence 1 to 9",
    )
}

/// The rows of the table.
pub const BINDINGS: &[Binding] = {
    use KeyCode::{Char, Down, End, Enter, F, Home, Left, PageDown, PageUp, Right, Up};
    &[
        row(
            Context::Chat,
            NONE,
            Char('b'),
            Command::Beside(C::Open),
            "two answers side by side to the selected question",
        ),
        row(
            Context::Evidence,
            NONE,
            Char('b'),
            Command::Beside(C::Open),
            "two answers side by side to the selected question",
        ),
        hinted(
            row(
                Context::Global,
                NONE,
                F(4),
                Command::Beside(C::Open),
                "two answers side by side to the draft or the selected question",
            ),
            "beside",
        ),
        row(
            Context::Global,
            KeyModifiers::ALT,
            Char('b'),
            Command::Beside(C::Open),
            "two answers side by side to the draft or the selected question",
        ),
        hinted(
            text(Enter, C::Accept, "ask both, or take over who answers"),
            "take over",
        ),
        text(Down, C::Browse, "to the answers"),
        hinted(own(Left, C::Left, "select side A, side B"), "side"),
        own(Char('h'), C::Left, "select side A, side B"),
        own(Right, C::Right, "select side A, side B"),
        own(Char('l'), C::Right, "select side A, side B"),
        hinted(
            own(Char('x'), C::Cancel, "cancel the selected side alone"),
            "cancel",
        ),
        hinted(own(Char('r'), C::Again, "ask both again"), "ask"),
        own(Char('R'), C::Fresh, "ask both again past the kept answers"),
        hinted(own(Char('e'), C::EditSide, "write who answers"), "who"),
        hinted(own(Char('/'), C::EditQuestion, "write the question"), "question"),
        own(Char('i'), C::EditQuestion, "write the question"),
        own(Char('s'), C::Swap, "swap the sides for the next question"),
        shared(Up, Command::Up, "scroll the selected side"),
        shared(Char('k'), Command::Up, "scroll the selected side"),
        shared(Down, Command::Down, "scroll the selected side"),
        shared(Char('j'), Command::Down, "scroll the selected side"),
        shared(PageUp, Command::PageUp, "a page up, a page down"),
        shared(PageDown, Command::PageDown, "a page up, a page down"),
        shared(Home, Command::Top, "to the beginning"),
        shared(Char('g'), Command::Top, "to the beginning"),
        shared(End, Command::Bottom, "to the end, and follow it"),
        shared(Char('G'), Command::Bottom, "to the end, and follow it"),
        number('1', 1),
        number('2', 2),
        number('3', 3),
        number('4', 4),
        number('5', 5),
        number('6', 6),
        number('7', 7),
        number('8', 8),
        number('9', 9),
        hinted(
            shared(Enter, Command::OpenPair, "open the selected evidence in full"),
            "open",
        ),
        hinted(
            shared(Char('y'), Command::Copy, "copy the set-up as a command line"),
            "copy",
        ),
        shared(Char('q'), Command::Escape, "back to the chat"),
        shared(Char('?'), Command::Help, "help"),
    ]
};

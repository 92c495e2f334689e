//! The keys in the chat.

use crossterm::event::KeyCode::{Char, Down, End, Enter, Home, PageDown, PageUp, Up};

use super::Command as C;
use super::Context::Chat;
use super::{Binding, NONE, hinted, row};

pub(super) const BINDINGS: &[Binding] = &[
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
];

//! The keys while a question is written.

use crossterm::event::KeyCode::{Char, Down, Enter, PageDown, PageUp, Up};

use super::Command as C;
use super::Context::Composer;
use super::{ALT, Binding, CTRL, NONE, hinted, row};

pub(super) const BINDINGS: &[Binding] = &[
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
];

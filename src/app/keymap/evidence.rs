//! The keys in the evidence.

use crossterm::event::KeyCode::{Char, Down, Enter, PageDown, PageUp, Up};

use super::Command as C;
use super::Context::Evidence;
use super::{Binding, NONE, hinted, row};

pub(super) const BINDINGS: &[Binding] = &[
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
];

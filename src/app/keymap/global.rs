//! The keys everywhere.

use crossterm::event::KeyCode::{BackTab, Char, Down, Esc, F, Tab, Up};

use super::Command as C;
use super::Context::Global;
use super::{ALT, Binding, CTRL, NONE, hinted, row};

pub(super) const BINDINGS: &[Binding] = &[
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
];

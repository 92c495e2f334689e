//! The keys while a recording is shown.

use crossterm::event::KeyCode::{Char, End, Home, Left, Right};

use super::Command as C;
use super::Context::Replay;
use super::{Binding, CTRL, NONE, hinted, row};
use crate::app::Transport as T;

pub(super) const BINDINGS: &[Binding] = &[
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
];

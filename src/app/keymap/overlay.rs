//! The keys of what lies over the panes.

use crossterm::event::KeyCode::{Char, Down, End, Enter, Home, PageDown, PageUp, Up};

use super::Command as C;
use super::Context::Overlay;
use super::{Binding, NONE, hinted, row};

pub(super) const BINDINGS: &[Binding] = &[
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
];

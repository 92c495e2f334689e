//! The keys of the picker of sessions, in the order of the help pane. Letters are text there: they search.

use crossterm::event::{KeyCode, KeyModifiers};

use super::SessionsCommand as C;
use crate::app::keymap::{Binding, Command, Context, hinted, row};

/// What a key asks the picker for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionsCommand {
    /// Shows the picker.
    Open,
    /// Resumes the marked session, or takes its new name over.
    Accept,
    Rename,
    Delete,
    /// Takes the last deletion back.
    Undo,
    /// Offers the ways to export: the marked session in the picker, else the one that new questions go into.
    Export,
    /// Exports in the marked way.
    ChooseExport,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

const fn own(modifiers: KeyModifiers, code: KeyCode, command: C, help: &'static str) -> Binding {
    row(
        Context::Sessions,
        modifiers,
        code,
        Command::Sessions(command),
        help,
    )
}

const fn shared(code: KeyCode, command: Command, help: &'static str) -> Binding {
    row(Context::Sessions, NONE, code, command, help)
}

/// The rows of the table.
pub const BINDINGS: &[Binding] = {
    use KeyCode::{Char, Delete, Down, Enter, F, PageDown, PageUp, Up};
    &[
        row(
            Context::Global,
            CTRL,
            Char('o'),
            Command::Sessions(C::Open),
            "earlier sessions: search, resume, rename, delete",
        ),
        row(
            Context::Global,
            NONE,
            F(8),
            Command::Sessions(C::Export),
            "export this session, or the marked one: to a file or the clipboard",
        ),
        hinted(
            row(
                Context::Exports,
                NONE,
                Enter,
                Command::Sessions(C::ChooseExport),
                "export in the marked way",
            ),
            "export",
        ),
        row(Context::Exports, NONE, Up, Command::Up, "the way above"),
        row(Context::Exports, NONE, Down, Command::Down, "the way below"),
        hinted(
            own(NONE, Enter, C::Accept, "resume the session, or take its new name"),
            "resume",
        ),
        shared(Up, Command::Up, "the session above"),
        shared(Down, Command::Down, "the session below"),
        shared(PageUp, Command::PageUp, "a page up"),
        shared(PageDown, Command::PageDown, "a page down"),
        hinted(own(NONE, F(2), C::Rename, "rename the session"), "rename"),
        hinted(own(CTRL, Char('d'), C::Delete, "delete the session"), "delete"),
        own(NONE, Delete, C::Delete, "delete the session"),
        hinted(
            own(CTRL, Char('z'), C::Undo, "take the last deletion back"),
            "undo",
        ),
        hinted(own(NONE, F(8), C::Export, "export the session"), "export"),
    ]
};

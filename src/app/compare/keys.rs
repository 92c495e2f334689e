//! The keys of the comparison, in the order of the help pane.

use crossterm::event::{KeyCode, KeyModifiers};

use super::CompareCommand as C;
use crate::app::keymap::{Binding, Command, Context, hinted, row};

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

const fn own(code: KeyCode, command: C, help: &'static str) -> Binding {
    row(Context::Compare, NONE, code, Command::Compare(command), help)
}

const fn shared(code: KeyCode, command: Command, help: &'static str) -> Binding {
    row(Context::Compare, NONE, code, command, help)
}

const fn queries(code: KeyCode, command: Command, help: &'static str) -> Binding {
    row(Context::Queries, NONE, code, command, help)
}

/// The rows of the table.
pub const BINDINGS: &[Binding] = {
    use KeyCode::{Char, Down, End, Enter, F, Home, Left, PageDown, PageUp, Right, Up};
    &[
        row(
            Context::Chat,
            NONE,
            Char('c'),
            Command::Compare(C::Open),
            "compare retrievers on the selected question",
        ),
        row(
            Context::Evidence,
            NONE,
            Char('c'),
            Command::Compare(C::Open),
            "compare retrievers on the selected question",
        ),
        hinted(
            row(
                Context::Global,
                NONE,
                F(3),
                Command::Compare(C::Open),
                "compare retrievers on the draft or the selected question",
            ),
            "compare",
        ),
        row(
            Context::Global,
            KeyModifiers::ALT,
            Char('c'),
            Command::Compare(C::Open),
            "compare retrievers on the draft or the selected question",
        ),
        hinted(
            row(
                Context::CompareText,
                NONE,
                Enter,
                Command::Compare(C::Accept),
                "compare the query, or take over the retriever",
            ),
            "take over",
        ),
        row(
            Context::CompareText,
            NONE,
            Down,
            Command::Compare(C::Browse),
            "to the documents",
        ),
        shared(Up, Command::Up, "a rank up"),
        shared(Char('k'), Command::Up, "a rank up"),
        shared(Down, Command::Down, "a rank down"),
        shared(Char('j'), Command::Down, "a rank down"),
        hinted(
            own(Left, C::Left, "the same document, a column to the left"),
            "column",
        ),
        own(Char('h'), C::Left, "the same document, a column to the left"),
        own(Right, C::Right, "the same document, a column to the right"),
        own(Char('l'), C::Right, "the same document, a column to the right"),
        own(Char('1'), C::Column(1), "select column 1 to 4"),
        own(Char('2'), C::Column(2), "select column 1 to 4"),
        own(Char('3'), C::Column(3), "select column 1 to 4"),
        own(Char('4'), C::Column(4), "select column 1 to 4"),
        shared(PageUp, Command::PageUp, "a page up"),
        shared(PageDown, Command::PageDown, "a page down"),
        shared(Home, Command::Top, "to the first rank"),
        shared(Char('g'), Command::Top, "to the first rank"),
        shared(End, Command::Bottom, "to the last rank"),
        shared(Char('G'), Command::Bottom, "to the last rank"),
        hinted(
            own(
                Char('+'),
                C::Weigh(1),
                "more of w (by 0.05), of rrf_k (5) or of k1 (0.1)",
            ),
            "more",
        ),
        own(
            Char('='),
            C::Weigh(1),
            "more of w (by 0.05), of rrf_k (5) or of k1 (0.1)",
        ),
        hinted(own(Char('-'), C::Weigh(-1), "less of it"), "less"),
        hinted(shared(Enter, Command::OpenPair, "open the pair in full"), "open"),
        hinted(
            own(Char('p'), C::Pin, "pin the document in all columns, or unpin it"),
            "pin",
        ),
        own(Char(' '), C::Pin, "pin the document in all columns, or unpin it"),
        hinted(own(Char('/'), C::EditQuery, "write the query"), "query"),
        own(Char('i'), C::EditQuery, "write the query"),
        hinted(
            own(Char('e'), C::EditSpec, "write the column's retriever"),
            "retriever",
        ),
        hinted(own(Char('s'), C::Presets, "choose a preset set-up"), "presets"),
        own(
            Char('d'),
            C::Queries,
            "the judged queries, the most disputed first (compare --set FILE)",
        ),
        own(Char('m'), C::NextMethod, "the column's next method"),
        own(
            Char('u'),
            C::NextUnit,
            "the column's next unit: what is searched of a pair",
        ),
        own(
            Char('['),
            C::Deepen(-1),
            "one hit fewer, one more in every column",
        ),
        own(Char(']'), C::Deepen(1), "one hit fewer, one more in every column"),
        own(Char('a'), C::Add, "add a column"),
        own(Char('x'), C::Remove, "remove the column"),
        own(
            Char('<'),
            C::SwapLeft,
            "move the column to the left, to the right",
        ),
        own(
            Char('>'),
            C::SwapRight,
            "move the column to the left, to the right",
        ),
        row(
            Context::Compare,
            SHIFT,
            Left,
            Command::Compare(C::SwapLeft),
            "move the column to the left, to the right",
        ),
        row(
            Context::Compare,
            SHIFT,
            Right,
            Command::Compare(C::SwapRight),
            "move the column to the left, to the right",
        ),
        hinted(
            shared(Char('y'), Command::Copy, "copy the set-up as a command line"),
            "copy",
        ),
        shared(Char('q'), Command::Escape, "back to the chat"),
        shared(Char('?'), Command::Help, "help"),
        hinted(
            row(Context::Presets, NONE, Up, Command::Up, "the preset above"),
            "choose",
        ),
        row(Context::Presets, NONE, Char('k'), Command::Up, "the preset above"),
        row(Context::Presets, NONE, Down, Command::Down, "the preset below"),
        row(
            Context::Presets,
            NONE,
            Char('j'),
            Command::Down,
            "the preset below",
        ),
        hinted(
            row(
                Context::Presets,
                NONE,
                Enter,
                Command::Compare(C::Choose),
                "take this preset",
            ),
            "take",
        ),
        row(Context::Presets, NONE, Char('q'), Command::Escape, "close"),
        hinted(queries(Up, Command::Up, "the query above"), "choose"),
        queries(Char('k'), Command::Up, "the query above"),
        queries(Down, Command::Down, "the query below"),
        queries(Char('j'), Command::Down, "the query below"),
        queries(PageUp, Command::PageUp, "a page up"),
        queries(PageDown, Command::PageDown, "a page down"),
        queries(Home, Command::Top, "to the most disputed query"),
        queries(End, Command::Bottom, "to the least disputed query"),
        hinted(
            queries(
                Enter,
                Command::Compare(C::OpenQuery),
                "open the query's comparison; Esc leads back to the list",
            ),
            "open",
        ),
        queries(Char('q'), Command::Escape, "close"),
    ]
};

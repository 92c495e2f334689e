//! What a key of the answers side by side asks for.

/// A command that only this view has; moving, opening and closing are those of the whole application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BesideCommand {
    /// Opens the view with the draft, else with the selected question.
    Open,
    EditQuestion,
    EditSide,
    /// Takes over what is being typed: asks the question, reads the side.
    Accept,
    /// From the question line to the answers.
    Browse,
    Left,
    Right,
    Swap,
    /// Asks both again.
    Again,
    /// The same past the answers that are kept.
    Fresh,
    /// Stops the selected side.
    Cancel,
}

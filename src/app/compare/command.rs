//! What a key of the comparison asks for.

/// A command that only the comparison has; moving, opening and closing are those of the whole application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareCommand {
    /// Opens the view with the draft, else with the selected question.
    Open,
    EditQuery,
    EditSpec,
    /// Takes over what is being typed: compares the query, reads the retriever.
    Accept,
    /// From the query line to the documents.
    Browse,
    /// The column to the left, to the right: the same document stays selected.
    Left,
    Right,
    /// Selects the column with this number, from 1.
    Column(usize),
    /// Changes places with the column to the left, to the right.
    SwapLeft,
    SwapRight,
    Add,
    Remove,
    /// Moves what the selected column's ranking hangs on by so many of its steps: `w`, `rrf_k` or `k1`.
    Weigh(i32),
    /// Shows so many hits more in every column.
    Deepen(i32),
    NextMethod,
    NextUnit,
    Pin,
    Presets,
    /// Shows the judged queries.
    Queries,
    /// Opens the judged query that is marked.
    OpenQuery,
    /// Takes the preset that is marked.
    Choose,
}

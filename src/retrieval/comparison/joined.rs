//! Rankings side by side: columns as they rank, rows joined by document.

use serde::{Deserialize, Serialize};

use super::COLUMNS;
use super::agreement::Agreement;
use super::error::CompareError;
use super::retriever::Retriever;

/// One query through several retrievers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Comparison {
    pub query: String,
    /// In the order in which they were given. The first is the reference of every delta.
    pub columns: Vec<Column>,
    /// Every document that some column shows: those of the first column in its order, then those that only the second
    /// shows, and so on.
    pub rows: Vec<Row>,
}

impl Comparison {
    /// How far two columns agree; `None` when there is no such column, or neither found anything.
    pub fn agreement(&self, left: usize, right: usize) -> Option<Agreement> {
        let (left, right) = (self.columns.get(left)?, self.columns.get(right)?);
        let depth = left.retriever.top_k().min(right.retriever.top_k());
        Agreement::of(&left.shown, &right.shown, depth)
    }

    /// How far the columns disagree, 0 to 1: 1 less the mean rank-biased overlap of every two of them. `None` when none
    /// found anything.
    pub fn disagreement(&self) -> Option<f64> {
        let columns = 0..self.columns.len();
        let two = columns.flat_map(|left| (0..left).map(move |right| (left, right)));
        let overlaps: Vec<f64> = two
            .filter_map(|(left, right)| Some(self.agreement(left, right)?.rbo))
            .collect();
        (!overlaps.is_empty()).then(|| 1.0 - overlaps.iter().sum::<f64>() / overlaps.len() as f64)
    }
}

/// A comparison as its JSON has it: without what belongs to the corpus that it was made with.
#[derive(Deserialize)]
struct Written {
    query: String,
    columns: Vec<WrittenColumn>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct WrittenColumn {
    retriever: Retriever,
    ranked: usize,
    #[serde(default)]
    agreement: Option<Agreement>,
    times: Times,
}

impl TryFrom<Written> for Comparison {
    type Error = CompareError;

    /// The places of the rows stand for the indexes of a corpus that may not be there.
    fn try_from(written: Written) -> Result<Self, CompareError> {
        let count = written.columns.len();
        if !COLUMNS.contains(&count) {
            return Err(CompareError::Columns(count));
        }
        let mut rows = written.rows;
        for (place, row) in rows.iter_mut().enumerate() {
            row.index = place;
            row.cells.resize(count, None);
            row.only = row.only.filter(|only| *only < count);
        }
        let columns = written.columns.into_iter().enumerate();
        let columns = columns.map(|(place, column)| {
            let cells = rows
                .iter()
                .filter_map(|row| Some((row.index, row.cells.get(place).copied().flatten()?)));
            let mut shown: Vec<(usize, Cell)> = cells.filter(|(_, cell)| cell.shown).collect();
            shown.sort_by_key(|(_, cell)| cell.rank);
            Column {
                scale: column.retriever.scale(),
                retriever: column.retriever,
                ranked: column.ranked,
                agreement: column.agreement,
                times: column.times,
                shown: shown
                    .into_iter()
                    .map(|(index, cell)| (index, cell.score))
                    .collect(),
            }
        });
        Ok(Self {
            query: written.query,
            columns: columns.collect(),
            rows,
        })
    }
}

/// What one retriever found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// With every embedder named.
    pub retriever: Retriever,
    /// What its scores are.
    pub scale: &'static str,
    /// Pairs that it ranks at all, shown or not.
    pub ranked: usize,
    /// With the first column; absent for the first, and where neither found anything.
    pub agreement: Option<Agreement>,
    pub times: Times,
    /// Index and score of each pair that is shown, best first.
    #[serde(skip)]
    pub(super) shown: Vec<(usize, f32)>,
}

impl Column {
    /// The pairs that are shown, by their index in the corpus, best first.
    pub fn shown(&self) -> impl Iterator<Item = usize> {
        self.shown.iter().map(|(index, _)| *index)
    }
}

/// What a column took, in milliseconds. A stage that its method does not have is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embed: Option<StageTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dense: Option<StageTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lexical: Option<StageTime>,
    pub fuse: StageTime,
}

/// How long a stage took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    pub ms: f64,
    /// Whether it was done for another column or an earlier comparison: it took that long then, and nothing now.
    pub kept: bool,
}

/// One document through all columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Index of the pair in the corpus.
    #[serde(skip)]
    pub index: usize,
    pub id: String,
    pub question: String,
    /// Words of the query that the pair holds anywhere, as the query spells them.
    pub terms: Vec<String>,
    /// Words of the question that the query holds as well, as the question spells them.
    #[serde(default)]
    pub spelled: Vec<String>,
    /// One for each column; absent where the column does not rank the pair at all.
    pub cells: Vec<Option<Cell>>,
    /// The column that alone shows it.
    pub only: Option<usize>,
}

/// A document in one column.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// From 1. A column ranks more than it shows.
    pub rank: usize,
    /// Whether it is among the column's top k.
    pub shown: bool,
    /// In the column's scale.
    pub score: f32,
    /// By how much it is above the next in its column; absent for the last.
    pub margin: Option<f32>,
    /// How many places it stands higher than in the first column: 3 for rank 5 there and rank 2 here. Absent in the first
    /// column, and for a document that the first does not rank.
    pub delta: Option<i64>,
}

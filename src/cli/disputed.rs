//! A judged set ranked by several retrievers: which of its queries they dispute most.

use std::path::Path;

use super::Failure;
use super::eval::disagreement;
use crate::app::compare::Disputed;
use crate::dataset::{JudgedQuestion, JudgedQuestions};
use crate::retrieval::comparison::{Retriever, Workbench};
use crate::retrieval::metrics::{self, ANSWERS, RELATED};

/// How deep a query's ranking is measured.
const DEPTH: usize = 10;

/// The judged queries of a file.
pub(super) struct Judged {
    pub(super) name: String,
    pub(super) set: JudgedQuestions,
}

impl Judged {
    /// Reads a file of judged questions.
    ///
    /// # Errors
    /// Names the file, the line and what to do; a folder is measured by `eval`.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            return Err(Failure::usage(format!(
                "{} is a folder, whose documents the application does not hold: list its queries with `eval {} \
                 --by-disagreement`",
                path.display(),
                path.display()
            )));
        }
        let set = JudgedQuestions::load(path).map_err(|error| Failure::usage(error.to_string()))?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            set,
        })
    }

    /// Those that some pair answers and that stand by themselves: the others say nothing of a ranking alone.
    pub(super) fn queries(&self) -> Vec<JudgedQuestion> {
        let all = self.set.questions.iter().map(|(_, judged)| judged);
        all.filter(|judged| !judged.answers.is_empty() && judged.before.is_empty())
            .cloned()
            .collect()
    }
}

/// One query ranked by every column.
///
/// # Errors
/// When a column cannot be ranked by, as without an index.
pub(super) fn row(
    mut bench: Workbench,
    judged: &JudgedQuestion,
    retrievers: &[Retriever],
) -> Result<Disputed, Failure> {
    let mut rankings = Vec::with_capacity(retrievers.len());
    for retriever in retrievers {
        let ranking = bench.ranking(retriever, DEPTH.max(retriever.top_k()));
        let ranking = ranking.map_err(|error| Failure::usage(error.to_string()))?;
        rankings.push(ranking.into_iter().map(|(index, _)| index).collect::<Vec<_>>());
    }
    let grade = |index: &usize| {
        let id = bench
            .lab()
            .corpus()
            .dataset
            .pairs
            .get(*index)
            .map(|pair| &pair.id);
        match id {
            Some(id) if judged.answers.contains(id) => ANSWERS,
            Some(id) if judged.related.contains(id) => RELATED,
            _ => 0,
        }
    };
    let answers = judged.answers.iter().map(|_| ANSWERS);
    let all: Vec<u8> = answers.chain(judged.related.iter().map(|_| RELATED)).collect();
    let ndcg = rankings.iter().map(|ranking| {
        let grades: Vec<u8> = ranking.iter().map(grade).collect();
        metrics::ndcg(&grades, &all, DEPTH)
    });
    Ok(Disputed {
        id: judged.id.clone(),
        query: judged.question.clone(),
        ndcg: ndcg.collect(),
        disagreement: disagreement(retrievers, &rankings).unwrap_or(0.0),
    })
}

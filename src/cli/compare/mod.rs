//! `compare`: one query through two to four retrievers, side by side.

mod table;

use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Instant;

use serde::Serialize;

use super::args::Compare;
use super::disputed::Judged;
use super::print::argument_or_stdin;
use super::{Exit, Failure, chat, lab};
use crate::config::Config;
use crate::retrieval::comparison::{
    Agreement, COLUMNS, CompareError, Comparison, PERSISTENCE, Preset, Retriever, Workbench,
};

/// The object of `--json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    comparison: &'a Comparison,
    /// What was read as what, where a misspelling was put right.
    read_as: &'a [(String, String)],
    /// The `p` of rank-biased overlap.
    rbo_p: f64,
    /// Every two columns that agree or not.
    agreements: Vec<Pairwise>,
}

#[derive(Debug, Serialize)]
struct Pairwise {
    columns: [usize; 2],
    #[serde(flatten)]
    agreement: Agreement,
}

pub(super) fn run(config: &Config, what: &Compare) -> Result<Exit, Failure> {
    let retrievers = retrievers(what)?;
    let query = match (&what.query, &what.set) {
        (_, Some(file)) => {
            let judged = Judged::load(file)?;
            return chat::run(config, None, None, Some((judged, retrievers)));
        }
        (Some(query), None) => argument_or_stdin(query, "query")?,
        (None, None) => {
            return Err(Failure::usage(
                "there is nothing to compare: give a query or --set FILE",
            ));
        }
    };
    super::runtime()?.block_on(async {
        let open = lab::Open::of(config, &retrievers).await?;
        let asked = open.query(&query).await;
        open.flush().await;
        let (query, corrected) = asked?;
        let begun = Instant::now();
        let mut bench = Workbench::new(open.lab.clone(), query);
        let comparison = bench
            .compare(&retrievers, &|| begun.elapsed())
            .map_err(|error| Failure::usage(error.to_string()))?;
        let mut out = stdout().lock();
        if what.json {
            let report = Report {
                read_as: &corrected.changes,
                rbo_p: PERSISTENCE,
                agreements: agreements(&comparison),
                comparison: &comparison,
            };
            serde_json::to_writer(&mut out, &report).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            let columns = crossterm::terminal::size().map(|(columns, _)| usize::from(columns));
            let width = columns.ok().filter(|_| stdout().is_terminal());
            write!(out, "{}", table::of(&comparison, &corrected.changes, width))?;
        }
        Ok(Exit::Success)
    })
}

/// The retrievers that were asked for, each with its depth.
fn retrievers(what: &Compare) -> Result<Vec<Retriever>, Failure> {
    let named = what.preset.as_deref();
    let preset = Preset::ALL
        .into_iter()
        .find(|preset| Some(preset.name()) == named);
    let asked = match preset {
        Some(preset) => preset.retrievers(),
        None if what.retriever.is_empty() => Preset::Methods.retrievers(),
        None => what.retriever.clone(),
    };
    if !COLUMNS.contains(&asked.len()) {
        return Err(Failure::usage(CompareError::Columns(asked.len()).to_string()));
    }
    let depth = what.k.map(|k| usize::try_from(k).unwrap_or(usize::MAX));
    let asked = asked.into_iter();
    Ok(asked
        .map(|retriever| match depth {
            Some(depth) => retriever.or_top_k(depth),
            None => retriever,
        })
        .collect())
}

fn agreements(comparison: &Comparison) -> Vec<Pairwise> {
    let columns = 0..comparison.columns.len();
    let two = columns.flat_map(|right| (0..right).map(move |left| [left, right]));
    two.filter_map(|columns| {
        let agreement = comparison.agreement(columns[0], columns[1])?;
        Some(Pairwise { columns, agreement })
    })
    .collect()
}

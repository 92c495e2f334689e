//! Rankings alone, of one to four retrievers on the same judged queries: a benchmark in BEIR form, or a file of our own.

mod embed;
mod figures;
mod table;

use std::collections::HashMap;
use std::io::{Write as _, stderr, stdout};
use std::sync::Arc;

use serde::Serialize;

use self::embed::{Embedded, Space};
use self::figures::{Measured, QueryFigures};
use super::Metric;
use crate::cli::args::Eval;
use crate::cli::lab::{self, Open};
use crate::cli::{Exit, Failure};
use crate::config::Config;
use crate::dataset::{Beir, JudgedQuestions};
use crate::retrieval::comparison::{
    COLUMNS, EmbedderName, Lab, PERSISTENCE, Query, Retriever, Workbench, rank_biased_overlap,
};
use crate::retrieval::metrics::{ANSWERS, RELATED};
use crate::retrieval::{Corpus, Unit};

/// How deep a ranking is measured: that of TREC runs.
const DEPTH: usize = 1_000;

/// A query with its judgements.
struct Judged {
    id: String,
    text: String,
    grades: HashMap<String, u8>,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Report<'a> {
    dataset: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<&'a str>,
    /// The models whose vectors were searched, where they were made for this.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    models: &'a [String],
    documents: usize,
    queries: usize,
    /// The `p` of rank-biased overlap, which disagreement is 1 less of.
    rbo_p: f64,
    retrievers: &'a [Measured],
    by_query: &'a [QueryFigures],
}

/// The name of what is measured on.
#[derive(Clone, Copy)]
struct Set<'a> {
    dataset: &'a str,
    split: Option<&'a str>,
    models: &'a [String],
}

/// A folder in BEIR form.
pub(super) fn benchmark(config: &Config, what: &Eval) -> Result<Exit, Failure> {
    if what.half.is_some() || what.wrong {
        return Err(Failure::usage(
            "--half and --wrong are for a file of judged questions, and this is a folder: leave them out",
        ));
    }
    let own = lab::configured(config)?;
    let retrievers: Vec<Retriever> = retrievers(config, what)?
        .into_iter()
        .map(|retriever| retriever.or_embedder(&own))
        .collect();
    if let Some(partial) = retrievers.iter().find(|retriever| retriever.unit() != Unit::All) {
        return Err(Failure::usage(format!(
            "{partial} searches a part of each pair, and the documents of a benchmark have none: use unit=all"
        )));
    }
    let beir =
        Beir::load(&what.path, what.split.as_deref()).map_err(|error| Failure::usage(error.to_string()))?;
    let queries: Vec<Judged> = beir
        .queries
        .into_iter()
        .map(|query| Judged {
            id: query.id,
            text: query.text,
            grades: query.grades.into_iter().collect(),
        })
        .collect();
    let names = embedders(&retrievers);
    crate::cli::runtime()?.block_on(async {
        let texts: Vec<String> = beir
            .documents
            .pairs
            .iter()
            .map(|pair| pair.answer.clone())
            .collect();
        let asked: Vec<String> = queries.iter().map(|query| query.text.clone()).collect();
        let bare = Corpus::lexical_only(beir.documents);
        let (mut spaces, mut models) = (Vec::new(), Vec::new());
        for name in &names {
            let space = Space::open(config, name, &what.path)?;
            models.push(space.model().name.clone());
            let Some(embedded) = space.embed(&texts, &asked).await? else {
                writeln!(
                    stderr(),
                    "stopped: what was embedded is kept, the same command goes on from there"
                )?;
                return Ok(Exit::Interrupted);
            };
            spaces.push((name.clone(), embedded));
        }
        let vectors_of = |place: usize| -> Vec<_> {
            let of =
                |(name, embedded): &(EmbedderName, Embedded)| Some((name.clone(), embedded.query(place)?));
            spaces.iter().filter_map(of).collect()
        };
        let queried = queries.iter().enumerate().map(|(place, judged)| {
            let mut query =
                Query::new(judged.text.as_str()).map_err(|error| Failure::usage(error.to_string()))?;
            for (name, vector) in vectors_of(place) {
                query = query.with_vector(name, vector, 0.0);
            }
            Ok(query)
        });
        let queried = queried.collect::<Result<Vec<Query>, Failure>>()?;
        let lab = lab_of(bare, spaces, &own)?;
        let set = Set {
            dataset: &lab.corpus().dataset.name.clone(),
            split: Some(&beir.split),
            models: &models,
        };
        report(what, set, &Arc::new(lab), &retrievers, &queries, queried, RELATED)
    })
}

/// A file of judged questions; only those that some pair answers say anything about a ranking.
pub(super) fn questions(config: &Config, what: &Eval, judged: &JudgedQuestions) -> Result<Exit, Failure> {
    let retrievers = retrievers(config, what)?;
    if what.wrong {
        return Err(Failure::usage(
            "--wrong is for one retriever: leave it out, or give one --retriever and no --by-disagreement",
        ));
    }
    if let Some((line, _)) = judged.questions.iter().find(|(_, one)| !one.before.is_empty()) {
        return Err(Failure::usage(format!(
            "line {line} of {} goes on from questions before it, which a ranking alone does not read: measure such a file with one \
             --retriever",
            what.path.display()
        )));
    }
    crate::cli::runtime()?.block_on(async {
        let open = Open::of(config, &retrievers).await?;
        let dataset = &open.lab.corpus().dataset;
        judged
            .check_against(dataset)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let asked = judged.questions.iter().map(|(_, judged)| judged);
        let asked = asked
            .filter(|judged| what.half.is_none_or(|half| judged.half == half) && !judged.answers.is_empty());
        let queries: Vec<Judged> = asked
            .map(|judged| {
                let related = judged.related.iter().map(|id| (id.clone(), RELATED));
                let answers = judged.answers.iter().map(|id| (id.clone(), ANSWERS));
                Judged {
                    id: judged.id.clone(),
                    text: judged.question.clone(),
                    grades: related.chain(answers).collect(),
                }
            })
            .collect();
        let mut queried = Vec::new();
        for judged in &queries {
            queried.push(open.query(&judged.text).await?.0);
        }
        open.flush().await;
        let set = Set {
            dataset: &dataset.name,
            split: None,
            models: &[],
        };
        report(what, set, &open.lab, &retrievers, &queries, queried, ANSWERS)
    })
}

/// The retrievers that were asked for, the configured one when none was.
fn retrievers(config: &Config, what: &Eval) -> Result<Vec<Retriever>, Failure> {
    let asked = if what.retriever.is_empty() {
        let configured = config.retriever.value.parse::<Retriever>();
        vec![configured.map_err(|error| Failure::usage(error.to_string()))?]
    } else {
        what.retriever.clone()
    };
    if asked.len() > *COLUMNS.end() {
        return Err(Failure::usage(format!(
            "at most {} retrievers are measured at once, and {} were given",
            COLUMNS.end(),
            asked.len()
        )));
    }
    Ok(asked)
}

fn embedders(retrievers: &[Retriever]) -> Vec<EmbedderName> {
    let mut names = Vec::new();
    for name in retrievers.iter().filter_map(Retriever::embedder) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn lab_of(bare: Corpus, spaces: Vec<(EmbedderName, Embedded)>, own: &EmbedderName) -> Result<Lab, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
    let dataset = bare.dataset.clone();
    let mut spaces = spaces.into_iter();
    let Some((name, first)) = spaces.next() else {
        return Ok(Lab::new(Arc::new(bare), own.clone()));
    };
    let corpus = bare
        .with_vectors(first.documents)
        .map_err(|error| usage(&error))?;
    let mut lab = Lab::new(Arc::new(corpus), name);
    for (name, embedded) in spaces {
        let corpus = Corpus::lexical_only(dataset.clone()).with_vectors(embedded.documents);
        let corpus = Arc::new(corpus.map_err(|error| usage(&error))?);
        lab = lab.with_corpus(name, corpus).map_err(|error| usage(&error))?;
    }
    Ok(lab)
}

/// Ranks every query by every retriever, and prints what came of it. A document is relevant from the grade `least` on.
fn report(
    what: &Eval,
    set: Set<'_>,
    lab: &Arc<Lab>,
    retrievers: &[Retriever],
    judged: &[Judged],
    queries: Vec<Query>,
    least: u8,
) -> Result<Exit, Failure> {
    if judged.is_empty() {
        return Err(Failure::usage(format!(
            "{} has no query with a relevant document: nothing can be measured on it",
            what.path.display()
        )));
    }
    let mut rows = Vec::with_capacity(judged.len());
    for (judged, query) in judged.iter().zip(queries) {
        rows.push(one(lab, retrievers, judged, query, least)?);
    }
    let measured = figures::measured(retrievers, &rows);
    if what.by_disagreement.is_some() {
        let key = |row: &QueryFigures| row.disagreement.unwrap_or(-1.0);
        rows.sort_by(|left, right| key(right).total_cmp(&key(left)));
    }
    let mut out = stdout().lock();
    if what.json {
        let report = Report {
            dataset: set.dataset,
            split: set.split,
            models: set.models,
            documents: lab.corpus().len(),
            queries: rows.len(),
            rbo_p: PERSISTENCE,
            retrievers: &measured,
            by_query: &rows,
        };
        serde_json::to_writer(&mut out, &report).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        let split = set.split.map(|split| format!(" ({split})")).unwrap_or_default();
        let models = match set.models {
            [] => String::new(),
            models => format!(", vectors of {}", models.join(", ")),
        };
        let name = crate::text::sanitize_line(set.dataset);
        writeln!(
            out,
            "{name}{split}: {} documents, {} queries{models}",
            lab.corpus().len(),
            rows.len()
        )?;
        write!(out, "{}", table::of(&measured))?;
        if let Some(most) = what.by_disagreement {
            write!(out, "\n{}", table::disagreement(&rows, most))?;
        }
    }
    let first = measured.first();
    super::below(|metric| first?.mean(metric), &what.fail_under)
}

fn one(
    lab: &Arc<Lab>,
    retrievers: &[Retriever],
    judged: &Judged,
    query: Query,
    least: u8,
) -> Result<QueryFigures, Failure> {
    let mut bench = Workbench::new(Arc::clone(lab), query);
    let mut rankings = Vec::with_capacity(retrievers.len());
    for retriever in retrievers {
        let ranking = bench.ranking(retriever, DEPTH);
        let ranking = ranking.map_err(|error| Failure::usage(error.to_string()))?;
        rankings.push(ranking.into_iter().map(|(index, _)| index).collect::<Vec<_>>());
    }
    let grade = |index: &usize| {
        let pair = lab.corpus().dataset.pairs.get(*index);
        pair.and_then(|pair| judged.grades.get(&pair.id))
            .copied()
            .unwrap_or(0)
    };
    let grades: Vec<u8> = judged.grades.values().copied().collect();
    let figures = rankings.iter().map(|ranking| {
        let ranked: Vec<u8> = ranking.iter().map(grade).collect();
        figures::of(&ranked, &grades, least)
    });
    Ok(QueryFigures {
        id: judged.id.clone(),
        query: judged.text.clone(),
        figures: figures.collect(),
        disagreement: disagreement(retrievers, &rankings),
    })
}

/// 1 less the mean rank-biased overlap of the first hits of every two retrievers; absent for one retriever.
pub(in crate::cli) fn disagreement(retrievers: &[Retriever], rankings: &[Vec<usize>]) -> Option<f64> {
    let shown: Vec<&[usize]> = retrievers
        .iter()
        .zip(rankings)
        .map(|(retriever, ranking)| ranking.get(..retriever.top_k()).unwrap_or(ranking))
        .collect();
    let mut overlaps = Vec::new();
    for (place, one) in shown.iter().enumerate() {
        for other in shown.iter().take(place) {
            overlaps.push(rank_biased_overlap(one, other, PERSISTENCE));
        }
    }
    (!overlaps.is_empty()).then(|| 1.0 - overlaps.iter().sum::<f64>() / overlaps.len() as f64)
}

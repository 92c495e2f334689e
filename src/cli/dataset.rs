//! `dataset`: what is in it and what is wrong with it.

use std::io::{Write as _, stdout};
use std::path::PathBuf;

use super::args::DatasetCommand;
use super::{Exit, Failure, corpus};
use crate::config::Config;
use crate::dataset::{Dataset, Severity, Stats, Strictness, stats, validate};
use crate::text;

pub(super) fn run(command: DatasetCommand, config: &Config) -> Result<Exit, Failure> {
    let in_use = |path: Option<PathBuf>| path.or_else(|| config.dataset.value.clone());
    match command {
        DatasetCommand::Validate { path, strict } => check(in_use(path).as_ref(), strict),
        DatasetCommand::Stats { path, json } => {
            let dataset = corpus::dataset(in_use(path).as_ref())?;
            let stats = stats(&dataset);
            let mut out = stdout().lock();
            if json {
                serde_json::to_writer_pretty(&mut out, &stats).map_err(std::io::Error::from)?;
                writeln!(out)?;
            } else {
                write!(out, "{}", table(&stats))?;
            }
            Ok(Exit::Success)
        }
    }
}

fn check(path: Option<&PathBuf>, strict: bool) -> Result<Exit, Failure> {
    let dataset = match path {
        Some(path) => Dataset::read(path),
        None => Dataset::bundled_with_origins(),
    };
    let dataset = dataset.map_err(|error| Failure::other(error.to_string()))?;
    let strictness = if strict {
        Strictness::HouseStyle
    } else {
        Strictness::Basic
    };
    let findings = validate(&dataset, strictness);
    let mut out = stdout().lock();
    for finding in &findings {
        writeln!(out, "{}", text::sanitize_line(&finding.to_string()))?;
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    writeln!(
        out,
        "{}: {} pairs, {errors} errors, {} warnings",
        dataset.name,
        dataset.pairs.len(),
        findings.len() - errors
    )?;
    Ok(if errors == 0 { Exit::Success } else { Exit::Other })
}

/// The counts as a person reads them.
fn table(stats: &Stats) -> String {
    let mut text = String::new();
    let mut row = |name: &str, count: usize| text.push_str(&format!("{name:18}{count:>8}\n"));
    row("pairs", stats.pairs);
    row("with sources", stats.pairs_with_sources);
    row("with a date", stats.pairs_with_as_of);
    row("sources", stats.sources);
    row("aliases", stats.aliases);
    row("worked examples", stats.worked);
    row("words, shortest", stats.shortest_answer_words);
    row("words, longest", stats.longest_answer_words);
    row("words, mean", stats.answer_words / stats.pairs.max(1));
    for (level, count) in &stats.levels {
        row(level.name(), *count);
    }
    for (topic, count) in &stats.topics {
        row(&text::sanitize_line(topic), *count);
    }
    text
}

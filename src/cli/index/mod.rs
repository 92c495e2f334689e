//! `index`: the vectors and the word index of a data set, computed ahead of time and written to files.

mod local;
mod progress;
mod remote;
mod shared;

use std::io::{Write as _, stdout};
use std::path::Path;

use super::args::Index;
use super::{Exit, Failure, corpus, embedder};
use crate::config::Config;
use crate::dataset::{Beir, indexed_texts};
use crate::retrieval::LexicalIndex;
use crate::whole_file;

pub(super) fn run(config: &Config, what: &Index) -> Result<Exit, Failure> {
    let dataset = match &config.dataset.value {
        // The documents of a benchmark, for `eval`.
        Some(folder) if Beir::is_at(folder) => {
            Beir::documents(folder).map_err(|error| Failure::usage(error.to_string()))?
        }
        path => corpus::dataset(path.as_ref())?,
    };
    let exit = match embedder::remote_model(config) {
        Some(model) => remote::run(config, what, model, &dataset)?,
        None => local::run(config, what, &dataset)?,
    };
    if let Some(path) = &what.words {
        write_words(path, &indexed_texts(&dataset))?;
    }
    Ok(exit)
}

fn write_words(path: &Path, texts: &[String]) -> Result<(), Failure> {
    let bytes = LexicalIndex::build(texts).encode(texts);
    let bytes = bytes.ok_or_else(|| Failure::other("the word index is too large for a file"))?;
    whole_file::write(path, &bytes).map_err(|error| {
        Failure::other(format!(
            "the word index {} could not be written ({error}): check the folder and the free space",
            path.display()
        ))
    })?;
    writeln!(stdout(), "{}: the words of {} pairs", path.display(), texts.len())?;
    Ok(())
}

//! `index`: the vectors of a data set, computed ahead of time and written to a file.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::sync::Arc;

use super::args::Index;
use super::{Exit, Failure, parts};
use crate::config::Config;
use crate::embedding::vectors::{self, reconcile};
use crate::embedding::{Embedder as _, LocalEmbedder};
use crate::retrieval::embed_missing;

pub(super) fn run(config: &Config, what: &Index) -> Result<Exit, Failure> {
    let dataset = parts::dataset(config.dataset.value.as_ref())?;
    let (texts, _) = parts::embedded_texts(&dataset)?;
    super::runtime()?.block_on(async {
        let embedder = Arc::new(LocalEmbedder::start());
        let model = embedder.model_id().clone();
        // Nothing is taken over from an older file: the same input must give the same bytes.
        let reconciled = reconcile(&model, &texts, None);
        let show = stderr().is_terminal();
        let total = texts.len();
        let vectors = embed_missing(embedder.as_ref(), &texts, reconciled, |done| {
            if show {
                // Progress is a courtesy; a stderr that cannot be written to stops nothing.
                let _ = write!(stderr(), "\r{done}/{total} texts embedded");
            }
        })
        .await
        .map_err(|error| Failure::other(error.to_string()))?;
        if show {
            let _ = writeln!(stderr());
        }
        vectors::save(&what.output, &model, &texts, &vectors)
            .map_err(|error| Failure::other(error.to_string()))?;
        writeln!(stdout(), "{}: {total} vectors of {model}", what.output.display())?;
        Ok(Exit::Success)
    })
}

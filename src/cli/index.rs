//! `index`: the vectors and the word index of a data set, computed ahead of time and written to files.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::sync::Arc;

use super::args::Index;
use super::{Exit, Failure, corpus};
use crate::config::Config;
use crate::dataset::indexed_texts;
use crate::embedding::vectors::{self, reconcile};
use crate::embedding::{Embedder as _, LocalEmbedder};
use crate::retrieval::{LexicalIndex, embed_missing};
use crate::whole_file;

pub(super) fn run(config: &Config, what: &Index) -> Result<Exit, Failure> {
    let dataset = corpus::dataset(config.dataset.value.as_ref())?;
    let (texts, _) = corpus::embedded_texts(&dataset)?;
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
        if let Some(path) = &what.words {
            let texts = indexed_texts(&dataset);
            let bytes = LexicalIndex::build(&texts).encode(&texts);
            let bytes = bytes.ok_or_else(|| Failure::other("the word index is too large for a file"))?;
            whole_file::write(path, &bytes).map_err(|error| {
                Failure::other(format!(
                    "the word index {} could not be written ({error}): check the folder and the free space",
                    path.display()
                ))
            })?;
            writeln!(stdout(), "{}: the words of {} pairs", path.display(), texts.len())?;
        }
        Ok(Exit::Success)
    })
}

//! Vectors of the model inside the program.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};

use crate::cli::args::Index;
use crate::cli::{Exit, Failure, corpus};
use crate::config::Config;
use crate::dataset::Dataset;
use crate::embedding::vectors::{self, reconcile};
use crate::embedding::{Embedder as _, LocalEmbedder};
use crate::retrieval::{bundle, embed_missing};
use crate::whole_file;

pub(super) fn run(config: &Config, what: &Index, dataset: &Dataset) -> Result<Exit, Failure> {
    let own = || config.dataset.value.as_deref().and_then(corpus::stored_path);
    let output = what.output.clone().or_else(own).ok_or_else(|| {
        Failure::usage(
            "the vectors of the bundled set are inside the program: name a file with -o to write them",
        )
    })?;
    let bundled = match config.dataset.value {
        None => Some(corpus::bundled_texts(dataset)?),
        Some(_) => None,
    };
    let texts = match &bundled {
        Some(bundled) => bundled.texts.clone(),
        None => corpus::embedded_texts(dataset)?.0,
    };
    crate::cli::runtime()?.block_on(async {
        let embedder = LocalEmbedder::start();
        let model = embedder.model_id().clone();
        // Nothing is taken over from an older file: the same input must give the same bytes.
        let reconciled = reconcile(&model, &texts, None);
        let show = stderr().is_terminal();
        let total = texts.len();
        let vectors = embed_missing(&embedder, &texts, reconciled, |done| {
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
        match &bundled {
            Some(bundled) => {
                let bytes = bundle::encode(&model, bundled, vectors);
                let bytes = bytes.ok_or_else(|| Failure::other("a text has no vector: run it again"))?;
                whole_file::write(&output, &bytes).map_err(|error| {
                    Failure::other(format!(
                        "the vectors {} could not be written ({error}): check the folder and the free space",
                        output.display()
                    ))
                })?;
            }
            None => vectors::save(&output, &model, &texts, &vectors)
                .map_err(|error| Failure::other(error.to_string()))?,
        }
        writeln!(stdout(), "{}: {total} vectors of {model}", output.display())?;
        Ok(Exit::Success)
    })
}

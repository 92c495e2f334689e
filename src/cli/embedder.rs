//! The embedder that is configured: the model inside the program, or one behind an endpoint.

use std::path::Path;

use super::Failure;
use super::parts::{endpoint, stored_vectors};
use crate::cache::Store;
use crate::config::{Config, EmbedderChoice};
use crate::embedding::RemoteEmbedder;
use crate::embedding::remote::{self, known};
use crate::embedding::vectors::VectorFile;
use crate::provider::{EmbeddingClient, Quota};

/// The name of the model behind an endpoint that embeds; `None` when the one inside the program does.
pub(super) fn remote_model(config: &Config) -> Option<&str> {
    match &config.embedder.value {
        EmbedderChoice::Local => None,
        EmbedderChoice::OpenAi(model) => Some(model),
    }
}

/// How many numbers a vector of this model has, as far as that is known without asking: as configured, as is known of
/// the model, as the file of stored vectors says, as the vectors in the cache have.
pub(super) fn dimension(config: &Config, model: &str, stored: Option<&Path>) -> Option<usize> {
    let name = remote::name(model);
    config
        .dimensions
        .value
        .or_else(|| Some(known(model)?.dimension))
        .or_else(|| {
            let model = VectorFile::model_named_in(stored?)?;
            (model.name == name).then_some(model.dimension)
        })
        .or_else(|| {
            let cached = Store::open(&stored_vectors()?).ok()?.models().ok()?;
            let mut sizes = cached.iter().filter(|count| count.model == name);
            let only = sizes.next().filter(|_| sizes.next().is_none())?;
            usize::try_from(only.dimension).ok()
        })
}

/// The client of a model. It opens no socket before it is asked.
///
/// # Errors
/// When the configuration cannot work as it is.
pub(super) fn client(config: &Config, model: &str) -> Result<EmbeddingClient, Failure> {
    let quota = Quota {
        rpm: config.embedding_rpm.value,
        tpm: config.embedding_tpm.value,
    };
    let endpoint = endpoint(config, model, quota, "`--embedder local`")?;
    let client = EmbeddingClient::new(endpoint).map_err(|error| Failure::other(error.to_string()))?;
    // Only who wants fewer numbers than the model's own says so on the wire: most models refuse the word.
    let shortened = config
        .dimensions
        .value
        .filter(|wanted| known(model).is_some_and(|known| known.dimension != *wanted));
    Ok(match shortened {
        Some(wanted) => client.with_dimensions(wanted),
        None => client,
    })
}

/// The embedder of a model; offline one that asks nobody.
///
/// # Errors
/// As [`client`].
pub(super) fn remote(config: &Config, model: &str, dimension: usize) -> Result<RemoteEmbedder, Failure> {
    let embedder = if config.offline.value {
        RemoteEmbedder::offline(model, dimension)
    } else {
        RemoteEmbedder::new(client(config, model)?, dimension)
    };
    Ok(embedder.with_inputs(config.embedding_batch.value))
}

/// What to do when texts have no stored vector: nothing is sent that nobody asked to pay for. `why` says how many.
pub(super) fn run_index(model: &str, why: &str) -> Failure {
    let name = remote::name(model);
    Failure::usage(format!(
        "{why} no vector of {name} yet: run `defi-qa --embedder {name} index` once, with the same --dataset, or use \
         `--embedder local`"
    ))
}

//! Builds the parts that the commands hand over: the agent with its embedder, its answerer and its knowledge.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Failure;
use crate::agent::{Agent, Answerer, ChatModel, Extractive, Knowledge, Load};
use crate::cache::VectorCache;
use crate::config::{ChatChoice, Config, EmbedderChoice, Origin};
use crate::dataset::{Dataset, OutsideQuestion, outside_questions};
use crate::embedding::vectors::{VectorFile, reconcile};
use crate::embedding::{Embedder, LocalEmbedder};
use crate::provider::{ApiKey, ChatClient, Endpoint, Timeouts};
use crate::retrieval::{Corpus, Method, Outside, Views, embed_missing};

/// Bytes that query vectors may take in memory: about 20,000 of the embedded model.
const MEMORY_CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Vectors of the bundled set, computed ahead of time by `defi-qa index`.
const BUNDLED_VECTORS: &[u8] = include_bytes!("../../data/vectors/all-minilm-l6-v2-q4.bin");

/// The agent of a configuration, with everything that takes time loading in the background. Must be called within a
/// tokio runtime.
///
/// # Errors
/// When the configuration cannot work as it is, which no waiting would mend.
pub(super) fn agent(config: &Config) -> Result<Agent, Failure> {
    let embedder = embedder(config)?;
    let answerer = answerer(config)?;
    let (told, knowledge) = Knowledge::loading(dataset_name(config));
    let path = config.dataset.value.clone();
    tokio::spawn(load(path, Arc::clone(&embedder), told));
    Ok(Agent {
        knowledge,
        embedder,
        cache: Arc::new(VectorCache::with_capacity(MEMORY_CACHE_BYTES)),
        answerer,
        method: method(config)?,
        top_k: config.top_k.value,
        offline: config.offline.value,
    })
}

fn method(config: &Config) -> Result<Method, Failure> {
    config
        .retriever
        .value
        .parse()
        .map_err(|error: crate::retrieval::UnknownMethod| Failure::usage(error.to_string()))
}

/// The data set's name before it is read: what the reader will call it.
fn dataset_name(config: &Config) -> String {
    match &config.dataset.value {
        None => "bundled".to_owned(),
        Some(path) => path.file_stem().map_or_else(
            || path.display().to_string(),
            |stem| stem.to_string_lossy().into_owned(),
        ),
    }
}

/// The data set of a configuration.
///
/// # Errors
/// Names the file, the line, the field, and what to do.
pub(super) fn dataset(path: Option<&PathBuf>) -> Result<Dataset, Failure> {
    let read = match path {
        Some(path) => Dataset::load(path),
        None => Dataset::bundled(),
    };
    read.map_err(|error| Failure::other(error.to_string()))
}

fn embedder(config: &Config) -> Result<Arc<dyn Embedder>, Failure> {
    match &config.embedder.value {
        EmbedderChoice::Local => Ok(Arc::new(LocalEmbedder::start())),
        EmbedderChoice::OpenAi(model) => Err(Failure::usage(format!(
            "the embedder openai:{model} cannot be used in this version: use `--embedder local`"
        ))),
    }
}

fn answerer(config: &Config) -> Result<Arc<dyn Answerer>, Failure> {
    let model = match &config.chat.value {
        ChatChoice::Extractive => return Ok(Arc::new(Extractive)),
        ChatChoice::OpenAi(model) => model,
    };
    let refused = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
    let mut endpoint = Endpoint::new(&config.base_url.value, model)
        .map_err(|error| refused(&error))?
        .with_timeouts(Timeouts {
            connect: Duration::from_secs(config.connect_timeout_s.value),
            idle: Duration::from_secs(config.idle_timeout_s.value),
            ..Timeouts::default()
        });
    match &config.api_key.value {
        Some(key) => {
            let key = ApiKey::new(key.reveal()).map_err(|error| refused(&error))?;
            endpoint = endpoint.with_key(key);
        }
        // A server of one's own often wants no key, so only the standard endpoint is refused without one.
        None if config.base_url.origin == Origin::Default => {
            return Err(Failure::usage(format!(
                "asking {model} needs a key: set OPENAI_API_KEY or `chat.api_key`, name a server of your own with --base-url, \
                 or use `--chat extractive`"
            )));
        }
        None => {}
    }
    let client = ChatClient::new(endpoint).map_err(|error| Failure::other(error.to_string()))?;
    Ok(Arc::new(ChatModel::new(
        client,
        model.clone(),
        config.temperature.value,
        config.max_tokens.value,
    )))
}

/// Reads and indexes the data set off the async threads; embeds what has no vector yet.
async fn load(path: Option<PathBuf>, embedder: Arc<dyn Embedder>, told: watch::Sender<Load>) {
    let loaded = corpus(path, embedder).await;
    told.send_replace(match loaded {
        Ok(corpus) => Load::Ready(Arc::new(corpus)),
        Err(failure) => Load::Failed(failure.message),
    });
}

/// Everything that has a vector: the texts of the pairs, then the reference questions outside the field.
pub(super) fn embedded_texts(dataset: &Dataset) -> Result<(Vec<String>, Vec<OutsideQuestion>), Failure> {
    let questions = outside_questions().map_err(|error| {
        Failure::other(format!(
            "the reference questions inside the program are broken ({error}): install it again"
        ))
    })?;
    let mut texts = Views::of(dataset).texts;
    texts.extend(questions.iter().map(|outside| outside.question.clone()));
    Ok((texts, questions))
}

/// The corpus of a data set: vectors that are known by their content hash, and new ones for the rest.
pub(super) async fn corpus(path: Option<PathBuf>, embedder: Arc<dyn Embedder>) -> Result<Corpus, Failure> {
    let gone =
        |error: tokio::task::JoinError| Failure::other(format!("loading the data set failed: {error}"));
    let other = |error: &dyn std::fmt::Display| Failure::other(error.to_string());
    let model = embedder.model_id().clone();
    let (dataset, questions, texts, reconciled) =
        tokio::task::spawn_blocking(move || -> Result<_, Failure> {
            let dataset = dataset(path.as_ref())?;
            let (texts, questions) = embedded_texts(&dataset)?;
            // A file that cannot be read costs time, not correctness: everything is embedded anew.
            let file = VectorFile::parse(BUNDLED_VECTORS, "the bundled vectors")
                .inspect_err(|error| tracing::warn!(%error, "vectors are computed anew"))
                .ok();
            let reconciled = reconcile(&model, &texts, file.as_ref());
            Ok((dataset, questions, texts, reconciled))
        })
        .await
        .map_err(gone)??;
    let mut vectors = embed_missing(embedder.as_ref(), &texts, reconciled, |_| {})
        .await
        .map_err(|error| other(&error))?;
    tokio::task::spawn_blocking(move || {
        let outside = vectors.split_off(vectors.len() - questions.len());
        let mut corpus = Corpus::build(dataset, &vectors).map_err(|error| other(&error))?;
        corpus.outside = Outside::build(questions, &outside).unwrap_or_default();
        Ok(corpus)
    })
    .await
    .map_err(gone)?
}

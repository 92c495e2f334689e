//! The retrieval lab as it is configured: the corpus, the vectors of every embedder that a retriever names, and who embeds
//! the queries.

use std::sync::Arc;
use std::time::Instant;

use super::parts::Plan;
use super::{Failure, parts};
use crate::agent::Agent;
use crate::agent::event::Stage;
use crate::cache::{QUERY, Wanted};
use crate::config::{Config, EmbedderChoice};
use crate::embedding::Vector;
use crate::retrieval::Corrected;
use crate::retrieval::comparison::{EmbedderName, Lab, Query, Retriever};
use crate::text;

/// A lab and what embeds its queries.
pub(super) struct Open {
    pub(super) lab: Arc<Lab>,
    /// The agent of each embedder that is compared, that of the configured one first.
    agents: Vec<(EmbedderName, Agent)>,
}

/// The embedder that is configured, as a retriever names it.
///
/// # Errors
/// When its name has signs that stand in no retriever's text form.
pub(super) fn configured(config: &Config) -> Result<EmbedderName, Failure> {
    let name = config.embedder.value.to_string();
    name.parse()
        .map_err(|error| Failure::usage(format!("this embedder cannot be compared: {error}")))
}

/// The configuration with another embedder.
///
/// # Errors
/// Never for a name that a retriever was read with.
pub(super) fn embedded_by(config: &Config, embedder: &EmbedderName) -> Result<Config, Failure> {
    let choice: EmbedderChoice = embedder
        .as_str()
        .parse()
        .map_err(|error| Failure::usage(format!("{embedder} is no embedder: {error}")))?;
    let mut config = config.clone();
    config.embedder.value = choice;
    Ok(config)
}

impl Open {
    /// Loads the corpus and the vectors of every embedder that the retrievers name. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Says which embedder has no index, and what builds it.
    pub(super) async fn of(config: &Config, retrievers: &[Retriever]) -> Result<Self, Failure> {
        let own = configured(config)?;
        let mut names: Vec<EmbedderName> = Vec::new();
        for retriever in retrievers
            .iter()
            .map(|retriever| retriever.clone().or_embedder(&own))
        {
            let name = retriever.embedder().filter(|name| !names.contains(name));
            names.extend(name.cloned());
        }
        // The configured one is in use when it is named and when nothing needs an embedder.
        if names.is_empty() {
            names.push(own);
        }
        let mut agents = Vec::new();
        for name in names {
            let agent = Plan::of(&embedded_by(config, &name)?)?.start();
            agents.push((name, agent));
        }
        let mut lab: Option<Lab> = None;
        for (name, agent) in &agents {
            let corpus = agent.knowledge.get(Stage::Dense).await;
            let corpus = corpus.map_err(|error| Failure::other(error.message))?;
            lab = Some(match lab {
                None => Lab::new(corpus, name.clone()),
                Some(lab) => lab
                    .with_corpus(name.clone(), corpus)
                    .map_err(|error| Failure::usage(error.to_string()))?,
            });
        }
        let lab = lab.ok_or_else(|| Failure::other("there is no embedder to compare with"))?;
        Ok(Self {
            lab: Arc::new(lab),
            agents,
        })
    }

    /// A query as the searches read it, with its misspellings put right and its vector by every embedder.
    ///
    /// # Errors
    /// When it is empty, or an embedder fails.
    pub(super) async fn query(&self, text: &str) -> Result<(Query, Corrected), Failure> {
        let corrected = self.lab.corpus().corrected(text::sanitize(text).trim());
        let query = Query::new(&corrected.text).map_err(|error| Failure::usage(error.to_string()))?;
        Ok((self.embed(query).await?, corrected))
    }

    async fn embed(&self, mut query: Query) -> Result<Query, Failure> {
        for (name, agent) in &self.agents {
            let begun = Instant::now();
            let vector = vector(agent, query.text()).await?;
            query = query.with_vector(name.clone(), vector, begun.elapsed().as_secs_f64() * 1e3);
        }
        Ok(query)
    }

    /// Writes what the caches have not yet written.
    pub(super) async fn flush(&self) {
        for (_, agent) in &self.agents {
            parts::flush(&agent.cache).await;
        }
    }
}

/// A query's vector, from the cache or from the agent's embedder.
///
/// # Errors
/// When the embedder fails.
pub(super) async fn vector(agent: &Agent, text: &str) -> Result<Vector, Failure> {
    let model = agent.embedder.model_id();
    let wanted = Wanted::new(&model.name, model.dimension, QUERY, text);
    let load = async {
        let mut vectors = agent.embedder.embed(vec![text.to_owned()]).await?;
        let none = || crate::embedding::EmbedError::Run("it returned no vector".to_owned());
        vectors.pop().map(Vector::into_shared).ok_or_else(none)
    };
    let failed = |error: &dyn std::fmt::Display| {
        let sentence = format!("embedding the query failed: {error}");
        if model.name.starts_with("openai:") {
            Failure::provider(sentence)
        } else {
            Failure::other(sentence)
        }
    };
    let cached = agent.cache.get_or_load(&wanted, load).await;
    let cached = cached.map_err(|error| failed(&error))?;
    Vector::from_unit(cached.value, model.dimension).map_err(|fault| failed(&fault))
}

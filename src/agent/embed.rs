//! The question's vector: of the configured embedder, or of the standby when nobody answers at its endpoint.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::chat_model::seconds;
use super::emitter::{Emitter, StageClock, ms};
use super::error::AgentError;
use super::event::{AgentEvent, Kept, Stage, Tier};
use super::run::Agent;
use crate::cache::{Provenance, QUERY, Wanted};
use crate::embedding::{EmbedError, Embedder, Readiness, Vector};
use crate::provider::GateEvent;
use crate::retrieval::Corpus;

/// A question's vector, if there is one.
#[derive(Debug)]
pub(super) struct Embedded {
    pub(super) by: By,
    /// What is to be said about it, when it is not the configured embedder's.
    pub(super) note: Option<String>,
}

/// Who made the vector.
#[derive(Debug)]
pub(super) enum By {
    /// The embedder that is configured.
    Configured(Vector),
    /// The standby, whose vectors of the data set these are.
    Standby(Vector, Arc<Corpus>),
    Nobody,
}

impl Agent {
    /// The vector of the configured embedder. When nobody answers at its endpoint, that of the standby, and without one
    /// none. Any other failure stays one: it says what to do, which an answer would hide.
    pub(super) async fn embed(&self, emitter: &Emitter, question: &str) -> Result<Embedded, AgentError> {
        let mut clock = emitter.begin(Stage::Embed).await;
        let error = match self
            .vector(emitter, &mut clock, self.embedder.as_ref(), question)
            .await
        {
            Ok(vector) => {
                clock.end(None).await;
                let by = By::Configured(vector);
                return Ok(Embedded { by, note: None });
            }
            Err(error) => error,
        };
        let Some(why) = error.unanswered() else {
            let failed = AgentError {
                retryable: error.retryable(),
                ..AgentError::lasting(Stage::Embed, error.to_string())
            };
            return Err(clock.failed(failed).await);
        };
        let (by, embedder) = match self.stand_in(emitter, &mut clock, question).await {
            Some((name, vector, corpus)) => (By::Standby(vector, corpus), Some(name)),
            None => (By::Nobody, None),
        };
        let what = match &embedder {
            Some(name) => format!("searched with {name} instead"),
            None => "searched by words alone".to_owned(),
        };
        let note = format!("{why}: {what}");
        emitter
            .say(AgentEvent::Fallback {
                stage: Stage::Embed,
                note: note.clone(),
                embedder,
            })
            .await;
        clock.end(Some(note.clone())).await;
        Ok(Embedded { by, note: Some(note) })
    }

    /// The standby's name, its vector of the question and what to search with it; `None` when there is no standby that could.
    async fn stand_in(
        &self,
        emitter: &Emitter,
        clock: &mut StageClock,
        question: &str,
    ) -> Option<(String, Vector, Arc<Corpus>)> {
        let space = self.standby.as_ref()?.space();
        let corpus = if space.knowledge.is_loading() {
            let on = format!("the vectors of {}", space.embedder.model_id().name);
            clock.wait(&on, space.knowledge.get(Stage::Embed)).await
        } else {
            space.knowledge.get(Stage::Embed).await
        };
        let corpus = corpus
            .inspect_err(|error| tracing::warn!(%error, "there is no standby"))
            .ok()?;
        // Hits of both searches are places in one list of pairs: a file that was changed since is another set.
        let main = self.corpus(clock, Stage::Embed).await.ok()?;
        if corpus.dataset.pairs != main.dataset.pairs {
            tracing::warn!("the data set has changed since the start, so there is no standby");
            return None;
        }
        let vector = self
            .vector(emitter, clock, space.embedder.as_ref(), question)
            .await;
        let vector = vector.inspect_err(|error| tracing::warn!(%error, "the standby failed too"));
        Some((space.embedder.model_id().name.clone(), vector.ok()?, corpus))
    }

    /// The vector of one embedder: kept, or made now.
    async fn vector(
        &self,
        emitter: &Emitter,
        clock: &mut StageClock,
        embedder: &dyn Embedder,
        question: &str,
    ) -> Result<Vector, EmbedError> {
        let model = embedder.model_id();
        let wanted = Wanted::new(&model.name, model.dimension, QUERY, question);
        // The model is waited for only when it is needed: a vector that is on disk is there before it.
        let load = compute(clock, embedder, question);
        let cached = self.cache.get_or_load(&wanted, load).await;
        let cached = cached.map_err(|error| (*error).clone())?;
        let (tier, age_ms) = match cached.provenance {
            Provenance::Hit { tier, age } => (Some(tier), Some(ms(age))),
            Provenance::Joined => (Some(Tier::Memory), Some(0.0)),
            Provenance::Miss => (None, None),
        };
        emitter
            .say(AgentEvent::Cache {
                key: wanted.key.short().to_owned(),
                kind: Kept::Vector,
                tier,
                age_ms,
                saved_ms: cached.took.filter(|_| tier.is_some()).map(ms),
                saved_tokens: None,
            })
            .await;
        clock.cache = tier;
        Vector::from_unit(cached.value, model.dimension).map_err(|fault| EmbedError::Vector {
            model: model.name.clone(),
            fault,
        })
    }
}

async fn compute(
    clock: &mut StageClock,
    embedder: &dyn Embedder,
    question: &str,
) -> Result<Arc<[f32]>, EmbedError> {
    let mut readiness = embedder.readiness();
    let loading = matches!(*readiness.borrow(), Readiness::Loading);
    if loading {
        let loaded = async {
            // A closed channel means that the embedder is gone; asking it below says so properly. What is read is a
            // lock, which must not be held while the end of the wait is told.
            let _ = readiness
                .wait_for(|state| !matches!(state, Readiness::Loading))
                .await;
        };
        clock.wait("the embedding model to load", loaded).await;
    }
    let (told, mut heard) = mpsc::unbounded_channel();
    let mut embedding = embedder.embed_telling(vec![question.to_owned()], told);
    let embedded = loop {
        // What was told before the end is said before it.
        tokio::select! {
            biased;
            Some(event) = heard.recv() => {
                clock.embedding_limits(embedder.limits()).await;
                hear(clock, event).await;
            }
            embedded = &mut embedding => break embedded,
        }
    };
    // Told in the same instant as the end.
    while let Ok(event) = heard.try_recv() {
        hear(clock, event).await;
    }
    clock.embedding_limits(embedder.limits()).await;
    let mut vectors = embedded?;
    vectors
        .pop()
        .map(Vector::into_shared)
        .ok_or_else(|| EmbedError::Run("it returned no vector".to_owned()))
}

/// Says what a request for a vector meets on its way.
async fn hear(clock: &mut StageClock, event: GateEvent) {
    match event {
        GateEvent::Waiting { on, wait } => clock.waits(format!("{on}, {}", seconds(wait))).await,
        GateEvent::Retrying {
            why,
            wait,
            attempt,
            of,
        } => clock.retries(why, wait, attempt, of).await,
        GateEvent::Resumed { waited } => clock.resumed(waited).await,
    }
}

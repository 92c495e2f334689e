//! The search nodes: the question's vector, both searches at once, their fusion.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::chat_model::seconds;
use super::emitter::{Emitter, StageClock, ms};
use super::error::AgentError;
use super::event::{AgentEvent, DenseScore, Hit, Kept, LexicalScore, Nearest, Stage, Tier};
use super::judge::Signals;
use super::marks::Marks;
use super::run::Agent;
use crate::cache::{Provenance, QUERY, Wanted};
use crate::embedding::{EmbedError, Readiness, Vector};
use crate::provider::GateEvent;
use crate::retrieval::{Corpus, DenseHit, LexicalSearch, OutsideHit, Ranked, View};

/// How many of what is nearest to the question are looked at to see in whose company it is.
const COMPANY: usize = 10;

/// A set of fewer pairs is small: it has few words and few neighbours for any question.
const SMALL: usize = 300;

/// What the search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    pub(super) signals: Signals,
}

impl Agent {
    /// The search: the question as it is read, both retrievers at once, then the fusion.
    pub(super) async fn retrieve(&self, emitter: &Emitter, question: &str) -> Result<Found, AgentError> {
        let question = &self.rewrite(emitter, question).await?;
        let ((dense, outside), lexical) =
            tokio::try_join!(self.dense(emitter, question), self.lexical(emitter, question))?;
        let clock = emitter.begin(Stage::Fuse).await;
        let corpus = self.knowledge.get(Stage::Fuse).await?;
        let ranked = corpus.rank(self.retriever.fusion(), &dense, &lexical, self.top_k);
        let hits: Vec<Hit> = ranked.iter().filter_map(|ranked| hit(&corpus, ranked)).collect();
        let signals = Signals {
            cosine: dense.first().map(|hit| f64::from(corpus.scale.apply(hit.score))),
            known: f64::from(lexical.known()),
            company: company(&dense, &outside),
            outside: outside.first().map(|hit| OutsideHit {
                score: corpus.scale.apply(hit.score),
                ..*hit
            }),
            marks: Marks::of(question),
            scaled: !corpus.scale.is_default(),
        };
        let signals = if corpus.len() < SMALL {
            signals.of_a_small_set()
        } else {
            signals
        };
        clock
            .end(Some(format!("{}, {} hits", self.retriever.label(), hits.len())))
            .await;
        Ok(Found { hits, signals })
    }

    /// The question as the searches read it: with its misspellings put right. What is shown and answered stays as it was
    /// asked.
    async fn rewrite(&self, emitter: &Emitter, question: &str) -> Result<String, AgentError> {
        let mut clock = emitter.begin(Stage::Rewrite).await;
        let corpus = match self.corpus(&mut clock, Stage::Rewrite).await {
            Ok(corpus) => corpus,
            Err(error) => return Err(clock.failed(error).await),
        };
        let asked = question.to_owned();
        // The first one counts the words of the corpus.
        let corrected = match tokio::task::spawn_blocking(move || corpus.corrected(&asked)).await {
            Ok(corrected) => corrected,
            Err(error) => {
                let error = AgentError::lasting(Stage::Rewrite, error.to_string());
                return Err(clock.failed(error).await);
            }
        };
        let changes = corrected.changes.iter();
        let changes: Vec<String> = changes.map(|(from, to)| format!("{from} read as {to}")).collect();
        clock.end((!changes.is_empty()).then(|| changes.join(", "))).await;
        Ok(corrected.text)
    }

    async fn dense(
        &self,
        emitter: &Emitter,
        question: &str,
    ) -> Result<(Vec<DenseHit>, Vec<OutsideHit>), AgentError> {
        let vector = self.embed(emitter, question).await?;
        let mut clock = emitter.begin(Stage::Dense).await;
        let corpus = match self.corpus(&mut clock, Stage::Dense).await {
            Ok(corpus) => corpus,
            Err(error) => return Err(clock.failed(error).await),
        };
        let hits = corpus.search_vectors(self.retriever.unit(), &vector);
        let outside = corpus.outside.nearest(&vector, COMPANY);
        clock.end(Some(format!("{} vectors", corpus.dense.len()))).await;
        Ok((hits, outside))
    }

    async fn embed(&self, emitter: &Emitter, question: &str) -> Result<Vector, AgentError> {
        let mut clock = emitter.begin(Stage::Embed).await;
        let failed = |error: &EmbedError| AgentError {
            retryable: error.retryable(),
            ..AgentError::lasting(Stage::Embed, error.to_string())
        };
        let model = self.embedder.model_id();
        let wanted = Wanted::new(&model.name, model.dimension, QUERY, question);
        // The model is waited for only when it is needed: a vector that is on disk is there before it.
        let load = self.compute(&mut clock, question);
        let cached = match self.cache.get_or_load(&wanted, load).await {
            Ok(cached) => cached,
            Err(error) => return Err(clock.failed(failed(&error)).await),
        };
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
        clock.end(None).await;
        Vector::from_unit(cached.value, model.dimension)
            .map_err(|fault| AgentError::lasting(Stage::Embed, fault.to_string()))
    }

    async fn compute(&self, clock: &mut StageClock, question: &str) -> Result<Arc<[f32]>, EmbedError> {
        let mut readiness = self.embedder.readiness();
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
        let mut embedding = self.embedder.embed_telling(vec![question.to_owned()], told);
        let embedded = loop {
            // What was told before the end is said before it.
            tokio::select! {
                biased;
                Some(event) = heard.recv() => hear(clock, event).await,
                embedded = &mut embedding => break embedded,
            }
        };
        // Told in the same instant as the end.
        while let Ok(event) = heard.try_recv() {
            hear(clock, event).await;
        }
        let mut vectors = embedded?;
        vectors
            .pop()
            .map(Vector::into_shared)
            .ok_or_else(|| EmbedError::Run("it returned no vector".to_owned()))
    }

    async fn lexical(&self, emitter: &Emitter, question: &str) -> Result<LexicalSearch, AgentError> {
        let mut clock = emitter.begin(Stage::Lexical).await;
        let corpus = match self.corpus(&mut clock, Stage::Lexical).await {
            Ok(corpus) => corpus,
            Err(error) => return Err(clock.failed(error).await),
        };
        // Every pair is a candidate of both searches: see `retrieval::fuse`.
        let found = corpus.search_words(self.retriever.unit(), self.retriever.bm25(), question);
        clock
            .end(Some(format!("{} pairs share a word", found.matching)))
            .await;
        Ok(found)
    }

    async fn corpus(&self, clock: &mut StageClock, stage: Stage) -> Result<Arc<Corpus>, AgentError> {
        if self.knowledge.is_loading() {
            clock
                .wait("the data set to load", self.knowledge.get(stage))
                .await
        } else {
            self.knowledge.get(stage).await
        }
    }
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

/// Share of pairs among what is nearest to the question, pairs and references outside the field taken together.
fn company(dense: &[DenseHit], outside: &[OutsideHit]) -> f64 {
    let mut pairs = dense.iter().map(|hit| hit.score).peekable();
    let mut references = outside.iter().map(|hit| hit.score).peekable();
    let (mut inside, mut taken) = (0, 0);
    while taken < COMPANY {
        match (pairs.peek(), references.peek()) {
            (Some(pair), Some(reference)) if pair < reference => drop(references.next()),
            (Some(_), _) => {
                pairs.next();
                inside += 1;
            }
            (None, Some(_)) => drop(references.next()),
            (None, None) => break,
        }
        taken += 1;
    }
    if taken == 0 {
        0.0
    } else {
        f64::from(inside) / taken as f64
    }
}

/// A ranked pair as the readers see it.
fn hit(corpus: &Corpus, ranked: &Ranked) -> Option<Hit> {
    let pair = corpus.pair(ranked)?;
    Some(Hit {
        rank: ranked.rank,
        id: pair.id.clone(),
        question: pair.question.clone(),
        answer: pair.answer.clone(),
        topic: pair.topic.clone(),
        sources: pair.sources.clone(),
        as_of: pair.as_of.clone(),
        score: f64::from(ranked.score),
        percentile: corpus.percentile(ranked),
        dense: ranked.dense.map(|dense| DenseScore {
            score: f64::from(dense.score),
            rank: dense.rank,
            nearest: corpus.view(&dense).map(|view| match view {
                View::Question => Nearest::Question,
                View::Alias => Nearest::Alias,
                View::Answer => Nearest::Answer,
            }),
        }),
        lexical: ranked.lexical.as_ref().map(|lexical| LexicalScore {
            score: f64::from(lexical.score),
            rank: lexical.rank,
            terms: lexical.terms.clone(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::OutsideKind;

    #[test]
    fn the_company_of_a_question_is_counted_over_the_ten_nearest() {
        let pairs = |scores: &[f32]| -> Vec<DenseHit> {
            let hit = |score: &f32| DenseHit {
                index: 0,
                score: *score,
                row: 0,
                mean: *score,
                rank: 1,
            };
            scores.iter().map(hit).collect()
        };
        let references = |scores: &[f32]| -> Vec<OutsideHit> {
            let kind = OutsideKind::Trap;
            scores
                .iter()
                .map(|score| OutsideHit { score: *score, kind })
                .collect()
        };
        assert_eq!(company(&pairs(&[0.9, 0.5]), &references(&[0.8, 0.7])), 0.5);
        assert_eq!(company(&pairs(&[0.9; 20]), &references(&[0.95, 0.8])), 0.9);
        assert_eq!(company(&pairs(&[0.9; 3]), &[]), 1.0);
        assert_eq!(company(&[], &references(&[0.1; 10])), 0.0);
        assert_eq!(company(&[], &[]), 0.0);
    }
}

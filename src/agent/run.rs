//! Carries the graph out: one call of [`Agent::ask`] is one run.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::answerer::{Answerer, Piece};
use super::citation;
use super::classify::{Intent, Talk, classify};
use super::emitter::Emitter;
use super::error::AgentError;
use super::event::{
    AgentEvent, DenseScore, Event, Hit, LONGEST_QUESTION, LexicalScore, Nearest, Outcome, RunId, Setup,
    Stage, Tier, Usage,
};
use super::graph::{self, Decision, Next};
use super::judge::{self, Signals, Verdict};
use super::knowledge::Knowledge;
use crate::cache::{self, CacheKey, Provenance, VectorCache};
use crate::embedding::{EmbedError, Embedder, Readiness, Vector};
use crate::retrieval::{Corpus, DenseHit, LexicalSearch, Method, OutsideHit, Ranked, View};

/// How many candidates each search hands to the fusion: all of a set of our size, so that every hit has both scores.
const CANDIDATES: usize = 2_000;

/// Answers questions. Clones share everything, so many runs can be under way at once.
#[derive(Clone)]
pub struct Agent {
    pub knowledge: Knowledge,
    pub embedder: Arc<dyn Embedder>,
    pub cache: Arc<VectorCache>,
    pub answerer: Arc<dyn Answerer>,
    pub method: Method,
    /// How many hits are retrieved.
    pub top_k: usize,
    pub offline: bool,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("embedder", &self.embedder)
            .field("answerer", &self.answerer.name())
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// Answers one question and says everything on `events`, the end included: exactly one of `answered`, `failed`,
    /// `cancelled`. Cancelling drops whatever is under way, its socket with it.
    pub async fn ask(
        &self,
        run: RunId,
        question: String,
        events: mpsc::Sender<Event>,
        cancel: CancellationToken,
    ) {
        let emitter = Emitter::new(run, events);
        let ended = tokio::select! {
            biased;
            () = cancel.cancelled() => AgentEvent::Cancelled {},
            ended = self.walk(&emitter, question) => ended,
        };
        match &ended {
            AgentEvent::Failed { stage, retryable, .. } => {
                tracing::warn!(%run, stage = stage.name(), retryable, "the run failed");
            }
            AgentEvent::Cancelled {} => tracing::info!(%run, "the run was cancelled"),
            _ => tracing::info!(%run, "the run ended"),
        }
        emitter.say(ended).await;
    }

    /// Retrieves for a query without answering it: the middle of the graph, with the same events.
    pub async fn search(
        &self,
        run: RunId,
        query: String,
        events: mpsc::Sender<Event>,
    ) -> Result<Vec<Hit>, AgentError> {
        let emitter = Emitter::new(run, events);
        self.start(&emitter, &query).await;
        let query = self.parse(&emitter, &query).await?;
        Ok(self.retrieve(&emitter, &query).await?.hits)
    }

    /// Walks the graph from its start; returns the event that ends the run.
    async fn walk(&self, emitter: &Emitter, question: String) -> AgentEvent {
        self.start(emitter, &question).await;
        let mut state = State {
            question,
            ..State::default()
        };
        let mut at = Next::To(graph::START);
        loop {
            let (stage, result) = match at {
                Next::End => return state.end(),
                Next::To(stage) => (stage, self.node(emitter, stage, &mut state).await),
                Next::Search => match self.retrieve(emitter, &state.question).await {
                    Ok(found) => {
                        emitter
                            .say(AgentEvent::Retrieved {
                                hits: found.hits.clone(),
                            })
                            .await;
                        state.found = found;
                        (Stage::Fuse, Ok(Decision::Go))
                    }
                    Err(error) => (error.stage, Err(error)),
                },
            };
            let decision = result.unwrap_or_else(|error| {
                state.error = Some(error);
                Decision::Failed
            });
            at = graph::next(stage, decision);
        }
    }

    async fn start(&self, emitter: &Emitter, question: &str) {
        // The size of a set that is still loading is not known yet; the events must not wait for it.
        let setup = Setup {
            chat: self.answerer.name(),
            embedder: self.embedder.model_id().name.clone(),
            retriever: self.method.name().to_owned(),
            dataset: self.knowledge.name().to_owned(),
            pairs: self.knowledge.pairs(),
            offline: self.offline,
        };
        emitter
            .say(AgentEvent::Started {
                question: question.to_owned(),
                setup,
            })
            .await;
    }

    async fn node(&self, emitter: &Emitter, stage: Stage, state: &mut State) -> Result<Decision, AgentError> {
        match stage {
            Stage::Parse => {
                state.question = self.parse(emitter, &state.question).await?;
                Ok(Decision::Go)
            }
            Stage::Classify => {
                let clock = emitter.begin(stage).await;
                state.intent = classify(&state.question);
                clock.end(Some(state.intent.name().to_owned())).await;
                Ok(match state.intent {
                    Intent::Talk(_) => Decision::SmallTalk,
                    _ => Decision::Go,
                })
            }
            Stage::Judge => {
                let clock = emitter.begin(stage).await;
                state.verdict = judge::judge(state.found.signals);
                clock.end(Some(state.verdict.reason.clone())).await;
                Ok(if state.verdict.enough {
                    Decision::Enough
                } else {
                    Decision::TooLittle
                })
            }
            Stage::Answer => {
                let pieces = self.answerer.answer(&state.question, &state.found.hits);
                self.write(emitter, stage, pieces, Outcome::Answered, state).await
            }
            Stage::Converse => {
                let Intent::Talk(talk) = state.intent else {
                    return Ok(Decision::Go);
                };
                let pieces = self.converse(&state.question, talk).await?;
                self.write(emitter, stage, pieces, Outcome::Conversed, state)
                    .await
            }
            Stage::Decline => {
                let clock = emitter.begin(stage).await;
                let text = judge::decline(&state.verdict, &state.found.hits);
                state.text.push_str(&text);
                emitter.say(AgentEvent::Token { text }).await;
                clock.end(None).await;
                state.outcome = Some(Outcome::Declined);
                Ok(Decision::Go)
            }
            Stage::Error => {
                let clock = emitter.begin(stage).await;
                clock
                    .end(
                        state
                            .error
                            .as_ref()
                            .map(|error| format!("after {}", error.stage.name())),
                    )
                    .await;
                Ok(Decision::Go)
            }
            // The search nodes run in `retrieve`.
            Stage::Embed | Stage::Lexical | Stage::Dense | Stage::Fuse | Stage::Unknown => Ok(Decision::Go),
        }
    }

    async fn parse(&self, emitter: &Emitter, question: &str) -> Result<String, AgentError> {
        let clock = emitter.begin(Stage::Parse).await;
        let clean = crate::text::sanitize(question).trim().to_owned();
        let length = clean.chars().count();
        clock.end(None).await;
        if clean.is_empty() {
            return Err(AgentError::lasting(
                Stage::Parse,
                "the question is empty: write one",
            ));
        }
        if length > LONGEST_QUESTION {
            return Err(AgentError::lasting(
                Stage::Parse,
                format!(
                    "the question has {length} characters and at most {LONGEST_QUESTION} can be asked: shorten it"
                ),
            ));
        }
        Ok(clean)
    }

    async fn converse(
        &self,
        question: &str,
        talk: Talk,
    ) -> Result<BoxStream<'static, Result<Piece, AgentError>>, AgentError> {
        let pairs = self.knowledge.get(Stage::Converse).await?.len();
        Ok(self.answerer.converse(question, talk, pairs))
    }

    /// Hands an answerer's pieces on as they come.
    async fn write(
        &self,
        emitter: &Emitter,
        stage: Stage,
        mut pieces: BoxStream<'static, Result<Piece, AgentError>>,
        outcome: Outcome,
        state: &mut State,
    ) -> Result<Decision, AgentError> {
        let clock = emitter.begin(stage).await;
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(Piece::Text(text)) => {
                    state.text.push_str(&text);
                    emitter.say(AgentEvent::Token { text }).await;
                }
                Ok(Piece::Limits(limits)) => emitter.say(AgentEvent::Limits { limits }).await,
                Ok(Piece::End { usage, cut }) => {
                    state.outcome = Some(if cut.is_some() { Outcome::Partial } else { outcome });
                    state.usage = usage;
                    state.note = cut;
                    clock.end(None).await;
                    return Ok(Decision::Go);
                }
                Err(error) => {
                    clock.end(Some("failed".to_owned())).await;
                    return Err(error);
                }
            }
        }
        clock.end(Some("cut off".to_owned())).await;
        Err(AgentError {
            stage,
            message: "the answer broke off before its end: ask again".to_owned(),
            retryable: true,
        })
    }

    /// The search: both retrievers at once, then the fusion.
    async fn retrieve(&self, emitter: &Emitter, question: &str) -> Result<Found, AgentError> {
        let ((dense, outside), lexical) =
            tokio::try_join!(self.dense(emitter, question), self.lexical(emitter, question))?;
        let clock = emitter.begin(Stage::Fuse).await;
        let corpus = self.knowledge.get(Stage::Fuse).await?;
        let ranked = corpus.rank(self.method, &dense, &lexical, self.top_k);
        let hits: Vec<Hit> = ranked.iter().filter_map(|ranked| hit(&corpus, ranked)).collect();
        let signals = Signals {
            cosine: dense.first().map(|hit| f64::from(hit.score)),
            coverage: lexical.hits.first().map_or(0.0, |hit| f64::from(hit.coverage)),
            outside,
        };
        clock
            .end(Some(format!("{}, {} hits", self.method, hits.len())))
            .await;
        Ok(Found { hits, signals })
    }

    async fn dense(
        &self,
        emitter: &Emitter,
        question: &str,
    ) -> Result<(Vec<DenseHit>, Option<OutsideHit>), AgentError> {
        let vector = self.embed(emitter, question).await?;
        let mut clock = emitter.begin(Stage::Dense).await;
        let corpus = self.corpus(&mut clock, Stage::Dense).await?;
        let hits = corpus.dense.search(&vector, CANDIDATES);
        let outside = corpus.outside.nearest(&vector);
        clock.end(Some(format!("{} vectors", corpus.dense.len()))).await;
        Ok((hits, outside))
    }

    async fn embed(&self, emitter: &Emitter, question: &str) -> Result<Vector, AgentError> {
        let mut clock = emitter.begin(Stage::Embed).await;
        let mut readiness = self.embedder.readiness();
        let loading = matches!(*readiness.borrow(), Readiness::Loading);
        if loading {
            // A closed channel means that the embedder is gone; asking it below says so properly.
            let _ = clock
                .wait(
                    "the embedding model to load",
                    readiness.wait_for(|state| !matches!(state, Readiness::Loading)),
                )
                .await;
        }
        let failed = |error: &dyn std::fmt::Display| AgentError::lasting(Stage::Embed, error.to_string());
        let model = self.embedder.model_id();
        let key = CacheKey::new(&model.name, model.dimension, "query", question);
        let load = async {
            let mut vectors = self.embedder.embed(vec![question.to_owned()]).await?;
            vectors
                .pop()
                .map(Vector::into_shared)
                .ok_or_else(|| EmbedError::Run("it returned no vector".to_owned()))
        };
        let cached = self
            .cache
            .get_or_load(&key, load)
            .await
            .map_err(|error| failed(&error))?;
        let (tier, age_ms) = match cached.provenance {
            Provenance::Hit {
                tier: cache::Tier::Memory,
                age,
            } => (Some(Tier::Memory), Some(age.as_secs_f64() * 1e3)),
            Provenance::Joined => (Some(Tier::Memory), Some(0.0)),
            Provenance::Miss => (None, None),
        };
        emitter
            .say(AgentEvent::Cache {
                key: key.short().to_owned(),
                tier,
                age_ms,
            })
            .await;
        clock.cache = tier;
        clock.end(None).await;
        Vector::from_unit(cached.vector, model.dimension).map_err(|fault| failed(&fault))
    }

    async fn lexical(&self, emitter: &Emitter, question: &str) -> Result<LexicalSearch, AgentError> {
        let mut clock = emitter.begin(Stage::Lexical).await;
        let corpus = self.corpus(&mut clock, Stage::Lexical).await?;
        let found = corpus.lexical.search(question, CANDIDATES);
        clock
            .end(Some(format!("{} pairs share a word", found.matching)))
            .await;
        Ok(found)
    }

    async fn corpus(
        &self,
        clock: &mut super::emitter::StageClock,
        stage: Stage,
    ) -> Result<Arc<Corpus>, AgentError> {
        if self.knowledge.is_loading() {
            clock
                .wait("the data set to load", self.knowledge.get(stage))
                .await
        } else {
            self.knowledge.get(stage).await
        }
    }
}

/// What a run knows so far.
#[derive(Debug)]
struct State {
    question: String,
    intent: Intent,
    found: Found,
    verdict: Verdict,
    text: String,
    outcome: Option<Outcome>,
    usage: Option<Usage>,
    note: Option<String>,
    error: Option<AgentError>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            question: String::new(),
            intent: Intent::Lookup,
            found: Found::default(),
            verdict: Verdict::default(),
            text: String::new(),
            outcome: None,
            usage: None,
            note: None,
            error: None,
        }
    }
}

#[derive(Debug, Default)]
struct Found {
    hits: Vec<Hit>,
    signals: Signals,
}

impl State {
    fn end(self) -> AgentEvent {
        match (self.error, self.outcome) {
            (Some(error), _) => AgentEvent::Failed {
                stage: error.stage,
                message: error.message,
                retryable: error.retryable,
            },
            (None, outcome) => AgentEvent::Answered {
                outcome: outcome.unwrap_or(Outcome::Failed),
                citations: citation::ids(&self.text, &self.found.hits),
                usage: self.usage,
                note: self.note,
            },
        }
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

//! Carries the graph out: one call of [`Agent::ask`] is one run.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::answerer::{Answerer, Piece};
use super::citation;
use super::classify::{Intent, classify};
use super::emitter::{Emitter, ms};
use super::error::AgentError;
use super::event::{
    AgentEvent, Event, Freshness, Hit, Kept, LONGEST_QUESTION, Outcome, Question, RunId, Setup, Side, Stage,
    Turn, Usage,
};
use super::follow_up::Reading;
use super::graph::{self, Decision, Next};
use super::judge::{self, Verdict};
use super::knowledge::Knowledge;
use super::live::is_about_this_moment;
use super::recall::{Lookup, recalled};
use super::search::Found;
use super::standby::Standby;
use crate::cache::Cache;
use crate::embedding::Embedder;
use crate::retrieval::comparison::Retriever;

/// Answers questions. Clones share everything, so many runs can be under way at once.
#[derive(Clone)]
pub struct Agent {
    pub knowledge: Knowledge,
    pub embedder: Arc<dyn Embedder>,
    /// Who embeds when nobody answers at the embedder's endpoint.
    pub standby: Option<Arc<Standby>>,
    pub cache: Arc<Cache>,
    pub answerer: Arc<dyn Answerer>,
    /// How pairs are ranked; `embedder` and `top_k` of the agent are what counts, whatever it says of them.
    pub retriever: Retriever,
    /// How many hits are retrieved.
    pub top_k: usize,
    pub offline: bool,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("embedder", &self.embedder)
            .field("answerer", &self.answerer.name())
            .field("retriever", &self.retriever)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// Answers one question and says everything on `events`, the end included: exactly one of `answered`, `failed`,
    /// `cancelled`. Cancelling drops whatever is under way, its socket with it.
    pub async fn ask(
        &self,
        run: RunId,
        question: impl Into<Question>,
        events: mpsc::Sender<Event>,
        cancel: CancellationToken,
    ) {
        let question = question.into();
        let emitter = Emitter::new(run, events);
        let ended = tokio::select! {
            biased;
            () = cancel.cancelled() => AgentEvent::Cancelled {},
            ended = self.walk(&emitter, question) => ended,
        };
        log(run, &ended);
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
        self.start(&emitter, &query, None).await;
        let query = self.parse(&emitter, &query).await?;
        Ok(self.retrieve(&emitter, &query, None).await?.hits)
    }

    /// Walks the graph from its start; returns the event that ends the run.
    async fn walk(&self, emitter: &Emitter, question: Question) -> AgentEvent {
        self.start(emitter, &question.text, None).await;
        let mut state = State::of(question);
        self.go(emitter, &mut state, graph::START, |_| false).await;
        state.end()
    }

    /// Walks the graph from a node on, to its end or to the first node at which to stop, which is given back.
    pub(super) async fn go(
        &self,
        emitter: &Emitter,
        state: &mut State,
        from: Stage,
        stop: impl Fn(Stage) -> bool,
    ) -> Option<Stage> {
        let mut at = Next::To(from);
        loop {
            let (stage, result) = match at {
                Next::End => return None,
                Next::To(stage) if stop(stage) => return Some(stage),
                Next::To(stage) => (stage, self.node(emitter, stage, state).await),
                Next::Search => match self
                    .retrieve(emitter, &state.question, state.reading.as_ref())
                    .await
                {
                    Ok(found) => {
                        emitter
                            .say(AgentEvent::Retrieved {
                                hits: found.hits.clone(),
                            })
                            .await;
                        if let Some(note) = &found.note {
                            state.add_note(note.clone());
                        }
                        // A model that is asked "and on v3?" alone would not know of what.
                        if let Some(reading) = state.reading.take() {
                            state.question = reading.text;
                        }
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

    pub(super) async fn start(&self, emitter: &Emitter, question: &str, side: Option<Side>) {
        // The size of a set that is still loading is not known yet; the events must not wait for it.
        let setup = Setup {
            chat: self.answerer.name(),
            embedder: self.embedder.model_id().name.clone(),
            retriever: self.retriever.label(),
            dataset: self.knowledge.name().to_owned(),
            pairs: self.knowledge.pairs(),
            offline: self.offline,
            price: self.answerer.price(),
            sampling: self.answerer.sampling(),
            side,
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
                    _ if self.may_go_on(state) => Decision::GoesOn,
                    _ => Decision::Go,
                })
            }
            Stage::FollowUp => {
                let clock = emitter.begin(stage).await;
                self.read_follow_up(emitter, clock, state).await;
                Ok(Decision::Go)
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
                let pieces = self.pieces(state);
                self.write(emitter, stage, pieces, Outcome::Answered, state).await
            }
            Stage::Converse => {
                let Intent::Talk(talk) = state.intent else {
                    return Ok(Decision::Go);
                };
                let pieces = self
                    .answerer
                    .converse(&state.question, talk, self.knowledge.pairs());
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
            Stage::Rewrite | Stage::Embed | Stage::Lexical | Stage::Dense | Stage::Fuse | Stage::Unknown => {
                Ok(Decision::Go)
            }
        }
    }

    /// The answer: the answerer's, or one of its that was kept.
    fn pieces(&self, state: &State) -> BoxStream<'static, Result<Piece, AgentError>> {
        let (question, hits) = (&state.question, &state.found.hits);
        let asked = self.answerer.answer(question, hits);
        if is_about_this_moment(question, &state.found.signals) {
            return asked;
        }
        match self.answerer.kept_as(question, hits) {
            Some(wanted) => recalled(Arc::clone(&self.cache), wanted, asked, state.freshness),
            None => asked,
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

    /// Hands an answerer's pieces on as they come.
    async fn write(
        &self,
        emitter: &Emitter,
        stage: Stage,
        mut pieces: BoxStream<'static, Result<Piece, AgentError>>,
        outcome: Outcome,
        state: &mut State,
    ) -> Result<Decision, AgentError> {
        let mut clock = emitter.begin(stage).await;
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(Piece::Text(text)) => {
                    state.text.push_str(&text);
                    emitter.say(AgentEvent::Token { text }).await;
                }
                Ok(Piece::Looked(Lookup { key, found })) => {
                    clock.cache = found.map(|found| found.tier);
                    emitter
                        .say(AgentEvent::Cache {
                            key,
                            kind: Kept::Answer,
                            tier: found.map(|found| found.tier),
                            age_ms: found.map(|found| ms(found.age)),
                            saved_ms: found.and_then(|found| found.took).map(ms),
                            saved_tokens: found.and_then(|found| found.tokens),
                        })
                        .await;
                }
                Ok(Piece::Limits(limits)) => emitter.say(AgentEvent::Limits { limits }).await,
                Ok(Piece::Waiting { on }) => clock.waits(on).await,
                Ok(Piece::Retry {
                    why,
                    wait,
                    attempt,
                    of,
                }) => clock.retries(why, wait, attempt, of).await,
                Ok(Piece::Resumed { waited }) => clock.resumed(waited).await,
                Ok(Piece::Note(note)) => state.add_note(note),
                Ok(Piece::End { usage, cut }) => {
                    state.outcome = Some(if cut.is_some() { Outcome::Partial } else { outcome });
                    state.usage = usage;
                    if let Some(cut) = cut {
                        state.add_note(cut);
                    }
                    clock.end(None).await;
                    return Ok(Decision::Go);
                }
                Err(error) => {
                    return Err(clock.failed(error).await);
                }
            }
        }
        let broke_off = AgentError {
            stage,
            message: "the answer broke off before its end: ask again".to_owned(),
            retryable: true,
        };
        Err(clock.failed(broke_off).await)
    }
}

/// Logs how a run ended.
pub(super) fn log(run: RunId, ended: &AgentEvent) {
    match ended {
        AgentEvent::Failed { stage, retryable, .. } => {
            tracing::warn!(%run, stage = stage.name(), retryable, "the run failed");
        }
        AgentEvent::Cancelled {} => tracing::info!(%run, "the run was cancelled"),
        _ => tracing::info!(%run, "the run ended"),
    }
}

/// What a run knows so far.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) question: String,
    pub(super) freshness: Freshness,
    /// What was asked before it.
    pub(super) before: Vec<Turn>,
    /// What it is read as, when it goes on from there.
    pub(super) reading: Option<Reading>,
    intent: Intent,
    found: Found,
    verdict: Verdict,
    text: String,
    outcome: Option<Outcome>,
    usage: Option<Usage>,
    /// What was used before the answer.
    pub(super) used_before: Option<Usage>,
    note: Option<String>,
    error: Option<AgentError>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            question: String::new(),
            freshness: Freshness::Kept,
            before: Vec::new(),
            reading: None,
            intent: Intent::Lookup,
            found: Found::default(),
            verdict: Verdict::default(),
            text: String::new(),
            outcome: None,
            usage: None,
            used_before: None,
            note: None,
            error: None,
        }
    }
}

impl State {
    /// Nothing is known but the question.
    pub(super) fn of(question: Question) -> Self {
        Self {
            question: question.text,
            freshness: question.freshness,
            before: question.before,
            ..Self::default()
        }
    }

    /// Adds a sentence to what is said beside the answer.
    fn add_note(&mut self, note: String) {
        self.note = Some(match self.note.take() {
            Some(before) => format!("{before}; {note}"),
            None => note,
        });
    }

    /// The event that ends a run that knows this.
    pub(super) fn end(self) -> AgentEvent {
        match (self.error, self.outcome) {
            (Some(error), _) => AgentEvent::Failed {
                stage: error.stage,
                message: error.message,
                retryable: error.retryable,
            },
            (None, outcome) => AgentEvent::Answered {
                outcome: outcome.unwrap_or(Outcome::Failed),
                citations: citation::ids(&self.text, &self.found.hits),
                usage: match (self.used_before, self.usage) {
                    (Some(before), Some(usage)) => Some(before.plus(usage)),
                    (before, usage) => before.or(usage),
                },
                note: self.note,
            },
        }
    }
}

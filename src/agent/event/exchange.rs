//! The fold of a run's events: what a reader knows after each of them.

use serde::Serialize;

use super::{AgentEvent, Event, Hit, Limits, Outcome, Setup, Stage, Tier, Usage};

/// A question and its answer as far as the events have told it. Every reader (screen, `--json`, replay, HTTP) shows
/// this and nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    pub question: String,
    pub setup: Setup,
    pub phase: Phase,
    /// The answer's text so far, as it came: sanitise it before it is shown.
    pub answer: String,
    pub hits: Vec<Hit>,
    /// Ids of the cited pairs, in the order of their first citation; known once the run has ended.
    pub citations: Vec<String>,
    pub stages: Vec<StageRow>,
    pub usage: Option<Usage>,
    pub limits: Option<Limits>,
    /// Why the text stops early, or what the outcome leaves to say.
    pub note: Option<String>,
    /// Milliseconds from the start to the first token.
    pub first_token_ms: Option<f64>,
    /// Milliseconds from the start to the newest event.
    pub at_ms: f64,
}

/// Where a run stands. Each state excludes the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// Asked; no event has come yet.
    #[default]
    Queued,
    /// At work in a stage, no text yet.
    Working(Stage),
    /// A stage waits for something named in plain words.
    Waiting(Stage, String),
    /// The next try of a request comes after `wait_ms` from `since_ms` on.
    Retrying {
        why: String,
        wait_ms: f64,
        since_ms: f64,
        attempt: u32,
    },
    /// Text is coming.
    Streaming,
    /// Ended with an answer.
    Done(Outcome),
    /// Ended in the error node.
    Failed {
        stage: Stage,
        message: String,
        retryable: bool,
    },
    /// Stopped by the user.
    Cancelled,
}

impl Phase {
    /// Whether the run has ended.
    pub fn ended(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed { .. } | Self::Cancelled)
    }
}

/// One stage of the trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageRow {
    pub name: Stage,
    /// When it started, in milliseconds since the run's start.
    #[serde(skip)]
    pub start_ms: f64,
    /// How long it took; `None` while it runs.
    pub ms: Option<f64>,
    #[serde(skip_serializing_if = "is_zero")]
    pub wait_ms: f64,
    /// What it waits for now.
    #[serde(skip)]
    pub waits_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Tier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(ms: &f64) -> bool {
    *ms == 0.0
}

impl Exchange {
    /// An exchange that has been asked and not started.
    pub fn asked(question: impl Into<String>) -> Self {
        Self {
            question: question.into(),
            ..Self::default()
        }
    }

    /// How the run ended, in the words of `ask --json`; `None` while it runs. A run that was cut or cancelled after
    /// some text is `partial`.
    pub fn outcome(&self) -> Option<Outcome> {
        let cut = || {
            if self.answer.trim().is_empty() {
                Outcome::Failed
            } else {
                Outcome::Partial
            }
        };
        match &self.phase {
            Phase::Done(outcome) => Some(*outcome),
            Phase::Failed { .. } | Phase::Cancelled => Some(cut()),
            _ => None,
        }
    }

    /// Takes the next event in. Events after the end are ignored: a run ends once.
    pub fn apply(&mut self, event: &Event) {
        if self.phase.ended() {
            return;
        }
        self.at_ms = self.at_ms.max(event.at_ms);
        match &event.what {
            AgentEvent::Started { question, setup } => {
                self.question.clone_from(question);
                self.setup = setup.clone();
                self.phase = Phase::Working(Stage::Parse);
            }
            AgentEvent::StageStarted { stage } => {
                self.stages.push(StageRow {
                    name: *stage,
                    start_ms: event.at_ms,
                    ms: None,
                    wait_ms: 0.0,
                    waits_for: None,
                    cache: None,
                    note: None,
                });
                self.at_work();
            }
            AgentEvent::Waiting { stage, on } => {
                if let Some(row) = self.open_stage(*stage) {
                    row.waits_for = Some(on.clone());
                }
                self.phase = Phase::Waiting(*stage, on.clone());
            }
            AgentEvent::StageFinished {
                stage,
                ms,
                wait_ms,
                cache,
                note,
            } => {
                if let Some(row) = self.open_stage(*stage) {
                    row.ms = Some(*ms);
                    row.wait_ms = *wait_ms;
                    row.waits_for = None;
                    row.cache = *cache;
                    row.note.clone_from(note);
                }
                if !matches!(self.phase, Phase::Retrying { .. }) {
                    self.at_work();
                }
            }
            AgentEvent::Retrieved { hits } => self.hits.clone_from(hits),
            AgentEvent::Token { text } => {
                self.first_token_ms.get_or_insert(event.at_ms);
                self.answer.push_str(text);
                self.phase = Phase::Streaming;
            }
            AgentEvent::Limits { limits } => self.limits = Some(limits.clone()),
            AgentEvent::Retry {
                why,
                wait_ms,
                attempt,
            } => {
                self.phase = Phase::Retrying {
                    why: why.clone(),
                    wait_ms: *wait_ms,
                    since_ms: event.at_ms,
                    attempt: *attempt,
                };
            }
            AgentEvent::Answered {
                outcome,
                citations,
                usage,
                note,
            } => {
                self.citations.clone_from(citations);
                self.usage = *usage;
                self.note.clone_from(note);
                self.phase = Phase::Done(*outcome);
            }
            AgentEvent::Failed {
                stage,
                message,
                retryable,
            } => {
                self.phase = Phase::Failed {
                    stage: *stage,
                    message: message.clone(),
                    retryable: *retryable,
                };
            }
            AgentEvent::Cancelled {} => self.phase = Phase::Cancelled,
            AgentEvent::Cache { .. } | AgentEvent::Unknown => {}
        }
    }

    /// A stage began or ended. Stages run beside each other: one that waits says what the run waits for, else the
    /// newest that is open says what it does.
    fn at_work(&mut self) {
        if matches!(self.phase, Phase::Streaming) {
            return;
        }
        let open = || self.stages.iter().filter(|row| row.ms.is_none());
        let waiting = open().find_map(|row| Some(Phase::Waiting(row.name, row.waits_for.clone()?)));
        let working = open().next_back().map(|row| Phase::Working(row.name));
        if let Some(phase) = waiting.or(working) {
            self.phase = phase;
        } else if let Phase::Waiting(stage, _) = self.phase {
            self.phase = Phase::Working(stage);
        }
    }

    fn open_stage(&mut self, stage: Stage) -> Option<&mut StageRow> {
        self.stages
            .iter_mut()
            .rev()
            .find(|row| row.name == stage && row.ms.is_none())
    }
}

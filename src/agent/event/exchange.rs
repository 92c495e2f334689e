//! The fold of a run's events: what a reader knows after each of them.

use serde::Serialize;

use super::{
    AgentEvent, AnswerOrigin, Cost, Event, Hit, Kept, Limits, Outcome, Setup, Stage, Tier, Timing, Usage,
    VectorOrigin, timing,
};

/// A question and its answer as far as the events have told it. Every reader (screen, `--json`, replay, HTTP) shows
/// this and nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    pub question: String,
    /// What it is searched as, when that is another text.
    pub read: Option<String>,
    /// Who took along what it goes on from: `rule`, or a model.
    pub read_by: Option<String>,
    pub setup: Setup,
    pub phase: Phase,
    /// The answer's text so far, as it came: sanitise it before it is shown.
    pub answer: String,
    pub hits: Vec<Hit>,
    /// Ids of the cited pairs, in the order of their first citation; known once the run has ended.
    pub citations: Vec<String>,
    pub stages: Vec<StageRow>,
    /// All tokens of the run, as far as a server counted them.
    pub usage: Option<Usage>,
    /// Those among them that went before the answer.
    pub used_before: Option<Usage>,
    pub limits: Option<Limits>,
    /// Of the endpoint that embeds.
    pub embedding_limits: Option<Limits>,
    /// Why the text stops early, or what the outcome leaves to say.
    pub note: Option<String>,
    /// Milliseconds from the start to the first token, and to the newest.
    pub first_token_ms: Option<f64>,
    pub last_token_ms: Option<f64>,
    /// Pieces that the answer came in so far; 0 after its end, when tokens are known.
    pub pieces: u64,
    /// Model id of the embedder whose vector of the question was searched with; `None`: none was.
    pub embedder: Option<String>,
    /// Where the question's vector came from, once the caches have been asked.
    pub vector: Option<VectorOrigin>,
    /// Where the answer came from, when it was kept.
    pub answer_origin: Option<AnswerOrigin>,
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
        of: Option<u32>,
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

/// Why an exchange has no whole answer: the `error` of its JSON objects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trouble<'a> {
    pub stage: Stage,
    pub message: &'a str,
    /// Whether asking again may help.
    pub retryable: bool,
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

    /// How fast it came.
    pub fn timing(&self) -> Timing {
        let span = self
            .first_token_ms
            .zip(self.last_token_ms)
            .map(|(first, last)| last - first);
        Timing {
            first_token_ms: self.first_token_ms,
            total_ms: self.at_ms,
            tokens_per_s: self.usage.zip(span).and_then(|(usage, span)| {
                let before = self.used_before.map_or(0, |usage| usage.completion_tokens);
                timing::tokens_per_s(usage.completion_tokens.saturating_sub(before), span)
            }),
        }
    }

    /// Pieces of the answer a second, while it comes: about the tokens a second that are known at its end.
    pub fn pieces_per_s(&self) -> Option<f64> {
        let span = self.last_token_ms? - self.first_token_ms?;
        matches!(self.phase, Phase::Streaming)
            .then(|| timing::tokens_per_s(self.pieces, span))
            .flatten()
    }

    /// What it cost; `None` when no server counted tokens, as for an answer that was made on this machine.
    pub fn cost(&self) -> Option<Cost> {
        let chat = &self.setup.chat;
        let model = chat.strip_prefix("openai:").unwrap_or(chat);
        Some(Cost::of(self.usage?, self.setup.price.as_ref(), model))
    }

    /// What went wrong, when it failed or was cancelled.
    pub fn trouble(&self) -> Option<Trouble<'_>> {
        match &self.phase {
            Phase::Failed {
                stage,
                message,
                retryable,
            } => Some(Trouble {
                stage: *stage,
                message,
                retryable: *retryable,
            }),
            Phase::Cancelled => Some(Trouble {
                stage: self.stages.last().map_or(Stage::Parse, |row| row.name),
                message: "cancelled",
                retryable: true,
            }),
            _ => None,
        }
    }

    /// Ends a run whose end nobody will tell: it failed in its newest stage, for this reason.
    pub fn break_off(&mut self, why: &str) {
        if !self.phase.ended() {
            self.phase = Phase::Failed {
                stage: self.stages.last().map_or(Stage::Parse, |row| row.name),
                message: why.to_owned(),
                retryable: true,
            };
        }
    }

    /// Takes the next event in. Events after the end are ignored: a run ends once.
    pub fn apply(&mut self, event: &Event) {
        if self.phase.ended() {
            return;
        }
        self.at_ms = self.at_ms.max(event.at_ms);
        if event.what.ends_run() {
            self.pieces = 0;
        }
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
            AgentEvent::Resumed { stage, waited_ms } => {
                if let Some(row) = self.open_stage(*stage) {
                    row.waits_for = None;
                    row.wait_ms += waited_ms;
                }
                self.at_work();
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
            AgentEvent::Read { text, by } => {
                self.read = Some(text.clone());
                self.read_by.clone_from(by);
            }
            AgentEvent::Used { usage, .. } => {
                let sum = self.used_before.map_or(*usage, |before| before.plus(*usage));
                self.used_before = Some(sum);
                self.usage = Some(sum);
            }
            AgentEvent::Retrieved { hits } => self.hits.clone_from(hits),
            AgentEvent::Token { text } => {
                self.first_token_ms.get_or_insert(event.at_ms);
                self.last_token_ms = Some(event.at_ms);
                self.pieces += 1;
                self.answer.push_str(text);
                self.phase = Phase::Streaming;
            }
            AgentEvent::Fallback { note, embedder, .. } => {
                self.embedder.clone_from(embedder);
                self.note = Some(note.clone());
            }
            AgentEvent::Limits { limits } => self.limits = Some(limits.clone()),
            AgentEvent::EmbeddingLimits { limits } => self.embedding_limits = Some(limits.clone()),
            AgentEvent::Retry {
                why,
                wait_ms,
                attempt,
                of,
            } => {
                self.phase = Phase::Retrying {
                    why: why.clone(),
                    wait_ms: *wait_ms,
                    since_ms: event.at_ms,
                    attempt: *attempt,
                    of: *of,
                };
            }
            AgentEvent::Answered {
                outcome,
                citations,
                usage,
                note,
            } => {
                self.citations.clone_from(citations);
                self.usage = usage.or(self.usage);
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
            AgentEvent::Cache {
                kind,
                tier,
                age_ms,
                saved_ms,
                saved_tokens,
                ..
            } => match kind {
                Kept::Vector => {
                    self.embedder.get_or_insert_with(|| self.setup.embedder.clone());
                    self.vector = Some(VectorOrigin {
                        tier: *tier,
                        age_ms: *age_ms,
                        saved_ms: *saved_ms,
                    });
                }
                Kept::Answer => {
                    self.answer_origin = tier.map(|tier| AnswerOrigin {
                        tier,
                        age_ms: *age_ms,
                        saved_ms: *saved_ms,
                        saved_tokens: *saved_tokens,
                    });
                }
                Kept::Rewriting | Kept::Unknown => {}
            },
            AgentEvent::Unknown => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::event::{Price, RunId, VERSION};

    fn after(said: Vec<(f64, AgentEvent)>) -> Exchange {
        let mut exchange = Exchange::default();
        for (at_ms, what) in said {
            exchange.apply(&Event {
                v: VERSION,
                run: RunId(1),
                at_ms,
                what,
            });
        }
        exchange
    }

    const ANSWER: Stage = Stage::Answer;

    fn begins(stage: Stage) -> AgentEvent {
        AgentEvent::StageStarted { stage }
    }

    fn waits(stage: Stage) -> AgentEvent {
        AgentEvent::Waiting {
            stage,
            on: "a slot".into(),
        }
    }

    fn retries() -> AgentEvent {
        AgentEvent::Retry {
            why: "h failed (500)".into(),
            wait_ms: 500.0,
            attempt: 2,
            of: Some(4),
        }
    }

    fn resumes(stage: Stage) -> AgentEvent {
        AgentEvent::Resumed {
            stage,
            waited_ms: 500.0,
        }
    }

    #[test]
    fn a_wait_that_is_over_is_work_again_before_any_word_comes() {
        for wait in [waits(ANSWER), retries()] {
            let exchange = after(vec![(1.0, begins(ANSWER)), (2.0, wait), (502.0, resumes(ANSWER))]);
            assert_eq!(exchange.phase, Phase::Working(ANSWER));
            assert_eq!(exchange.stages[0].waits_for, None);
            assert_eq!(exchange.stages[0].wait_ms, 500.0);
        }
    }

    #[test]
    fn of_two_waits_the_other_goes_on() {
        let exchange = after(vec![
            (1.0, begins(Stage::Embed)),
            (1.0, begins(Stage::Lexical)),
            (2.0, waits(Stage::Embed)),
            (2.0, waits(Stage::Lexical)),
            (502.0, resumes(Stage::Lexical)),
        ]);
        assert_eq!(exchange.phase, Phase::Waiting(Stage::Embed, "a slot".into()));
    }

    #[test]
    fn tokens_times_and_cost_are_reckoned_from_the_events_alone() {
        let text = |text: &str| AgentEvent::Token { text: text.into() };
        let setup = Setup {
            chat: "openai:m".into(),
            price: Some(Price {
                input: 0.15.try_into().unwrap(),
                output: 0.6.try_into().unwrap(),
                as_of: "2025-06".into(),
            }),
            ..Setup::default()
        };
        let exchange = after(vec![
            (
                0.0,
                AgentEvent::Started {
                    question: "How?".into(),
                    setup,
                },
            ),
            (600.0, text("By ")),
            (2_500.0, text("it.")),
            (
                2_501.0,
                AgentEvent::Answered {
                    outcome: Outcome::Answered,
                    citations: Vec::new(),
                    usage: Some(Usage {
                        prompt_tokens: 1_204,
                        completion_tokens: 96,
                        total_tokens: 1_300,
                    }),
                    note: None,
                },
            ),
        ]);
        assert_eq!(
            exchange.timing(),
            Timing {
                first_token_ms: Some(600.0),
                total_ms: 2_501.0,
                tokens_per_s: Some(50.0),
            }
        );
        assert_eq!(
            exchange.cost(),
            Some(Cost::Known {
                usd: 0.000_238_2,
                price_as_of: "2025-06".into()
            })
        );
    }
}

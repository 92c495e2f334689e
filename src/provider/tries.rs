//! One question to a chat model, through the gate, in as many tries as it takes.

use std::collections::VecDeque;

use futures::stream::{self, StreamExt as _};

use super::answer;
use super::chat::{ChatEvent, ChatRequest, ChatStream};
use super::client::Connection;
use super::error::ProviderError;
use super::gate::{Gate, GateEvent, Pass, Step, Visit};
use super::limiter::Priority;

/// Bytes of a text per token: OpenAI's rule of thumb for English, <https://help.openai.com/en/articles/4936856>.
const BYTES_PER_TOKEN: u64 = 4;
/// What a message costs beside its text.
const TOKENS_PER_MESSAGE: u64 = 4;
/// How long an answer is taken to be when the request sets no limit.
const USUAL_ANSWER: u64 = 500;

/// The answer to one question.
pub(super) fn stream(connection: Connection, gate: &Gate, request: ChatRequest) -> ChatStream {
    let asking = Asking {
        visit: gate.visit(estimate(&request), Priority::Chat),
        gate: gate.clone(),
        connection,
        request,
        ready: VecDeque::new(),
        state: State::Outside,
    };
    stream::unfold(asking, |mut asking| async move {
        let event = asking.next().await?;
        Some((event, asking))
    })
    .boxed()
}

/// The tokens that a server will count when it takes the request on: the question, and the longest answer allowed.
fn estimate(request: &ChatRequest) -> u64 {
    let question: u64 = request
        .messages
        .iter()
        .map(|message| (message.content.len() as u64).div_ceil(BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE)
        .sum();
    question + request.max_tokens.map_or(USUAL_ANSWER, u64::from)
}

struct Asking {
    connection: Connection,
    gate: Gate,
    request: ChatRequest,
    visit: Visit,
    /// Events that are known and not yet taken.
    ready: VecDeque<Result<ChatEvent, ProviderError>>,
    state: State,
}

enum State {
    /// Waits for a pass.
    Outside,
    Reading(Reading),
    Over,
}

struct Reading {
    pass: Pass,
    answer: ChatStream,
    /// Text was handed on: no further try can take it back.
    delivered: bool,
}

impl Asking {
    async fn next(&mut self) -> Option<Result<ChatEvent, ProviderError>> {
        while self.ready.is_empty() {
            // Taken out while it works: what fails here is over.
            let step = match std::mem::replace(&mut self.state, State::Over) {
                State::Outside => self.enter().await,
                State::Reading(reading) => self.read(reading).await,
                State::Over => break,
            };
            match step {
                Ok(state) => self.state = state,
                Err(fault) => self.ready.push_back(Err(fault)),
            }
        }
        self.ready.pop_front()
    }

    fn say(&mut self, event: ChatEvent) {
        self.ready.push_back(Ok(event));
    }

    async fn enter(&mut self) -> Result<State, ProviderError> {
        match self.visit.next().await {
            Ok(Step::Tell(event)) => {
                self.say(ChatEvent::Limits(self.gate.limits()));
                self.say(event.into());
                Ok(State::Outside)
            }
            Ok(Step::Go { pass, waited }) => {
                if !waited.is_zero() {
                    self.say(ChatEvent::Resumed { waited });
                }
                pass.sent();
                Ok(State::Reading(Reading {
                    pass,
                    answer: answer::stream(self.connection.clone(), self.request.clone()),
                    delivered: false,
                }))
            }
            Err(fault) => {
                self.say(ChatEvent::Limits(self.gate.limits()));
                Err(fault)
            }
        }
    }

    async fn read(&mut self, mut reading: Reading) -> Result<State, ProviderError> {
        match reading.answer.next().await {
            Some(Ok(ChatEvent::Limits(reported))) => {
                reading.pass.answered(Some(&reported));
                self.say(ChatEvent::Limits(self.gate.beside(&reported)));
            }
            Some(Ok(ChatEvent::Finished { reason, usage })) => {
                reading.pass.succeeded(usage.map(|usage| usage.total_tokens));
                self.say(ChatEvent::Finished { reason, usage });
                return Ok(State::Over);
            }
            Some(Ok(event)) => {
                if !reading.delivered {
                    reading.pass.answered(None);
                    reading.pass.accepted();
                    reading.delivered = true;
                }
                self.say(event);
            }
            Some(Err(fault)) => {
                self.visit.failed(reading.pass, fault, reading.delivered)?;
                return Ok(State::Outside);
            }
            // An answer always says how it ended.
            None => return Ok(State::Over),
        }
        Ok(State::Reading(reading))
    }
}

impl From<GateEvent> for ChatEvent {
    fn from(event: GateEvent) -> Self {
        match event {
            GateEvent::Waiting { on, wait } => Self::Waiting { on, wait },
            GateEvent::Retrying {
                why,
                wait,
                attempt,
                of,
            } => Self::Retrying {
                why,
                wait,
                attempt,
                of,
            },
            GateEvent::Resumed { waited } => Self::Resumed { waited },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chat::{Message, Role};
    use super::*;

    #[test]
    fn a_question_is_estimated_with_the_longest_answer_that_it_allows() {
        let mut request = ChatRequest {
            messages: vec![Message {
                role: Role::User,
                content: "x".repeat(41),
            }],
            temperature: None,
            max_tokens: Some(100),
        };
        assert_eq!(estimate(&request), 11 + 4 + 100);
        request.max_tokens = None;
        assert_eq!(estimate(&request), 11 + 4 + 500);
    }
}

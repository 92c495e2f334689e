//! From the pieces of one response to the events of one answer.

use std::collections::VecDeque;
use std::time::Duration;

use async_openai::error::OpenAIError;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::chat::{ChatEvent, ChatRequest, ChatStream, FinishReason, Usage};
use super::client::{Connection, Tap};
use super::endpoint::ChatApi;
use super::error::{ProviderError, TimeoutKind};
use super::responses_wire::{ResponsesBody, ResponsesEvent};
use super::wire::{ChatBody, Chunk, Piece};

/// How long the usage may take after the finish reason. An answer that is whole does not wait for a connection that is
/// left open.
const GRACE: Duration = Duration::from_secs(2);

/// The answer to one request. The time for the whole exchange runs from the first poll.
pub(super) fn stream(connection: Connection, request: ChatRequest) -> ChatStream {
    let answer = Answer {
        connection,
        ready: VecDeque::new(),
        state: State::Unasked(request),
        deadline: None,
    };
    stream::unfold(answer, |mut answer| async move {
        let event = answer.next().await?;
        Some((event, answer))
    })
    .boxed()
}

struct Answer {
    connection: Connection,
    /// Events that are known and not yet taken.
    ready: VecDeque<Result<ChatEvent, ProviderError>>,
    state: State,
    deadline: Option<Instant>,
}

enum State {
    Unasked(ChatRequest),
    Reading(Reading),
    /// Nothing more is read; the connection is closed or back in the pool.
    Over,
}

struct Reading {
    pieces: BoxStream<'static, Result<Piece, OpenAIError>>,
    tap: Tap,
    /// The finish reason, from which on the answer is whole, and until when its usage is waited for.
    finish: Option<(FinishReason, Instant)>,
    usage: Option<Usage>,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<ChatEvent, ProviderError>> {
        let total = self.connection.endpoint.timeouts.total;
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + total);
        while self.ready.is_empty() {
            // Taken out while it works: what fails here is over.
            let step = match std::mem::replace(&mut self.state, State::Over) {
                State::Unasked(request) => timeout_at(deadline, self.ask(request)).await,
                State::Reading(reading) => timeout_at(deadline, self.read(reading)).await,
                State::Over => break,
            };
            match step.unwrap_or_else(|_| Err(self.connection.peer.timeout(TimeoutKind::Total, total))) {
                Ok(state) => self.state = state,
                Err(fault) => self.ready.push_back(Err(fault)),
            }
        }
        self.ready.pop_front()
    }

    async fn ask(&mut self, request: ChatRequest) -> Result<State, ProviderError> {
        let endpoint = &self.connection.endpoint;
        let model = &endpoint.model;
        let (client, tap) = self.connection.tapped()?;
        let pieces = match endpoint.api {
            ChatApi::Completions => {
                let body = ChatBody::new(request, model, endpoint.base_url.is_openai());
                let chunks = client.chat().create_stream_byot(body).await;
                chunks.map(pieces::<Chunk>)
            }
            ChatApi::Responses => {
                let body = ResponsesBody::new(request, model);
                let events = client.responses().create_stream_byot(body).await;
                events.map(pieces::<ResponsesEvent>)
            }
        };
        self.ready
            .extend(tap.take_limits().map(ChatEvent::Limits).map(Ok));
        match pieces {
            Ok(pieces) => Ok(State::Reading(Reading {
                pieces,
                tap,
                finish: None,
                usage: None,
            })),
            Err(error) => Err(self.fault(&tap, &error)),
        }
    }

    async fn read(&mut self, mut reading: Reading) -> Result<State, ProviderError> {
        let piece = match &reading.finish {
            None => reading.pieces.next().await,
            Some((_, until)) => timeout_at(*until, reading.pieces.next()).await.unwrap_or(None),
        };
        match (piece, reading.finish.take()) {
            (Some(Ok(piece)), finish) => {
                if let Some(report) = piece.error {
                    return Err(self.connection.peer.reported(&report));
                }
                self.ready.extend(piece.text.map(ChatEvent::Token).map(Ok));
                reading.usage = piece.usage.or(reading.usage);
                let reason = piece.finish;
                reading.finish = finish.or_else(|| reason.map(|reason| (reason, Instant::now() + GRACE)));
                Ok(State::Reading(reading))
            }
            // Whatever happens to the connection after the finish reason, the answer is whole.
            (_, Some((reason, _))) => {
                let usage = reading.usage;
                self.ready.push_back(Ok(ChatEvent::Finished { reason, usage }));
                Ok(State::Over)
            }
            (Some(Err(error)), None) => Err(self.fault(&reading.tap, &error)),
            (None, None) => Err(reading
                .tap
                .take_fault()
                .unwrap_or_else(|| self.connection.peer.cut())),
        }
    }

    /// The tap knows causes; what it did not see, the parser refused. The parser's own text may quote the answer.
    fn fault(&self, tap: &Tap, error: &OpenAIError) -> ProviderError {
        tap.take_fault().unwrap_or_else(|| {
            self.connection.peer.malformed(match error {
                OpenAIError::JSONDeserialize(error, _) if error.is_data() => "a chunk has an unknown shape",
                OpenAIError::JSONDeserialize(..) => "a chunk is no JSON",
                _ => "its body is no event stream",
            })
        })
    }
}

/// The events of either interface as pieces of an answer.
fn pieces<T: Into<Piece> + 'static>(
    events: impl Stream<Item = Result<T, OpenAIError>> + Send + 'static,
) -> BoxStream<'static, Result<Piece, OpenAIError>> {
    events.map(|event| event.map(Into::into)).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Endpoint;

    /// An answer whose response consists of these chunks and then of silence.
    fn silent_after(chunks: &[&str]) -> Answer {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok(serde_json::from_str::<Chunk>(chunk).unwrap()))
            .collect();
        Answer {
            connection: Connection::new(Endpoint::new("http://127.0.0.1:1/v1", "m").unwrap()).unwrap(),
            ready: VecDeque::new(),
            state: State::Reading(Reading {
                pieces: pieces(stream::iter(chunks).chain(stream::pending())),
                tap: Tap::default(),
                finish: None,
                usage: None,
            }),
            deadline: None,
        }
    }

    const TEXT: &str = r#"{"choices":[{"delta":{"content":"x"}}]}"#;
    const FINISH: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;

    #[tokio::test(start_paused = true)]
    async fn a_whole_answer_waits_for_its_usage_but_not_for_the_connection() {
        for (chunks, counted) in [(&[TEXT, FINISH, USAGE][..], true), (&[TEXT, FINISH], false)] {
            let started = Instant::now();
            let mut answer = silent_after(chunks);
            assert_eq!(answer.next().await, Some(Ok(ChatEvent::Token("x".to_owned()))));
            let Some(Ok(ChatEvent::Finished { reason, usage })) = answer.next().await else {
                panic!("not finished")
            };
            assert_eq!((reason, usage.is_some()), (FinishReason::Stop, counted));
            assert_eq!(started.elapsed(), GRACE);
            assert_eq!(answer.next().await, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_in_all_runs_from_the_first_poll_and_ends_the_answer() {
        let mut answer = silent_after(&[TEXT]);
        let total = answer.connection.endpoint.timeouts.total;
        tokio::time::advance(total * 2).await;
        let started = Instant::now();
        assert_eq!(answer.next().await, Some(Ok(ChatEvent::Token("x".to_owned()))));
        let late = answer.connection.peer.timeout(TimeoutKind::Total, total);
        assert_eq!(answer.next().await, Some(Err(late)));
        assert_eq!(started.elapsed(), total);
        assert_eq!(answer.next().await, None);
    }
}

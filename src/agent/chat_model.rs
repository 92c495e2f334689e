//! The answerer that asks a chat model over the provider.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::answerer::{Answerer, Piece, Rewriting};
use super::classify::Talk;
use super::error::AgentError;
use super::event::{Hit, Price, Sampling, Stage, Turn};
use super::prompt;
use crate::cache::Wanted;
use crate::provider::{
    ChatClient, ChatEvent, ChatRequest, ChatStream, FinishReason, Message, ProviderError, Role,
};

/// Tokens of a rewritten question: the longest of the judged follow-ups has 30.
const LONGEST_REWRITING: u32 = 120;

/// A model behind an OpenAI-compatible endpoint.
#[derive(Clone, Debug)]
pub struct ChatModel {
    client: ChatClient,
    model: String,
    temperature: f32,
    max_tokens: u32,
    price: Option<Price>,
    /// Whether its answers may be kept.
    keeps: bool,
}

impl ChatModel {
    /// `temperature` 0 to 2; `max_tokens` bounds an answer.
    pub fn new(client: ChatClient, model: String, temperature: f32, max_tokens: u32) -> Self {
        Self {
            client,
            model,
            temperature,
            max_tokens,
            price: None,
            keeps: true,
        }
    }

    /// With what its tokens cost.
    #[must_use]
    pub fn with_price(self, price: Option<Price>) -> Self {
        Self { price, ..self }
    }

    /// Without its answers being kept, unless `keeps`.
    #[must_use]
    pub fn keeping(self, keeps: bool) -> Self {
        Self { keeps, ..self }
    }

    /// Asks for an answer from evidence. The events come as the provider tells them, see [`piece`].
    pub(super) fn ask_answer(&self, question: &str, hits: &[Hit]) -> ChatStream {
        self.client
            .stream(self.request(prompt::SYSTEM, prompt::user(question, hits)))
    }

    /// Answers small talk.
    pub(super) fn ask_talk(&self, question: &str) -> ChatStream {
        self.client
            .stream(self.request(prompt::SMALL_TALK, question.to_owned()))
    }

    fn wanted(&self, request: &ChatRequest) -> Wanted {
        let prompt: Vec<&str> = request
            .messages
            .iter()
            .flat_map(|message| [message.role.name(), &message.content])
            .collect();
        let sampling = format!(
            "temperature {}, at most {} tokens",
            request.temperature.unwrap_or_default(),
            request.max_tokens.unwrap_or_default()
        );
        Wanted::answer(&self.name(), &prompt, &sampling)
    }

    fn request(&self, system: &str, user: String) -> ChatRequest {
        let message = |role, content: String| Message { role, content };
        ChatRequest {
            messages: vec![
                message(Role::System, system.to_owned()),
                message(Role::User, user),
            ],
            temperature: Some(self.temperature),
            max_tokens: Some(self.max_tokens),
        }
    }
}

impl Answerer for ChatModel {
    fn name(&self) -> String {
        format!("openai:{}", self.model)
    }

    fn price(&self) -> Option<Price> {
        self.price.clone()
    }

    fn sampling(&self) -> Option<Sampling> {
        let request = self.request("", String::new());
        Some(Sampling {
            temperature: request.temperature,
            max_tokens: request.max_tokens,
        })
    }

    /// The model, every text that is sent and how it is sampled; not where it is asked.
    fn kept_as(&self, question: &str, hits: &[Hit]) -> Option<Wanted> {
        if !self.keeps {
            return None;
        }
        Some(self.wanted(&self.request(prompt::SYSTEM, prompt::user(question, hits))))
    }

    fn rewrite(&self, question: &str, before: &[Turn]) -> Option<Rewriting> {
        let request = ChatRequest {
            temperature: Some(0.0),
            max_tokens: Some(LONGEST_REWRITING.min(self.max_tokens)),
            ..self.request(prompt::REWRITE, prompt::conversation(question, before))
        };
        Some(Rewriting {
            kept_as: self.keeps.then(|| self.wanted(&request)),
            pieces: self
                .client
                .stream(request)
                .map(|event| piece(Stage::FollowUp, event))
                .boxed(),
        })
    }

    fn answer(&self, question: &str, hits: &[Hit]) -> BoxStream<'static, Result<Piece, AgentError>> {
        self.ask_answer(question, hits)
            .map(|event| piece(Stage::Answer, event))
            .boxed()
    }

    fn converse(
        &self,
        question: &str,
        _talk: Talk,
        _pairs: usize,
    ) -> BoxStream<'static, Result<Piece, AgentError>> {
        self.ask_talk(question)
            .map(|event| piece(Stage::Converse, event))
            .boxed()
    }
}

/// What an event of the provider means for the run.
pub(super) fn piece(stage: Stage, event: Result<ChatEvent, ProviderError>) -> Result<Piece, AgentError> {
    match event {
        Ok(ChatEvent::Limits(limits)) => Ok(Piece::Limits(limits)),
        Ok(ChatEvent::Token(text)) => Ok(Piece::Text(text)),
        Ok(ChatEvent::Waiting { on, wait }) => Ok(Piece::Waiting {
            on: format!("{on}, {}", seconds(wait)),
        }),
        Ok(ChatEvent::Retrying {
            why,
            wait,
            attempt,
            of,
        }) => Ok(Piece::Retry {
            why,
            wait,
            attempt,
            of,
        }),
        Ok(ChatEvent::Resumed { waited }) => Ok(Piece::Resumed { waited }),
        Ok(ChatEvent::Finished { reason, usage }) => Ok(Piece::End {
            usage,
            cut: cut(reason),
        }),
        Err(error) => Err(AgentError {
            stage,
            message: error.to_string(),
            retryable: error.retryable(),
        }),
    }
}

/// `3 s`: whole seconds that are enough, since nobody reads a finer wait.
pub(super) fn seconds(wait: Duration) -> String {
    format!("{} s", wait.as_millis().div_ceil(1_000).max(1))
}

/// Why a text that ended so is not whole.
fn cut(reason: FinishReason) -> Option<String> {
    match reason {
        FinishReason::Stop => None,
        FinishReason::Length => Some("cut at the length limit: raise chat.max_tokens for more".to_owned()),
        FinishReason::ContentFilter => Some("cut by the endpoint's content filter".to_owned()),
        FinishReason::ToolCalls => Some("the model asked for a tool, and there is none".to_owned()),
        FinishReason::Other(reason) => Some(format!("the model stopped for the reason {reason:?}")),
    }
}

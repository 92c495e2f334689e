//! A chat model, and the extractive answerer for the time in which the model does not answer.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::answerer::{Answerer, Piece};
use super::chat_model::{ChatModel, piece, seconds};
use super::classify::Talk;
use super::error::AgentError;
use super::event::{Hit, Stage};
use super::extractive::Extractive;
use crate::provider::{ChatEvent, ChatStream, ProviderError};

/// Asks the model. When the provider's circuit is open, the evidence is quoted instead, and a note says so. Any other
/// failure stays one: it says what to do, which a quotation would hide.
#[derive(Clone, Debug)]
pub struct WithFallback {
    model: ChatModel,
}

impl WithFallback {
    pub fn new(model: ChatModel) -> Self {
        Self { model }
    }
}

impl Answerer for WithFallback {
    fn name(&self) -> String {
        self.model.name()
    }

    fn answer(&self, question: &str, hits: &[Hit]) -> BoxStream<'static, Result<Piece, AgentError>> {
        let instead = Extractive.answer(question, hits);
        let asked = self.model.ask_answer(question, hits);
        unless_open(Stage::Answer, asked, instead, "quoted from the evidence instead")
    }

    fn converse(
        &self,
        question: &str,
        talk: Talk,
        pairs: usize,
    ) -> BoxStream<'static, Result<Piece, AgentError>> {
        let instead = Extractive.converse(question, talk, pairs);
        let asked = self.model.ask_talk(question);
        unless_open(
            Stage::Converse,
            asked,
            instead,
            "answered on this machine instead",
        )
    }
}

/// What was asked for, or `instead` with a note when the circuit is open, which nothing but limits and waits precedes.
fn unless_open(
    stage: Stage,
    asked: ChatStream,
    instead: BoxStream<'static, Result<Piece, AgentError>>,
    what: &'static str,
) -> BoxStream<'static, Result<Piece, AgentError>> {
    let mut instead = Some(instead);
    asked
        .flat_map(move |event| match (open(&event), instead.take()) {
            (Some(why), Some(instead)) => {
                let note = Piece::Note(format!("{why}: {what}"));
                stream::once(async { Ok(note) }).chain(instead).boxed()
            }
            (_, kept) => {
                instead = kept;
                stream::once(async move { piece(stage, event) }).boxed()
            }
        })
        .boxed()
}

/// Who is not answering, if that is why there is no answer.
fn open(event: &Result<ChatEvent, ProviderError>) -> Option<String> {
    let Err(ProviderError::CircuitOpen { host, retry_in }) = event else {
        return None;
    };
    Some(format!(
        "{host} is not answering (circuit open, next try in {})",
        seconds(*retry_in)
    ))
}

//! A chat model, and the extractive answerer for the time in which the model does not answer.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::answerer::{Answerer, Piece, Rewriting};
use super::chat_model::{ChatModel, piece, seconds};
use super::classify::Talk;
use super::error::AgentError;
use super::event::{Hit, Price, Sampling, Stage, Turn};
use super::extractive::Extractive;
use crate::cache::Wanted;
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

    fn price(&self) -> Option<Price> {
        self.model.price()
    }

    fn sampling(&self) -> Option<Sampling> {
        self.model.sampling()
    }

    fn kept_as(&self, question: &str, hits: &[Hit]) -> Option<Wanted> {
        self.model.kept_as(question, hits)
    }

    fn rewrite(&self, question: &str, before: &[Turn]) -> Option<Rewriting> {
        self.model.rewrite(question, before)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::provider::Asked;

    async fn said(asked: Vec<Result<ChatEvent, ProviderError>>) -> Vec<Result<Piece, AgentError>> {
        let hit = Hit {
            rank: 1,
            answer: "By the ratio.".to_owned(),
            ..Hit::default()
        };
        let instead = Extractive.answer("How?", &[hit]);
        unless_open(
            Stage::Answer,
            stream::iter(asked).boxed(),
            instead,
            "quoted from the evidence instead",
        )
        .collect()
        .await
    }

    #[tokio::test]
    async fn while_the_circuit_is_open_the_evidence_is_quoted_with_a_note() {
        let open = ProviderError::CircuitOpen {
            host: "api.openai.com".to_owned(),
            retry_in: Duration::from_millis(11_200),
        };
        let limits = ChatEvent::Limits(crate::provider::Limits::default());
        let said = said(vec![Ok(limits), Err(open)]).await;
        assert!(matches!(said[0], Ok(Piece::Limits(_))));
        assert_eq!(
            said[1..],
            [
                Ok(Piece::Note(
                    "api.openai.com is not answering (circuit open, next try in 12 s): quoted from the evidence instead"
                        .to_owned()
                )),
                Ok(Piece::Text("By the ratio. [1]".to_owned())),
                Ok(Piece::End {
                    usage: None,
                    cut: None
                }),
            ]
        );
    }

    #[tokio::test]
    async fn any_other_failure_stays_one() {
        let asked = Asked {
            model: "m".to_owned(),
            host: "h".to_owned(),
        };
        let cut = ProviderError::StreamCut { asked };
        let said = said(vec![Ok(ChatEvent::Token("By".to_owned())), Err(cut)]).await;
        assert_eq!(said.len(), 2);
        assert!(said[1].as_ref().is_err_and(|error| error.retryable));
    }
}

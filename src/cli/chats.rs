//! The chat models that are asked, one client a model: whoever asks the same model waits at the same limiter and hears of the
//! same breaker.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::{Failure, parts};
use crate::agent::classify::Talk;
use crate::agent::event::{Hit, NotAPrice, Price, SideSpec, Stage};
use crate::agent::{AgentError, Answerer, ChatModel, Extractive, Piece, WithFallback};
use crate::config::{self, ChatChoice, Config, ModelPrice};
use crate::provider::{ChatApi, ChatClient, Gate, Quota};

/// Makes answerers. Clones share their clients.
#[derive(Clone)]
pub(super) struct Chats {
    config: Config,
    clients: Arc<Mutex<HashMap<String, ChatClient>>>,
}

impl Chats {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            clients: Arc::default(),
        }
    }

    /// The answerer that is configured, and what stands before its endpoint, if it has one.
    ///
    /// # Errors
    /// When it cannot be asked as it is configured.
    pub(super) fn configured(&self) -> Result<(Arc<dyn Answerer>, Option<Gate>), Failure> {
        let model = match &self.config.chat.value {
            ChatChoice::Extractive => return Ok((Arc::new(Extractive), None)),
            ChatChoice::OpenAi(model) => model,
        };
        let client = self.client(model, "`--chat extractive`")?;
        let gate = client.gate().clone();
        let model = self.model(client, model, None, None)?;
        Ok((Arc::new(WithFallback::new(model)), Some(gate)))
    }

    /// Who answers on a side. A model is asked without anybody in its place: what stands under its name is its own.
    ///
    /// # Errors
    /// When it cannot be asked as it is configured, or needs a network that is forbidden.
    pub(super) fn side(&self, spec: &SideSpec) -> Result<Arc<dyn Answerer>, Failure> {
        match spec {
            SideSpec::Extractive => Ok(Arc::new(Extractive)),
            SideSpec::Model { name, .. } if self.config.offline.value => Err(Failure::usage(format!(
                "asking {name} needs the network, which --offline forbids: use `extractive`"
            ))),
            SideSpec::Model {
                name,
                temperature,
                max_tokens,
            } => {
                let client = self.client(name, "`extractive`")?;
                Ok(Arc::new(self.model(client, name, *temperature, *max_tokens)?))
            }
        }
    }

    fn model(
        &self,
        client: ChatClient,
        name: &str,
        temperature: Option<f32>,
        max_tokens: Option<u32>,
    ) -> Result<ChatModel, Failure> {
        let config = &self.config;
        let price = config.prices.value.get(name).map(price).transpose();
        let price = price.map_err(|error| Failure::usage(error.to_string()))?;
        let model = ChatModel::new(
            client,
            name.to_owned(),
            temperature.unwrap_or(config.temperature.value),
            max_tokens.unwrap_or(config.max_tokens.value),
        );
        Ok(model.with_price(price).keeping(config.cache_answers.value))
    }

    /// The client of a model; `instead` is what needs none.
    fn client(&self, model: &str, instead: &str) -> Result<ChatClient, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(model) {
            return Ok(client.clone());
        }
        let config = &self.config;
        let quota = Quota {
            rpm: config.rpm.value,
            tpm: config.tpm.value,
        };
        let endpoint = parts::endpoint(config, model, quota, instead)?;
        let client = ChatClient::new(endpoint.with_api(match config.chat_api.value {
            config::ChatApi::Completions => ChatApi::Completions,
            config::ChatApi::Responses => ChatApi::Responses,
        }))
        .map_err(|error| Failure::other(error.to_string()))?;
        clients.insert(model.to_owned(), client.clone());
        Ok(client)
    }
}

fn price(price: &ModelPrice) -> Result<Price, NotAPrice> {
    Ok(Price {
        input: price.input.try_into()?,
        output: price.output.try_into()?,
        as_of: price.as_of.clone(),
    })
}

/// Stands where somebody cannot be asked, and says why: the other side is answered all the same.
#[derive(Debug)]
pub(super) struct Unasked {
    pub(super) name: String,
    pub(super) why: String,
}

impl Unasked {
    fn fails(&self, stage: Stage) -> BoxStream<'static, Result<Piece, AgentError>> {
        let error = AgentError::lasting(stage, &self.why);
        stream::once(async { Err(error) }).boxed()
    }
}

impl Answerer for Unasked {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn answer(&self, _question: &str, _hits: &[Hit]) -> BoxStream<'static, Result<Piece, AgentError>> {
        self.fails(Stage::Answer)
    }

    fn converse(
        &self,
        _question: &str,
        _talk: Talk,
        _pairs: usize,
    ) -> BoxStream<'static, Result<Piece, AgentError>> {
        self.fails(Stage::Converse)
    }
}

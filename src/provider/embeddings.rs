//! The embedding model: texts in, numbers out.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::timeout;

use super::client::{Connection, Tap};
use super::endpoint::Endpoint;
use super::error::{ProviderError, TimeoutKind};
use super::gate::{Gate, GateEvent, Reply};
use super::limiter::Priority;
use super::vector_cut::Cut;
use super::vector_wire::{VectorAnswer, VectorBody};

/// Texts that one request may hold: OpenAI's limit, <https://platform.openai.com/docs/api-reference/embeddings/create>.
pub const MAX_INPUTS: usize = 2_048;

/// Bytes of a text per token: OpenAI's rule of thumb for English, <https://help.openai.com/en/articles/4936856>.
const BYTES_PER_TOKEN: u64 = 4;
/// What is added for each text: servers frame it with one or two tokens of their own.
const MARGIN: u64 = 2;

/// Bytes that the answer may have for each text: 8,192 numbers of 24 digits, twice the largest model of today as JSON.
const BYTES_PER_TEXT: usize = 8_192 * 24;
/// And beside the vectors.
const BYTES_AROUND: usize = 64 << 10;

/// An embedding model behind an OpenAI-compatible endpoint. Clones share one pool of connections and one gate.
#[derive(Clone, Debug)]
pub struct EmbeddingClient {
    connection: Connection,
    gate: Gate,
    dimensions: Option<usize>,
    tally: Arc<Mutex<Tally>>,
}

/// What a server counted of what was estimated, over all that it answered.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    estimated: u64,
    counted: u64,
}

/// What is added to an estimate that follows the server's own counts: texts of one set differ by that much.
const SLACK: f64 = 1.02;

impl Tally {
    /// A better estimate than `tokens`, once the server has counted: a request that is estimated too high waits for
    /// tokens that it does not use, and one too low is refused.
    fn better(self, tokens: u64) -> u64 {
        if self.estimated == 0 {
            return tokens;
        }
        let ratio = self.counted as f64 / self.estimated as f64;
        (tokens as f64 * ratio * SLACK).ceil() as u64
    }
}

/// The vectors of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingReply {
    /// One for each text, in the order of the texts, as the server computed them: neither checked nor normalised.
    pub vectors: Vec<Arc<[f32]>>,
    /// Tokens as the server counted them, when it did.
    pub tokens: Option<u64>,
}

/// The tokens that a server will count for a text, about: a quarter of its bytes, and a little on top.
pub fn estimated_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_PER_TOKEN) + MARGIN
}

impl EmbeddingClient {
    /// A client for this endpoint. It opens no socket before the first request.
    ///
    /// # Errors
    /// When the key cannot stand in a header.
    pub fn new(endpoint: Endpoint) -> Result<Self, ProviderError> {
        let gate = Gate::new(&endpoint);
        Ok(Self {
            connection: Connection::new(endpoint)?,
            gate,
            dimensions: None,
            tally: Arc::default(),
        })
    }

    /// The same client, which asks for vectors of so many numbers. Only some models can shorten theirs; others refuse.
    #[must_use]
    pub fn with_dimensions(mut self, dimensions: usize) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// The vectors of at most [`MAX_INPUTS`] texts, when the endpoint's limits allow. `tell` hears of waits and of tries
    /// that failed. Dropping the future cancels.
    ///
    /// # Errors
    /// As of a chat question; [`ProviderError::Malformed`] names the item when the answer is not one vector a text.
    pub async fn embed(
        &self,
        inputs: &[String],
        priority: Priority,
        tell: impl FnMut(GateEvent),
    ) -> Result<EmbeddingReply, ProviderError> {
        let estimated = inputs.iter().map(|text| estimated_tokens(text)).sum();
        let tokens = self.tally(|tally| tally.better(estimated));
        let reply = self
            .gate
            .run(tokens, priority, tell, |_| self.ask(inputs))
            .await?;
        if let Some(counted) = reply.tokens.filter(|counted| *counted > 0) {
            self.tally(|tally| {
                tally.estimated += estimated;
                tally.counted += counted;
            });
        }
        Ok(reply)
    }

    fn tally<T>(&self, look: impl FnOnce(&mut Tally) -> T) -> T {
        look(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What stands before the endpoint.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Who is asked.
    pub fn endpoint(&self) -> &Endpoint {
        &self.connection.endpoint
    }

    /// One try.
    async fn ask(&self, inputs: &[String]) -> Reply<EmbeddingReply> {
        let (tap, total) = (Tap::default(), self.endpoint().timeouts.total);
        let result = timeout(total, self.exchange(inputs, &tap))
            .await
            .unwrap_or_else(|_| Err(self.connection.peer.timeout(TimeoutKind::Total, total)));
        Reply {
            limits: tap.take_limits(),
            tokens: result.as_ref().ok().and_then(|reply| reply.tokens),
            result,
        }
    }

    async fn exchange(&self, inputs: &[String], tap: &Tap) -> Result<EmbeddingReply, ProviderError> {
        let peer = &self.connection.peer;
        let body = VectorBody {
            model: &self.endpoint().model,
            input: inputs,
            encoding_format: "base64",
            dimensions: self.dimensions,
        };
        let document =
            serde_json::to_vec(&body).map_err(|_| peer.malformed("the texts could not be written down"))?;
        let most = BYTES_AROUND + inputs.len() * BYTES_PER_TEXT;
        let mut cut = Cut::default();
        self.connection
            .post("/embeddings", document, most, tap, |piece| cut.take(piece))
            .await?;
        let (rest, cut) = cut.end();
        let answer: VectorAnswer = serde_json::from_slice(&rest).map_err(|error| {
            // The parser's own text may quote the answer.
            peer.malformed(if error.is_data() {
                "it has an unknown shape"
            } else {
                "it is no JSON"
            })
        })?;
        if let Some(report) = answer.error() {
            return Err(peer.reported(&report));
        }
        let tokens = answer.tokens();
        let vectors = answer
            .vectors(cut, inputs.len())
            .map_err(|why| peer.malformed(&why))?;
        Ok(EmbeddingReply { vectors, tokens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_follows_what_the_server_counted() {
        assert_eq!(estimated_tokens("twelve bytes"), 3 + MARGIN);
        assert_eq!(Tally::default().better(1_000), 1_000);
        let tally = Tally {
            estimated: 2_000,
            counted: 1_000,
        };
        assert_eq!(tally.better(1_000), 510);
    }
}

//! A model behind an OpenAI-compatible endpoint.

mod known;
mod pipeline;
mod plan;

pub use known::{KnownModel, known};
pub use pipeline::{Embedded, FailedText, Progress};

use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use super::{EmbedError, Embedder, ModelId, Readiness, Vector, VectorFault};
use crate::provider::{EmbeddingClient, GateEvent, Limits, MAX_INPUTS, Priority};

/// Texts go to the endpoint, vectors are checked and scaled to length 1. Clones share one client.
#[derive(Clone, Debug)]
pub struct RemoteEmbedder {
    id: ModelId,
    /// `None` offline.
    client: Option<EmbeddingClient>,
    /// Most texts of one request.
    inputs: usize,
    /// Hears of waits and of tries that failed.
    told: Option<mpsc::UnboundedSender<GateEvent>>,
    readiness: watch::Receiver<Readiness>,
}

impl RemoteEmbedder {
    /// The model of a client, whose vectors have so many numbers.
    pub fn new(client: EmbeddingClient, dimension: usize) -> Self {
        let model = client.endpoint().model.clone();
        Self {
            client: Some(client),
            ..Self::offline(&model, dimension)
        }
    }

    /// The same model where nobody may be asked: it names its vectors and makes none.
    pub fn offline(model: &str, dimension: usize) -> Self {
        // There is nothing to load, and what is sent here stays for all who look later.
        let (_, readiness) = watch::channel(Readiness::Ready { load_ms: 0.0 });
        Self {
            id: ModelId {
                name: name(model),
                dimension,
            },
            client: None,
            inputs: MAX_INPUTS,
            told: None,
            readiness,
        }
    }

    /// With requests of at most so many texts: some servers take fewer than OpenAI.
    #[must_use]
    pub fn with_inputs(mut self, inputs: usize) -> Self {
        self.inputs = inputs;
        self
    }

    /// The client, unless nobody may be asked.
    pub fn client(&self) -> Result<&EmbeddingClient, EmbedError> {
        self.client.as_ref().ok_or_else(|| EmbedError::Offline {
            model: self.id.name.clone(),
        })
    }
}

/// What a model behind an endpoint is called here.
pub fn name(model: &str) -> String {
    format!("openai:{model}")
}

/// How many numbers the vectors of a model have, found out by asking for one of `text`.
///
/// # Errors
/// When it brings none.
pub async fn learn_dimension(client: &EmbeddingClient, text: &str) -> Result<usize, EmbedError> {
    let plan = plan::Plan::of(&[text.to_owned()]).next(plan::Portion::within(1, None));
    let inputs = plan.ok_or(EmbedError::Blank { index: 0 })?.inputs;
    let reply = client.embed(&inputs, Priority::Index, |_| {}).await?;
    let dimension = reply.vectors.first().map_or(0, |vector| vector.len());
    if dimension == 0 {
        return Err(EmbedError::Vector {
            model: name(&client.endpoint().model),
            fault: VectorFault::Zero,
        });
    }
    Ok(dimension)
}

fn refused(id: &ModelId, fault: VectorFault) -> EmbedError {
    EmbedError::Vector {
        model: id.name.clone(),
        fault,
    }
}

impl Embedder for RemoteEmbedder {
    fn model_id(&self) -> &ModelId {
        &self.id
    }

    fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.clone()
    }

    fn limits(&self) -> Option<Limits> {
        Some(self.client.as_ref()?.gate().limits())
    }

    fn embed_telling(
        &self,
        texts: Vec<String>,
        told: mpsc::UnboundedSender<GateEvent>,
    ) -> BoxFuture<'static, Result<Vec<Vector>, EmbedError>> {
        let told = Some(told);
        Self { told, ..self.clone() }.embed(texts)
    }

    /// Goes before indexing at the endpoint's limits: somebody waits for it.
    fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Vec<Vector>, EmbedError>> {
        let embedder = self.clone();
        Box::pin(async move {
            let kept = async |_, _| Ok::<(), EmbedError>(());
            let mut embedded = embedder.embed_all(&texts, Priority::Chat, kept).await?;
            if !embedded.failed.is_empty() {
                return Err(embedded.failed.swap_remove(0).why);
            }
            Ok(embedded.vectors.into_iter().flatten().collect())
        })
    }
}

//! An embedder whose endpoint never answers, so that what is measured is the search by words alone with its own rule.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::embedding::{EmbedError, Embedder, ModelId, Readiness, Vector};

#[derive(Debug)]
pub(super) struct Unanswered {
    id: ModelId,
    readiness: watch::Receiver<Readiness>,
}

impl Unanswered {
    pub(super) fn new() -> Self {
        // There is nothing to load, and what is sent here stays for all who look later.
        let (_, readiness) = watch::channel(Readiness::Ready { load_ms: 0.0 });
        Self {
            // Of no model that the cache could have a vector of.
            id: ModelId {
                name: "unanswered".to_owned(),
                dimension: 1,
            },
            readiness,
        }
    }
}

impl Embedder for Unanswered {
    fn model_id(&self) -> &ModelId {
        &self.id
    }

    fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.clone()
    }

    fn embed(&self, _texts: Vec<String>) -> BoxFuture<'static, Result<Vec<Vector>, EmbedError>> {
        Box::pin(async {
            Err(EmbedError::NotAnswering {
                host: "nobody".to_owned(),
                retry_in: Duration::ZERO,
            })
        })
    }
}

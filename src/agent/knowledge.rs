//! What the agent searches in, which loads in the background while the first frame is already on the screen.

use std::sync::Arc;

use tokio::sync::watch;

use super::error::AgentError;
use super::event::Stage;
use crate::retrieval::Corpus;

/// How far loading has come.
#[derive(Clone, Debug, Default)]
pub enum Load {
    #[default]
    Loading,
    Ready(Arc<Corpus>),
    /// A sentence for the user.
    Failed(String),
}

/// A handle to the corpus; clones share it.
#[derive(Clone, Debug)]
pub struct Knowledge(watch::Receiver<Load>);

impl Knowledge {
    /// A handle, and the sender that tells it how loading goes.
    pub fn loading() -> (watch::Sender<Load>, Self) {
        let (tx, rx) = watch::channel(Load::Loading);
        (tx, Self(rx))
    }

    /// Whether a caller of [`Self::get`] would have to wait.
    pub fn is_loading(&self) -> bool {
        matches!(*self.0.borrow(), Load::Loading)
    }

    /// Follows the loading.
    pub fn watch(&self) -> watch::Receiver<Load> {
        self.0.clone()
    }

    /// The corpus, once it is there.
    pub async fn get(&self, stage: Stage) -> Result<Arc<Corpus>, AgentError> {
        let mut watched = self.0.clone();
        let load = watched.wait_for(|load| !matches!(load, Load::Loading)).await;
        match load.as_deref() {
            Ok(Load::Ready(corpus)) => Ok(Arc::clone(corpus)),
            Ok(Load::Failed(why)) => Err(AgentError::lasting(stage, why.clone())),
            Ok(Load::Loading) | Err(_) => Err(AgentError::lasting(stage, "loading the data set was given up: start again")),
        }
    }
}

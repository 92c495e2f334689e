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
pub struct Knowledge {
    name: Arc<str>,
    load: watch::Receiver<Load>,
}

impl Knowledge {
    /// A handle to a data set of this name, and the sender that tells it how loading goes.
    pub fn loading(name: impl Into<Arc<str>>) -> (watch::Sender<Load>, Self) {
        let (told, load) = watch::channel(Load::Loading);
        (
            told,
            Self {
                name: name.into(),
                load,
            },
        )
    }

    /// The name of the data set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many pairs are known; 0 until they are loaded.
    pub fn pairs(&self) -> usize {
        match &*self.load.borrow() {
            Load::Ready(corpus) => corpus.len(),
            _ => 0,
        }
    }

    /// Whether a caller of [`Self::get`] would have to wait.
    pub fn is_loading(&self) -> bool {
        matches!(*self.load.borrow(), Load::Loading)
    }

    /// Follows the loading.
    pub fn watch(&self) -> watch::Receiver<Load> {
        self.load.clone()
    }

    /// The corpus, once it is there.
    pub async fn get(&self, stage: Stage) -> Result<Arc<Corpus>, AgentError> {
        let mut watched = self.load.clone();
        let load = watched.wait_for(|load| !matches!(load, Load::Loading)).await;
        match load.as_deref() {
            Ok(Load::Ready(corpus)) => Ok(Arc::clone(corpus)),
            Ok(Load::Failed(why)) => Err(AgentError::lasting(stage, why.clone())),
            Ok(Load::Loading) | Err(_) => Err(AgentError::lasting(
                stage,
                "loading the data set was given up: start again",
            )),
        }
    }
}

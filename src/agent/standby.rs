//! The embedder for the time in which the configured one's endpoint does not answer, with the data set's vectors of its model.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::knowledge::Knowledge;
use crate::embedding::Embedder;

/// A model and the data set in its vectors.
#[derive(Clone, Debug)]
pub struct Space {
    pub embedder: Arc<dyn Embedder>,
    /// The same pairs as the agent's, with this embedder's vectors. It fails to load when not all of them are stored.
    pub knowledge: Knowledge,
}

/// A [`Space`] that begins to load when it is first needed, since most sessions never do.
pub struct Standby {
    begin: Box<dyn Fn() -> Space + Send + Sync>,
    begun: OnceLock<Space>,
}

impl Standby {
    /// `begin` is called at most once, within a run.
    pub fn new(begin: impl Fn() -> Space + Send + Sync + 'static) -> Self {
        Self {
            begin: Box::new(begin),
            begun: OnceLock::new(),
        }
    }

    pub(super) fn space(&self) -> &Space {
        self.begun.get_or_init(&self.begin)
    }
}

impl fmt::Debug for Standby {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standby")
            .field("begun", &self.begun)
            .finish_non_exhaustive()
    }
}

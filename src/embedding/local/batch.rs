//! A request on its way through the model: which texts come next, and what is known of the others.

use tokio::sync::oneshot;

use super::super::{EmbedError, Vector};

/// Texts of one run. Between two runs a waiting query goes first, so this bounds its wait (about 0.1 s).
const CHUNK: usize = 16;

/// What the asker gets.
pub(super) type Answer = Result<Vec<Vector>, EmbedError>;

/// A request; its texts are taken shortest first, so that a run pads little.
pub(super) struct Batch {
    texts: Vec<String>,
    /// Indices of `texts` by length; those before `next` are done.
    order: Vec<usize>,
    next: usize,
    done: Vec<Option<Vector>>,
    reply: oneshot::Sender<Answer>,
}

impl Batch {
    pub(super) fn new(texts: Vec<String>) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|index| texts.get(*index).map_or(0, String::len));
        let batch = Self {
            done: vec![None; texts.len()],
            texts,
            order,
            next: 0,
            reply,
        };
        (batch, answer)
    }

    /// Whether one run does it all.
    pub(super) fn is_one_run(&self) -> bool {
        self.texts.len() <= CHUNK
    }

    /// Whether nobody waits any more.
    pub(super) fn is_dropped(&self) -> bool {
        self.reply.is_closed()
    }

    pub(super) fn refuse(self, error: EmbedError) {
        // An asker who has left wants no answer.
        let _ = self.reply.send(Err(error));
    }

    /// Makes one run; `None` when the request is answered.
    pub(super) fn advance(mut self, run: impl Fn(&[&str]) -> Answer) -> Option<Self> {
        let end = (self.next + CHUNK).min(self.order.len());
        let chunk = self.order.get(self.next..end).unwrap_or_default();
        let texts: Vec<&str> = chunk
            .iter()
            .filter_map(|index| self.texts.get(*index).map(String::as_str))
            .collect();
        match run(&texts) {
            Err(error) => {
                self.refuse(error);
                return None;
            }
            Ok(vectors) => {
                for (index, vector) in chunk.iter().zip(vectors) {
                    if let Some(place) = self.done.get_mut(*index) {
                        *place = Some(vector);
                    }
                }
            }
        }
        self.next = end;
        if end < self.order.len() {
            return Some(self);
        }
        let vectors: Option<Vec<Vector>> = self.done.into_iter().collect();
        let missing = || EmbedError::Run("it returned fewer vectors than texts".to_owned());
        let _ = self.reply.send(vectors.ok_or_else(missing));
        None
    }
}

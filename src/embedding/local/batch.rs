//! A request on its way through the model: which texts come next, and what is known of the others.

use tokio::sync::oneshot;

use super::super::{EmbedError, Vector};

/// What one run takes at most. Between two runs a waiting query goes first, so this bounds its wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) texts: usize,
    /// Bytes that the model reads, at about 4.5 a token.
    pub(super) bytes: usize,
}

impl Budget {
    /// For the network in f32: more texts gain nothing, and about 1,000 tokens take 0.3 s on two cores.
    pub(super) const F32: Self = Self {
        texts: 16,
        bytes: 4_096,
    };

    /// For whole-number products, which a set is embedded with and no question of somebody who waits: enough texts that no
    /// core is without one for long; 0.8 s on two cores when all are long.
    pub(super) const INT8: Self = Self {
        texts: 32,
        bytes: 32 * READ_BYTES,
    };
}

/// Bytes of a text that the model reads, at about 4.5 a token; it cuts the rest off.
const READ_BYTES: usize = 1_200;

/// What the asker gets.
pub(super) type Answer = Result<Vec<Vector>, EmbedError>;

/// A request; its texts are taken shortest first, so that a run pads little.
pub(super) struct Batch {
    texts: Vec<String>,
    /// Indices of `texts` by length; those before `next` are done.
    order: Vec<usize>,
    next: usize,
    budget: Budget,
    done: Vec<Option<Vector>>,
    reply: oneshot::Sender<Answer>,
}

impl Batch {
    pub(super) fn new(texts: Vec<String>, budget: Budget) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|index| texts.get(*index).map_or(0, String::len));
        let batch = Self {
            done: vec![None; texts.len()],
            texts,
            order,
            next: 0,
            budget,
            reply,
        };
        (batch, answer)
    }

    /// Whether one run does it all.
    pub(super) fn is_one_run(&self) -> bool {
        self.end_of_run() == self.order.len()
    }

    /// Whether nobody waits any more.
    pub(super) fn is_dropped(&self) -> bool {
        self.reply.is_closed()
    }

    pub(super) fn refuse(self, error: EmbedError) {
        // An asker who has left wants no answer.
        let _ = self.reply.send(Err(error));
    }

    /// Where in `order` the next run ends. A text is padded to the longest of its run, which is its last.
    fn end_of_run(&self) -> usize {
        let rest = self.order.get(self.next..).unwrap_or_default();
        let bytes = |index: &usize| self.texts.get(*index).map_or(0, String::len).min(READ_BYTES);
        let fits = |(count, index): &(usize, &usize)| {
            *count <= self.budget.texts && count * bytes(index) <= self.budget.bytes
        };
        let texts = (1..).zip(rest).take_while(fits).count();
        (self.next + texts.max(1)).min(self.order.len())
    }

    /// Makes one run; `None` when the request is answered.
    pub(super) fn advance(mut self, run: impl Fn(&[&str]) -> Answer) -> Option<Self> {
        let end = self.end_of_run();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of the runs that a request takes.
    fn runs(texts: Vec<String>) -> Vec<usize> {
        let sizes = std::cell::RefCell::new(Vec::new());
        let (batch, _answer) = Batch::new(texts, Budget::F32);
        let mut rest = Some(batch);
        while let Some(batch) = rest.take() {
            rest = batch.advance(|texts| {
                sizes.borrow_mut().push(texts.len());
                Ok(Vec::new())
            });
        }
        sizes.into_inner()
    }

    #[test]
    fn short_texts_share_a_run_and_long_ones_take_several() {
        assert_eq!(runs(vec!["short".into(); 40]), [16, 16, 8]);
        assert_eq!(runs(vec!["x".repeat(1_300); 7]), [3, 3, 1]);
        assert_eq!(runs(vec!["x".repeat(1 << 20)]), [1]);
        assert_eq!(
            runs([vec!["x".repeat(1_300)], vec!["short".into(); 3]].concat()),
            [3, 1]
        );
    }

    #[test]
    fn a_model_that_returns_too_few_vectors_is_an_error() {
        let (batch, mut answer) = Batch::new(vec!["text".into()], Budget::F32);
        assert!(batch.advance(|_| Ok(Vec::new())).is_none());
        assert!(matches!(answer.try_recv().unwrap(), Err(EmbedError::Run(_))));
    }
}

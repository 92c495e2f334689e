//! What waits for the model. Requests of one run go before those of many.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::super::EmbedError;
use super::batch::{Answer, Batch, Budget};

/// The lock is held to move a request in or out, never while the model runs.
pub(super) struct Queue {
    budget: Budget,
    waiting: Mutex<Waiting>,
    /// Rung when a request came or the queue was closed.
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// Requests that one run answers: questions.
    short: VecDeque<Batch>,
    /// Requests of many runs: the texts of a set.
    long: VecDeque<Batch>,
    /// Why nothing is taken any more.
    closed: Option<EmbedError>,
}

impl Queue {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            waiting: Mutex::default(),
            bell: Condvar::new(),
        }
    }

    /// Puts a request in line.
    pub(super) fn push(&self, texts: Vec<String>) -> Result<oneshot::Receiver<Answer>, EmbedError> {
        let (batch, answer) = Batch::new(texts, self.budget);
        let mut waiting = self.lock();
        if let Some(error) = &waiting.closed {
            return Err(error.clone());
        }
        if batch.is_one_run() {
            waiting.short.push_back(batch);
        } else {
            waiting.long.push_back(batch);
        }
        drop(waiting);
        self.bell.notify_one();
        Ok(answer)
    }

    /// Refuses what waits and what comes. The first reason stays.
    pub(super) fn close(&self, error: EmbedError) {
        let mut waiting = self.lock();
        let error = waiting.closed.get_or_insert(error).clone();
        let refused: Vec<Batch> = waiting.short.drain(..).collect();
        let refused: Vec<Batch> = refused.into_iter().chain(waiting.long.drain(..)).collect();
        drop(waiting);
        for batch in refused {
            batch.refuse(error.clone());
        }
        self.bell.notify_all();
    }

    /// Runs requests until the queue is closed, one run at a time.
    pub(super) fn serve(&self, run: impl Fn(&[&str]) -> Answer) {
        while let Some(batch) = self.next() {
            if let Some(rest) = batch.advance(&run) {
                self.put_back(rest);
            }
        }
    }

    /// The next request that somebody still waits for; `None` when the queue is closed.
    fn next(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed.is_some() {
                return None;
            }
            while let Some(batch) = waiting.short.pop_front().or_else(|| waiting.long.pop_front()) {
                if !batch.is_dropped() {
                    return Some(batch);
                }
            }
            waiting = self.bell.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A request with runs left stays first of the long ones.
    fn put_back(&self, batch: Batch) {
        let mut waiting = self.lock();
        match waiting.closed.clone() {
            None => waiting.long.push_front(batch),
            Some(error) => {
                drop(waiting);
                batch.refuse(error);
            }
        }
    }

    /// A panic cannot leave the lists half changed: each change is one call.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Vector;
    use super::*;
    use std::cell::RefCell;

    fn texts(name: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{name}{number:03}")).collect()
    }

    fn vectors(texts: &[&str]) -> Answer {
        let vector = |_| Vector::normalised(vec![1.0], 1);
        texts
            .iter()
            .map(vector)
            .collect::<Result<_, _>>()
            .map_err(|_| EmbedError::Stopped)
    }

    /// Serves what waits on this thread and returns the first text of each run; ends when nothing waits.
    fn runs(queue: &Queue, mut before_run: impl FnMut(usize)) -> Vec<String> {
        let seen = RefCell::new(Vec::new());
        loop {
            let idle = {
                let waiting = queue.lock();
                waiting.short.iter().chain(&waiting.long).all(Batch::is_dropped)
            };
            if idle {
                return seen.into_inner();
            }
            let Some(batch) = queue.next() else {
                return seen.into_inner();
            };
            before_run(seen.borrow().len());
            let run = |texts: &[&str]| {
                seen.borrow_mut().push(texts[0].to_owned());
                vectors(texts)
            };
            if let Some(rest) = batch.advance(run) {
                queue.put_back(rest);
            }
        }
    }

    #[test]
    fn a_query_goes_before_the_rest_of_a_batch() {
        let queue = Queue::new(Budget::F32);
        let mut set = queue.push(texts("set", 40)).unwrap();
        let mut answers = Vec::new();
        let seen = runs(&queue, |run| {
            if run == 0 {
                answers.push(queue.push(texts("query", 1)).unwrap());
            }
        });
        assert_eq!(seen, ["set000", "query000", "set016", "set032"]);
        assert_eq!(set.try_recv().unwrap().unwrap().len(), 40);
        assert_eq!(answers[0].try_recv().unwrap().unwrap().len(), 1);
    }

    #[test]
    fn a_dropped_request_is_skipped_and_a_dropped_batch_stops_half_way() {
        let queue = Queue::new(Budget::F32);
        drop(queue.push(texts("gone", 1)).unwrap());
        let mut batch = Some(queue.push(texts("set", 40)).unwrap());
        let kept = queue.push(texts("kept", 1)).unwrap();
        let seen = runs(&queue, |run| {
            if run == 1 {
                batch.take();
            }
        });
        assert_eq!(seen, ["kept000", "set000"]);
        drop(kept);
    }

    #[test]
    fn an_error_of_one_run_is_the_answer_of_its_request_alone() {
        let queue = Queue::new(Budget::F32);
        let mut bad = queue.push(texts("bad", 1)).unwrap();
        let mut good = queue.push(texts("good", 1)).unwrap();
        for _ in 0..2 {
            let run = |texts: &[&str]| {
                if texts[0].starts_with("bad") {
                    Err(EmbedError::Run("no".into()))
                } else {
                    vectors(texts)
                }
            };
            assert!(queue.next().unwrap().advance(run).is_none());
        }
        assert_eq!(bad.try_recv().unwrap(), Err(EmbedError::Run("no".into())));
        assert!(good.try_recv().unwrap().is_ok());
    }

    #[test]
    fn closing_answers_what_waits_and_refuses_what_comes_with_the_first_reason() {
        let queue = Queue::new(Budget::F32);
        let mut waiting = queue.push(texts("early", 1)).unwrap();
        queue.close(EmbedError::NotLoaded("broken".into()));
        queue.close(EmbedError::Stopped);
        assert_eq!(
            waiting.try_recv().unwrap(),
            Err(EmbedError::NotLoaded("broken".into()))
        );
        assert_eq!(
            queue.push(texts("late", 1)).unwrap_err(),
            EmbedError::NotLoaded("broken".into())
        );
        assert!(queue.next().is_none());
    }
}

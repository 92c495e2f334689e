//! What waits for the model. Requests of one run go before those of many.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::super::EmbedError;
use super::batch::{Answer, Batch};

/// The lock is held to move a request in or out, never while the model runs.
#[derive(Default)]
pub(super) struct Queue {
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
    /// Puts a request in line.
    pub(super) fn push(&self, texts: Vec<String>) -> Result<oneshot::Receiver<Answer>, EmbedError> {
        let (batch, answer) = Batch::new(texts);
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

//! The mouth of a run: stamps every event with the run and its time and sends it to the readers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::AgentError;
use super::event::{AgentEvent, Event, Limits, RunId, Stage, Tier, VERSION};

/// Sends the events of one run, or of several that do the same work together: each is told in full. When nobody reads any
/// more, events are dropped: the run's task is about to be, too.
#[derive(Clone, Debug)]
pub(super) struct Emitter {
    voices: Arc<[Voice]>,
    start: Instant,
    to: mpsc::Sender<Event>,
}

/// A run, and the token that silences it among others.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    pub(super) run: RunId,
    pub(super) silenced: CancellationToken,
}

impl Emitter {
    pub(super) fn new(run: RunId, to: mpsc::Sender<Event>) -> Self {
        let silenced = CancellationToken::new();
        Self::of(vec![Voice { run, silenced }], to)
    }

    /// For runs that begin together.
    pub(super) fn of(voices: Vec<Voice>, to: mpsc::Sender<Event>) -> Self {
        Self {
            voices: voices.into(),
            start: Instant::now(),
            to,
        }
    }

    /// That of one of the runs alone, which tells its end also when it is silenced.
    pub(super) fn alone(&self, place: usize) -> Self {
        let voice = self.voices.get(place).map(|voice| Voice {
            run: voice.run,
            silenced: CancellationToken::new(),
        });
        Self {
            voices: voice.into_iter().collect(),
            ..self.clone()
        }
    }

    pub(super) async fn say(&self, what: AgentEvent) {
        for voice in &*self.voices {
            // Its end may have been told while the others were.
            if voice.silenced.is_cancelled() {
                continue;
            }
            let event = Event {
                v: VERSION,
                run: voice.run,
                at_ms: ms(self.start.elapsed()),
                what: what.clone(),
            };
            // The channel is bounded: a slow reader slows the run down, which is what keeps memory bounded too.
            let _ = self.to.send(event).await;
        }
    }

    /// Begins a stage; its end is told by [`StageClock::end`].
    pub(super) async fn begin(&self, stage: Stage) -> StageClock {
        self.say(AgentEvent::StageStarted { stage }).await;
        StageClock {
            emitter: self.clone(),
            stage,
            start: Instant::now(),
            wait_ms: 0.0,
            cache: None,
        }
    }
}

/// Measures one stage.
#[derive(Debug)]
pub(super) struct StageClock {
    emitter: Emitter,
    stage: Stage,
    start: Instant,
    wait_ms: f64,
    pub(super) cache: Option<Tier>,
}

impl StageClock {
    /// Waits for `what`, saying so, and counts the time as waiting.
    pub(super) async fn wait<T>(&mut self, on: &str, what: impl Future<Output = T>) -> T {
        self.waits(on.to_owned()).await;
        let since = Instant::now();
        let value = what.await;
        self.resumed(since.elapsed()).await;
        value
    }

    /// Says that it waits; [`StageClock::resumed`] says when that is over.
    pub(super) async fn waits(&self, on: String) {
        let stage = self.stage;
        self.emitter.say(AgentEvent::Waiting { stage, on }).await;
    }

    /// Says where the endpoint that embeds stands with its limits, if there is one.
    pub(super) async fn embedding_limits(&self, limits: Option<Limits>) {
        if let Some(limits) = limits {
            self.emitter.say(AgentEvent::EmbeddingLimits { limits }).await;
        }
    }

    /// Says that what failed is tried again after `wait`.
    pub(super) async fn retries(&self, why: String, wait: Duration, attempt: u32, of: u32) {
        let retry = AgentEvent::Retry {
            why,
            wait_ms: ms(wait),
            attempt,
            of: Some(of),
        };
        self.emitter.say(retry).await;
    }

    /// Counts a wait that was told and says that it is over.
    pub(super) async fn resumed(&mut self, waited: Duration) {
        let (stage, waited_ms) = (self.stage, ms(waited));
        self.wait_ms += waited_ms;
        self.emitter.say(AgentEvent::Resumed { stage, waited_ms }).await;
    }

    /// Ends the stage that failed; gives the error back for the caller to return.
    pub(super) async fn failed(self, error: AgentError) -> AgentError {
        self.end(Some("failed".to_owned())).await;
        error
    }

    /// Ends the stage; `note` is what it found, in a few words.
    pub(super) async fn end(self, note: Option<String>) {
        self.emitter
            .say(AgentEvent::StageFinished {
                stage: self.stage,
                ms: ms(self.start.elapsed()),
                wait_ms: self.wait_ms,
                cache: self.cache,
                note,
            })
            .await;
    }
}

/// Milliseconds as the events tell them.
pub(super) fn ms(duration: Duration) -> f64 {
    // Microseconds are enough to compare stages, and keep the lines of a recording short.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

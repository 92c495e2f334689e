//! The agent with parts that do what a test says: every way a run can go, told by its events.
//!
//! The clock is stopped, so times are exact, and a test that hangs fails at once. No network.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helper fails by panicking"
)]

mod beside;
mod cancelling;
mod ends;
mod falling_back;
mod following_up;
mod keeping;
mod lines;
mod parts;
mod runs;
mod together;
mod waits;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use defi_qa::agent::event::{AgentEvent, Event, Exchange, Kept, Question, RunId, Stage, VERSION};
use defi_qa::agent::{Agent, Knowledge, Load};
use defi_qa::cache::Cache;
use defi_qa::retrieval::comparison::Retriever;
use parts::{Script, Step, Words};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const QUESTION: &str = "How does a pool set its price?";

/// An agent and the handles to what it is made of.
struct World {
    agent: Agent,
    embedder: Arc<Words>,
    script: Arc<Script>,
    loading: watch::Sender<Load>,
}

impl World {
    /// Everything is loaded; the answerer follows the steps.
    fn ready(steps: Vec<Step>) -> Self {
        let world = Self::loading(steps);
        world.loads();
        world.embedder.loads();
        world
    }

    /// Everything is loaded; the answers may be kept.
    fn keeping(steps: Vec<Step>) -> Self {
        let world = Self::ready(steps);
        world.script.keeps.store(true, Ordering::SeqCst);
        world
    }

    /// Neither the data set nor the model is there yet.
    fn loading(steps: Vec<Step>) -> Self {
        let (loading, knowledge) = Knowledge::loading("tests");
        let embedder = Arc::new(Words::default());
        let script = Arc::new(Script::new(steps));
        Self {
            agent: Agent {
                knowledge,
                embedder: embedder.clone(),
                standby: None,
                cache: Arc::new(Cache::with_capacity(1 << 20)),
                answerer: script.clone(),
                retriever: Retriever::default(),
                top_k: 2,
                offline: true,
            },
            embedder,
            script,
            loading,
        }
    }

    /// The data set comes up.
    fn loads(&self) {
        self.loading.send_replace(Load::Ready(Arc::new(parts::corpus())));
    }

    /// The data set turns out to be unusable.
    fn fails_to_load(&self) {
        self.loading
            .send_replace(Load::Failed("The data set has no pair.".into()));
    }

    /// Starts a run whose reader may fall `room` events behind.
    fn starts(&self, run: u64, question: impl Into<Question>, room: usize) -> Run {
        let (events, inbox) = mpsc::channel(room);
        self.starts_into(run, question, events, inbox)
    }

    fn starts_into(
        &self,
        run: u64,
        question: impl Into<Question>,
        events: mpsc::Sender<Event>,
        inbox: mpsc::Receiver<Event>,
    ) -> Run {
        let cancel = CancellationToken::new();
        let (agent, question, token) = (self.agent.clone(), question.into(), cancel.clone());
        let task = tokio::spawn(async move { agent.ask(RunId(run), question, events, token).await });
        Run {
            inbox,
            cancel,
            task,
            heard: Vec::new(),
        }
    }

    /// One run from start to end.
    async fn asks(&self, question: &str) -> Vec<Event> {
        self.starts(1, question, 1024).rest().await
    }
}

/// A run that is under way, and what it said so far.
struct Run {
    inbox: mpsc::Receiver<Event>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
    heard: Vec<Event>,
}

impl Run {
    /// The next event; `None` after the last one.
    async fn next(&mut self) -> Option<AgentEvent> {
        let event = self.inbox.recv().await?;
        self.heard.push(event.clone());
        Some(event.what)
    }

    /// Listens up to the first event that `is` the one.
    async fn until(&mut self, is: impl Fn(&AgentEvent) -> bool) -> AgentEvent {
        while let Some(what) = self.next().await {
            if is(&what) {
                return what;
            }
        }
        panic!("the run ended before that: {:?}", names(&self.heard));
    }

    /// Everything that was said, once the run is over; checks what holds for every run.
    async fn rest(mut self) -> Vec<Event> {
        while self.next().await.is_some() {}
        self.task.await.unwrap();
        assert_one_run(&self.heard);
        self.heard
    }
}

/// What holds for every run: one version, one id, a clock that does not go back, one end, and that at the end.
fn assert_one_run(events: &[Event]) {
    let run = events[0].run;
    assert!(
        events.iter().all(|event| event.v == VERSION && event.run == run),
        "{events:?}"
    );
    assert!(
        events.iter().map(|event| event.at_ms).is_sorted(),
        "{:?}",
        events.iter().map(|event| event.at_ms).collect::<Vec<_>>()
    );
    let ends: Vec<usize> = (0..events.len())
        .filter(|at| events[*at].what.ends_run())
        .collect();
    assert_eq!(ends, [events.len() - 1], "{:?}", names(events));
}

/// The events as a reader would list them: `started`, `embed..`, `..embed`, `token a`.
fn names(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| match &event.what {
            AgentEvent::StageStarted { stage } => format!("{}..", stage.name()),
            AgentEvent::StageFinished { stage, .. } => format!("..{}", stage.name()),
            AgentEvent::Resumed { .. } => "resumed".to_owned(),
            AgentEvent::Waiting { stage, on } => format!("{} waits for {on}", stage.name()),
            AgentEvent::Cache { kind, tier, .. } => {
                let tier = tier.map_or("miss", |tier| tier.name());
                match kind {
                    Kept::Vector => tier.to_owned(),
                    _ => format!("answer {tier}"),
                }
            }
            AgentEvent::Token { text } => format!("token {text}"),
            AgentEvent::Failed { stage, .. } => format!("failed in {}", stage.name()),
            AgentEvent::Answered { outcome, .. } => outcome.name().into(),
            other => serde_json::to_value(other).unwrap()["event"]
                .as_str()
                .unwrap()
                .to_owned(),
        })
        .collect()
}

/// What a reader of all events knows.
fn fold(events: &[Event]) -> Exchange {
    let mut exchange = Exchange::asked(QUESTION);
    for event in events {
        exchange.apply(event);
    }
    exchange
}

fn finished(events: &[Event], wanted: Stage) -> &AgentEvent {
    events
        .iter()
        .map(|event| &event.what)
        .find(|what| matches!(what, AgentEvent::StageFinished { stage, .. } if *stage == wanted))
        .unwrap()
}

//! Answers side by side: one search, then every side answers from what it found, each a run of its own.
//!
//! ```text
//!                                    ┌─► side 0: answer ─► end of its run
//! parse ─► .. ─► search ─► judge ─►──┤      every event up to here is told by each of the runs
//!                                    └─► side 1: answer ─► end of its run
//! ```

use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::answerer::Answerer;
use super::emitter::{Emitter, Voice};
use super::event::{AgentEvent, Event, Question, RunId, Side, SideSpec, Stage};
use super::graph;
use super::run::{Agent, State, log};

/// Who answers on a side.
#[derive(Clone)]
pub struct Beside {
    pub run: RunId,
    pub spec: SideSpec,
    pub answerer: Arc<dyn Answerer>,
    /// Stops this side; the others go on.
    pub cancel: CancellationToken,
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside")
            .field("run", &self.run)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// What the sides have in common, and the node that each goes on from; `None`: nobody answers.
type Found = Option<Arc<(State, Option<Stage>)>>;

impl Agent {
    /// Answers one question on every side, from the same evidence. It is searched for once, and each run tells it whole: a
    /// reader of one run needs no other. The first side's answerer rewrites a question that goes on from others. The
    /// search is given up when all sides are cancelled.
    pub async fn ask_beside(
        &self,
        question: impl Into<Question>,
        sides: Vec<Beside>,
        events: mpsc::Sender<Event>,
    ) {
        let question = question.into();
        let Some(first) = sides.first() else { return };
        let of = first.run;
        let voices = sides.iter().map(|side| Voice {
            run: side.run,
            silenced: side.cancel.clone(),
        });
        let together = Emitter::of(voices.collect(), events);
        let agents: Vec<Self> = sides
            .iter()
            .map(|side| Self {
                answerer: Arc::clone(&side.answerer),
                ..self.clone()
            })
            .collect();
        let (found, heard) = watch::channel::<Found>(None);
        let searching = async {
            for (place, (agent, side)) in agents.iter().zip(&sides).enumerate() {
                let told = Side {
                    of,
                    place,
                    spec: side.spec.to_string(),
                };
                if !side.cancel.is_cancelled() {
                    let alone = together.alone(place);
                    agent.start(&alone, &question.text, Some(told)).await;
                }
            }
            let mut state = State::of(question.clone());
            if let Some(agent) = agents.first() {
                let at = agent
                    .go(&together, &mut state, graph::START, graph::is_written)
                    .await;
                found.send_replace(Some(Arc::new((state, at))));
            }
            // The sides end by themselves.
            std::future::pending::<()>().await;
        };
        let answering = agents
            .iter()
            .zip(&sides)
            .enumerate()
            .map(|(place, (agent, side))| {
                let (emitter, heard) = (together.alone(place), heard.clone());
                async move {
                    let ended = tokio::select! {
                        biased;
                        () = side.cancel.cancelled() => AgentEvent::Cancelled {},
                        ended = agent.answer_beside(place, &emitter, heard) => ended,
                    };
                    log(side.run, &ended);
                    emitter.say(ended).await;
                }
            });
        tokio::select! {
            biased;
            _ = join_all(answering) => {}
            () = searching => {}
        }
    }

    /// One side: waits for what is found, and goes on alone.
    async fn answer_beside(
        &self,
        place: usize,
        emitter: &Emitter,
        mut heard: watch::Receiver<Found>,
    ) -> AgentEvent {
        let found = heard.wait_for(Option::is_some).await;
        let found = found.ok().and_then(|found| found.clone());
        let Some(found) = found else {
            return AgentEvent::Cancelled {};
        };
        let (mut state, at) = (*found).clone();
        if place > 0 {
            // The first side asked for it and pays for it.
            state.used_before = None;
        }
        if let Some(at) = at {
            self.go(emitter, &mut state, at, |_| false).await;
        }
        state.end()
    }
}

//! Two answers beside each other: one search, two runs, each with an end of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use defi_qa::agent::event::{AgentEvent, Event, Exchange, Outcome, Phase, RunId, Stage, Usage};
use defi_qa::agent::{Answerer, Beside, Extractive, Piece};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::parts::{Embeds, Script, Step, end, refused, text};
use super::{QUESTION, World, assert_one_run, fold, names};

fn side(run: u64, spec: &str, answerer: Arc<dyn Answerer>) -> Beside {
    Beside {
        run: RunId(run),
        spec: spec.parse().unwrap(),
        answerer,
        cancel: CancellationToken::new(),
    }
}

/// Two scripts under way.
struct Pair {
    inbox: mpsc::Receiver<Event>,
    cancels: [CancellationToken; 2],
    scripts: [Arc<Script>; 2],
    task: JoinHandle<()>,
    heard: Vec<Event>,
}

impl Pair {
    fn starts(world: &World, steps: [Vec<Step>; 2]) -> Self {
        let scripts = steps.map(|steps| Arc::new(Script::new(steps)));
        let sides = [
            side(7, "m(temperature=0.2)", scripts[0].clone()),
            side(8, "m(temperature=1)", scripts[1].clone()),
        ];
        let cancels = [sides[0].cancel.clone(), sides[1].cancel.clone()];
        let (events, inbox) = mpsc::channel(1024);
        let agent = world.agent.clone();
        let task = tokio::spawn(async move { agent.ask_beside(QUESTION, sides.into(), events).await });
        Self {
            inbox,
            cancels,
            scripts,
            task,
            heard: Vec::new(),
        }
    }

    async fn until(&mut self, is: impl Fn(&Event) -> bool) {
        loop {
            let event = self.inbox.recv().await.unwrap();
            self.heard.push(event.clone());
            if is(&event) {
                return;
            }
        }
    }

    /// The events of each side, once all is over; checks what holds for every run.
    async fn rest(mut self) -> [Vec<Event>; 2] {
        while let Some(event) = self.inbox.recv().await {
            self.heard.push(event);
        }
        self.task.await.unwrap();
        [7, 8].map(|run| {
            let own = self.heard.iter().filter(|event| event.run == RunId(run));
            let own: Vec<Event> = own.cloned().collect();
            assert_one_run(&own);
            own
        })
    }
}

fn spans(at_ms: [f64; 2]) -> Duration {
    Duration::from_secs_f64((at_ms[1] - at_ms[0]).abs() / 1e3)
}

#[tokio::test(start_paused = true)]
async fn both_sides_tell_the_one_search_and_each_its_own_answer() {
    let world = World::ready(vec![]);
    let second = Duration::from_secs(1);
    let usage = |tokens| {
        let usage = Some(Usage {
            prompt_tokens: 100,
            completion_tokens: tokens,
            total_tokens: 100 + tokens,
        });
        Step::Says(Piece::End { usage, cut: None })
    };
    let slow = vec![
        text("By "),
        Step::Waits(4 * second),
        text("the ratio [1]."),
        usage(41),
    ];
    let fast = vec![text("By "), Step::Waits(second), text("a vote [2]."), usage(41)];
    let pair = Pair::starts(&world, [slow, fast]);
    let scripts = pair.scripts.clone();
    let [left, right] = pair.rest().await;
    assert_eq!(
        world.embedder.asked.load(Ordering::Relaxed),
        1,
        "it is searched once"
    );
    let [a, b] = [fold(&left), fold(&right)];
    assert_eq!(a.hits, b.hits);
    assert_eq!(a.stages.len(), b.stages.len());
    let evidence = |script: &Script| script.evidence.lock().unwrap().clone();
    assert_eq!(evidence(&scripts[0]), evidence(&scripts[1]));
    assert_eq!([&*a.answer, &*b.answer], ["By the ratio [1].", "By a vote [2]."]);
    assert_eq!([&a.citations[0], &b.citations[0]], [&a.hits[0].id, &b.hits[1].id]);
    let rates = [&a, &b].map(|exchange| exchange.timing().tokens_per_s);
    assert_eq!(rates, [Some(10.0), Some(40.0)], "each by its own clock");
    assert_eq!(spans([a.at_ms, b.at_ms]), 3 * second, "they stream at once");
    for (exchange, place, spec) in [(a, 0, "m(temperature=0.2)"), (b, 1, "m(temperature=1)")] {
        let side = exchange.setup.side.unwrap();
        assert_eq!((side.of, side.place, &*side.spec), (RunId(7), place, spec));
        assert_eq!(exchange.question, QUESTION);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_cancelled_leaves_the_other_alone() {
    let world = World::ready(vec![]);
    let mut pair = Pair::starts(
        &world,
        [
            vec![text("By "), Step::Hangs],
            vec![
                text("By "),
                Step::Waits(Duration::from_secs(9)),
                text("it [1]."),
                end(),
            ],
        ],
    );
    let is_token = |event: &Event| matches!(event.what, AgentEvent::Token { .. });
    pair.until(|event| is_token(event) && event.run == RunId(7)).await;
    pair.cancels[0].cancel();
    pair.until(|event| event.what == AgentEvent::Cancelled {}).await;
    assert_eq!(pair.scripts[0].open(), 0, "its stream is gone");
    let [left, right] = pair.rest().await.map(|events| fold(&events));
    assert_eq!((left.phase, &*left.answer), (Phase::Cancelled, "By "));
    assert_eq!(
        (right.outcome(), &*right.answer),
        (Some(Outcome::Answered), "By it [1].")
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_leaves_the_other_alone() {
    let world = World::ready(vec![]);
    let failing = vec![text("By "), refused(Stage::Answer)];
    let pair = Pair::starts(&world, [failing, vec![text("By it [1]."), end()]]);
    let [left, right] = pair.rest().await.map(|events| fold(&events));
    assert_eq!(left.outcome(), Some(Outcome::Partial));
    assert!(matches!(
        left.phase,
        Phase::Failed {
            stage: Stage::Answer,
            ..
        }
    ));
    assert_eq!(right.outcome(), Some(Outcome::Answered));
}

#[tokio::test(start_paused = true)]
async fn a_side_cancelled_during_the_search_says_nothing_more_and_the_other_is_answered() {
    let world = World::ready(vec![]);
    world.embedder.will(&[Embeds::After(Duration::from_secs(2))]);
    let mut pair = Pair::starts(&world, [vec![Step::Hangs], vec![text("By it [1]."), end()]]);
    let searches = |event: &Event| {
        matches!(
            event.what,
            AgentEvent::StageFinished {
                stage: Stage::Lexical,
                ..
            }
        )
    };
    pair.until(searches).await;
    pair.cancels[0].cancel();
    let [left, right] = pair.rest().await;
    assert_eq!(names(&left).last().unwrap(), "cancelled");
    assert_eq!(fold(&right).outcome(), Some(Outcome::Answered));
}

#[tokio::test(start_paused = true)]
async fn the_search_is_given_up_when_both_are_cancelled() {
    let world = World::ready(vec![]);
    world.embedder.will(&[Embeds::Never]);
    let mut pair = Pair::starts(&world, [vec![Step::Hangs], vec![Step::Hangs]]);
    pair.until(|event| matches!(event.what, AgentEvent::Started { .. }) && event.run == RunId(8))
        .await;
    for cancel in &pair.cancels {
        cancel.cancel();
    }
    for events in pair.rest().await {
        assert_eq!(names(&events).last().unwrap(), "cancelled");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_declined_is_declined_on_both_sides_and_a_failed_search_fails_both() {
    let world = World::ready(vec![]);
    let (events, mut inbox) = mpsc::channel(1024);
    let sides = vec![
        side(1, "extractive", Arc::new(Extractive)),
        side(2, "extractive", Arc::new(Extractive)),
    ];
    world.agent.ask_beside("zzz qqq", sides.clone(), events).await;
    let mut folded = [Exchange::default(), Exchange::default()];
    while let Some(event) = inbox.recv().await {
        folded[if event.run == RunId(1) { 0 } else { 1 }].apply(&event);
    }
    for exchange in &folded {
        assert_eq!(
            exchange.outcome(),
            Some(Outcome::Declined),
            "{:?}",
            exchange.phase
        );
    }
    assert_eq!(folded[0].answer, folded[1].answer);

    world.fails_to_load();
    let (events, mut inbox) = mpsc::channel(1024);
    world.agent.ask_beside(QUESTION, sides, events).await;
    let mut ends = Vec::new();
    while let Some(event) = inbox.recv().await {
        if event.what.ends_run() {
            ends.push((event.run.0, matches!(event.what, AgentEvent::Failed { .. })));
        }
    }
    ends.sort_unstable();
    assert_eq!(ends, [(1, true), (2, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_falls_behind_still_gets_whole_runs() {
    let world = World::ready(vec![]);
    let steps = || vec![text("a"), text("b"), text("c"), end()];
    let sides = [1, 2].map(|run| side(run, "m", Arc::new(Script::new(steps()))));
    let cancel = sides[1].cancel.clone();
    let (events, mut inbox) = mpsc::channel(1);
    let agent = world.agent.clone();
    let task = tokio::spawn(async move { agent.ask_beside(QUESTION, sides.into(), events).await });
    let mut heard = Vec::new();
    while let Some(event) = inbox.recv().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if heard.len() == 9 {
            cancel.cancel();
        }
        heard.push(event);
    }
    task.await.unwrap();
    for run in [1, 2] {
        let own = heard.iter().filter(|event| event.run == RunId(run));
        assert_one_run(&own.cloned().collect::<Vec<_>>());
    }
}

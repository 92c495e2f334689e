//! `ask`: one answer on standard output, as text, as one object, or as the event stream.

use std::io::{BufRead as _, BufReader, Write as _, stderr, stdout};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::args::Ask;
use super::loads::Loads;
use super::parts::{self, Plan};
use super::print::{self, Report, argument_or_stdin, evidence};
use super::record::Tape;
use super::sessions;
use super::{Exit, Failure, beside};
use crate::agent::Agent;
use crate::agent::event::{AgentEvent, Event, Exchange, Freshness, Outcome, Phase, Question, RunId};
use crate::config::Config;
use crate::session::{Into as Session, Keeper};
use crate::text;

/// Events that may wait for a slow reader before the run waits for it.
pub(super) const EVENTS: usize = 256;

pub(super) fn run(config: &Config, what: Ask, record: Option<&Path>) -> Result<Exit, Failure> {
    let question = match &what.question {
        Some(question) => Some(argument_or_stdin(question, "question")?),
        None => None,
    };
    let runtime = super::runtime()?;
    runtime.block_on(async {
        let freshness = if what.fresh {
            Freshness::Fresh
        } else {
            Freshness::Kept
        };
        let question = question.map(|text| Question {
            text,
            freshness,
            before: Vec::new(),
        });
        let plan = Plan::of(config)?;
        let (fixed, gates, chats) = (plan.gauges(), plan.gates(), plan.chats());
        let beside = match what.beside.as_slice() {
            [] => None,
            named => Some(beside::sides(config, named)?),
        };
        let agent = plan.start();
        let mut tape = match record {
            Some(path) => Some(Tape::create(path, config, Loads::of(&agent, fixed, gates))?),
            None => None,
        };
        // A batch is a file already; what a person asks goes into one session.
        let keeper = match what.batch {
            None => sessions::keeper(config, Session::Named("ask".to_owned()), |_| {}),
            Some(_) => None,
        };
        let cancel = cancel_on_interrupt();
        let shape = match (what.events, what.json) {
            (true, _) => Shape::Events,
            (_, true) => Shape::Json,
            _ => Shape::Text,
        };
        let ended = match (question, beside, what.batch) {
            (Some(question), Some(sides), _) => {
                let ears = beside::Ears {
                    tape: tape.as_mut(),
                    keeper: keeper.as_ref(),
                };
                beside::run(&agent, &chats, question, sides, &cancel, shape, ears).await
            }
            (Some(question), None, _) => {
                one(&agent, question, &cancel, shape, tape.as_mut(), keeper.as_ref()).await
            }
            (None, _, Some(file)) => batch(&agent, &file, freshness, &cancel, tape.as_mut()).await,
            (None, _, None) => Err(Failure::usage(
                "nothing was asked: give a question or --batch FILE",
            )),
        };
        parts::flush(&agent.cache).await;
        sessions::close(keeper).await;
        // The answer is worth more than the recording of it: that one went wrong is said when all is printed.
        let recorded = tape.map_or(Ok(()), Tape::finish);
        ended.and_then(|exit| recorded.map(|()| exit))
    })
}

/// A token that Ctrl-C cancels, so that a run ends with its `cancelled` event and not in mid-line.
pub(super) fn cancel_on_interrupt() -> CancellationToken {
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            token.cancel();
        }
    });
    cancel
}

/// How an answer is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Json,
    Events,
}

/// Runs one question to its end; `each` sees every event as it comes.
pub(super) async fn exchange(
    agent: &Agent,
    run: RunId,
    question: impl Into<Question>,
    cancel: &CancellationToken,
    mut each: impl FnMut(&Event, &Exchange) -> Result<(), Failure>,
) -> Result<Exchange, Failure> {
    let (events, mut inbox) = mpsc::channel(EVENTS);
    let question = question.into();
    let mut exchange = Exchange::asked(question.text.clone());
    let asking = agent.ask(run, question, events, cancel.clone());
    let reading = async {
        while let Some(event) = inbox.recv().await {
            exchange.apply(&event);
            each(&event, &exchange)?;
        }
        Ok::<(), Failure>(())
    };
    let ((), read) = tokio::join!(asking, reading);
    read?;
    Ok(exchange)
}

async fn one(
    agent: &Agent,
    question: Question,
    cancel: &CancellationToken,
    shape: Shape,
    mut tape: Option<&mut Tape>,
    keeper: Option<&Keeper>,
) -> Result<Exit, Failure> {
    if let Some(tape) = tape.as_deref_mut() {
        tape.asked(RunId(1), &question.text);
    }
    // What is on the screen already; the sanitised text only ever grows by what is new in it.
    let mut shown = String::new();
    let done = exchange(agent, RunId(1), question, cancel, |event, exchange| {
        if let Some(tape) = tape.as_deref_mut() {
            tape.event(event);
        }
        if let Some(keeper) = keeper {
            keeper.hear(event);
        }
        let mut out = stdout().lock();
        match shape {
            Shape::Events => {
                serde_json::to_writer(&mut out, event).map_err(std::io::Error::from)?;
                writeln!(out)?;
                out.flush()?;
            }
            Shape::Text if matches!(event.what, AgentEvent::Token { .. }) => {
                let sanitised = text::sanitize(&exchange.answer).into_owned();
                if let Some(new) = sanitised.strip_prefix(shown.as_str()) {
                    write!(out, "{new}")?;
                    out.flush()?;
                    shown = sanitised;
                }
            }
            Shape::Text | Shape::Json => {}
        }
        Ok(())
    })
    .await?;
    match shape {
        Shape::Events => {}
        Shape::Json => object(&Report::of(&done, None))?,
        Shape::Text => {
            if !shown.is_empty() {
                writeln!(stdout())?;
            }
            below(&done)?;
        }
    }
    if shape != Shape::Json {
        complain(&done)?;
    }
    Ok(Exit::of(&done))
}

/// What stands below an answer that is printed as text.
pub(super) fn below(done: &Exchange) -> Result<(), Failure> {
    if !done.hits.is_empty() {
        let mut out = stdout().lock();
        writeln!(out, "\nEvidence")?;
        write!(out, "{}", evidence(&done.hits))?;
    }
    if let Some(kept) = done.answer_origin {
        let age = Duration::from_secs_f64(kept.age_ms.unwrap_or(0.0).max(0.0) / 1e3);
        writeln!(
            stderr(),
            "The answer is {} old, of the {} tier: --fresh asks the model.",
            print::age(age),
            kept.tier.name()
        )?;
    }
    if let Some(note) = &done.note {
        let note = text::sanitize_line(note);
        match done.outcome() {
            Some(Outcome::Partial) => writeln!(stderr(), "The answer is incomplete: {note}.")?,
            _ => writeln!(stderr(), "Note: {note}.")?,
        }
    }
    Ok(())
}

pub(super) fn object(report: &impl Serialize) -> Result<(), Failure> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, report).map_err(std::io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

pub(super) fn complain(exchange: &Exchange) -> Result<(), Failure> {
    let kept = if exchange.answer.is_empty() {
        ""
    } else {
        " What came so far is above."
    };
    match &exchange.phase {
        Phase::Failed { stage, message, .. } => {
            writeln!(
                stderr(),
                "defi-qa: {} failed: {}.{kept}",
                stage.name(),
                text::sanitize_line(message)
            )?;
        }
        Phase::Cancelled => writeln!(stderr(), "defi-qa: cancelled.{kept}")?,
        _ => {}
    }
    Ok(())
}

/// One line of a batch.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    id: Option<serde_json::Value>,
    question: String,
}

async fn batch(
    agent: &Agent,
    file: &Path,
    freshness: Freshness,
    cancel: &CancellationToken,
    mut tape: Option<&mut Tape>,
) -> Result<Exit, Failure> {
    let named = if file == Path::new("-") {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    let reader: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let opened = std::fs::File::open(file);
        Box::new(
            opened
                .map_err(|error| Failure::usage(format!("the batch {named} could not be opened: {error}")))?,
        )
    };
    let mut worst = Exit::Success;
    for (number, line) in BufReader::new(reader).split(b'\n').enumerate() {
        let wrong = |why: &dyn std::fmt::Display| {
            Failure::usage(format!(
                "line {} of {named} is no question ({why}): write {{\"id\": ..., \"question\": \"...\"}}; the answers before it are printed",
                number + 1
            ))
        };
        let line = line.map_err(|error| wrong(&error))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_slice(&line).map_err(|error| wrong(&error))?;
        let run = RunId(number as u64 + 1);
        if let Some(tape) = tape.as_deref_mut() {
            tape.asked(run, &line.question);
        }
        let question = Question {
            text: line.question,
            freshness,
            before: Vec::new(),
        };
        let done = exchange(agent, run, question, cancel, |event, _| {
            if let Some(tape) = tape.as_deref_mut() {
                tape.event(event);
            }
            Ok(())
        })
        .await?;
        object(&Report::of(&done, line.id.as_ref()))?;
        worst = worse(worst, Exit::of(&done));
        if cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
    }
    Ok(worst)
}

/// The exit code of a batch is its worst line's: a provider that failed outweighs anything else that went wrong, and a
/// declined question is no failure of the batch.
fn worse(a: Exit, b: Exit) -> Exit {
    let weight = |exit: Exit| match exit {
        Exit::Provider => 2,
        Exit::Other => 1,
        _ => 0,
    };
    let pick = if weight(b) > weight(a) { b } else { a };
    if weight(pick) == 0 { Exit::Success } else { pick }
}

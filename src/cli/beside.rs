//! `ask --beside`: two answers to one question from the same evidence.

use std::io::{Write as _, stderr, stdout};

use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ask::{self, EVENTS, Shape};
use super::chats::Chats;
use super::print::{Report, evidence};
use super::record::Tape;
use super::{Exit, Failure};
use crate::agent::event::{Cost, Event, Exchange, Hit, Question, RunId, SIDES, SideSpec};
use crate::agent::{Agent, Beside};
use crate::config::{ChatChoice, Config};
use crate::session::Keeper;
use crate::text;

/// The object of `--json`.
#[derive(Debug, Serialize)]
struct Both<'a> {
    question: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<&'a str>,
    hits: &'a [Hit],
    sides: Vec<One<'a>>,
}

#[derive(Debug, Serialize)]
struct One<'a> {
    side: &'a str,
    #[serde(flatten)]
    report: Report<'a>,
}

/// Who answers on each side: with one named, the configured answerer is the other.
///
/// # Errors
/// When more are named than there are sides.
pub(super) fn sides(config: &Config, named: &[SideSpec]) -> Result<[SideSpec; SIDES], Failure> {
    match named {
        [right] => {
            let left = match &config.chat.value {
                ChatChoice::Extractive => SideSpec::Extractive,
                ChatChoice::OpenAi(model) => SideSpec::model(model),
            };
            Ok([left, right.clone()])
        }
        [left, right] => Ok([left.clone(), right.clone()]),
        _ => Err(Failure::usage(format!(
            "--beside was given {} times and there are {SIDES} sides: leave some out",
            named.len()
        ))),
    }
}

/// What hears the events beside what is printed.
pub(super) struct Ears<'a> {
    pub(super) tape: Option<&'a mut Tape>,
    pub(super) keeper: Option<&'a Keeper>,
}

pub(super) async fn run(
    agent: &Agent,
    chats: &Chats,
    question: Question,
    specs: [SideSpec; SIDES],
    cancel: &CancellationToken,
    shape: Shape,
    mut ears: Ears<'_>,
) -> Result<Exit, Failure> {
    let mut sides = Vec::new();
    for (spec, run) in specs.iter().zip(1..) {
        let run = RunId(run);
        if let Some(tape) = ears.tape.as_deref_mut() {
            tape.asked(run, &question.text);
        }
        sides.push(Beside {
            run,
            spec: spec.clone(),
            answerer: chats.side(spec)?,
            cancel: cancel.clone(),
        });
    }
    let (events, mut inbox) = mpsc::channel(EVENTS);
    let mut exchanges: Vec<Exchange> = specs
        .iter()
        .map(|_| Exchange::asked(question.text.clone()))
        .collect();
    let mut printed = 0;
    let asking = agent.ask_beside(question, sides, events);
    let reading = async {
        while let Some(event) = inbox.recv().await {
            if let Some(tape) = ears.tape.as_deref_mut() {
                tape.event(&event);
            }
            if let Some(keeper) = ears.keeper {
                keeper.hear(&event);
            }
            let place = usize::try_from(event.run.0).unwrap_or(usize::MAX).wrapping_sub(1);
            if let Some(exchange) = exchanges.get_mut(place) {
                exchange.apply(&event);
            }
            match shape {
                Shape::Events => line(&event)?,
                // In their order, each as soon as it has ended.
                Shape::Text => {
                    while let Some(exchange) = exchanges.get(printed).filter(|side| side.phase.ended()) {
                        block(printed, &specs, exchange)?;
                        printed += 1;
                    }
                }
                Shape::Json => {}
            }
        }
        Ok::<(), Failure>(())
    };
    let ((), read) = tokio::join!(asking, reading);
    read?;
    match (shape, exchanges.first()) {
        (Shape::Json, Some(first)) => object(first, &specs, &exchanges)?,
        (Shape::Text, Some(first)) if !first.hits.is_empty() => {
            let mut out = stdout().lock();
            writeln!(out, "Evidence of both")?;
            write!(out, "{}", evidence(&first.hits))?;
        }
        _ => {}
    }
    if shape == Shape::Events {
        for exchange in &exchanges {
            ask::complain(exchange)?;
        }
    }
    Ok(exchanges.iter().map(Exit::of).fold(Exit::Success, worse))
}

/// The exit code of both: a failed provider outweighs anything else, an interrupt what is left, and a declined question is
/// declined by both.
fn worse(one: Exit, other: Exit) -> Exit {
    let weight = |exit: Exit| match exit {
        Exit::Success => 0,
        Exit::Declined => 1,
        Exit::Other => 2,
        Exit::Interrupted | Exit::Signal(_) => 3,
        Exit::Provider => 4,
    };
    if weight(other) > weight(one) { other } else { one }
}

fn line(event: &Event) -> Result<(), Failure> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, event).map_err(std::io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

fn object(first: &Exchange, specs: &[SideSpec], exchanges: &[Exchange]) -> Result<(), Failure> {
    let names: Vec<String> = specs.iter().map(SideSpec::to_string).collect();
    let sides = names.iter().zip(exchanges).map(|(side, exchange)| One {
        side,
        report: Report::of_side(exchange),
    });
    let both = Both {
        question: &first.question,
        read: first.read.as_deref(),
        hits: &first.hits,
        sides: sides.collect(),
    };
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, &both).map_err(std::io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// One side as text: who answers, the answer, what it took.
fn block(place: usize, specs: &[SideSpec], exchange: &Exchange) -> Result<(), Failure> {
    let letter = if place == 0 { 'A' } else { 'B' };
    let name = specs.get(place).map_or(String::new(), SideSpec::to_string);
    {
        let mut out = stdout().lock();
        writeln!(out, "{letter}  {name}\n")?;
        let answer = text::sanitize(&exchange.answer);
        if !answer.trim().is_empty() {
            writeln!(out, "{}\n", answer.trim_end())?;
        }
        writeln!(out, "{letter}: {}\n", figures(exchange).join(", "))?;
        out.flush()?;
    }
    if let Some(note) = &exchange.note {
        writeln!(stderr(), "{letter}: {}.", text::sanitize_line(note))?;
    }
    ask::complain(exchange)
}

fn figures(exchange: &Exchange) -> Vec<String> {
    let timing = exchange.timing();
    let outcome = exchange.outcome().map_or("unknown", |outcome| outcome.name());
    let mut figures = vec![outcome.to_owned(), format!("{:.0} ms", timing.total_ms)];
    if let Some(first) = timing.first_token_ms {
        figures.push(format!("first word after {first:.0} ms"));
    }
    if let Some(rate) = timing.tokens_per_s {
        figures.push(format!("{rate:.1} tokens/s"));
    }
    if let Some(usage) = exchange.usage {
        figures.push(format!(
            "{} tokens in, {} out",
            usage.prompt_tokens, usage.completion_tokens
        ));
    }
    match exchange.cost() {
        Some(Cost::Known { usd, price_as_of }) => {
            figures.push(format!("${usd:.6} (prices of {price_as_of})"));
        }
        Some(Cost::Unknown { unknown }) => figures.push(format!("cost unknown: {unknown}")),
        None => {}
    }
    if let Some(kept) = exchange.answer_origin {
        figures.push(format!("kept answer of the {} tier", kept.tier.name()));
    }
    figures
}

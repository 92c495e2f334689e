//! `eval`: how well the program finds and declines, measured on judged questions.
//!
//! Every question goes through the whole agent with the extractive answerer, so what is measured is what a user gets,
//! and no chat model is paid for it.

mod figures;
mod ranked;
mod table;
mod unanswered;

use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::sync::Arc;

use serde::Serialize;

use super::args::Eval;
use super::ask::{cancel_on_interrupt, exchange};
use super::parts::Plan;
use super::{Exit, Failure};
use crate::agent::event::{Outcome, Phase, Question, RunId, Stage, Turn};
use crate::agent::{Agent, Extractive};
use crate::config::Config;
use crate::dataset::{JudgedQuestion, JudgedQuestions};
use crate::retrieval::comparison::Retriever;
use crate::text;
use figures::{Figures, Metric};
pub(super) use ranked::disagreement;
use tokio_util::sync::CancellationToken;
use unanswered::Unanswered;

/// Hits of each question that are looked at: what the metrics at 10 need.
const DEPTH: usize = 10;

/// A floor that a metric must reach: `hit@1=0.85`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    metric: Metric,
    least: f64,
}

impl std::str::FromStr for Floor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, least) = text
            .split_once('=')
            .ok_or_else(|| format!("write a metric and its floor, such as hit@1=0.85; found {text}"))?;
        let least = least
            .parse()
            .ok()
            .filter(|least| (0.0..=1.0).contains(least))
            .ok_or_else(|| format!("the floor of {name} must be a number from 0 to 1; found {least}"))?;
        let metric = Metric::named(name)?;
        Ok(Self { metric, least })
    }
}

/// What one question came to.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    judged: JudgedQuestion,
    /// What it was searched as, when that is another text.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<String>,
    outcome: Outcome,
    /// Ids of the hits, best first.
    found: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    retriever: &'a str,
    dataset: &'a str,
    pairs: usize,
    groups: Vec<(String, Figures)>,
    questions: &'a [Row],
}

pub(super) fn run(config: &Config, what: &Eval) -> Result<Exit, Failure> {
    if what.path.is_dir() && what.words_only {
        return Err(Failure::usage(
            "--words-only is for a file of judged questions: for a folder use --retriever lexical",
        ));
    }
    if what.path.is_dir() {
        return ranked::benchmark(config, what);
    }
    if let Some(split) = &what.split {
        return Err(Failure::usage(format!(
            "--split {split} is for a folder in BEIR form, and {} is a file: leave it out",
            what.path.display()
        )));
    }
    let judged = JudgedQuestions::load(&what.path).map_err(|error| Failure::usage(error.to_string()))?;
    if what.retriever.len() > 1 || what.by_disagreement.is_some() {
        return ranked::questions(config, what, &judged);
    }
    let asked = what.retriever.first();
    let config = match asked.and_then(Retriever::embedder) {
        Some(embedder) => &super::lab::embedded_by(config, embedder)?,
        None => config,
    };
    super::runtime()?.block_on(async {
        let mut agent = Plan::of(config)?.start();
        agent.answerer = Arc::new(Extractive);
        agent.top_k = DEPTH;
        if let Some(retriever) = asked {
            agent.retriever = retriever.clone();
        }
        if what.words_only {
            agent.embedder = Arc::new(Unanswered::new());
            agent.standby = None;
        }
        let corpus = agent
            .knowledge
            .get(Stage::Fuse)
            .await
            .map_err(|error| Failure::other(error.message))?;
        judged
            .check_against(&corpus.dataset)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let asked = judged.questions.into_iter().map(|(_, judged)| judged);
        let asked: Vec<JudgedQuestion> = asked
            .filter(|judged| what.half.is_none_or(|half| judged.half == half))
            .collect();
        if asked.is_empty() {
            return Err(Failure::usage(format!(
                "{} has no question of that half: leave out --half",
                what.path.display()
            )));
        }
        // What the conversation is worth is seen beside the same questions without it.
        let going_on = asked.iter().filter(|judged| !judged.before.is_empty());
        let alone: Vec<JudgedQuestion> = going_on
            .map(|judged| JudgedQuestion {
                before: Vec::new(),
                ..judged.clone()
            })
            .collect();
        let Some(rows) = ask_all(&agent, asked).await? else {
            return Ok(Exit::Interrupted);
        };
        let Some(alone) = ask_all(&agent, alone).await? else {
            return Ok(Exit::Interrupted);
        };
        let mut groups = figures::groups(&rows);
        if !alone.is_empty() {
            groups.splice(1..1, figures::alone(&alone));
        }
        let mut out = stdout().lock();
        if what.json {
            let report = Report {
                retriever: &agent.retriever.label(),
                dataset: agent.knowledge.name(),
                pairs: corpus.len(),
                groups: groups.clone(),
                questions: &rows,
            };
            serde_json::to_writer(&mut out, &report).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            if what.wrong {
                write!(out, "{}", table::wrong(&rows))?;
            }
            write!(out, "{}", table::of(&groups))?;
        }
        let all = groups.first().map(|(_, figures)| *figures).unwrap_or_default();
        below(|metric| metric.of(&all), &what.fail_under)
    })
}

/// Asks one after the other; `None` when the user stopped it.
async fn ask_all(agent: &Agent, questions: Vec<JudgedQuestion>) -> Result<Option<Vec<Row>>, Failure> {
    let cancel = cancel_on_interrupt();
    let (all, tells) = (questions.len(), stderr().is_terminal());
    let mut rows = Vec::with_capacity(all);
    for (judged, number) in questions.into_iter().zip(1..) {
        let row = ask(agent, RunId(number), judged, &cancel).await?;
        if cancel.is_cancelled() {
            return Ok(None);
        }
        rows.push(row);
        if tells {
            write!(stderr(), "\r{number} of {all}")?;
        }
    }
    if tells {
        write!(stderr(), "\r\x1b[K")?;
    }
    Ok(Some(rows))
}

async fn ask(
    agent: &Agent,
    run: RunId,
    judged: JudgedQuestion,
    cancel: &CancellationToken,
) -> Result<Row, Failure> {
    let mut before = Vec::new();
    for earlier in &judged.before {
        let question = Question {
            text: earlier.clone(),
            before: before.clone(),
            ..Question::default()
        };
        let done = exchange(agent, run, question, cancel, |_, _| Ok(())).await?;
        before.push(Turn {
            question: done.read.unwrap_or(done.question),
            answer: done.answer,
        });
    }
    let question = Question {
        text: judged.question.clone(),
        before,
        ..Question::default()
    };
    let done = exchange(agent, run, question, cancel, |_, _| Ok(())).await?;
    if let Phase::Failed { stage, message, .. } = &done.phase {
        return Err(Failure::other(format!(
            "asking the question {} failed while it was in {}: {}",
            judged.id,
            stage.name(),
            text::sanitize_line(message)
        )));
    }
    Ok(Row {
        judged,
        outcome: done.outcome().unwrap_or(Outcome::Failed),
        read: done.read,
        found: done.hits.into_iter().map(|hit| hit.id).collect(),
    })
}

/// The end of a run with floors: 1 when a metric is below its own, and which.
fn below(of: impl Fn(Metric) -> Option<f64>, floors: &[Floor]) -> Result<Exit, Failure> {
    let mut low = Vec::new();
    for floor in floors {
        let Some(value) = of(floor.metric) else {
            low.push(format!("{} was not measured", floor.metric.name()));
            continue;
        };
        if value < floor.least {
            low.push(format!(
                "{} is {value:.4}, below {}",
                floor.metric.name(),
                floor.least
            ));
        }
    }
    if low.is_empty() {
        Ok(Exit::Success)
    } else {
        Err(Failure::other(low.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_a_metric_and_a_number() {
        let floor: Floor = "hit@1=0.85".parse().unwrap();
        assert_eq!((floor.metric, floor.least), (Metric::Hit1, 0.85));
        for (text, why) in [
            ("hit@1", "write a metric and its floor"),
            ("hit@1=85", "must be a number from 0 to 1"),
            ("luck=0.5", "is no metric"),
        ] {
            let error = text.parse::<Floor>().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_metric_below_its_floor_fails_and_is_named() {
        let figures = Figures {
            hit_1: Some(0.8),
            ..Figures::default()
        };
        let floors = |text: &str| [text.parse::<Floor>().unwrap()];
        let below = |floors: &[Floor]| below(|metric| metric.of(&figures), floors);
        assert_eq!(below(&floors("hit@1=0.8")).unwrap(), Exit::Success);
        assert_eq!(
            below(&floors("hit@1=0.81")).unwrap_err().message,
            "hit@1 is 0.8000, below 0.81"
        );
        assert!(
            below(&floors("MRR@10=0.1")).is_err(),
            "what was not measured did not reach its floor"
        );
    }
}

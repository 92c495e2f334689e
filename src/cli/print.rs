//! What `ask` and `search` print: the same exchange that the panes show.

use std::io::{IsTerminal as _, Read as _};

use serde::Serialize;

use super::Failure;
use crate::agent::event::{
    Cost, Exchange, Hit, Limits, Outcome, Phase, Stage, StageRow, Timing, Usage, VectorOrigin,
};
use crate::text;

/// One object of `ask --json`: the contract of the command line.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a serde_json::Value>,
    question: &'a str,
    /// Sanitised, as the pane shows it.
    answer: String,
    outcome: Outcome,
    citations: &'a [String],
    hits: &'a [Hit],
    stages: &'a [StageRow],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    timing: Timing,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<VectorOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<&'a Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Trouble<'a>>,
}

#[derive(Debug, Serialize)]
struct Trouble<'a> {
    stage: Stage,
    message: &'a str,
    retryable: bool,
}

impl<'a> Report<'a> {
    pub(super) fn of(exchange: &'a Exchange, id: Option<&'a serde_json::Value>) -> Self {
        Self {
            id,
            question: &exchange.question,
            answer: text::sanitize(&exchange.answer).into_owned(),
            outcome: exchange.outcome().unwrap_or(Outcome::Failed),
            citations: &exchange.citations,
            hits: &exchange.hits,
            stages: &exchange.stages,
            usage: exchange.usage,
            cost: exchange.cost(),
            timing: exchange.timing(),
            vector: exchange.vector,
            limits: exchange.limits.as_ref(),
            note: exchange.note.as_deref(),
            error: match &exchange.phase {
                Phase::Failed {
                    stage,
                    message,
                    retryable,
                } => Some(Trouble {
                    stage: *stage,
                    message,
                    retryable: *retryable,
                }),
                Phase::Cancelled => Some(Trouble {
                    stage: exchange.stages.last().map_or(Stage::Parse, |row| row.name),
                    message: "cancelled",
                    retryable: true,
                }),
                _ => None,
            },
        }
    }
}

/// The evidence as text: number, scores by name, question, sources.
pub(super) fn evidence(hits: &[Hit]) -> String {
    let mut lines = String::new();
    for (index, hit) in hits.iter().enumerate() {
        let cosine = hit
            .dense
            .map_or("-".to_owned(), |dense| format!("{:.3}", dense.score));
        let percentile = hit.shown_percentile().unwrap_or_else(|| "-".to_owned());
        lines.push_str(&format!(
            "[{}] score {:.3}  cos {cosine}  pct {percentile}  {}\n    {}\n",
            index + 1,
            hit.score,
            text::sanitize_line(&hit.id),
            text::sanitize_line(&hit.question),
        ));
        if let Some(lexical) = hit.lexical.as_ref().filter(|lexical| !lexical.terms.is_empty()) {
            lines.push_str(&format!(
                "    shared words: {}\n",
                text::sanitize_line(&lexical.terms.join(", "))
            ));
        }
        for source in &hit.sources {
            lines.push_str(&format!("    source: {}\n", text::sanitize_line(source)));
        }
    }
    lines
}

/// The argument itself, or standard input for `-`.
pub(super) fn argument_or_stdin(argument: &str, what: &str) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut bytes = Vec::new();
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::usage(format!(
            "the {what} `-` reads standard input, which is a terminal here: pipe text in"
        )));
    }
    stdin
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::other(format!("reading the {what} from standard input failed: {error}")))?;
    Ok(text::sanitize_bytes(&bytes).trim().to_owned())
}

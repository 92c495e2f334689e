//! A session as one JSON object: `{"format": "defi-qa session", "version": 1, "session": {...}, "exchanges": [...]}`.
//!
//! An exchange has the fields of `ask --json`, and `asked_at`, `setup` and the stages' starts besides. `version` changes
//! only when a field changes its meaning; a reader ignores fields that it does not know.

use serde::Serialize;

use crate::agent::event::{
    AnswerOrigin, Cost, Hit, Limits, Outcome, Setup, StageRow, Timing, Trouble, Usage, VectorOrigin,
};
use crate::session::{Kept, SessionId, Summary, Utc};
use crate::text;

/// What the object says it is.
pub const FORMAT: &str = "defi-qa session";
/// The version of its fields.
pub const SCHEMA: u8 = 1;

/// The object.
#[derive(Debug, Serialize)]
pub struct Exported<'a> {
    format: &'static str,
    version: u8,
    session: Session<'a>,
    exchanges: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Session<'a> {
    id: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: i64,
    asked_at: String,
    question: &'a str,
    /// Sanitised, as the pane shows it.
    answer: String,
    outcome: Outcome,
    citations: &'a [String],
    hits: &'a [Hit],
    stages: &'a [StageRow],
    setup: &'a Setup,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    timing: Timing,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<VectorOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_answer: Option<AnswerOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<&'a Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Trouble<'a>>,
}

impl<'a> Exported<'a> {
    /// A session with its exchanges.
    pub fn of(summary: &'a Summary, kept: &'a [Kept]) -> Self {
        Self {
            format: FORMAT,
            version: SCHEMA,
            session: Session {
                id: summary.id,
                name: summary.name.as_deref(),
                created_at: Utc(summary.created_ms).to_string(),
                updated_at: Utc(summary.updated_ms).to_string(),
            },
            exchanges: kept.iter().map(entry).collect(),
        }
    }
}

fn entry(kept: &Kept) -> Entry<'_> {
    let exchange = &kept.exchange;
    Entry {
        id: kept.id,
        asked_at: Utc(kept.asked_ms).to_string(),
        question: &exchange.question,
        answer: text::sanitize(&exchange.answer).into_owned(),
        outcome: exchange.outcome().unwrap_or(Outcome::Failed),
        citations: &exchange.citations,
        hits: &exchange.hits,
        stages: &exchange.stages,
        setup: &exchange.setup,
        usage: exchange.usage,
        cost: exchange.cost(),
        timing: exchange.timing(),
        vector: exchange.vector,
        kept_answer: exchange.answer_origin,
        limits: exchange.limits.as_ref(),
        note: exchange.note.as_deref(),
        error: exchange.trouble(),
    }
}

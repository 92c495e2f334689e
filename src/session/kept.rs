//! An exchange as it stands in the store, and back: the same value that the screen folds from the events of a run.

use rusqlite::{Row, ToSql};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SessionId;
use crate::agent::event::{
    AnswerOrigin, Exchange, Hit, Limits, Outcome, Phase, Stage, StageRow, Tier, Usage, VectorOrigin,
};
use crate::text::Redactor;

/// Said of an answer whose end was never written.
const CUT: &str = "the program went before its answer was complete, or another window still writes it";

/// An exchange that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Identifies it in the store.
    pub id: i64,
    pub session: SessionId,
    /// Milliseconds since 1970.
    pub asked_ms: u64,
    pub exchange: Exchange,
}

/// The columns of an exchange besides its ids.
pub(super) struct Columns {
    pub(super) phase: &'static str,
    pub(super) outcome: Option<&'static str>,
    pub(super) question: String,
    pub(super) answer: String,
    pub(super) error: Option<String>,
    pub(super) note: Option<String>,
    pub(super) citations: String,
    pub(super) usage: Option<String>,
    pub(super) limits: Option<String>,
    pub(super) setup: String,
    pub(super) trace: String,
}

#[derive(Serialize, Deserialize)]
struct Trouble {
    stage: Stage,
    message: String,
    retryable: bool,
}

/// What the trace and the footer show.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Trace {
    at_ms: f64,
    first_token_ms: Option<f64>,
    last_token_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_before: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_limits: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<String>,
    vector: Option<VectorOrigin>,
    answer: Option<AnswerOrigin>,
    stages: Vec<StageLine>,
}

#[derive(Serialize, Deserialize)]
struct StageLine {
    name: Stage,
    start_ms: f64,
    ms: Option<f64>,
    #[serde(default)]
    wait_ms: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache: Option<Tier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Our own plain values always have a JSON text; a number that is none becomes `null` there.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// What a later version or a damaged file wrote is left out, and the rest is shown.
fn parsed<T: DeserializeOwned>(text: Option<String>) -> Option<T> {
    serde_json::from_str(&text?).ok()
}

impl Columns {
    /// Their names, in the order of [`Columns::values`].
    pub(super) const NAMES: [&'static str; 11] = [
        "phase",
        "outcome",
        "question",
        "answer",
        "error",
        "note",
        "citations",
        "usage",
        "limits",
        "setup",
        "trace",
    ];

    pub(super) fn values(&self) -> [&dyn ToSql; 11] {
        [
            &self.phase,
            &self.outcome,
            &self.question,
            &self.answer,
            &self.error,
            &self.note,
            &self.citations,
            &self.usage,
            &self.limits,
            &self.setup,
            &self.trace,
        ]
    }

    pub(super) fn of(exchange: &Exchange, redactor: &Redactor) -> Self {
        let clean = |text: &str| redactor.clean(text).into_owned();
        let (phase, error) = match &exchange.phase {
            Phase::Done(_) => ("done", None),
            Phase::Cancelled => ("cancelled", None),
            Phase::Failed {
                stage,
                message,
                retryable,
            } => (
                "failed",
                Some(json(&Trouble {
                    stage: *stage,
                    message: clean(message),
                    retryable: *retryable,
                })),
            ),
            _ => ("open", None),
        };
        let stages = exchange.stages.iter().map(|row| StageLine {
            name: row.name,
            start_ms: row.start_ms,
            ms: row.ms,
            wait_ms: row.wait_ms,
            cache: row.cache,
            note: row.note.as_deref().map(clean),
        });
        Self {
            phase,
            outcome: exchange.outcome().map(Outcome::name),
            question: clean(&exchange.question),
            answer: clean(&exchange.answer),
            error,
            note: exchange.note.as_deref().map(clean),
            citations: redactor.clean_json(json(&exchange.citations)),
            usage: exchange.usage.as_ref().map(json),
            limits: exchange
                .limits
                .as_ref()
                .map(json)
                .map(|limits| redactor.clean_json(limits)),
            setup: redactor.clean_json(json(&exchange.setup)),
            trace: json(&Trace {
                at_ms: exchange.at_ms,
                first_token_ms: exchange.first_token_ms,
                last_token_ms: exchange.last_token_ms,
                read: exchange.read.as_deref().map(clean),
                read_by: exchange.read_by.as_deref().map(clean),
                used_before: exchange.used_before,
                embedding_limits: exchange.embedding_limits.clone(),
                embedder: exchange.embedder.clone(),
                vector: exchange.vector,
                answer: exchange.answer_origin,
                stages: stages.collect(),
            }),
        }
    }
}

impl Kept {
    /// The columns that [`Kept::read`] reads, in its order.
    pub(super) const COLUMNS: &'static str = "id, session, asked_ms, phase, outcome, question, answer, error, note, \
         citations, usage, limits, setup, trace";

    /// A row of the exchange table, still without its evidence.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let trace: Trace = parsed(optional(row, 13)?).unwrap_or_default();
        let stages: Vec<StageRow> = trace
            .stages
            .into_iter()
            .map(|line| StageRow {
                name: line.name,
                start_ms: line.start_ms,
                ms: line.ms,
                wait_ms: line.wait_ms,
                waits_for: None,
                cache: line.cache,
                note: line.note,
            })
            .collect();
        let answer = text(row, 6)?;
        let phase = match text(row, 3)?.as_str() {
            "done" => Phase::Done(
                optional(row, 4)?
                    .and_then(|outcome| serde_json::from_value(Value::String(outcome)).ok())
                    .unwrap_or(Outcome::Unknown),
            ),
            "cancelled" => Phase::Cancelled,
            "failed" => match parsed::<Trouble>(optional(row, 7)?) {
                Some(trouble) => Phase::Failed {
                    stage: trouble.stage,
                    message: trouble.message,
                    retryable: trouble.retryable,
                },
                None => cut(&stages),
            },
            _ => cut(&stages),
        };
        let exchange = Exchange {
            question: text(row, 5)?,
            setup: parsed(optional(row, 12)?).unwrap_or_default(),
            phase,
            answer,
            hits: Vec::new(),
            citations: parsed(optional(row, 9)?).unwrap_or_default(),
            stages,
            usage: parsed(optional(row, 10)?),
            limits: parsed(optional(row, 11)?),
            // Of the moment, and of no use later: what is kept is what the answer was made with.
            embedding_limits: trace.embedding_limits,
            note: optional(row, 8)?,
            first_token_ms: trace.first_token_ms,
            last_token_ms: trace.last_token_ms,
            read: trace.read,
            read_by: trace.read_by,
            used_before: trace.used_before,
            pieces: 0,
            embedder: trace.embedder,
            vector: trace.vector,
            answer_origin: trace.answer,
            at_ms: trace.at_ms,
        };
        Ok(Self {
            id: row.get(0)?,
            session: row.get(1)?,
            asked_ms: unsigned(row.get(2)?),
            exchange,
        })
    }
}

fn cut(stages: &[StageRow]) -> Phase {
    let open = stages.iter().rev().find(|row| row.ms.is_none());
    Phase::Failed {
        stage: open.or(stages.last()).map_or(Stage::Parse, |row| row.name),
        message: CUT.to_owned(),
        retryable: true,
    }
}

/// What ranks a hit, which differs from exchange to exchange; all else belongs to the pair and is kept once.
const SCORES: [&str; 5] = ["rank", "score", "percentile", "dense", "lexical"];

/// A hit taken apart.
pub(super) struct Parts {
    pub(super) question: String,
    pub(super) answer: String,
    /// The pair's other fields, as JSON.
    pub(super) rest: String,
    /// As JSON.
    pub(super) scores: String,
}

impl Parts {
    pub(super) fn of(hit: &Hit, redactor: &Redactor) -> Self {
        let clean = |text: &str| redactor.clean(text).into_owned();
        let (question, answer) = (clean(&hit.question), clean(&hit.answer));
        let Ok(Value::Object(mut rest)) = serde_json::to_value(hit) else {
            return Self {
                question,
                answer,
                rest: "{}".to_owned(),
                scores: "{}".to_owned(),
            };
        };
        let scores: Map<String, Value> = SCORES
            .iter()
            .filter_map(|name| rest.remove_entry(*name))
            .collect();
        rest.remove("question");
        rest.remove("answer");
        Self {
            question,
            answer,
            rest: redactor.clean_json(json(&rest)),
            scores: redactor.clean_json(json(&scores)),
        }
    }

    /// What tells one pair from another: all that is kept of it.
    pub(super) fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for part in [&self.question, &self.answer, &self.rest] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize()
    }

    /// The hit again; `None` when the file is damaged there.
    pub(super) fn joined(self) -> Option<Hit> {
        let mut whole: Map<String, Value> = serde_json::from_str(&self.rest).ok()?;
        let scores: Map<String, Value> = serde_json::from_str(&self.scores).ok()?;
        whole.extend(scores);
        whole.insert("question".to_owned(), Value::String(self.question));
        whole.insert("answer".to_owned(), Value::String(self.answer));
        serde_json::from_value(Value::Object(whole)).ok()
    }
}

/// A text that may have lost its encoding.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let bytes = row.get_ref(column)?.as_bytes()?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

pub(super) fn optional(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let bytes = row.get_ref(column)?.as_bytes_or_null()?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// SQLite's integers have a sign and ours have none.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

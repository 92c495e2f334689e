//! An exchange told again by what became of it, for one whose events were not kept: the same fold, and times only where
//! the trace has them.

use crate::agent::event::{AgentEvent, Event, Exchange, Kept, Phase, RunId, Stage, VERSION};

/// Events that fold to this exchange. Its stages have their own times, the text comes in two pieces: at the time of its
/// first word and of its last.
pub(super) fn events(run: RunId, exchange: &Exchange) -> Vec<Event> {
    let mut said: Vec<(f64, AgentEvent)> = Vec::new();
    let mut searched_ms = 0.0_f64;
    for row in &exchange.stages {
        said.push((row.start_ms, AgentEvent::StageStarted { stage: row.name }));
        if let Some(ms) = row.ms {
            let end_ms = row.start_ms + ms;
            if !matches!(
                row.name,
                Stage::Judge | Stage::Answer | Stage::Converse | Stage::Decline | Stage::Error
            ) {
                searched_ms = searched_ms.max(end_ms);
            }
            said.push((
                end_ms,
                AgentEvent::StageFinished {
                    stage: row.name,
                    ms,
                    wait_ms: row.wait_ms,
                    cache: row.cache,
                    note: row.note.clone(),
                },
            ));
        }
    }
    for what in found(exchange) {
        said.push((searched_ms, what));
    }
    if let Some(limits) = exchange.embedding_limits.clone() {
        said.push((searched_ms, AgentEvent::EmbeddingLimits { limits }));
    }
    if let Some(limits) = exchange.limits.clone() {
        let at_ms = exchange.first_token_ms.unwrap_or(exchange.at_ms);
        said.push((at_ms, AgentEvent::Limits { limits }));
    }
    said.extend(text(exchange));
    // Stable: what has the same time stays in the order in which it was said.
    said.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let started = AgentEvent::Started {
        question: exchange.question.clone(),
        setup: exchange.setup.clone(),
    };
    let end = end(exchange).map(|end| (exchange.at_ms, end));
    let said = std::iter::once((0.0, started)).chain(said).chain(end);
    said.map(|(at_ms, what)| Event {
        v: VERSION,
        run,
        at_ms,
        what,
    })
    .collect()
}

/// What the searches and the caches said.
fn found(exchange: &Exchange) -> Vec<AgentEvent> {
    let mut said = Vec::new();
    said.extend(exchange.used_before.map(|usage| AgentEvent::Used {
        stage: Stage::FollowUp,
        usage,
    }));
    said.extend(exchange.read.clone().map(|text| AgentEvent::Read {
        text,
        by: exchange.read_by.clone(),
    }));
    // Which entry it was is not kept.
    let key = String::new;
    said.extend(exchange.vector.map(|vector| AgentEvent::Cache {
        key: key(),
        kind: Kept::Vector,
        tier: vector.tier,
        age_ms: vector.age_ms,
        saved_ms: vector.saved_ms,
        saved_tokens: None,
    }));
    let by_cache = exchange.vector.map(|_| &exchange.setup.embedder);
    let kept_note = !matches!(exchange.phase, Phase::Done(_)) && exchange.note.is_some();
    if exchange.embedder.as_ref() != by_cache || kept_note {
        said.push(AgentEvent::Fallback {
            stage: Stage::Embed,
            note: exchange.note.clone().unwrap_or_default(),
            embedder: exchange.embedder.clone(),
        });
    }
    if !exchange.hits.is_empty() {
        let hits = exchange.hits.clone();
        said.push(AgentEvent::Retrieved { hits });
    }
    said.extend(exchange.answer_origin.map(|origin| AgentEvent::Cache {
        key: key(),
        kind: Kept::Answer,
        tier: Some(origin.tier),
        age_ms: origin.age_ms,
        saved_ms: origin.saved_ms,
        saved_tokens: origin.saved_tokens,
    }));
    said
}

/// The answer at its first and its last time.
fn text(exchange: &Exchange) -> Vec<(f64, AgentEvent)> {
    let first_ms = exchange.first_token_ms.unwrap_or(exchange.at_ms);
    let last_ms = exchange.last_token_ms.unwrap_or(first_ms);
    if exchange.first_token_ms.is_none() && exchange.answer.is_empty() {
        return Vec::new();
    }
    let middle = exchange
        .answer
        .char_indices()
        .nth(1)
        .map_or(exchange.answer.len(), |(at, _)| at);
    let (head, rest) = if last_ms > first_ms {
        exchange.answer.split_at(middle)
    } else {
        (exchange.answer.as_str(), "")
    };
    let piece = |at_ms: f64, text: &str| {
        (
            at_ms,
            AgentEvent::Token {
                text: text.to_owned(),
            },
        )
    };
    let mut pieces = vec![piece(first_ms, head)];
    if last_ms > first_ms {
        pieces.push(piece(last_ms, rest));
    }
    pieces
}

/// How it ended; `None` while it had not.
pub(super) fn end(exchange: &Exchange) -> Option<AgentEvent> {
    match &exchange.phase {
        Phase::Done(outcome) => Some(AgentEvent::Answered {
            outcome: *outcome,
            citations: exchange.citations.clone(),
            usage: exchange.usage,
            note: exchange.note.clone(),
        }),
        Phase::Cancelled => Some(AgentEvent::Cancelled {}),
        Phase::Failed {
            stage,
            message,
            retryable,
        } => Some(AgentEvent::Failed {
            stage: *stage,
            message: message.clone(),
            retryable: *retryable,
        }),
        _ => None,
    }
}

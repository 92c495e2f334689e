//! What a run said and when, as it stands in the store: so that an exchange can be played again as it went.
//!
//! A line is an event of [`crate::agent::event`] without its version and its run. Two leave out what stands in the
//! exchange's own row and would double its size: the question and set-up of `started`, the hits of `retrieved`. Tokens
//! that follow each other are one line, `{"tokens":[27.6,"Impermanent ",31.2,"loss "]}`: each with its own time.
//! The runs in `data/recordings` take 2.3 kB (declined, one piece of text) to 4.5 kB (166 tokens).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::agent::event::{AgentEvent, Event, Exchange, RunId, VERSION};
use crate::text::{Flow, Redactor};

/// What one run said that has not been written yet.
#[derive(Clone, Debug, Default)]
pub struct Said {
    redactor: Redactor,
    lines: String,
    /// Tokens behind the last line.
    tokens: Vec<(f64, String)>,
    flow: Flow,
}

#[derive(Serialize, Deserialize)]
struct Tokens {
    /// Milliseconds since the start and text, by turns.
    tokens: Vec<Value>,
}

impl Said {
    /// Of a run that has said nothing yet.
    pub(super) fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            ..Self::default()
        }
    }

    /// Takes the next event in.
    pub fn hear(&mut self, event: &Event) {
        if let AgentEvent::Token { text } = &event.what {
            let clean = self.flow.push(text, &self.redactor);
            self.tokens.push((event.at_ms, clean));
            return;
        }
        if event.what.ends_run() {
            let held = self.flow.end(&self.redactor);
            if let Some((_, text)) = self.tokens.last_mut() {
                text.push_str(&held);
            } else if !held.is_empty() {
                self.tokens.push((event.at_ms, held));
            }
        }
        self.close_tokens();
        let bare = match &event.what {
            AgentEvent::Started { .. } => Some("started"),
            AgentEvent::Retrieved { .. } => Some("retrieved"),
            _ => None,
        };
        let value = match bare {
            Some(name) => Ok(serde_json::json!({ "event": name, "at_ms": event.at_ms })),
            None => serde_json::to_value(event),
        };
        if let Ok(Value::Object(mut fields)) = value {
            fields.remove("v");
            fields.remove("run");
            let line = Value::Object(fields).to_string();
            self.lines.push_str(&self.redactor.clean_json(line));
            self.lines.push('\n');
        }
    }

    /// The lines that are to be written.
    pub(super) fn lines(&mut self) -> &str {
        self.close_tokens();
        &self.lines
    }

    /// The lines are in the store.
    pub(super) fn written(&mut self) {
        self.lines.clear();
    }

    fn close_tokens(&mut self) {
        if self.tokens.is_empty() {
            return;
        }
        let by_turns = self.tokens.drain(..);
        let tokens = by_turns.flat_map(|(at_ms, text)| [Value::from(at_ms), Value::String(text)]);
        let tokens = Tokens {
            tokens: tokens.collect(),
        };
        if let Ok(line) = serde_json::to_string(&tokens) {
            self.lines.push_str(&line);
            self.lines.push('\n');
        }
    }
}

/// The events of an exchange by what it said. What a later version or a damaged file wrote is left out.
pub(super) fn events(lines: &str, run: RunId, exchange: &Exchange) -> Vec<Event> {
    let mut events = Vec::new();
    let mut say = |at_ms: f64, what: AgentEvent| {
        events.push(Event {
            v: VERSION,
            run,
            at_ms,
            what,
        });
    };
    for line in lines.lines() {
        if let Ok(Tokens { tokens }) = serde_json::from_str(line) {
            for two in tokens.chunks_exact(2) {
                if let (Some(at_ms), Some(text)) = (two[0].as_f64(), two[1].as_str()) {
                    say(
                        at_ms,
                        AgentEvent::Token {
                            text: text.to_owned(),
                        },
                    );
                }
            }
            continue;
        }
        let Ok(mut fields) = serde_json::from_str::<Map<String, Value>>(line) else {
            continue;
        };
        let at_ms = fields.get("at_ms").and_then(Value::as_f64).unwrap_or(0.0);
        match fields.get("event").and_then(Value::as_str) {
            Some("started") => say(
                at_ms,
                AgentEvent::Started {
                    question: exchange.question.clone(),
                    setup: exchange.setup.clone(),
                },
            ),
            Some("retrieved") => say(
                at_ms,
                AgentEvent::Retrieved {
                    hits: exchange.hits.clone(),
                },
            ),
            _ => {
                fields.insert("v".to_owned(), Value::from(VERSION));
                fields.insert("run".to_owned(), Value::from(run.0));
                if let Ok(event) = serde_json::from_value::<Event>(Value::Object(fields)) {
                    say(event.at_ms, event.what);
                }
            }
        }
    }
    events
}

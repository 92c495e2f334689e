//! What `ask` and `search` print: the same exchange that the panes show.

use std::io::{IsTerminal as _, Read as _};
use std::time::Duration;

use serde::Serialize;

use super::Failure;
use crate::agent::event::{
    AnswerOrigin, Cost, Exchange, Hit, Limits, Outcome, StageRow, Timing, Trouble, Usage, VectorOrigin,
};
use crate::text;

/// One object of `ask --json`: the contract of the command line.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<&'a str>,
    /// What it was searched as, when that is another text.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<&'a str>,
    /// Who took along what it goes on from: `rule`, or a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_by: Option<&'a str>,
    /// Sanitised, as the pane shows it.
    answer: String,
    outcome: Outcome,
    citations: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    hits: Option<&'a [Hit]>,
    stages: &'a [StageRow],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    timing: Timing,
    /// Whose vector of the question was searched with.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<VectorOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_answer: Option<AnswerOrigin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<&'a Limits>,
    /// Of the endpoint that embeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_limits: Option<&'a Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Trouble<'a>>,
}

impl<'a> Report<'a> {
    /// What is a side's own, of answers side by side.
    pub(super) fn of_side(exchange: &'a Exchange) -> Self {
        Self {
            question: None,
            read: None,
            hits: None,
            ..Self::of(exchange, None)
        }
    }

    pub(super) fn of(exchange: &'a Exchange, id: Option<&'a serde_json::Value>) -> Self {
        Self {
            id,
            question: Some(&exchange.question),
            read: exchange.read.as_deref(),
            read_by: exchange.read_by.as_deref(),
            answer: text::sanitize(&exchange.answer).into_owned(),
            outcome: exchange.outcome().unwrap_or(Outcome::Failed),
            citations: &exchange.citations,
            hits: Some(&exchange.hits),
            stages: &exchange.stages,
            usage: exchange.usage,
            cost: exchange.cost(),
            timing: exchange.timing(),
            embedder: exchange.embedder.as_deref(),
            vector: exchange.vector,
            kept_answer: exchange.answer_origin,
            limits: exchange.limits.as_ref(),
            embedding_limits: exchange.embedding_limits.as_ref(),
            note: exchange.note.as_deref(),
            error: exchange.trouble(),
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

/// How old a thing is: `5 s`, `3 min`, `7 h`, `12 d`.
pub(super) fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
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

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::{Value, json};

    use super::*;
    use crate::agent::event::Event;
    use crate::app::keymap::Command;
    use crate::app::{App, Message};
    use crate::config::Theme as Choice;
    use crate::tui::theme::Theme;
    use crate::tui::view::{Rendered, draw};

    /// A run with a wait, a retry, limits, tokens and a price, as a recording holds it.
    fn recording() -> Vec<Event> {
        let line = |at_ms: f64, mut what: Value| {
            for (key, value) in [("v", json!(1)), ("run", json!(1)), ("at_ms", json!(at_ms))] {
                what[key] = value;
            }
            serde_json::from_value(what).unwrap()
        };
        let started = json!({"event": "started", "question": "How?", "setup": {"chat": "openai:m", "embedder": "e",
            "retriever": "hybrid", "dataset": "d", "pairs": 3, "offline": false,
            "price": {"input": 0.4, "output": 1.6, "as_of": "2025-06"}}});
        let limits = json!({"event": "limits", "limits": {"endpoint": "h", "model": "m",
            "requests": {"limit": 500, "remaining": 438, "reset_ms": 60_000, "origin": "reported", "age_ms": 0},
            "in_flight": 1, "queued": 2, "breaker": "closed"}});
        let answered = json!({"event": "answered", "outcome": "answered", "citations": [],
            "usage": {"prompt_tokens": 1204, "completion_tokens": 96, "total_tokens": 1300}});
        vec![
            line(0.0, started),
            line(
                1.0,
                json!({"event": "cache", "key": "k", "tier": "disk", "age_ms": 7_300_000.0}),
            ),
            line(1.0, json!({"event": "stage_started", "stage": "answer"})),
            line(
                2.0,
                json!({"event": "retry", "why": "h failed (500)", "wait_ms": 500.0, "attempt": 2, "of": 4}),
            ),
            line(
                502.0,
                json!({"event": "resumed", "stage": "answer", "waited_ms": 500.0}),
            ),
            line(600.0, limits),
            line(612.0, json!({"event": "token", "text": "By "})),
            line(2_512.0, json!({"event": "token", "text": "it."})),
            line(2_520.0, answered),
        ]
    }

    /// What the application shows after these events.
    fn screen(events: &[Event]) -> String {
        let mut app = App::default();
        app.update(Message::Paste("How?".into()));
        app.update(Message::Command(Command::Ask));
        for event in events {
            app.update(Message::Tick(event.at_ms));
            app.update(Message::Agent(Box::new(event.clone())));
        }
        let mut terminal = Terminal::new(TestBackend::new(160, 40)).unwrap();
        let theme = Theme::of(Choice::None, None);
        let mut rendered = Rendered::default();
        terminal
            .draw(|frame| {
                draw(frame, &app, &theme, &mut rendered);
            })
            .unwrap();
        terminal.backend().to_string().replace('\u{a0}', " ")
    }

    #[test]
    fn the_object_and_the_screen_say_the_same_of_one_recording() {
        let events = recording();
        let mut exchange = Exchange::default();
        for event in &events {
            exchange.apply(event);
        }
        let object = serde_json::to_value(Report::of(&exchange, None)).unwrap();
        assert_eq!(
            object["timing"],
            json!({"first_token_ms": 612.0, "total_ms": 2520.0, "tokens_per_s": 50.0})
        );
        assert_eq!(
            object["cost"],
            json!({"usd": 0.0006352, "price_as_of": "2025-06"})
        );
        assert_eq!(object["vector"], json!({"tier": "disk", "age_ms": 7_300_000.0}));
        let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_f64).unwrap();
        let (limit, left) = (
            number("/limits/requests/limit"),
            number("/limits/requests/remaining"),
        );
        let screen = screen(&events);
        for figure in [
            format!(
                "{} tokens in, {} out",
                number("/usage/prompt_tokens"),
                number("/usage/completion_tokens")
            ),
            format!("${:.5} (prices of 2025-06)", number("/cost/usd")),
            format!("first word after {} ms", number("/timing/first_token_ms")),
            format!("{} tokens/s", number("/timing/tokens_per_s")),
            format!("answered · {:.2} s", number("/timing/total_ms") / 1e3),
            "vector from disk, 2 h old".to_owned(),
            format!("{}/{limit} used", limit - left),
            format!(
                "{} in flight, {} queued, circuit {}",
                number("/limits/in_flight"),
                number("/limits/queued"),
                object["limits"]["breaker"].as_str().unwrap()
            ),
        ] {
            assert!(screen.contains(&figure), "{figure} is not in\n{screen}");
        }
    }
}

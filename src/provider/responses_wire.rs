//! The bytes of the Responses API: what is sent, and a lenient reading of the events that come.
//!
//! The names are OpenAI's (<https://platform.openai.com/docs/api-reference/responses-streaming>). An answer is the
//! `response.output_text.delta` events, ended by one of `response.completed`, `response.incomplete` and `response.failed`, or by
//! an `error`. All other events are passed over.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::chat::{ChatRequest, FinishReason, Message, Usage};
use super::wire::Piece;

/// The body of a request for a streamed answer.
#[derive(Debug, Serialize)]
pub(super) struct ResponsesBody {
    model: String,
    input: Vec<Message>,
    stream: bool,
    /// Not kept on the server: nobody comes back for it.
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
}

impl ResponsesBody {
    pub(super) fn new(request: ChatRequest, model: &str) -> Self {
        Self {
            model: model.to_owned(),
            input: request.messages,
            stream: true,
            store: false,
            temperature: request.temperature,
            max_output_tokens: request.max_tokens,
        }
    }
}

/// One event of the stream, or a whole response from a server that does not stream. A JSON object of any fields: what is not
/// of the expected type is as good as absent.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct ResponsesEvent(Map<String, Value>);

impl From<ResponsesEvent> for Piece {
    fn from(ResponsesEvent(event): ResponsesEvent) -> Self {
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        let delta = || event.get("delta")?.as_str().filter(|text| !text.is_empty());
        match kind {
            // A refusal is the answer's text all the same.
            "response.output_text.delta" | "response.refusal.delta" => Self {
                text: delta().map(str::to_owned),
                ..Self::default()
            },
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                let response = event.get("response").and_then(Value::as_object);
                let ending = kind.strip_prefix("response.").unwrap_or_default();
                ended(response.unwrap_or(&Map::new()), ending)
            }
            "error" => Self::failed(&Value::Object(event)),
            // No event at all: an error as the whole body, or a response that came at once.
            "" if event.get("error").is_some_and(|error| !error.is_null()) => {
                Self::failed(&Value::Object(event))
            }
            "" if event.get("object").is_some_and(|object| object == "response") => {
                let status = event.get("status").and_then(Value::as_str).unwrap_or("completed");
                Self {
                    text: Some(text_of(&event)).filter(|text| !text.is_empty()),
                    ..ended(&event, status)
                }
            }
            _ => Self::default(),
        }
    }
}

/// The end of a response, by its status.
fn ended(response: &Map<String, Value>, status: &str) -> Piece {
    let reason = || {
        let details = response.get("incomplete_details")?;
        details.get("reason")?.as_str()
    };
    let finish = match (status, reason()) {
        ("completed", _) => FinishReason::Stop,
        ("failed", _) => return Piece::failed(&Value::Object(response.clone())),
        ("incomplete", Some("max_output_tokens")) => FinishReason::Length,
        ("incomplete", Some("content_filter")) => FinishReason::ContentFilter,
        (status, reason) => FinishReason::Other(reason.unwrap_or(status).to_owned()),
    };
    Piece {
        finish: Some(finish),
        usage: response.get("usage").and_then(usage),
        ..Piece::default()
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let count = |name: &str| usage.get(name).and_then(Value::as_u64);
    let (prompt, completion) = (count("input_tokens")?, count("output_tokens").unwrap_or(0));
    Some(Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: count("total_tokens").unwrap_or(prompt.saturating_add(completion)),
    })
}

/// The text of a response that came at once.
fn text_of(response: &Map<String, Value>) -> String {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    list(response.get("output"))
        .iter()
        .flat_map(|item| list(item.get("content")))
        .filter_map(|part| {
            let text = part.get("text").or_else(|| part.get("refusal"))?;
            text.as_str().map(str::to_owned)
        })
        .collect()
}

impl Piece {
    /// The error that a server reports, which it wraps in `error` or not.
    fn failed(report: &Value) -> Self {
        let error = report.get("error").filter(|error| !error.is_null());
        Self {
            error: Some(json!({ "error": error.unwrap_or(report) })),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(json: &Value) -> Piece {
        serde_json::from_value::<ResponsesEvent>(json.clone())
            .unwrap()
            .into()
    }

    #[test]
    fn only_what_is_said_is_text() {
        for (event, text) in [
            (
                json!({"type": "response.output_text.delta", "delta": "By", "item_id": "m"}),
                Some("By"),
            ),
            (
                json!({"type": "response.refusal.delta", "delta": "No"}),
                Some("No"),
            ),
            (json!({"type": "response.output_text.delta", "delta": ""}), None),
            (json!({"type": "response.output_text.delta", "delta": 7}), None),
            (json!({"type": "response.output_text.done", "text": "By"}), None),
            (
                json!({"type": "response.reasoning_summary_text.delta", "delta": "hm"}),
                None,
            ),
            (
                json!({"type": "response.created", "response": {"status": "in_progress", "error": null}}),
                None,
            ),
            (json!({"type": "response.sung"}), None),
            (json!({}), None),
        ] {
            let piece = piece(&event);
            assert_eq!(piece.text.as_deref(), text, "{event}");
            assert!(piece.error.is_none() && piece.finish.is_none(), "{event}");
        }
    }

    #[test]
    fn a_response_ends_by_its_status_and_its_reason() {
        let end = |kind: &str, response: Value| {
            piece(&json!({"type": format!("response.{kind}"), "response": response})).finish
        };
        let incomplete = |reason: &str| json!({"incomplete_details": {"reason": reason}});
        assert_eq!(
            end("completed", json!({"status": "completed"})),
            Some(FinishReason::Stop)
        );
        assert_eq!(
            end("incomplete", incomplete("max_output_tokens")),
            Some(FinishReason::Length)
        );
        assert_eq!(
            end("incomplete", incomplete("content_filter")),
            Some(FinishReason::ContentFilter)
        );
        let other = |reason: &str| Some(FinishReason::Other(reason.to_owned()));
        assert_eq!(end("incomplete", incomplete("bored")), other("bored"));
        assert_eq!(end("incomplete", json!(null)), other("incomplete"));
        assert_eq!(end("cancelled", json!({})), other("cancelled"));
    }

    #[test]
    fn an_error_is_found_wrapped_and_bare() {
        let wrapped = json!({"error": {"code": "server_error", "message": "x"}});
        for event in [
            json!({"type": "response.failed", "response": {"status": "failed", "error": wrapped["error"]}}),
            json!({"type": "error", "error": wrapped["error"]}),
            wrapped.clone(),
            json!({"object": "response", "status": "failed", "error": wrapped["error"]}),
        ] {
            assert_eq!(piece(&event).error, Some(wrapped.clone()), "{event}");
        }
        let bare = json!({"type": "error", "code": "server_error", "message": "x"});
        assert_eq!(piece(&bare).error.unwrap()["error"]["message"], "x");
    }

    #[test]
    fn the_question_is_sent_and_not_stored() {
        let request = ChatRequest {
            messages: vec![],
            temperature: None,
            max_tokens: Some(9),
        };
        assert_eq!(
            serde_json::to_value(ResponsesBody::new(request, "m")).unwrap(),
            json!({"model": "m", "input": [], "stream": true, "store": false, "max_output_tokens": 9})
        );
    }
}

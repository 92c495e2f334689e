//! The bytes of the chat API: what is sent, and a reading of what comes that many servers satisfy.
//!
//! The names are OpenAI's (<https://platform.openai.com/docs/api-reference/chat/streaming>). Reading is lenient, since
//! Ollama, llama.cpp, vLLM, Groq and the routers each leave out, add, or null different fields: all are optional,
//! unknown ones are passed over.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::chat::{ChatRequest, FinishReason, Message, Usage};

/// The body of a request for a streamed answer.
#[derive(Debug, Serialize)]
pub(super) struct ChatBody {
    model: String,
    messages: Vec<Message>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl ChatBody {
    /// `openai`: whether OpenAI itself is asked. Its newer models refuse `max_tokens`; other servers know only that.
    pub(super) fn new(request: ChatRequest, model: &str, openai: bool) -> Self {
        let limit = request.max_tokens;
        Self {
            model: model.to_owned(),
            messages: request.messages,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            temperature: request.temperature,
            max_tokens: limit.filter(|_| !openai),
            max_completion_tokens: limit.filter(|_| openai),
        }
    }
}

/// What one event of a stream says, whichever interface it is of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Piece {
    /// The error that the server reports in place of an answer, as it wrote it.
    pub(super) error: Option<Value>,
    /// A piece of the answer, not empty.
    pub(super) text: Option<String>,
    /// Why the answer ends here, when it does.
    pub(super) finish: Option<FinishReason>,
    /// What the answer has used up to here.
    pub(super) usage: Option<Usage>,
}

impl From<Chunk> for Piece {
    fn from(chunk: Chunk) -> Self {
        Self {
            error: chunk.error(),
            text: chunk.text(),
            finish: chunk.finish_reason().map(FinishReason::from_wire),
            usage: chunk.usage(),
        }
    }
}

/// One event of the stream, or a whole answer from a server that does not stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<WireUsage>,
    /// Groq's place for the usage.
    #[serde(deserialize_with = "lenient")]
    x_groq: Option<Box<Chunk>>,
    error: Option<Value>,
    /// These three are an error of old vLLM, which does not wrap it.
    object: Option<Value>,
    message: Option<Value>,
    code: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    #[serde(deserialize_with = "lenient")]
    index: Option<u64>,
    /// `message` in an answer that is not streamed.
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
    /// Moonshot's place for the usage.
    usage: Option<WireUsage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Option<Content>,
    /// OpenAI's place for the text when the model declines: still the answer's text.
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    /// Mistral's typed parts, of which the text is taken.
    Parts(Vec<Part>),
    Other(serde::de::IgnoredAny),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    #[serde(deserialize_with = "lenient")]
    text: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    #[serde(deserialize_with = "lenient")]
    prompt_tokens: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    completion_tokens: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    total_tokens: Option<u64>,
}

/// A value of an unexpected type is as good as none.
fn lenient<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(serde_json::from_value(value).ok())
}

impl Chunk {
    /// The error that the server reports in place of an answer, as it wrote it.
    fn error(&self) -> Option<Value> {
        if let Some(error) = self.error.as_ref().filter(|error| !error.is_null()) {
            return Some(serde_json::json!({ "error": error }));
        }
        let bare = self.object.as_ref().is_some_and(|object| object == "error");
        let finished = self.choice().and_then(|choice| choice.finish_reason.as_deref());
        (bare || finished == Some("error")).then(
            || serde_json::json!({ "message": self.message.clone().unwrap_or_default(), "code": self.code }),
        )
    }

    /// Only one answer is asked for; another than the first is none of ours.
    fn choice(&self) -> Option<&Choice> {
        self.choices
            .iter()
            .flatten()
            .find(|choice| choice.index.unwrap_or(0) == 0)
    }

    /// The piece of text in it; `None` when it has none.
    fn text(&self) -> Option<String> {
        let delta = self.choice()?.delta.as_ref()?;
        let content = match &delta.content {
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
            Some(Content::Other(_)) | None => String::new(),
        };
        let text = content + delta.refusal.as_deref().unwrap_or_default();
        (!text.is_empty()).then_some(text)
    }

    /// Why the answer ends here, when it does. Some servers send an empty reason where others send null.
    fn finish_reason(&self) -> Option<&str> {
        self.choice()?
            .finish_reason
            .as_deref()
            .filter(|reason| !reason.is_empty())
    }

    /// What the answer has used up to here.
    fn usage(&self) -> Option<Usage> {
        let groq = || self.x_groq.as_ref().and_then(|groq| groq.usage);
        let choice = || self.choice().and_then(|choice| choice.usage);
        let usage = self.usage.or_else(groq).or_else(choice)?;
        let (prompt, completion) = (usage.prompt_tokens?, usage.completion_tokens.unwrap_or(0));
        Some(Usage {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: usage.total_tokens.unwrap_or(prompt.saturating_add(completion)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(json: &str) -> Chunk {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_chunks_of_many_servers_are_read() {
        for (server, json, text) in [
            (
                "openai",
                r#"{"id":"c","object":"chat.completion.chunk","service_tier":"new","choices":[{"index":0,"delta":{"content":"a","refusal":null},"logprobs":null,"finish_reason":null}],"obfuscation":"x"}"#,
                Some("a"),
            ),
            (
                "openai role",
                r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
                None,
            ),
            (
                "openai refusal",
                r#"{"choices":[{"delta":{"refusal":"I can't"}}]}"#,
                Some("I can't"),
            ),
            (
                "azure filter",
                r#"{"choices":[],"prompt_filter_results":[{}]}"#,
                None,
            ),
            (
                "ollama",
                r#"{"id":"chatcmpl-1","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"b"},"finish_reason":null}]}"#,
                Some("b"),
            ),
            (
                "llama.cpp",
                r#"{"choices":[{"finish_reason":null,"index":0,"delta":{"content":null}}],"timings":{"prompt_ms":1.5}}"#,
                None,
            ),
            (
                "vllm",
                r#"{"choices":[{"index":0,"delta":{"content":"c","reasoning_content":null},"stop_reason":null,"token_ids":null}]}"#,
                Some("c"),
            ),
            (
                "reasoning",
                r#"{"choices":[{"delta":{"reasoning_content":"hm","reasoning":"hm","content":null}}]}"#,
                None,
            ),
            (
                "groq",
                r#"{"x_groq":{"id":"req"},"choices":[{"delta":{"content":"d"},"finish_reason":null}],"service_tier":"on_demand"}"#,
                Some("d"),
            ),
            (
                "groq odd",
                r#"{"x_groq":7,"choices":[{"delta":{"content":"d"}}]}"#,
                Some("d"),
            ),
            (
                "mistral parts",
                r#"{"choices":[{"delta":{"content":[{"type":"text","text":"e"},{"type":"reference","reference_ids":[1]},{"type":"text","text":"f"}]}}]}"#,
                Some("ef"),
            ),
            (
                "odd content",
                r#"{"choices":[{"delta":{"content":{"x":1}}}]}"#,
                None,
            ),
            (
                "not streamed",
                r#"{"object":"chat.completion","choices":[{"message":{"role":"assistant","content":"g"},"finish_reason":"stop"}]}"#,
                Some("g"),
            ),
            (
                "null choices",
                r#"{"choices":null,"usage":null,"error":null}"#,
                None,
            ),
            (
                "second choice",
                r#"{"choices":[{"index":1,"delta":{"content":"no"}}]}"#,
                None,
            ),
            ("ping", r#"{"type":"ping"}"#, None),
        ] {
            let chunk = chunk(json);
            assert_eq!(chunk.text().as_deref(), text, "{server}");
            assert_eq!(chunk.error(), None, "{server}");
        }
    }

    #[test]
    fn usage_is_found_where_each_server_puts_it() {
        let usage = Some(Usage {
            prompt_tokens: 3,
            completion_tokens: 4,
            total_tokens: 7,
        });
        let spoken = r#"{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"queue_time":0.1}"#;
        for json in [
            format!(r#"{{"choices":[],"usage":{spoken}}}"#),
            format!(r#"{{"choices":[],"x_groq":{{"usage":{spoken}}}}}"#),
            format!(r#"{{"choices":[{{"usage":{spoken}}}]}}"#),
            r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#.to_owned(),
        ] {
            assert_eq!(chunk(&json).usage(), usage, "{json}");
        }
        assert_eq!(chunk(r#"{"usage":{"prompt_tokens":"many"}}"#).usage(), None);
    }

    #[test]
    fn an_error_is_seen_wrapped_bare_or_as_a_finish_reason() {
        for json in [
            r#"{"error":{"message":"x"}}"#,
            r#"{"error":"x"}"#,
            r#"{"object":"error","message":"x","code":400}"#,
            r#"{"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
        ] {
            assert!(chunk(json).error().is_some(), "{json}");
        }
    }

    #[test]
    fn openai_gets_the_newer_name_of_the_length_limit() {
        let request = ChatRequest {
            messages: vec![],
            temperature: None,
            max_tokens: Some(9),
        };
        let body = |openai| serde_json::to_value(ChatBody::new(request.clone(), "m", openai)).unwrap();
        assert_eq!(body(false)["max_tokens"], 9);
        assert_eq!(body(true)["max_completion_tokens"], 9);
        assert!(body(true).get("max_tokens").is_none() && body(true).get("temperature").is_none());
    }
}

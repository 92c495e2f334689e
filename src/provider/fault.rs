//! From what a server or a socket did to the error that names it.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::error::{ProviderError, TimeoutKind};
use super::headers;
use super::peer::Peer;

impl Peer {
    /// A response whose status is no success. `body` is what could be read of it; the status alone decides most.
    pub(super) fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> ProviderError {
        let report: Value = serde_json::from_str(body).unwrap_or_default();
        let words = if body.trim_start().starts_with('<') {
            title(body).to_owned()
        } else {
            words(&report).unwrap_or_else(|| body.to_owned())
        };
        let wait = headers::retry_after(headers, SystemTime::now());
        self.by_status(status.as_u16(), &tags(&report), &words, wait)
    }

    /// An error object that came inside a response of status 200.
    pub(super) fn reported(&self, report: &Value) -> ProviderError {
        let tags = tags(report);
        let words = words(report).unwrap_or_default();
        match tags.iter().find_map(|tag| status_of(tag)) {
            Some(status) if status < 500 => self.by_status(status, &tags, &words, None),
            _ => ProviderError::StreamError {
                asked: self.asked.clone(),
                said: self.said(&words),
            },
        }
    }

    fn by_status(&self, status: u16, tags: &[String], words: &str, wait: Option<Duration>) -> ProviderError {
        let (asked, said) = (self.asked.clone(), self.said(words));
        if status == 402 || tags.iter().any(|tag| is_quota(tag)) {
            return ProviderError::QuotaExhausted { asked, said };
        }
        match status {
            401 | 403 => ProviderError::Unauthorized { asked, status, said },
            // A redirect is not followed: it would carry the key to an address that nobody configured.
            300..=399 | 404 | 405 => ProviderError::NotFound { asked, status, said },
            429 => ProviderError::RateLimited {
                asked,
                retry_after: wait,
                said,
            },
            408 | 500.. => ProviderError::Server {
                asked,
                status,
                retry_after: wait,
                said,
            },
            _ => ProviderError::BadRequest { asked, status, said },
        }
    }

    /// A request that brought no response at all.
    pub(super) fn unreached(&self, error: &reqwest::Error, connect: Duration) -> ProviderError {
        let asked = self.asked.clone();
        if error.is_timeout() && error.is_connect() {
            return self.timeout(TimeoutKind::Connect, connect);
        }
        let mut why = "no response".to_owned();
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(tls) = tls(error) {
                return ProviderError::Tls {
                    asked,
                    why: self.said(&tls.to_string()).0,
                };
            }
            why = match error.downcast_ref::<io::Error>() {
                // The kind's own words are the same on every system; the system's are translated.
                Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
                _ => error.to_string(),
            };
            cause = error.source();
        }
        if error.is_dns() {
            why = "the host's name could not be resolved".to_owned();
        }
        ProviderError::Unreachable {
            asked,
            why: self.said(&why).0,
        }
    }

    pub(super) fn cut(&self) -> ProviderError {
        ProviderError::StreamCut {
            asked: self.asked.clone(),
        }
    }

    pub(super) fn timeout(&self, kind: TimeoutKind, after: Duration) -> ProviderError {
        ProviderError::Timeout {
            asked: self.asked.clone(),
            kind,
            after,
        }
    }

    pub(super) fn malformed(&self, why: &str) -> ProviderError {
        ProviderError::Malformed {
            asked: self.asked.clone(),
            why: why.to_owned(),
        }
    }
}

/// The TLS failure in an error, if there is one. `io::Error::source` skips the error that it wraps, so it is asked for.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    tls(inner)
}

/// The object that describes the error: OpenAI wraps it in `error`, Google wraps that in a list, old vLLM and FastAPI
/// do not wrap it.
fn report_of(value: &Value) -> &Value {
    let value = value.get(0).unwrap_or(value);
    value
        .get("error")
        .filter(|error| !error.is_null())
        .unwrap_or(value)
}

/// The message for people in an error body.
fn words(value: &Value) -> Option<String> {
    let report = report_of(value);
    if let Value::String(words) = report {
        return Some(words.clone());
    }
    let words = report.get("message").or_else(|| report.get("detail"))?;
    Some(words.as_str().map_or_else(|| words.to_string(), str::to_owned))
}

/// What the error is called for machines: its code, type and status, as text.
fn tags(value: &Value) -> Vec<String> {
    let report = report_of(value);
    ["code", "type", "status"]
        .iter()
        .filter_map(|name| match report.get(name)? {
            Value::String(tag) => Some(tag.to_ascii_lowercase()),
            Value::Number(tag) => Some(tag.to_string()),
            _ => None,
        })
        .collect()
}

fn is_quota(tag: &str) -> bool {
    matches!(
        tag,
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" | "insufficient_credits"
    )
}

/// The status that an error's tag stands for, for errors that come when the status has already been sent.
fn status_of(tag: &str) -> Option<u16> {
    match tag {
        "invalid_api_key" | "authentication_error" | "unauthorized" => Some(401),
        tag if is_quota(tag) => Some(402),
        "model_not_found" | "not_found_error" | "notfounderror" => Some(404),
        "rate_limit_exceeded" | "rate_limit_error" | "resource_exhausted" => Some(429),
        "invalid_request_error" | "badrequesterror" | "context_length_exceeded" | "invalid_argument" => {
            Some(400)
        }
        tag => tag.parse().ok().filter(|status| (400..600).contains(status)),
    }
}

/// The title of a web page: all that is worth showing of a proxy's error page.
fn title(page: &str) -> &str {
    let inner = || {
        // ASCII lower-casing keeps every byte where it is.
        let lower = page.to_ascii_lowercase();
        let open = lower.find("<title")?;
        let start = open + lower[open..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        page.get(start..end)
    };
    inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Endpoint;

    fn peer() -> Peer {
        Peer::of(&Endpoint::new("http://h/v1", "m").unwrap())
    }

    fn refused(status: u16, body: &str) -> ProviderError {
        peer().refused(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body)
    }

    fn said(error: &ProviderError) -> &str {
        match error {
            ProviderError::Unauthorized { said, .. }
            | ProviderError::NotFound { said, .. }
            | ProviderError::RateLimited { said, .. }
            | ProviderError::QuotaExhausted { said, .. }
            | ProviderError::BadRequest { said, .. }
            | ProviderError::Server { said, .. }
            | ProviderError::StreamError { said, .. } => said.as_str(),
            _ => "",
        }
    }

    #[test]
    fn the_message_is_found_in_the_shapes_that_servers_use() {
        for (body, words) in [
            (
                r#"{"error":{"message":"openai","type":"x","code":null}}"#,
                "openai",
            ),
            (r#"{"error":"ollama"}"#, "ollama"),
            (r#"[{"error":{"code":400,"message":"google"}}]"#, "google"),
            (
                r#"{"object":"error","message":"old vllm","code":400}"#,
                "old vllm",
            ),
            (r#"{"detail":"fastapi"}"#, "fastapi"),
            (r#"{"detail":[{"msg":"pydantic"}]}"#, r#"[{"msg":"pydantic"}]"#),
            ("plain text", "plain text"),
            (
                "<html><TITLE>502 Bad\nGateway</TITLE><body>x</body></html>",
                "502 Bad Gateway",
            ),
            ("<html>no title", ""),
            ("<title>İ unclosed", ""),
            ("", ""),
            (r#"{"error":null}"#, r#"{"error":null}"#),
        ] {
            assert_eq!(said(&refused(400, body)), words, "{body}");
        }
    }

    #[test]
    fn a_missing_quota_is_told_from_a_rate_limit() {
        let quota = r#"{"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        assert!(matches!(
            refused(429, quota),
            ProviderError::QuotaExhausted { .. }
        ));
        assert!(matches!(refused(429, "{}"), ProviderError::RateLimited { .. }));
        assert!(matches!(refused(402, ""), ProviderError::QuotaExhausted { .. }));
    }

    #[test]
    fn an_error_inside_an_answer_is_classified_by_its_own_words() {
        let report = |text: &str| peer().reported(&serde_json::from_str(text).unwrap());
        assert!(matches!(
            report(r#"{"error":{"code":429,"message":"slow"}}"#),
            ProviderError::RateLimited { .. }
        ));
        assert!(matches!(
            report(r#"{"error":{"code":"invalid_api_key","message":"no"}}"#),
            ProviderError::Unauthorized { status: 401, .. }
        ));
        let server = report(r#"{"error":{"type":"server_error","message":"overloaded"}}"#);
        assert!(matches!(server, ProviderError::StreamError { .. }) && server.retryable());
        assert_eq!(said(&report(r#"{"error":"out of memory"}"#)), "out of memory");
    }
}

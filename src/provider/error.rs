//! What went wrong at the door, each as one sentence: what was tried, where, and what to do.

use std::fmt;
use std::time::Duration;

use super::endpoint::EndpointError;

/// Why an endpoint gave no answer, or only a part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The set-up itself is wrong; nothing was asked.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// 401 or 403.
    #[error("{asked} was refused ({status}): check OPENAI_API_KEY or `api_key` in the config file{said}")]
    Unauthorized { asked: Asked, status: u16, said: Said },
    /// 404, 405 or a redirect: no such model, or no such path.
    #[error("{asked} found nothing there ({status}): check the model's name and `base_url`{said}")]
    NotFound { asked: Asked, status: u16, said: Said },
    /// 429.
    #[error("{asked} met its rate limit (429): try again {}{said}", later(.retry_after))]
    RateLimited {
        asked: Asked,
        /// How long the server asks to wait, uncapped.
        retry_after: Option<Duration>,
        said: Said,
    },
    /// 402, or 429 for want of credit: no wait helps.
    #[error(
        "{asked} was refused since the account's quota is used up: add credit, or use another key or `base_url`{said}"
    )]
    QuotaExhausted { asked: Asked, said: Said },
    /// 400 and its kin: the request itself is not wanted.
    #[error(
        "{asked} was rejected as a bad request ({status}): check the model's settings and the question's length{said}"
    )]
    BadRequest { asked: Asked, status: u16, said: Said },
    /// 5xx.
    #[error("{asked} failed on the server's side ({status}): try again {}{said}", later(.retry_after))]
    Server {
        asked: Asked,
        status: u16,
        /// How long the server asks to wait, uncapped.
        retry_after: Option<Duration>,
        said: Said,
    },
    /// No connection, or none that lasted until a response.
    #[error("{asked} did not get through ({why}): check `base_url`, and that the server runs")]
    Unreachable { asked: Asked, why: String },
    /// The two sides could not agree on a safe connection.
    #[error(
        "{asked} failed at the TLS handshake ({why}): check the certificate, or try http:// in `base_url`"
    )]
    Tls { asked: Asked, why: String },
    /// Patience ran out.
    #[error("{asked} {kind} {}: {}", span(.after), kind.advice())]
    Timeout {
        asked: Asked,
        kind: TimeoutKind,
        after: Duration,
    },
    /// The stream ended without a finish reason. The tokens before it were delivered.
    #[error("{asked} broke off before the answer's end: what came is incomplete, ask again")]
    StreamCut { asked: Asked },
    /// The response is no chat answer.
    #[error("{asked} brought no readable answer ({why}): check that `base_url` is an OpenAI-compatible API")]
    Malformed { asked: Asked, why: String },
    /// The server reported an error in place of the rest of its answer.
    #[error("{asked} ended in an error that the server reported inside its answer: ask again{said}")]
    StreamError { asked: Asked, said: Said },
    /// It failed too often of late: nothing was sent.
    #[error(
        "{host} is not answering (circuit open, next try in {}): ask again then, or use `--chat extractive`",
        span(.retry_in)
    )]
    CircuitOpen { host: String, retry_in: Duration },
}

impl ProviderError {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Server { .. }
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::StreamCut { .. }
            | Self::StreamError { .. }
            | Self::CircuitOpen { .. } => true,
            Self::BadRequest { status, .. } => *status == 409,
            Self::Endpoint(_)
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::QuotaExhausted { .. }
            | Self::Tls { .. }
            | Self::Malformed { .. } => false,
        }
    }

    /// How long the server asks to wait before the next try, as it said it: cap it.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The host and what happened, without advice: for a line that goes on with what is done about it.
    pub fn in_short(&self) -> String {
        let (asked, what) = match self {
            Self::RateLimited { asked, .. } => (asked, "is rate limited (429)".to_owned()),
            Self::Unauthorized { asked, status, .. }
            | Self::NotFound { asked, status, .. }
            | Self::BadRequest { asked, status, .. } => (asked, format!("refused the request ({status})")),
            Self::QuotaExhausted { asked, .. } => (asked, "has no quota left for this account".to_owned()),
            Self::Server { asked, status, .. } => (asked, format!("failed ({status})")),
            Self::Unreachable { asked, why } => (asked, format!("was not reached ({why})")),
            Self::Tls { asked, why } => (asked, format!("failed at the TLS handshake ({why})")),
            Self::Timeout { asked, after, .. } => (asked, format!("did not answer within {}", span(after))),
            Self::StreamCut { asked } => (asked, "broke off".to_owned()),
            Self::Malformed { asked, why } => (asked, format!("sent no readable answer ({why})")),
            Self::StreamError { asked, .. } => (asked, "reported an error".to_owned()),
            Self::CircuitOpen { host, .. } => return format!("{host} is not answering"),
            Self::Endpoint(error) => return error.to_string(),
        };
        format!("{} {what}", asked.host)
    }
}

/// What was tried and where: "asking MODEL at HOST".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub model: String,
    pub host: String,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asking {} at {}", self.model, self.host)
    }
}

/// The server's own words, made safe to show; empty when it said nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said(pub(super) String);

impl Said {
    /// At most this many characters of a server's message are kept.
    pub const MAX_CHARS: usize = 300;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, " (the server says: {})", self.0)
    }
}

/// Which patience ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutKind {
    Connect,
    Idle,
    Total,
}

impl TimeoutKind {
    fn advice(self) -> &'static str {
        match self {
            Self::Connect => "check `base_url`, the network, and that the server runs",
            Self::Idle => "the model may be loading or overloaded, ask again or raise the idle timeout",
            Self::Total => "ask for a shorter answer or raise the total timeout",
        }
    }
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "got no connection within",
            Self::Idle => "heard nothing for",
            Self::Total => "was not done within",
        })
    }
}

fn later(wait: &Option<Duration>) -> String {
    wait.as_ref()
        .map_or_else(|| "later".to_owned(), |wait| format!("in {}", span(wait)))
}

/// `250 ms`, `1.5 s`, `60 s`.
fn span(time: &Duration) -> String {
    if *time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_circuit_says_who_and_when() {
        let error = ProviderError::CircuitOpen {
            host: "api.openai.com".to_owned(),
            retry_in: Duration::from_secs(12),
        };
        assert_eq!(
            error.to_string(),
            "api.openai.com is not answering (circuit open, next try in 12 s): ask again then, or use `--chat extractive`"
        );
    }

    fn asked() -> Asked {
        Asked {
            model: "gpt-4o".to_owned(),
            host: "api.openai.com".to_owned(),
        }
    }

    #[test]
    fn a_refusal_says_what_where_and_what_to_do() {
        let said = Said(String::new());
        let error = ProviderError::Unauthorized {
            asked: asked(),
            status: 401,
            said,
        };
        assert_eq!(
            error.to_string(),
            "asking gpt-4o at api.openai.com was refused (401): check OPENAI_API_KEY or `api_key` in the config file"
        );
    }

    #[test]
    fn the_servers_words_stand_at_the_end() {
        let error = ProviderError::RateLimited {
            asked: asked(),
            retry_after: Some(Duration::from_millis(1500)),
            said: Said("slow down".to_owned()),
        };
        assert_eq!(
            error.to_string(),
            "asking gpt-4o at api.openai.com met its rate limit (429): try again in 1.5 s (the server says: slow down)"
        );
    }

    #[test]
    fn each_timeout_has_a_sentence_of_its_own() {
        let sentence = |kind, after| {
            ProviderError::Timeout {
                asked: asked(),
                kind,
                after,
            }
            .to_string()
        };
        assert_eq!(
            sentence(TimeoutKind::Connect, Duration::from_secs(10)),
            "asking gpt-4o at api.openai.com got no connection within 10 s: check `base_url`, the network, and that the \
             server runs"
        );
        assert_eq!(
            sentence(TimeoutKind::Idle, Duration::from_millis(250)),
            "asking gpt-4o at api.openai.com heard nothing for 250 ms: the model may be loading or overloaded, ask again \
             or raise the idle timeout"
        );
        assert_eq!(
            sentence(TimeoutKind::Total, Duration::from_secs(600)),
            "asking gpt-4o at api.openai.com was not done within 600 s: ask for a shorter answer or raise the total \
             timeout"
        );
    }
}

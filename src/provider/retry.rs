//! Which failures are tried again, and after which wait.

use std::time::Duration;

use super::error::{ProviderError, TimeoutKind};

/// How a request is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries after the first.
    pub max_retries: u32,
    /// Bound of the first wait that we choose ourselves; each further one may be twice as long.
    pub base: Duration,
    /// No wait that we choose is longer.
    pub cap: Duration,
    /// The longest wait that a server may ask for. Beyond, the request fails at once and says what was asked.
    pub longest_asked: Duration,
}

impl Default for RetryPolicy {
    /// Four tries in all; 0.5 s doubling to 20 s; up to 60 s when a server asks.
    fn default() -> Self {
        Self {
            max_retries: 3,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            longest_asked: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// How long to wait before the next try after `tries` that failed, the last with `error`; `None`: no further try.
    ///
    /// What the server asks for is kept to. Else it is exponential back-off with full jitter, which spreads the clients
    /// that failed together best: uniform between nothing and the bound
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>). `random` is 0 to 1.
    pub(super) fn wait(&self, error: &ProviderError, tries: u32, random: f64) -> Option<Duration> {
        if tries > self.max_retries || !passes(error) {
            return None;
        }
        if let Some(asked) = asked(error) {
            return (asked <= self.longest_asked).then_some(asked);
        }
        let doubled = 2u32.saturating_pow(tries.saturating_sub(1).min(31));
        let bound = self.base.saturating_mul(doubled).min(self.cap);
        Some(bound.mul_f64(random.clamp(0.0, 1.0)))
    }

    /// For how long everybody who asks this endpoint should hold, as the server asked; longer than can be waited for is
    /// for each to be told by the server itself.
    pub(super) fn pause(&self, error: &ProviderError) -> Option<Duration> {
        asked(error).filter(|asked| *asked <= self.longest_asked)
    }
}

/// What the server asks for; some say zero where they mean nothing.
fn asked(error: &ProviderError) -> Option<Duration> {
    error.retry_after().filter(|asked| !asked.is_zero())
}

/// Whether the failure may pass by itself within seconds. The caller sees to it that nothing was delivered yet.
///
/// Silence until a timeout is not among them, though asking again later may help: each further try would cost the whole
/// patience once more. No connection in time is, since that patience is short.
fn passes(error: &ProviderError) -> bool {
    match error {
        ProviderError::RateLimited { .. }
        | ProviderError::Unreachable { .. }
        | ProviderError::StreamCut { .. }
        | ProviderError::StreamError { .. }
        | ProviderError::Timeout {
            kind: TimeoutKind::Connect,
            ..
        } => true,
        // 520 to 524 are Cloudflare's words for 502 to 504; 529 is Anthropic's for overloaded.
        ProviderError::Server { status, .. } => matches!(status, 408 | 500 | 502..=504 | 520..=524 | 529),
        // 409 is a lock that another request held (OpenAI's own clients try it again).
        ProviderError::BadRequest { status, .. } => *status == 409,
        ProviderError::Endpoint(_)
        | ProviderError::Unauthorized { .. }
        | ProviderError::NotFound { .. }
        | ProviderError::QuotaExhausted { .. }
        | ProviderError::Tls { .. }
        | ProviderError::Timeout { .. }
        | ProviderError::Malformed { .. }
        | ProviderError::CircuitOpen { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{Asked, Said};
    use super::*;

    fn asked() -> Asked {
        Asked {
            model: "m".to_owned(),
            host: "h".to_owned(),
        }
    }

    fn server(status: u16) -> ProviderError {
        ProviderError::Server {
            asked: asked(),
            status,
            retry_after: None,
            said: Said::default(),
        }
    }

    fn limited(retry_after: Option<Duration>) -> ProviderError {
        ProviderError::RateLimited {
            asked: asked(),
            retry_after,
            said: Said::default(),
        }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_are_spread_over_their_whole_span() {
        let policy = RetryPolicy {
            max_retries: 99,
            ..RetryPolicy::default()
        };
        let wait = |tries, random| policy.wait(&server(500), tries, random).unwrap().as_millis();
        let longest: Vec<_> = (1..=8).map(|tries| wait(tries, 1.0)).collect();
        assert_eq!(longest, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
        assert_eq!((wait(3, 0.0), wait(3, 0.25)), (0, 500));
        assert_eq!(wait(99, 1.0), 20_000);
    }

    #[test]
    fn what_the_server_asks_for_is_kept_to_without_jitter_up_to_a_limit() {
        let policy = RetryPolicy::default();
        let wait = |seconds| policy.wait(&limited(Some(Duration::from_secs_f64(seconds))), 1, 0.5);
        assert_eq!(wait(7.5), Some(Duration::from_millis(7_500)));
        assert_eq!(wait(60.0), Some(Duration::from_secs(60)));
        assert_eq!(wait(60.1), None, "then nobody is kept waiting");
        assert_eq!(wait(0.0), Some(Duration::from_millis(250)), "zero is no answer");
        assert_eq!(policy.pause(&limited(Some(Duration::from_secs(61)))), None);
    }

    #[test]
    fn tries_are_counted() {
        let wait = |max_retries, tries| {
            let policy = RetryPolicy {
                max_retries,
                ..RetryPolicy::default()
            };
            policy.wait(&server(503), tries, 1.0).is_some()
        };
        assert!(wait(3, 3) && !wait(3, 4) && !wait(0, 1));
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let (asked, said) = (asked(), Said::default());
        let bad = |status| ProviderError::BadRequest {
            asked: asked.clone(),
            status,
            said: said.clone(),
        };
        let timeout = |kind| ProviderError::Timeout {
            asked: asked.clone(),
            kind,
            after: Duration::ZERO,
        };
        for again in [
            limited(None),
            server(408),
            server(500),
            server(502),
            server(503),
            server(504),
            server(529),
            bad(409),
            timeout(TimeoutKind::Connect),
            ProviderError::StreamCut { asked: asked.clone() },
        ] {
            assert!(passes(&again), "{again}");
        }
        for never in [
            bad(400),
            bad(422),
            server(501),
            timeout(TimeoutKind::Idle),
            timeout(TimeoutKind::Total),
            ProviderError::QuotaExhausted {
                asked: asked.clone(),
                said: said.clone(),
            },
            ProviderError::Tls {
                asked: asked.clone(),
                why: String::new(),
            },
        ] {
            assert!(!passes(&never), "{never}");
        }
    }
}

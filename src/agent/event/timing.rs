//! How fast an answer came, reckoned from the times of its events.

use serde::Serialize;

/// A shorter stream has no rate: what came in one piece was not measured token by token.
const LEAST_SPAN_MS: f64 = 50.0;

/// The times of one run, all in milliseconds from its start, the search included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timing {
    /// Until the first piece of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<f64>,
    /// Until the newest event: the end, once there is one.
    pub total_ms: f64,
    /// Tokens a second from the first piece to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_s: Option<f64>,
}

/// Tokens a second between the first and the last piece, which are `span_ms` apart: the first token is there at the
/// beginning, so `(completion_tokens - 1) / span`. It is the inverse of the inter-token latency of
/// <https://docs.nvidia.com/nim/benchmarking/llm/metrics>. A model that thinks before it writes has those
/// tokens counted too. `None` when the span is too short to tell.
pub(super) fn tokens_per_s(completion_tokens: u64, span_ms: f64) -> Option<f64> {
    let after_the_first = completion_tokens.checked_sub(1).filter(|tokens| *tokens > 0)?;
    (span_ms >= LEAST_SPAN_MS).then(|| after_the_first as f64 / (span_ms / 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_token_begins_the_span_and_is_not_counted() {
        assert_eq!(tokens_per_s(101, 2_000.0), Some(50.0));
    }

    #[test]
    fn what_came_at_once_has_no_rate() {
        assert_eq!(tokens_per_s(101, 0.0), None);
        assert_eq!(tokens_per_s(101, 49.9), None);
        assert_eq!(tokens_per_s(101, f64::NAN), None);
        assert_eq!(tokens_per_s(1, 2_000.0), None);
        assert_eq!(tokens_per_s(0, 2_000.0), None);
    }
}

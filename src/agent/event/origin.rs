//! Where the parts of an answer came from.

use serde::{Deserialize, Serialize};

use super::Tier;

/// Where the question's vector came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VectorOrigin {
    /// The tier that had it; `None`: none did, so it was computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Milliseconds since it was computed, when it was a hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<f64>,
    /// Milliseconds that computing it took then, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_ms: Option<f64>,
}

/// Where an answer came from that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerOrigin {
    pub tier: Tier,
    /// Milliseconds since the model gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<f64>,
    /// Milliseconds that it took then, waits included, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_ms: Option<f64>,
    /// Tokens of question and answer that the server counted then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_tokens: Option<u64>,
}

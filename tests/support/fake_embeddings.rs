//! What an embeddings endpoint on loopback answers: a vector a text, made of the text's words, in either form of the wire.
#![allow(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

use std::sync::Mutex;

use base64::Engine as _;
use serde_json::{Value, json};

use super::fake_provider::{Recorded, Reply};

/// The texts of a request.
pub fn inputs(request: &Recorded) -> Vec<String> {
    let inputs = request.body["input"].as_array().unwrap();
    inputs
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// A vector of a text: how often its words fall into each place. The same words give the same direction; not of length 1.
pub fn vector(text: &str, dimension: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; dimension];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        let hash = blake3::hash(word.as_bytes());
        let place = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap());
        numbers[place as usize % dimension] += 1.0;
    }
    numbers
}

/// The tokens of a text, as this server counts them.
pub fn tokens(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// An item with its vector as base64.
pub fn base64_item(index: usize, vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    json!({"object": "embedding", "index": index, "embedding": text})
}

/// A response of these items.
pub fn reply(items: &[Value], tokens: u64) -> Reply {
    let body = json!({
        "object": "list",
        "data": items,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    });
    Reply::raw(200, "application/json", [body.to_string()])
}

/// A whole, well-behaved response: a vector of so many numbers for each text.
pub fn answer(request: &Recorded, dimension: usize) -> Reply {
    let texts = inputs(request);
    let items = (0..).zip(&texts);
    let items: Vec<Value> = items
        .map(|(index, text)| base64_item(index, &vector(text, dimension)))
        .collect();
    reply(&items, texts.iter().map(|text| tokens(text)).sum())
}

/// An account with a limit of requests and of tokens a minute, which refuses what is above and reports both each time.
pub struct Account {
    rpm: u64,
    tpm: u64,
    /// What is left, in thousandths so that the arithmetic is exact: requests, tokens, and when that was.
    left: Mutex<(u64, u64, u64)>,
}

impl Account {
    pub fn new(rpm: u64, tpm: u64) -> Self {
        Self {
            rpm,
            tpm,
            left: Mutex::new((rpm * 1_000, tpm * 1_000, 0)),
        }
    }

    /// The answer to a request at `now`, in milliseconds: a vector a text, or a refusal.
    pub fn answer(&self, request: &Recorded, dimension: usize, now: u64) -> Reply {
        let needed: u64 = inputs(request).iter().map(|text| tokens(text)).sum::<u64>() * 1_000;
        let (requests, tokens, at) = &mut *self.left.lock().unwrap();
        // Per millisecond a sixty-thousandth of the minute's, which is a sixtieth in thousandths.
        let refilled = |left: u64, limit: u64| (left + (now - *at) * limit / 60).min(limit * 1_000);
        *requests = refilled(*requests, self.rpm);
        *tokens = refilled(*tokens, self.tpm);
        *at = now;
        let missing = (1_000_u64.saturating_sub(*requests) * 60 / self.rpm)
            .max(needed.saturating_sub(*tokens) * 60 / self.tpm);
        let reply = if *requests >= 1_000 && *tokens >= needed {
            *requests -= 1_000;
            *tokens -= needed;
            answer(request, dimension)
        } else {
            Reply::error(429, "rate_limit_exceeded", "too many")
                .header("retry-after-ms", &(missing + 1).to_string())
        };
        reply
            .header("x-ratelimit-limit-requests", &self.rpm.to_string())
            .header("x-ratelimit-remaining-requests", &(*requests / 1_000).to_string())
            .header("x-ratelimit-limit-tokens", &self.tpm.to_string())
            .header("x-ratelimit-remaining-tokens", &(*tokens / 1_000).to_string())
    }
}

//! The name of a cached vector, the same in every process and on every machine.

use std::fmt;

/// Hex of blake3 over everything that decides the vector: model, dimension, unit and the exact text. Each field goes
/// in behind its length, so that no two lists of fields run into the same bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(String);

impl CacheKey {
    /// `unit` says what kind of text it is ("query", "pair"): some models embed them differently.
    pub fn new(model: &str, dimension: usize, unit: &str, text: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        for field in [
            model.as_bytes(),
            &(dimension as u64).to_le_bytes(),
            unit.as_bytes(),
            text.as_bytes(),
        ] {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        Self(hasher.finalize().to_hex().to_string())
    }

    /// 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, for a screen.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({})", self.short())
    }
}

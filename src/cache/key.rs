//! The name of a cached value, the same in every process and on every machine.

use std::fmt;

use super::row::Row;
use super::value::Value;

/// The unit of a text that somebody asks with.
pub const QUERY: &str = "query";
/// The unit of a text that is searched in.
pub const PAIR: &str = "pair";

/// What the key of every answer begins with.
const ANSWERS: &str = "defi-qa answer 1";

/// Hex of blake3 over everything that decides the value; of a vector: model, dimension, unit and the exact text. Each field goes
/// in behind its length, so that no two lists of fields run into the same bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey(String);

impl CacheKey {
    /// `unit` says what kind of text it is ([`QUERY`], [`PAIR`]): some models embed them differently.
    pub fn new(model: &str, dimension: usize, unit: &str, text: &str) -> Self {
        Self::of([
            model.as_bytes(),
            &(dimension as u64).to_le_bytes(),
            unit.as_bytes(),
            text.as_bytes(),
        ])
    }

    /// The key of an answer: blake3 over everything that decides it but chance. `prompt` is every text that is sent, in its
    /// order; where it is sent does not matter.
    pub fn answer(model: &str, prompt: &[&str], sampling: &str) -> Self {
        // The first field keeps answers and vectors apart, and changes when the meaning of a kept answer does.
        let fields = [ANSWERS, model, sampling];
        Self::of(fields.iter().chain(prompt).map(|field| field.as_bytes()))
    }

    fn of<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for field in fields {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        Self(hasher.finalize().to_hex().to_string())
    }

    /// A key that was written down: 64 hex digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
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

/// The value that is asked for: its key, and what a row under that key must say of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub key: CacheKey,
    pub model: String,
    /// Numbers of a vector; `None`: an answer is wanted.
    pub dimension: Option<usize>,
}

impl Wanted {
    /// The vector of a text; see [`CacheKey::new`].
    pub fn new(model: &str, dimension: usize, unit: &str, text: &str) -> Self {
        Self {
            key: CacheKey::new(model, dimension, unit, text),
            model: model.to_owned(),
            dimension: Some(dimension),
        }
    }

    /// The answer of a model to a prompt; see [`CacheKey::answer`].
    pub fn answer(model: &str, prompt: &[&str], sampling: &str) -> Self {
        Self {
            key: CacheKey::answer(model, prompt, sampling),
            model: model.to_owned(),
            dimension: None,
        }
    }

    /// Whether a row is what is wanted.
    pub(super) fn is(&self, row: &Row) -> bool {
        let is_kind = match (&row.value, self.dimension) {
            (Value::Vector(numbers), Some(dimension)) => numbers.len() == dimension,
            (Value::Answer(_), None) => true,
            _ => false,
        };
        row.key == self.key && row.model == self.model && is_kind
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_in_every_process() {
        // Written down once. A salted hash would give another value in each process.
        assert_eq!(
            CacheKey::new("all-MiniLM-L6-v2-q4", 384, "query", "What is impermanent loss?").as_str(),
            "19e6eb581699c710f2c21361152d9dcbdcdfd20accd8e174bdfd51a492bc9af7"
        );
    }

    #[test]
    fn every_field_decides() {
        let key = |model, dimension, unit, text| CacheKey::new(model, dimension, unit, text);
        let base = key("m", 384, "query", "text");
        assert_eq!(base, key("m", 384, "query", "text"));
        for other in [
            key("n", 384, "query", "text"),
            key("m", 385, "query", "text"),
            key("m", 384, "pair", "text"),
            key("m", 384, "query", "text "),
            key("m", 384, "query", "Text"),
            key("m", 384, "queryt", "ext"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn every_part_of_a_prompt_decides_an_answer() {
        let key = CacheKey::answer;
        let base = key("m", &["system", "question"], "t=0");
        // Written down once, as above.
        assert_eq!(base.short(), "2307a3deb604");
        for other in [
            key("n", &["system", "question"], "t=0"),
            key("m", &["system", "Question"], "t=0"),
            key("m", &["systemq", "uestion"], "t=0"),
            key("m", &["system", "question", ""], "t=0"),
            key("m", &["system", "question"], "t=1"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_key_has_64_hex_digits() {
        let key = CacheKey::new("m", 1, "u", "");
        assert_eq!(key.as_str().len(), 64);
        assert!(key.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(key.short().len(), 12);
        assert_eq!(CacheKey::parse(key.as_str()), Some(key.clone()));
        for wrong in ["", key.short(), &key.as_str().to_uppercase(), &"g".repeat(64)] {
            assert_eq!(CacheKey::parse(wrong), None, "{wrong}");
        }
    }
}

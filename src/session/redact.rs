//! Keys that somebody pasted into a question, or that a server quotes in an error, are not kept.

use std::borrow::Cow;

const REDACTED: &str = "[redacted]";

/// How keys of the usual providers begin.
const BEGINNINGS: [&str; 7] = ["sk-", "gsk_", "xai-", "hf_", "ghp_", "AKIA", "AIza"];

/// The fewest characters behind such a beginning: shorter ones are words, such as `sk-learn`.
const LEAST: usize = 16;

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// One that knows these secrets, beside whatever looks like a key. A secret of less than six characters is not
    /// looked for: it would be found in words.
    pub fn knowing(secrets: impl IntoIterator<Item = String>) -> Self {
        let known = secrets
            .into_iter()
            .map(|secret| secret.trim().to_owned())
            .filter(|secret| secret.chars().count() >= 6)
            .collect();
        Self { known }
    }

    /// The text without its secrets.
    pub(super) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.known {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), REDACTED));
            }
        }
        for beginning in BEGINNINGS {
            if text.contains(beginning) {
                text = Cow::Owned(without_keys(&text, beginning));
            }
        }
        text
    }
}

fn without_keys(text: &str, beginning: &str) -> String {
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(beginning) {
        let (before, found) = rest.split_at(at);
        let end = found.find(|c| !is_key(c)).unwrap_or(found.len());
        let (key, after) = found.split_at(end);
        let within_a_word = before.chars().next_back().is_some_and(is_key);
        let long = key.len() >= beginning.len() + LEAST && key.bytes().any(|byte| byte.is_ascii_digit());
        clean.push_str(before);
        clean.push_str(if long && !within_a_word { REDACTED } else { key });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configured_key_and_what_looks_like_one_are_taken_out() {
        let redactor = Redactor::knowing(["a plain secret".to_owned(), "abc".to_owned()]);
        for (text, kept) in [
            ("is abc a plain secret?", "is abc [redacted]?"),
            (
                "Incorrect API key provided: sk-proj-a1B2c3D4e5F6g7H8, see",
                "Incorrect API key provided: [redacted], see",
            ),
            (
                "sk-0123456789abcdef0 sk-0123456789abcdef1",
                "[redacted] [redacted]",
            ),
            (
                "sk-learn, risk-adjusted-return-2024-10",
                "sk-learn, risk-adjusted-return-2024-10",
            ),
            (
                "what is sk-ecosystem-wide-liquidity",
                "what is sk-ecosystem-wide-liquidity",
            ),
        ] {
            assert_eq!(redactor.clean(text), kept);
        }
        assert!(!format!("{redactor:?}").contains("plain"));
    }
}

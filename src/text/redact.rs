//! Keys that somebody pasted into a question, or that a server quotes in an error, are written nowhere.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

const REDACTED: &str = "[redacted]";

/// How keys of the usual providers begin.
const BEGINNINGS: [&str; 7] = ["sk-", "gsk_", "xai-", "hf_", "ghp_", "AKIA", "AIza"];

/// The fewest characters behind such a beginning: shorter ones are words, such as `sk-learn`.
const LEAST: usize = 16;

/// Shorter secrets are not looked for: they would be found in words.
const SHORTEST: usize = 6;

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Arc<[Secret]>,
}

struct Secret {
    plain: String,
    /// As it stands in a JSON string.
    quoted: String,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// One that knows these secrets, beside whatever looks like a key. A secret of less than six characters is not
    /// looked for.
    pub fn knowing(secrets: impl IntoIterator<Item = String>) -> Self {
        let known = secrets
            .into_iter()
            .map(|secret| secret.trim().to_owned())
            .filter(|secret| secret.chars().count() >= SHORTEST)
            .map(|plain| Secret {
                quoted: quoted(&plain),
                plain,
            })
            .collect();
        Self { known }
    }

    /// The text without its secrets.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let secrets = self.find(text, false);
        if secrets.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(without(text, 0, &secrets))
    }

    /// One JSON value as text, without the secrets in its strings.
    pub fn clean_json(&self, line: String) -> String {
        let suspect = BEGINNINGS.iter().any(|beginning| line.contains(beginning))
            || self.known.iter().any(|secret| line.contains(&secret.quoted));
        if !suspect {
            return line;
        }
        match serde_json::from_str(&line) {
            Ok(mut value) => {
                self.clean_strings(&mut value);
                value.to_string()
            }
            // It is no JSON, so nothing in it is quoted.
            Err(_) => self.clean(&line).into_owned(),
        }
    }

    fn clean_strings(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(clean) = self.clean(text) {
                    *text = clean;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.clean_strings(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.clean_strings(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Where secrets stand, in order, none beside or above another. With `within`, the text begins in a word's middle.
    fn find(&self, text: &str, within: bool) -> Vec<Range<usize>> {
        let known = self.known.iter().flat_map(|secret| {
            let found = text.match_indices(secret.plain.as_str());
            found.map(|(at, found)| at..at + found.len())
        });
        let mut found: Vec<Range<usize>> = known.collect();
        for beginning in BEGINNINGS {
            found.extend(keys(text, beginning, within));
        }
        found.sort_by_key(|range| range.start);
        found.dedup_by(|next, before| {
            let touches = next.start < before.end;
            if touches {
                before.end = before.end.max(next.end);
            }
            touches
        });
        found
    }

    /// Up to where no secret can end that goes on behind the text.
    fn settled(&self, text: &str, within: bool) -> usize {
        let word = text
            .char_indices()
            .rev()
            .take_while(|(_, c)| is_of_key(*c))
            .last()
            .map_or(text.len(), |(at, _)| at);
        let key = BEGINNINGS
            .iter()
            .any(|beginning| text[word..].starts_with(beginning))
            && !(within && word == 0);
        let mut settled = if key { word } else { text.len() };
        for secret in self.known.iter() {
            let ends = secret.plain.char_indices().map(|(at, _)| at);
            let longest = ends
                .rev()
                .take_while(|end| *end >= SHORTEST)
                .find(|end| text.ends_with(&secret.plain[..*end]));
            settled = settled.min(text.len() - longest.unwrap_or(0));
        }
        settled
    }
}

/// A text that comes in pieces, of which none ends within a secret.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// The end of what went through, in which a secret may have begun.
    before: String,
    /// Whether more stood before that.
    cut: bool,
    /// What may become a secret.
    held: String,
}

/// Characters that [`Flow`] looks back: more than the beginning of a key, so that what stands there is known to be a word.
const BACK: usize = 64;

impl Flow {
    /// The next piece, as far as it is known to be no secret: what may become one is held back.
    pub fn push(&mut self, piece: &str, redactor: &Redactor) -> String {
        let from = self.before.len();
        let mut text = std::mem::take(&mut self.before);
        text.push_str(&std::mem::take(&mut self.held));
        text.push_str(piece);
        let found = redactor.find(&text, self.cut);
        let mut settled = redactor.settled(&text, self.cut);
        if let Some(across) = found
            .iter()
            .find(|range| range.start < settled && settled < range.end)
        {
            settled = across.start;
        }
        let settled = settled.max(from);
        self.held = text.split_off(settled);
        self.let_through(&text, from, redactor)
    }

    /// What was held back, now that nothing follows.
    pub fn end(&mut self, redactor: &Redactor) -> String {
        let from = self.before.len();
        let mut text = std::mem::take(&mut self.before);
        text.push_str(&std::mem::take(&mut self.held));
        self.let_through(&text, from, redactor)
    }

    fn let_through(&mut self, text: &str, from: usize, redactor: &Redactor) -> String {
        let clean = without(text, from, &redactor.find(text, self.cut));
        let back = text.char_indices().rev().nth(BACK - 1).map_or(0, |(at, _)| at);
        self.cut |= back > 0;
        self.before = text[back..].to_owned();
        clean
    }
}

/// The text from a place on, with a mark where a secret stands or goes on.
fn without(text: &str, from: usize, secrets: &[Range<usize>]) -> String {
    let mut clean = String::with_capacity(text.len() - from);
    let mut at = from;
    for secret in secrets.iter().filter(|secret| secret.end > from) {
        clean.push_str(&text[at..secret.start.max(at)]);
        clean.push_str(REDACTED);
        at = secret.end;
    }
    clean.push_str(&text[at..]);
    clean
}

fn keys(text: &str, beginning: &str, within: bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(beginning).map(|at| from + at) {
        let end = text[at..]
            .find(|c| !is_of_key(c))
            .map_or(text.len(), |end| at + end);
        let key = &text[at..end];
        let within_a_word = match text[..at].chars().next_back() {
            Some(before) => is_of_key(before),
            None => within,
        };
        let long = key.len() >= beginning.len() + LEAST && key.bytes().any(|byte| byte.is_ascii_digit());
        if long && !within_a_word {
            found.push(at..end);
        }
        from = end;
    }
    found
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn quoted(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.unwrap_or(&quoted).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn a_key_behind_a_line_break_is_found_in_json_too() {
        let redactor = Redactor::knowing(["with \"quotes\"".to_owned()]);
        let line = |text: &str| serde_json::json!({ "question": text }).to_string();
        assert_eq!(
            redactor.clean_json(line("my key:\nsk-0123456789abcdef0")),
            line("my key:\n[redacted]")
        );
        assert_eq!(
            redactor.clean_json(line("it is with \"quotes\".")),
            line("it is [redacted].")
        );
        assert_eq!(
            redactor.clean_json(line("what is sk-learn?")),
            line("what is sk-learn?")
        );
    }

    #[test]
    fn a_key_that_comes_in_pieces_never_goes_through() {
        let redactor = Redactor::knowing(["hunter2hunter2".to_owned()]);
        let mut flow = Flow::default();
        let pieces = [
            "It is sk-",
            "0123456789",
            "abcdefg",
            " and hunter2",
            "hunter2, or sk-",
            "lend",
        ];
        let through: Vec<String> = pieces.map(|piece| flow.push(piece, &redactor)).to_vec();
        assert_eq!(
            through,
            ["It is ", "", "", "[redacted] and ", "[redacted], or ", ""]
        );
        assert_eq!(flow.end(&redactor), "sk-lend");
    }

    proptest! {
        #[test]
        fn pieces_without_a_secret_come_through_whole_and_at_once(
            pieces in proptest::collection::vec("[a-z .\u{e9}-]{0,9}", 0..9),
        ) {
            let redactor = Redactor::knowing(["HUNTER2HUNTER2".to_owned()]);
            let mut flow = Flow::default();
            let mut through: String = pieces.iter().map(|piece| flow.push(piece, &redactor)).collect();
            through.push_str(&flow.end(&redactor));
            prop_assert_eq!(through, pieces.concat());
        }

        #[test]
        fn however_a_text_is_cut_no_secret_is_in_what_comes_through(
            before in "[a-z ]{0,90}", after in "[ .][a-z ]{0,9}", cuts in proptest::collection::vec(1..9_usize, 0..40),
        ) {
            let (known, key) = ("HUNTER2HUNTER2", "sk-0123456789abcdef0");
            let redactor = Redactor::knowing([known.to_owned()]);
            let whole = format!("{before} {key}{after} {known}{after}");
            let (mut flow, mut rest, mut through) = (Flow::default(), whole.as_str(), String::new());
            for cut in cuts {
                let (piece, left) = rest.split_at(cut.min(rest.len()));
                through.push_str(&flow.push(piece, &redactor));
                rest = left;
            }
            through.push_str(&flow.push(rest, &redactor));
            through.push_str(&flow.end(&redactor));
            // What stood before a secret could be told from a word may be there: the beginning, and five letters.
            prop_assert!(!through.contains("sk-0"), "{}", through);
            prop_assert!(!through.contains("HUNTER"), "{}", through);
            prop_assert_eq!(through.matches("[redacted]").count(), 2);
        }
    }
}

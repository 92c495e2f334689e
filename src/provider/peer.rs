//! The other side of a conversation: how to name it, and what of its words may be repeated.

use secrecy::{ExposeSecret, SecretString};

use super::endpoint::Endpoint;
use super::error::{Asked, Said};
use crate::text::sanitize_line;

/// Who is asked, and the secrets that no message about it may contain.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) asked: Asked,
    secrets: Vec<SecretString>,
}

impl Peer {
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let key = endpoint.api_key.as_ref().map(|key| key.secret().clone());
        let password = endpoint.base_url.password().map(SecretString::from);
        Self {
            asked: Asked {
                model: visible(&endpoint.model),
                host: endpoint.base_url.host(),
            },
            secrets: key.into_iter().chain(password).collect(),
        }
    }

    /// The server's words, fit to be shown: one line of visible characters without our secrets, shortened last so
    /// that no cut leaves half a secret behind.
    pub(super) fn said(&self, words: &str) -> Said {
        let mut words = visible(words);
        for secret in &self.secrets {
            words = words.replace(secret.expose_secret(), "[key]");
        }
        if words.chars().count() > Said::MAX_CHARS {
            words = words.chars().take(Said::MAX_CHARS - 1).chain(['…']).collect();
        }
        Said(words)
    }
}

/// One line without escape sequences, control characters and the marks that reorder or hide text.
fn visible(text: &str) -> String {
    let shown: String = sanitize_line(text).chars().filter(|c| !hidden(*c)).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Zero-width and bidirectional marks of Unicode: they can make one text look like another.
fn hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ApiKey;

    fn peer(key: &str) -> Peer {
        Peer::of(
            &Endpoint::new("http://u:pa55word@h/v1", "m")
                .unwrap()
                .with_key(ApiKey::new(key).unwrap()),
        )
    }

    #[test]
    fn the_key_is_taken_out_of_what_the_server_says() {
        let said = peer("sk-0123456789")
            .said("bad key sk-0123456789, bad password pa55word, key sk-\u{1}012345\u{200b}6789");
        assert_eq!(said.as_str(), "bad key [key], bad password [key], key [key]");
    }

    #[test]
    fn a_long_message_is_cut_after_the_key_is_gone() {
        let said = peer("sk-0123456789").said(&format!("{}sk-0123456789", "é".repeat(296)));
        assert_eq!(said.as_str().chars().count(), Said::MAX_CHARS);
        assert!(said.as_str().ends_with("é[ke…"), "{said}");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let said = peer("k-1234").said("\u{1b}[31mred\u{7} \r\n\t two\u{202e}");
        assert_eq!(said.as_str(), "red two");
    }
}

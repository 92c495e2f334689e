//! Who is asked: address, model, key, patience.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::limiter::Quota;
use super::retry::RetryPolicy;

/// Address of OpenAI's own API.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// The paths that the client appends by itself; people paste them along with the base.
const PATHS: [&str; 2] = ["/chat/completions", "/responses"];

/// One model behind one address.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub base_url: BaseUrl,
    /// Name of the model as the endpoint knows it.
    pub model: String,
    /// Sent as `Authorization: Bearer KEY`; `None` sends no such header.
    pub api_key: Option<ApiKey>,
    /// For each try; what a request waits for before it is sent does not count.
    pub timeouts: Timeouts,
    pub quota: Quota,
    pub retry: RetryPolicy,
    /// How a chat model is asked.
    pub api: ChatApi,
}

/// The two interfaces to a chat model that OpenAI has; others mostly have the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChatApi {
    /// Chat Completions.
    #[default]
    Completions,
    /// The Responses API.
    Responses,
}

impl Endpoint {
    /// An endpoint without a key and without a quota, with the default timeouts and retries.
    ///
    /// # Errors
    /// When the address is none, or the model has no name.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, EndpointError> {
        let model = model.into().trim().to_owned();
        if model.is_empty() {
            return Err(EndpointError::NoModel);
        }
        Ok(Self {
            base_url: base_url.parse()?,
            model,
            api_key: None,
            timeouts: Timeouts::default(),
            quota: Quota::default(),
            retry: RetryPolicy::default(),
            api: ChatApi::default(),
        })
    }

    /// The same endpoint, asked with this key.
    #[must_use]
    pub fn with_key(mut self, key: ApiKey) -> Self {
        self.api_key = Some(key);
        self
    }

    /// The same endpoint, asked with this patience.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The same endpoint, asked no more often than this.
    #[must_use]
    pub fn with_quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// The same endpoint, asked over this interface.
    #[must_use]
    pub fn with_api(mut self, api: ChatApi) -> Self {
        self.api = api;
        self
    }

    /// The same endpoint, asked again by this policy.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }
}

/// How long the client waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection: name look-up, TCP and TLS.
    pub connect: Duration,
    /// For the next sign of life: the response's head, then each piece of its body. A keep-alive comment is one.
    pub idle: Duration,
    /// For the whole exchange.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 10 s to connect; 60 s of silence, since a local model may load first; 10 min in all, as OpenAI's own clients.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

/// The address below which the API lies. It may carry a user and password; no output of this type shows them.
#[derive(Clone)]
pub struct BaseUrl {
    url: Url,
}

impl BaseUrl {
    /// Host, with the port when it is not the scheme's own.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The address of a resource below the base; `path` starts with a slash.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.url.password()
    }

    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the address is this machine. A proxy has no business between a program and its own machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        host.eq_ignore_ascii_case("localhost")
            || host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    }

    /// OpenAI itself takes a length limit only under a newer name, which the compatible servers do not all know.
    pub(super) fn is_openai(&self) -> bool {
        self.url.host_str() == Some("api.openai.com")
    }
}

impl FromStr for BaseUrl {
    type Err = EndpointError;

    /// The text itself is never part of the error: it may hold a password.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim().trim_end_matches('/');
        let base = PATHS.iter().find_map(|path| text.strip_suffix(path));
        let text = base.unwrap_or(text);
        let url = Url::parse(text).map_err(|_| EndpointError::NotAnAddress)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(EndpointError::NotAnAddress);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::HasQuery);
        }
        Ok(Self { url })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.path().trim_end_matches('/');
        write!(f, "{}://{}{path}", self.url.scheme(), self.host())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

/// A secret that opens an endpoint. It has no `Serialize`, and its `Debug` shows none of it.
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// Takes a key as it was typed, pasted or read from a file; white space around it is dropped.
    ///
    /// # Errors
    /// When nothing is left, or a character is left that cannot stand in a header (a line break from a paste makes
    /// the HTTP client panic).
    pub fn new(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::EmptyKey);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::BrokenKey);
        }
        Ok(Self(SecretString::from(text)))
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// Why an endpoint cannot be asked at all. No message repeats what was given: it may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("the API key is empty: set OPENAI_API_KEY or `api_key` in the config file, or leave both out")]
    EmptyKey,
    #[error(
        "the API key contains a space, a line break or another character that no key has: copy it again without them"
    )]
    BrokenKey,
    #[error("`base_url` is not an address: it must start with http:// or https://, as in {OPENAI_BASE_URL}")]
    NotAnAddress,
    #[error(
        "`base_url` has a query or a fragment: leave out all that follows ? or #, as in {OPENAI_BASE_URL}"
    )]
    HasQuery,
    #[error("the model has no name: give one as openai:MODEL")]
    NoModel,
    #[error("the HTTP client could not start: check the system's TLS certificates")]
    NoClient,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_trimmed_and_shown_to_nobody() {
        let key = ApiKey::new("  sk-secret\n").unwrap();
        assert_eq!(key.expose(), "sk-secret");
        let endpoint = Endpoint::new(OPENAI_BASE_URL, "m").unwrap().with_key(key);
        let shown = format!("{endpoint:?}");
        assert!(
            shown.contains("ApiKey(..)") && !shown.contains("sk-secret"),
            "{shown}"
        );
    }

    #[test]
    fn a_key_that_cannot_stand_in_a_header_is_refused_without_being_repeated() {
        for broken in [
            "sk-a\nb",
            "sk-a b",
            "sk-ä",
            "sk-\u{0}",
            "sk-\u{200b}x",
            "sk-\u{7f}",
        ] {
            let error = ApiKey::new(broken).unwrap_err();
            assert_eq!(error, EndpointError::BrokenKey, "{broken:?}");
            assert!(!error.to_string().contains("sk-"));
        }
        assert_eq!(ApiKey::new(" \t\n").unwrap_err(), EndpointError::EmptyKey);
    }

    #[test]
    fn a_base_url_forgives_slashes_and_a_pasted_path() {
        for text in [
            "http://127.0.0.1:8080/v1",
            " http://127.0.0.1:8080/v1/ ",
            "http://127.0.0.1:8080/v1//",
            "http://127.0.0.1:8080/v1/chat/completions",
        ] {
            let url: BaseUrl = text.parse().unwrap();
            assert_eq!(url.join("/models"), "http://127.0.0.1:8080/v1/models", "{text:?}");
        }
        let bare: BaseUrl = "https://example.com".parse().unwrap();
        assert_eq!(bare.join("/models"), "https://example.com/models");
    }

    #[test]
    fn what_is_no_http_address_is_refused() {
        for text in [
            "",
            "localhost:11434/v1",
            "api.openai.com",
            "ftp://x/v1",
            "file:///etc",
            "http://",
            "http:// x",
        ] {
            assert_eq!(
                text.parse::<BaseUrl>().unwrap_err(),
                EndpointError::NotAnAddress,
                "{text:?}"
            );
        }
        assert_eq!(
            "http://x/v1?key=1".parse::<BaseUrl>().unwrap_err(),
            EndpointError::HasQuery
        );
        assert_eq!(
            Endpoint::new(OPENAI_BASE_URL, " ").unwrap_err(),
            EndpointError::NoModel
        );
    }

    #[test]
    fn a_password_in_the_address_is_used_and_never_shown() {
        let url: BaseUrl = "https://ana:hunter2@example.com:8443/v1".parse().unwrap();
        assert_eq!(url.password(), Some("hunter2"));
        assert_eq!(url.host(), "example.com:8443");
        assert_eq!(url.to_string(), "https://example.com:8443/v1");
        assert_eq!(format!("{url:?}"), "BaseUrl(https://example.com:8443/v1)");
    }

    #[test]
    fn this_machine_is_recognised() {
        for (text, here) in [
            ("http://localhost:1/v1", true),
            ("http://127.0.0.9/v1", true),
            ("http://[::1]:11434/v1", true),
            ("http://192.168.0.1/v1", false),
            ("http://localhost.example.com/v1", false),
        ] {
            assert_eq!(text.parse::<BaseUrl>().unwrap().is_loopback(), here, "{text}");
        }
    }
}

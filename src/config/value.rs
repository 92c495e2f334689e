//! The kinds of value that configuration holds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// The built-in value.
    pub fn default_of(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }

    /// The value of the next layer, if that layer has one.
    #[must_use]
    pub fn over(self, value: Option<T>, origin: Origin) -> Self {
        match value {
            Some(value) => Self { value, origin },
            None => self,
        }
    }
}

/// The layer that a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// A default that holds because a key is present.
    Key,
    File,
    Environment(&'static str),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Key => f.write_str("default with a key"),
            Self::File => f.write_str("file"),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A key: usable, and never visible.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The one way to the text; callers hand it to the client and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What may be shown of a secret that is an address: scheme and host. A password may stand before the last `@`, or behind a `?`.
    pub(super) fn visible_address(&self) -> String {
        let hidden = || "set".to_owned();
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return hidden();
        };
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+.-:[]".contains(&byte))
        };
        let host = rest.rsplit('@').next().unwrap_or("");
        let host = host.split(['/', '?', '#']).next().unwrap_or("");
        if is_name(scheme) && is_name(host) {
            format!("{scheme}://{host}")
        } else {
            hidden()
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Who writes the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatChoice {
    /// The best pairs, quoted and cited; no network.
    Extractive,
    /// A model behind an OpenAI-compatible endpoint.
    OpenAi(String),
}

/// Who turns text into vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbedderChoice {
    /// The embedded model; no network.
    Local,
    /// A model behind an OpenAI-compatible endpoint.
    OpenAi(String),
}

/// Why a choice could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not one of {choices}")]
pub struct NotAChoice {
    value: String,
    choices: &'static str,
}

fn openai_model(value: &str) -> Option<String> {
    let model = value.strip_prefix("openai:")?.trim();
    (!model.is_empty()).then(|| model.to_owned())
}

impl FromStr for ChatChoice {
    type Err = NotAChoice;

    fn from_str(value: &str) -> Result<Self, NotAChoice> {
        match value {
            "extractive" => Ok(Self::Extractive),
            _ => openai_model(value).map(Self::OpenAi).ok_or_else(|| NotAChoice {
                value: value.to_owned(),
                choices: "`extractive` or `openai:MODEL`",
            }),
        }
    }
}

impl FromStr for EmbedderChoice {
    type Err = NotAChoice;

    fn from_str(value: &str) -> Result<Self, NotAChoice> {
        match value {
            "local" => Ok(Self::Local),
            _ => openai_model(value).map(Self::OpenAi).ok_or_else(|| NotAChoice {
                value: value.to_owned(),
                choices: "`local` or `openai:MODEL`",
            }),
        }
    }
}

impl fmt::Display for ChatChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extractive => f.write_str("extractive"),
            Self::OpenAi(model) => write!(f, "openai:{model}"),
        }
    }
}

impl fmt::Display for EmbedderChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::OpenAi(model) => write!(f, "openai:{model}"),
        }
    }
}

impl<'de> Deserialize<'de> for ChatChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for EmbedderChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Over which interface a chat model is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ChatApi {
    /// Chat Completions, which every OpenAI-compatible server has.
    #[default]
    Completions,
    /// OpenAI's Responses API.
    Responses,
}

impl fmt::Display for ChatApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completions => "completions",
            Self::Responses => "responses",
        })
    }
}

/// Which colours the screen uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Light or dark by what the terminal says of its background (`COLORFGBG`), dark when it says nothing.
    #[default]
    Auto,
    Dark,
    Light,
    /// No colour: bold, dim, underline and reverse only.
    None,
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::None => "none",
        })
    }
}

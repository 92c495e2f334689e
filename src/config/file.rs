//! The configuration file and what can be wrong with it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::prices::Prices;
use super::value::{ChatApi, ChatChoice, EmbedderChoice, Origin, Theme};

/// A file with every key at its default, which `config init` writes.
pub const SAMPLE: &str = include_str!("sample.toml");

/// The file as written: what is absent is left to the other layers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    pub(super) offline: Option<bool>,
    pub(super) dataset: Option<PathBuf>,
    pub(super) log_file: Option<PathBuf>,
    pub(super) chat: Chat,
    pub(super) embedding: Embedding,
    pub(super) retrieval: Retrieval,
    pub(super) cache: Cache,
    pub(super) sessions: Sessions,
    pub(super) interface: Interface,
    pub(super) prices: Prices,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Chat {
    pub(super) model: Option<ChatChoice>,
    pub(super) api: Option<ChatApi>,
    pub(super) base_url: Option<String>,
    pub(super) api_key: Option<String>,
    pub(super) temperature: Option<f32>,
    pub(super) max_tokens: Option<u32>,
    pub(super) connect_timeout_s: Option<u64>,
    pub(super) idle_timeout_s: Option<u64>,
    pub(super) rpm: Option<u32>,
    pub(super) tpm: Option<u32>,
    pub(super) max_retries: Option<u32>,
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // By hand, because the key must not show.
        f.debug_struct("Chat")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Embedding {
    pub(super) model: Option<EmbedderChoice>,
    pub(super) dimensions: Option<usize>,
    pub(super) batch: Option<usize>,
    pub(super) rpm: Option<u32>,
    pub(super) tpm: Option<u32>,
    pub(super) price_per_million: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Retrieval {
    pub(super) retriever: Option<String>,
    pub(super) top_k: Option<usize>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Cache {
    pub(super) answers: Option<bool>,
    pub(super) redis_url: Option<String>,
    pub(super) redis_ttl_days: Option<u64>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // By hand, because the address may hold a password.
        f.debug_struct("Cache")
            .field("answers", &self.answers)
            .field("redis_ttl_days", &self.redis_ttl_days)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Sessions {
    pub(super) keep: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Interface {
    pub(super) theme: Option<Theme>,
    pub(super) mouse: Option<bool>,
}

/// What can be wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {path} could not be read: {why}; name another with --config")]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error("the configuration file {path} is wrong at line {line}, column {column}: {why}")]
    Syntax {
        path: PathBuf,
        line: usize,
        column: usize,
        why: String,
    },
    #[error(
        "the environment variable {variable} is {value:?}, which is not a model that can be chosen: see `defi-qa --help`"
    )]
    Variable { variable: &'static str, value: String },
    #[error("`{key}` is {value:?}: set it to {choices}")]
    Choice {
        key: &'static str,
        value: String,
        choices: &'static str,
    },
    #[error("`{key}` is {value}: set it between {low} and {high}")]
    Range {
        key: &'static str,
        value: f64,
        low: f64,
        high: f64,
    },
    #[error("the `{field}` of {model:?} in [prices] is {value}: set it to {want}")]
    Price {
        model: String,
        field: &'static str,
        value: String,
        want: &'static str,
    },
    #[error(
        "the chat model of {origin} needs the network, which --offline forbids: drop one of them, or use `--chat extractive`"
    )]
    OfflineChat { origin: Origin },
}

impl FileConfig {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|why| ConfigError::Unreadable {
            path: path.to_owned(),
            why,
        })?;
        Self::parse(&text, path)
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or("");
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            ConfigError::Syntax {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before.get(line_start..).unwrap_or("").chars().count() + 1,
                // The parser's own message; it quotes keys, never the value of a key that it accepted.
                why: error.message().replace('\n', " "),
            }
        })
    }
}

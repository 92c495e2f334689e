//! Configuration: defaults < file < environment < flags, and where each value came from.

mod file;
mod layers;
mod prices;
mod rows;
#[cfg(test)]
mod tests;
mod value;

use std::path::PathBuf;

pub use file::{ConfigError, FileConfig, SAMPLE};
pub use layers::standard_path;
pub use prices::{ModelPrice, Prices};
pub use value::{ChatApi, ChatChoice, EmbedderChoice, Origin, Secret, Setting, Theme};

/// The model asked when a key is present and no other model was named.
pub const DEFAULT_OPENAI_MODEL: &str = "gpt-4o-mini";
/// Where requests go unless another base URL is configured.
pub const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";

/// What the command line says; every field beats the environment and the file.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub offline: bool,
    pub dataset: Option<PathBuf>,
    pub embedder: Option<EmbedderChoice>,
    pub chat: Option<ChatChoice>,
    pub chat_api: Option<ChatApi>,
    pub base_url: Option<String>,
    pub log_file: Option<PathBuf>,
    pub theme: Option<Theme>,
    pub no_history: bool,
}

/// Everything that shapes a run, each value with its origin.
#[derive(Clone, Debug)]
pub struct Config {
    pub offline: Setting<bool>,
    /// `None`: the bundled set.
    pub dataset: Setting<Option<PathBuf>>,
    pub embedder: Setting<EmbedderChoice>,
    /// Numbers in a vector of a model behind an endpoint; `None`: as is known of the model or learnt from it.
    pub dimensions: Setting<Option<usize>>,
    /// Most texts of one request for vectors.
    pub embedding_batch: Setting<usize>,
    /// Requests for vectors a minute, beside what the endpoint itself reports.
    pub embedding_rpm: Setting<Option<u32>>,
    /// Tokens of texts a minute.
    pub embedding_tpm: Setting<Option<u32>>,
    /// US dollars for a million tokens of texts; `None`: as is known of the model.
    pub price_per_million: Setting<Option<f64>>,
    pub chat: Setting<ChatChoice>,
    pub chat_api: Setting<ChatApi>,
    /// Of the chat model and of the embedding model.
    pub base_url: Setting<String>,
    pub api_key: Setting<Option<Secret>>,
    pub temperature: Setting<f32>,
    /// Length limit of an answer, in tokens of the chat model.
    pub max_tokens: Setting<u32>,
    pub connect_timeout_s: Setting<u64>,
    /// Longest silence between two pieces of a stream, in seconds.
    pub idle_timeout_s: Setting<u64>,
    /// Requests a minute, beside what the endpoint itself reports.
    pub rpm: Setting<Option<u32>>,
    /// Tokens a minute, of questions and answers together.
    pub tpm: Setting<Option<u32>>,
    /// Tries after the first.
    pub max_retries: Setting<u32>,
    /// `hybrid`, `dense`, `lexical` or `rrf`.
    pub retriever: Setting<String>,
    /// How many pairs are retrieved.
    pub top_k: Setting<usize>,
    /// Whether answers of a chat model are kept and given again.
    pub cache_answers: Setting<bool>,
    /// Address of the shared cache tier, password and all; `None`: there is no shared tier.
    pub redis_url: Setting<Option<Secret>>,
    /// How long a value lives in the shared tier.
    pub redis_ttl_days: Setting<u64>,
    /// Whether questions and answers are kept.
    pub keep_sessions: Setting<bool>,
    pub theme: Setting<Theme>,
    pub mouse: Setting<bool>,
    pub log_file: Setting<Option<PathBuf>>,
    /// What chat models cost; only the file can say it.
    pub prices: Setting<Prices>,
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
}

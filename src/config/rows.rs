//! The configuration as `config show` prints it.

use std::path::PathBuf;

use super::*;

impl Config {
    /// Every value as `(key, value, origin)`, in the order of the sample file. A secret is shown as set or unset.
    pub fn rows(&self) -> Vec<(&'static str, String, Origin)> {
        fn row<T>(key: &'static str, setting: &Setting<T>, shown: String) -> (&'static str, String, Origin) {
            (key, shown, setting.origin)
        }
        let path =
            |p: &Option<PathBuf>, none: &str| p.as_ref().map_or(none.to_owned(), |p| p.display().to_string());
        let quota = |limit: Option<u32>| limit.map_or("as reported".to_owned(), |limit| limit.to_string());
        let models: Vec<&str> = self.prices.value.keys().map(String::as_str).collect();
        let priced = if models.is_empty() {
            "none".to_owned()
        } else {
            format!("of {}", models.join(", "))
        };
        vec![
            row("offline", &self.offline, self.offline.value.to_string()),
            row("dataset", &self.dataset, path(&self.dataset.value, "bundled")),
            row("log_file", &self.log_file, path(&self.log_file.value, "none")),
            row("chat.model", &self.chat, self.chat.value.to_string()),
            row("chat.api", &self.chat_api, self.chat_api.value.to_string()),
            row("chat.base_url", &self.base_url, self.base_url.value.clone()),
            row(
                "chat.api_key",
                &self.api_key,
                if self.api_key.value.is_some() {
                    "set"
                } else {
                    "unset"
                }
                .to_owned(),
            ),
            row(
                "chat.temperature",
                &self.temperature,
                self.temperature.value.to_string(),
            ),
            row(
                "chat.max_tokens",
                &self.max_tokens,
                self.max_tokens.value.to_string(),
            ),
            row(
                "chat.connect_timeout_s",
                &self.connect_timeout_s,
                self.connect_timeout_s.value.to_string(),
            ),
            row(
                "chat.idle_timeout_s",
                &self.idle_timeout_s,
                self.idle_timeout_s.value.to_string(),
            ),
            row("chat.rpm", &self.rpm, quota(self.rpm.value)),
            row("chat.tpm", &self.tpm, quota(self.tpm.value)),
            row(
                "chat.max_retries",
                &self.max_retries,
                self.max_retries.value.to_string(),
            ),
            row("embedding.model", &self.embedder, self.embedder.value.to_string()),
            row(
                "embedding.dimensions",
                &self.dimensions,
                self.dimensions
                    .value
                    .map_or_else(|| "of the model".to_owned(), |dimensions| dimensions.to_string()),
            ),
            row(
                "embedding.batch",
                &self.embedding_batch,
                self.embedding_batch.value.to_string(),
            ),
            row(
                "embedding.rpm",
                &self.embedding_rpm,
                quota(self.embedding_rpm.value),
            ),
            row(
                "embedding.tpm",
                &self.embedding_tpm,
                quota(self.embedding_tpm.value),
            ),
            row(
                "embedding.price_per_million",
                &self.price_per_million,
                self.price_per_million
                    .value
                    .map_or_else(|| "of the model".to_owned(), |price| price.to_string()),
            ),
            row(
                "retrieval.retriever",
                &self.retriever,
                self.retriever.value.clone(),
            ),
            row("retrieval.top_k", &self.top_k, self.top_k.value.to_string()),
            row(
                "cache.answers",
                &self.cache_answers,
                self.cache_answers.value.to_string(),
            ),
            row(
                "cache.redis_url",
                &self.redis_url,
                self.redis_url
                    .value
                    .as_ref()
                    .map_or_else(|| "none".to_owned(), Secret::visible_address),
            ),
            row(
                "cache.redis_ttl_days",
                &self.redis_ttl_days,
                self.redis_ttl_days.value.to_string(),
            ),
            row(
                "sessions.keep",
                &self.keep_sessions,
                self.keep_sessions.value.to_string(),
            ),
            row("interface.theme", &self.theme, self.theme.value.to_string()),
            row("interface.mouse", &self.mouse, self.mouse.value.to_string()),
            row("prices", &self.prices, priced),
        ]
    }
}

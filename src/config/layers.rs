//! One layer over the other: defaults, the file, the environment, the flags.

use std::path::{Path, PathBuf};

use super::*;

impl Config {
    /// Reads the file (the named one must exist, the standard one may be missing) and the environment, and lays the
    /// flags over both. `env` looks a variable up; an empty value counts as unset.
    pub fn load(flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let env = |name: &str| env(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let named = flags
            .config
            .clone()
            .or_else(|| env("DEFI_QA_CONFIG").map(PathBuf::from));
        let (file, path) = match named {
            Some(path) => (FileConfig::read(&path)?, Some(path)),
            None => match standard_path().filter(|path| path.exists()) {
                Some(path) => (FileConfig::read(&path)?, Some(path)),
                None => (FileConfig::default(), None),
            },
        };
        Self::layer(file, path, flags, &env)
    }

    pub(super) fn layer(
        file: FileConfig,
        path: Option<PathBuf>,
        flags: &Flags,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let from = |value: &str, variable: &'static str| ConfigError::Variable {
            variable,
            value: value.to_owned(),
        };
        let choice = |name: &'static str| -> Result<Option<(String, &'static str)>, ConfigError> {
            Ok(env(name).map(|value| (value, name)))
        };

        let api_key = Setting::default_of(None)
            .over(file.chat.api_key.map(|key| Some(Secret::new(key))), Origin::File)
            .over(
                env("OPENAI_API_KEY").map(|key| Some(Secret::new(key))),
                Origin::Environment("OPENAI_API_KEY"),
            );
        let offline = Setting::default_of(false)
            .over(file.offline, Origin::File)
            .over(flags.offline.then_some(true), Origin::Flag("--offline"));

        let mut chat = Setting::default_of(match &api_key.value {
            Some(_) if !offline.value => ChatChoice::OpenAi(DEFAULT_OPENAI_MODEL.to_owned()),
            _ => ChatChoice::Extractive,
        });
        if api_key.value.is_some() && !offline.value {
            chat.origin = Origin::Key;
        }
        chat = chat.over(file.chat.model, Origin::File);
        if let Some((value, name)) = choice("DEFI_QA_CHAT")? {
            let parsed = value.parse().map_err(|_| from(&value, name))?;
            chat = chat.over(Some(parsed), Origin::Environment(name));
        }
        chat = chat.over(flags.chat.clone(), Origin::Flag("--chat"));
        if offline.value && matches!(chat.value, ChatChoice::OpenAi(_)) {
            return Err(ConfigError::OfflineChat { origin: chat.origin });
        }

        let mut embedder =
            Setting::default_of(EmbedderChoice::Local).over(file.embedding.model, Origin::File);
        if let Some((value, name)) = choice("DEFI_QA_EMBEDDER")? {
            let parsed = value.parse().map_err(|_| from(&value, name))?;
            embedder = embedder.over(Some(parsed), Origin::Environment(name));
        }
        embedder = embedder.over(flags.embedder.clone(), Origin::Flag("--embedder"));

        let retriever = Setting::default_of("hybrid".to_owned()).over(file.retrieval.retriever, Origin::File);
        if !["hybrid", "dense", "lexical", "rrf"].contains(&retriever.value.as_str()) {
            return Err(ConfigError::Choice {
                key: "retrieval.retriever",
                value: retriever.value,
                choices: "hybrid, dense, lexical or rrf",
            });
        }
        let in_range = |key: &'static str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(ConfigError::Range {
                    key,
                    value,
                    low,
                    high,
                })
            }
        };
        let temperature = Setting::default_of(0.2).over(file.chat.temperature, Origin::File);
        in_range("chat.temperature", f64::from(temperature.value), 0.0, 2.0)?;
        let max_tokens = Setting::default_of(700).over(file.chat.max_tokens, Origin::File);
        in_range("chat.max_tokens", f64::from(max_tokens.value), 16.0, 100_000.0)?;
        let top_k = Setting::default_of(5).over(file.retrieval.top_k, Origin::File);
        in_range("retrieval.top_k", top_k.value as f64, 1.0, 50.0)?;
        let connect_timeout_s = Setting::default_of(10).over(file.chat.connect_timeout_s, Origin::File);
        in_range(
            "chat.connect_timeout_s",
            connect_timeout_s.value as f64,
            1.0,
            600.0,
        )?;
        let idle_timeout_s = Setting::default_of(60).over(file.chat.idle_timeout_s, Origin::File);
        in_range("chat.idle_timeout_s", idle_timeout_s.value as f64, 1.0, 3600.0)?;
        let quota = |key: &'static str, value: Option<u32>| -> Result<Setting<Option<u32>>, ConfigError> {
            if let Some(value) = value {
                in_range(key, f64::from(value), 1.0, 1e9)?;
            }
            Ok(Setting::default_of(None).over(value.map(Some), Origin::File))
        };
        let rpm = quota("chat.rpm", file.chat.rpm)?;
        let tpm = quota("chat.tpm", file.chat.tpm)?;
        let embedding_rpm = quota("embedding.rpm", file.embedding.rpm)?;
        let embedding_tpm = quota("embedding.tpm", file.embedding.tpm)?;
        if let Some(dimensions) = file.embedding.dimensions {
            in_range("embedding.dimensions", dimensions as f64, 1.0, 65_536.0)?;
        }
        let embedding_batch = Setting::default_of(2_048).over(file.embedding.batch, Origin::File);
        in_range("embedding.batch", embedding_batch.value as f64, 1.0, 2_048.0)?;
        if let Some(price) = file.embedding.price_per_million {
            in_range("embedding.price_per_million", price, 0.0, 1e6)?;
        }
        let max_retries = Setting::default_of(3).over(file.chat.max_retries, Origin::File);
        in_range("chat.max_retries", f64::from(max_retries.value), 0.0, 10.0)?;

        let redis_url = Setting::default_of(None)
            .over(
                file.cache.redis_url.map(|url| Some(Secret::new(url))),
                Origin::File,
            )
            .over(
                env("DEFI_QA_REDIS_URL").map(|url| Some(Secret::new(url))),
                Origin::Environment("DEFI_QA_REDIS_URL"),
            );
        let redis_ttl_days = Setting::default_of(30).over(file.cache.redis_ttl_days, Origin::File);
        in_range("cache.redis_ttl_days", redis_ttl_days.value as f64, 1.0, 3_650.0)?;

        prices::check(&file.prices)?;
        let prices = Setting::default_of(Prices::new())
            .over((!file.prices.is_empty()).then_some(file.prices), Origin::File);

        let mut theme = Setting::default_of(Theme::Auto)
            .over(file.interface.theme, Origin::File)
            .over(
                env("NO_COLOR").map(|_| Theme::None),
                Origin::Environment("NO_COLOR"),
            );
        theme = theme.over(flags.theme, Origin::Flag("--theme"));

        Ok(Self {
            offline,
            dataset: Setting::default_of(None)
                .over(
                    file.dataset.map(|p| Some(beside(path.as_deref(), p))),
                    Origin::File,
                )
                .over(
                    env("DEFI_QA_DATASET").map(|p| Some(PathBuf::from(p))),
                    Origin::Environment("DEFI_QA_DATASET"),
                )
                .over(flags.dataset.clone().map(Some), Origin::Flag("--dataset")),
            embedder,
            dimensions: Setting::default_of(None).over(file.embedding.dimensions.map(Some), Origin::File),
            embedding_batch,
            embedding_rpm,
            embedding_tpm,
            price_per_million: Setting::default_of(None)
                .over(file.embedding.price_per_million.map(Some), Origin::File),
            chat,
            chat_api: Setting::default_of(ChatApi::default())
                .over(file.chat.api, Origin::File)
                .over(flags.chat_api, Origin::Flag("--chat-api")),
            base_url: Setting::default_of(DEFAULT_BASE_URL.to_owned())
                .over(file.chat.base_url, Origin::File)
                .over(env("OPENAI_BASE_URL"), Origin::Environment("OPENAI_BASE_URL"))
                .over(flags.base_url.clone(), Origin::Flag("--base-url")),
            api_key,
            temperature,
            max_tokens,
            connect_timeout_s,
            idle_timeout_s,
            rpm,
            tpm,
            max_retries,
            retriever,
            top_k,
            cache_answers: Setting::default_of(true).over(file.cache.answers, Origin::File),
            redis_url,
            redis_ttl_days,
            keep_sessions: Setting::default_of(true)
                .over(file.sessions.keep, Origin::File)
                .over(flags.no_history.then_some(false), Origin::Flag("--no-history")),
            theme,
            mouse: Setting::default_of(true).over(file.interface.mouse, Origin::File),
            log_file: Setting::default_of(None)
                .over(
                    file.log_file.map(|p| Some(beside(path.as_deref(), p))),
                    Origin::File,
                )
                .over(flags.log_file.clone().map(Some), Origin::Flag("--log-file")),
            prices,
            file: path,
        })
    }
}

/// Where the file is looked for when none is named: the platform's configuration folder.
pub fn standard_path() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "defi-qa").map(|dirs| dirs.config_dir().join("config.toml"))
}

/// A relative path in a configuration file is meant from that file's folder, wherever the program is started.
fn beside(file: Option<&Path>, path: PathBuf) -> PathBuf {
    match file.and_then(Path::parent) {
        Some(folder) if path.is_relative() => folder.join(path),
        _ => path,
    }
}

//! Configuration: defaults < file < environment < flags, and where each value came from.

mod file;
mod prices;
mod value;

use std::path::{Path, PathBuf};

pub use file::{ConfigError, FileConfig, SAMPLE};
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

    fn layer(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, flags: &Flags, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let file = FileConfig::parse(toml, Path::new("test.toml"))?;
        let lookup = |name: &str| {
            env.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::layer(file, None, flags, &lookup)
    }

    #[test]
    fn the_sample_file_is_parsed_and_equals_the_defaults() {
        let sample = load(SAMPLE, &Flags::default(), &[]).unwrap();
        let defaults = load("", &Flags::default(), &[]).unwrap();
        let values = |config: &Config| -> Vec<_> {
            config
                .rows()
                .into_iter()
                .map(|(key, value, _)| (key, value))
                .collect()
        };
        assert_eq!(values(&sample), values(&defaults));
    }

    #[test]
    fn every_key_that_config_show_prints_is_in_the_sample() {
        for (key, _, _) in load("", &Flags::default(), &[]).unwrap().rows() {
            let name = key.rsplit('.').next().unwrap();
            assert!(
                SAMPLE.contains(&format!("{name} =")) || SAMPLE.contains(&format!("[{name}]")),
                "{key} is not in the sample file"
            );
        }
    }

    #[test]
    fn flags_beat_the_environment_which_beats_the_file_which_beats_the_defaults() {
        let toml = "[chat]\nbase_url = \"http://file/v1\"\n";
        let origin = |flags: &Flags, env: &[(&str, &str)]| {
            let config = load(toml, flags, env).unwrap();
            (config.base_url.value, config.base_url.origin)
        };
        assert_eq!(
            origin(&Flags::default(), &[]),
            ("http://file/v1".into(), Origin::File)
        );
        let env = [("OPENAI_BASE_URL", "http://env/v1")];
        assert_eq!(
            origin(&Flags::default(), &env),
            ("http://env/v1".into(), Origin::Environment("OPENAI_BASE_URL"))
        );
        let flags = Flags {
            base_url: Some("http://flag/v1".into()),
            ..Flags::default()
        };
        assert_eq!(
            origin(&flags, &env),
            ("http://flag/v1".into(), Origin::Flag("--base-url"))
        );
    }

    #[test]
    fn a_key_turns_the_chat_model_on_unless_offline() {
        let env = [("OPENAI_API_KEY", "sk-test")];
        let config = load("", &Flags::default(), &env).unwrap();
        assert_eq!(config.chat.value, ChatChoice::OpenAi(DEFAULT_OPENAI_MODEL.into()));
        assert_eq!(config.chat.origin, Origin::Key);
        let offline = Flags {
            offline: true,
            ..Flags::default()
        };
        assert_eq!(
            load("", &offline, &env).unwrap().chat.value,
            ChatChoice::Extractive
        );
    }

    #[test]
    fn a_chat_model_asked_for_offline_is_refused() {
        let flags = Flags {
            offline: true,
            chat: Some(ChatChoice::OpenAi("m".into())),
            ..Flags::default()
        };
        assert_eq!(
            load("", &flags, &[]).unwrap_err().to_string(),
            "the chat model of --chat needs the network, which --offline forbids: drop one of them, or use `--chat extractive`"
        );
    }

    #[test]
    fn the_key_is_in_no_debug_text_and_in_no_row() {
        let config = load("", &Flags::default(), &[("OPENAI_API_KEY", "sk-very-secret")]).unwrap();
        assert!(!format!("{config:?}").contains("very-secret"));
        assert!(!format!("{:?}", config.rows()).contains("very-secret"));
    }

    #[test]
    fn of_the_shared_tiers_address_scheme_and_host_are_shown_and_never_the_password() {
        let shown = |url: &str| {
            let config = load("", &Flags::default(), &[("DEFI_QA_REDIS_URL", url)]).unwrap();
            assert!(!format!("{config:?}").contains("s3cret"), "{url}");
            let rows = config.rows();
            let (_, value, origin) = rows.iter().find(|(key, _, _)| *key == "cache.redis_url").unwrap();
            assert_eq!(*origin, Origin::Environment("DEFI_QA_REDIS_URL"));
            value.clone()
        };
        for (url, expected) in [
            ("redis://cache.example:6379/0", "redis://cache.example:6379"),
            (
                "rediss://user:s3cret@cache.example:6380/1",
                "rediss://cache.example:6380",
            ),
            ("redis://:s3cret/with@slash@[::1]:6379", "redis://[::1]:6379"),
            ("redis://:s3cret#x@host", "redis://host"),
            ("redis+unix:///run/redis.sock?pass=s3cret", "set"),
            ("s3cret", "set"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
        let file = FileConfig::parse("[cache]\nredis_url = \"redis://:s3cret@h\"\n", Path::new("f")).unwrap();
        assert!(!format!("{file:?}").contains("s3cret"));
    }

    #[test]
    fn keeping_answers_can_be_turned_off_in_the_file() {
        let config = load("[cache]\nanswers = false\n", &Flags::default(), &[]).unwrap();
        let row = ("cache.answers", "false".to_owned(), Origin::File);
        assert!(!config.cache_answers.value && config.rows().contains(&row));
    }

    #[test]
    fn a_mistake_names_the_file_the_key_and_what_to_do() {
        let say = |toml: &str| load(toml, &Flags::default(), &[]).unwrap_err().to_string();
        let unknown = say("[chat]\ntemprature = 1\n");
        assert!(
            unknown.contains("test.toml") && unknown.contains("line 2"),
            "{unknown}"
        );
        assert!(unknown.contains("temprature"), "{unknown}");
        assert_eq!(
            say("[chat]\nrpm = 0\n"),
            "`chat.rpm` is 0: set it between 1 and 1000000000"
        );
        assert_eq!(
            say("[retrieval]\ntop_k = 500\n"),
            "`retrieval.top_k` is 500: set it between 1 and 50"
        );
        assert_eq!(
            say("[retrieval]\nretriever = \"magic\"\n"),
            "`retrieval.retriever` is \"magic\": set it to hybrid, dense, lexical or rrf"
        );
    }
}

//! Builds the parts that the commands hand over: the agent with its embedder, its answerer and its knowledge.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::chats::Chats;
use super::corpus::{self, StoredSet};
use super::loads::Gates;
use super::{Failure, embedder};
use crate::agent::{Agent, Answerer, Knowledge, Space, Standby};
use crate::app::Gauges;
use crate::cache::{Cache, Disk, Redis, RedisAddress};
use crate::config::{Config, Origin};
use crate::embedding::{Embedder, LocalEmbedder, RemoteEmbedder};
use crate::provider::{ApiKey, Endpoint, Gate, Quota, RetryPolicy, Timeouts};
use crate::retrieval::comparison::Retriever;

/// Bytes that query vectors may take in memory: about 20,000 of the embedded model.
const MEMORY_CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// The longest that the end of the program waits for the farther tiers to be written.
pub(super) const FLUSH: Duration = Duration::from_secs(2);

/// What an agent will be made of: checked, and nothing begun yet.
pub(super) struct Plan {
    chats: Chats,
    answerer: Arc<dyn Answerer>,
    /// What stands before the chat model's endpoint, if one is asked.
    gate: Option<Gate>,
    retriever: Retriever,
    top_k: usize,
    offline: bool,
    dataset: Option<PathBuf>,
    name: String,
    /// The embedder behind an endpoint and the data set with its stored vectors; `None`: the one inside the program.
    remote: Option<(RemoteEmbedder, StoredSet)>,
    /// Address of the shared tier and how long a value lives there.
    redis: Option<(RedisAddress, Duration)>,
}

impl Plan {
    /// Checks a configuration. With an embedder behind an endpoint the data set and its stored vectors are read as well:
    /// without them there is nothing to start.
    ///
    /// # Errors
    /// When it cannot work as it is, which no waiting would mend.
    pub(super) fn of(config: &Config) -> Result<Self, Failure> {
        let mut plan = Self::at_once(config)?;
        if let Some((embedder, set)) = plan.remote {
            plan.remote = Some((embedder, StoredSet::Read(set.read()?)));
        }
        Ok(plan)
    }

    /// Checks a configuration as far as that takes no time, for who must not wait; stored vectors that are missing turn up
    /// when the data set is loaded.
    ///
    /// # Errors
    /// As [`Plan::of`].
    pub(super) fn at_once(config: &Config) -> Result<Self, Failure> {
        let chats = Chats::new(config);
        let (answerer, gate) = chats.configured()?;
        Ok(Self {
            chats,
            answerer,
            gate,
            retriever: retriever(config)?,
            top_k: config.top_k.value,
            offline: config.offline.value,
            dataset: config.dataset.value.clone(),
            name: dataset_name(config),
            remote: match embedder::remote_model(config) {
                Some(model) => {
                    let (embedder, named) = corpus::named(config, model)?;
                    Some((embedder, StoredSet::Named(named)))
                }
                None => None,
            },
            redis: shared_tier(config)?,
        })
    }

    /// What the screen can say before anything has loaded.
    pub(super) fn gauges(&self) -> Gauges {
        Gauges {
            chat: self.answerer.name(),
            embedder: match &self.remote {
                Some((embedder, _)) => embedder.model_id().name.clone(),
                None => LocalEmbedder::bundled_id().name,
            },
            offline: self.offline,
            dataset: self.name.clone(),
            ..Gauges::default()
        }
    }

    /// What stands before the endpoints: their limiters and their breakers tell where they stand.
    pub(super) fn gates(&self) -> Gates {
        let embedder = self.remote.as_ref().map(|(embedder, _)| embedder);
        Gates {
            chat: self.gate.clone(),
            embedding: embedder
                .and_then(|embedder| embedder.client().ok())
                .map(|client| client.gate().clone()),
        }
    }

    /// Who else can be asked.
    pub(super) fn chats(&self) -> Chats {
        self.chats.clone()
    }

    /// The agent, with everything that takes time loading in the background. Must be called within a tokio runtime.
    pub(super) fn start(self) -> Agent {
        let cache = Arc::new(self.cache());
        let (told, knowledge) = Knowledge::loading(self.name);
        let mut standby = None;
        let embedder: Arc<dyn Embedder> = match self.remote {
            Some((embedder, set)) => {
                let name = knowledge.name().to_owned();
                standby = Some(Arc::new(local_standby(self.dataset, name)));
                tokio::spawn(corpus::load_known(set, told));
                Arc::new(embedder)
            }
            None => {
                let embedder: Arc<dyn Embedder> = Arc::new(LocalEmbedder::start());
                tokio::spawn(corpus::load(self.dataset, Arc::clone(&embedder), told));
                embedder
            }
        };
        Agent {
            knowledge,
            embedder,
            standby,
            cache,
            answerer: self.answerer,
            retriever: self.retriever,
            top_k: self.top_k,
            offline: self.offline,
        }
    }

    /// The tiers, opened in the background.
    fn cache(&self) -> Cache {
        let mut cache = Cache::with_capacity(MEMORY_CACHE_BYTES);
        if let Some((address, ttl)) = &self.redis {
            cache = cache.with_redis(Redis::connect(address.clone(), *ttl));
        }
        if let Some(path) = stored_vectors() {
            cache = cache.with_disk(Disk::open(path));
        }
        cache
    }
}

/// The model inside the program, for when an endpoint does not answer.
fn local_standby(dataset: Option<PathBuf>, name: String) -> Standby {
    Standby::new(move || {
        let (told, knowledge) = Knowledge::loading(name.clone());
        tokio::spawn(corpus::load_stored(dataset.clone(), told));
        Space {
            embedder: Arc::new(LocalEmbedder::start()),
            knowledge,
        }
    })
}

/// The shared tier that is configured, and how long a value lives there. Offline there is none: it would be a socket.
///
/// # Errors
/// When its address is none.
pub(super) fn shared_tier(config: &Config) -> Result<Option<(RedisAddress, Duration)>, Failure> {
    let Some(url) = config.redis_url.value.as_ref().filter(|_| !config.offline.value) else {
        return Ok(None);
    };
    let address = RedisAddress::parse(url.reveal())
        .map_err(|error| Failure::usage(format!("`cache.redis_url` cannot be used: {error}")))?;
    let ttl = Duration::from_secs(config.redis_ttl_days.value * 24 * 60 * 60);
    Ok(Some((address, ttl)))
}

/// Where the disk tier is: in the platform's cache folder. `None` when the platform names none.
pub(super) fn stored_vectors() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "defi-qa")?;
    Some(folders.cache_dir().join("vectors.sqlite"))
}

/// Writes what the cache has not yet written. The end of the program waits a moment for it, and not for a disk that
/// hangs: what is lost is computed again.
pub(super) async fn flush(cache: &Cache) {
    match tokio::time::timeout(FLUSH, cache.flush()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the newest vectors are not on disk"),
        Err(_) => tracing::warn!("the newest vectors are not on disk: it took too long"),
    }
}

fn retriever(config: &Config) -> Result<Retriever, Failure> {
    let method = config.retriever.value.parse::<Retriever>();
    method.map_err(|error| Failure::usage(error.to_string()))
}

/// The data set's name before it is read: what the reader will call it.
fn dataset_name(config: &Config) -> String {
    match &config.dataset.value {
        None => "bundled".to_owned(),
        Some(path) => path.file_stem().map_or_else(
            || path.display().to_string(),
            |stem| stem.to_string_lossy().into_owned(),
        ),
    }
}

/// The endpoint that is configured, asked for this model; `instead` is what needs no endpoint.
///
/// # Errors
/// When the address, the model or the key cannot be used, or the key is missing where one is needed.
pub(super) fn endpoint(
    config: &Config,
    model: &str,
    quota: Quota,
    instead: &str,
) -> Result<Endpoint, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::usage(error.to_string());
    let mut asked = Endpoint::new(&config.base_url.value, model)
        .map_err(|error| refused(&error))?
        .with_timeouts(Timeouts {
            connect: Duration::from_secs(config.connect_timeout_s.value),
            idle: Duration::from_secs(config.idle_timeout_s.value),
            ..Timeouts::default()
        })
        .with_quota(quota)
        .with_retry(RetryPolicy {
            max_retries: config.max_retries.value,
            ..RetryPolicy::default()
        });
    match &config.api_key.value {
        Some(key) => {
            let key = ApiKey::new(key.reveal()).map_err(|error| refused(&error))?;
            asked = asked.with_key(key);
        }
        // A server of one's own often wants no key, so only the standard endpoint is refused without one.
        None if config.base_url.origin == Origin::Default => {
            return Err(Failure::usage(format!(
                "asking {model} needs a key: set OPENAI_API_KEY or `chat.api_key`, name a server of your own with --base-url, \
                 or use {instead}"
            )));
        }
        None => {}
    }
    Ok(asked)
}

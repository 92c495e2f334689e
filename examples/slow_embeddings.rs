//! How long many texts take against an embeddings server that needs 200 ms for each request, on loopback.
//!
//! ```sh
//! cargo run --release --example slow_embeddings                        # 10,000 texts, no limits
//! cargo run --release --example slow_embeddings -- 30000 500 1000000   # texts, requests a minute, tokens a minute
//! cargo run --release --example slow_embeddings -- stored              # 10,000 texts, each request's vectors written to disk
//! cargo run --release --example slow_embeddings -- serve 500 1000000   # only the server, for others to ask: it says its address
//! ```
//! What is measured: from texts in memory to checked vectors of length 1 in memory, in order. The server's bodies are made
//! before, since it shares the machine; what it costs to read a request is part of its 200 ms, what it costs to send an answer is not.
//! The server counts: it refuses what is above its limits and says so, and the last line says how often that happened.

use std::collections::HashMap;
use std::error::Error;
use std::io::{Write as _, stdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use defi_qa::cache::{PAIR, Row, Store, Wanted};
use defi_qa::embedding::remote::Progress;
use defi_qa::embedding::{RemoteEmbedder, Vector};
use defi_qa::provider::{EmbeddingClient, Endpoint, MAX_INPUTS, Priority};
use serde::Deserialize;
use serde::de::IgnoredAny;

const LATENCY: Duration = Duration::from_millis(200);
const DIMENSION: usize = 1_536;
const TOKENS_PER_TEXT: u64 = 60;

/// A server of one model with limits a minute.
struct Server {
    vector: String,
    /// Bodies that were made already, by their number of texts: what the server costs is not what is measured.
    bodies: Mutex<HashMap<usize, Bytes>>,
    rpm: f64,
    tpm: f64,
    /// Requests and tokens that are left, and when that was.
    left: Mutex<(f64, f64, Instant)>,
    requests: AtomicU64,
    refused: AtomicU64,
}

#[derive(Deserialize)]
struct Asked {
    input: Input,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Several(Vec<IgnoredAny>),
    One(IgnoredAny),
}

impl Input {
    fn len(&self) -> usize {
        match self {
            Self::Several(texts) => texts.len(),
            Self::One(_) => 1,
        }
    }
}

impl Server {
    fn new(rpm: f64, tpm: f64) -> Self {
        let number = (DIMENSION as f32).sqrt().recip().to_le_bytes();
        Self {
            vector: base64::engine::general_purpose::STANDARD.encode(number.repeat(DIMENSION)),
            bodies: Mutex::default(),
            rpm,
            tpm,
            left: Mutex::new((rpm, tpm, Instant::now())),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// The answer to so many texts.
    fn body(&self, texts: usize) -> Bytes {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let made = bodies.entry(texts).or_insert_with(|| {
            let item = |index| {
                let vector = &self.vector;
                format!("{{\"object\":\"embedding\",\"index\":{index},\"embedding\":\"{vector}\"}}")
            };
            let items: Vec<String> = (0..texts).map(item).collect();
            let (items, tokens) = (items.join(","), texts as u64 * TOKENS_PER_TEXT);
            format!(
                "{{\"object\":\"list\",\"model\":\"slow\",\"data\":[{items}],\"usage\":{{\"prompt_tokens\":{tokens},\"total_tokens\":{tokens}}}}}"
            )
            .into()
        });
        made.clone()
    }

    /// Takes a request of so many tokens on, or says for how long not; and what is left.
    fn admit(&self, tokens: f64) -> (Option<f64>, u64, u64) {
        let (requests, level, at) = &mut *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = at.elapsed().as_secs_f64() / 60.0;
        *requests = (*requests + passed * self.rpm).min(self.rpm);
        *level = (*level + passed * self.tpm).min(self.tpm);
        *at = Instant::now();
        let wait = ((1.0 - *requests) / self.rpm).max((tokens - *level) / self.tpm) * 60.0;
        if wait <= 0.0 {
            *requests -= 1.0;
            *level -= tokens;
        }
        ((wait > 0.0).then_some(wait), *requests as u64, *level as u64)
    }
}

async fn embeddings(State(server): State<Arc<Server>>, request: Request) -> Response {
    let due = tokio::time::Instant::now() + LATENCY;
    let Ok(body) = axum::body::to_bytes(request.into_body(), usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    server.requests.fetch_add(1, Ordering::Relaxed);
    let Ok(asked) = serde_json::from_slice::<Asked>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let tokens = asked.input.len() as u64 * TOKENS_PER_TEXT;
    let (wait, requests, level) = server.admit(tokens as f64);
    let mut response = if let Some(wait) = wait {
        server.refused.fetch_add(1, Ordering::Relaxed);
        let after = [("retry-after-ms", format!("{:.0}", wait * 1e3))];
        (StatusCode::TOO_MANY_REQUESTS, after).into_response()
    } else {
        // Its own reading is part of its latency.
        tokio::time::sleep_until(due).await;
        server.body(asked.input.len()).into_response()
    };
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if server.tpm.is_finite() {
        for (name, value) in [
            ("x-ratelimit-limit-requests", server.rpm as u64),
            ("x-ratelimit-remaining-requests", requests),
            ("x-ratelimit-limit-tokens", server.tpm as u64),
            ("x-ratelimit-remaining-tokens", level),
        ] {
            headers.insert(name, value.into());
        }
    }
    response
}

/// Vectors as the disk keeps them.
fn rows(texts: &[String], fresh: Vec<(usize, Vector)>) -> Vec<Row> {
    let row = |(index, vector): (usize, Vector)| {
        let wanted = Wanted::new("slow", DIMENSION, PAIR, texts.get(index)?);
        Row::now(wanted.key, wanted.model, DIMENSION, vector.into_shared()).ok()
    };
    fresh.into_iter().filter_map(row).collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let is = arguments.first().is_some_and(|first| first == name);
        if is {
            arguments.remove(0);
        }
        is
    };
    let (serves, stores) = (flag("serve"), flag("stored"));
    if serves {
        arguments.insert(0, "0".to_owned());
    }
    let arguments: Vec<f64> = arguments
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let argument = |place: usize, otherwise| arguments.get(place).copied().unwrap_or(otherwise);
    let (count, rpm, tpm) = (
        argument(0, 10_000.0) as u64,
        argument(1, f64::INFINITY),
        argument(2, f64::INFINITY),
    );
    // 60 words, of which the first makes the text one of its own.
    let texts: Vec<String> = (0..count)
        .map(|number| format!("{number:04}{}", " word".repeat(59)))
        .collect();

    let server = Arc::new(Server::new(rpm.min(1e12), tpm));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/v1", listener.local_addr()?);
    let routes = Router::new().fallback(embeddings).with_state(Arc::clone(&server));
    if serves {
        writeln!(stdout(), "{address}")?;
        return Ok(axum::serve(listener, routes).await?);
    }
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let embedder = RemoteEmbedder::new(EmbeddingClient::new(Endpoint::new(&address, "slow")?)?, DIMENSION);
    // The usual sizes of a request.
    server.body(MAX_INPUTS);
    server.body(texts.len() % MAX_INPUTS);
    let folder = tempfile::tempdir()?;
    let mut store = match stores {
        true => Some(Store::open(&folder.path().join("vectors.sqlite"))?),
        false => None,
    };
    let begun = Instant::now();
    let keep = async |fresh: Vec<(usize, Vector)>, _: Progress| match &mut store {
        Some(store) => store.put(&rows(&texts, fresh)),
        None => Ok(()),
    };
    let embedded = embedder.embed_all(&texts, Priority::Index, keep).await?;
    let took = begun.elapsed().as_secs_f64();
    let tokens = (count * TOKENS_PER_TEXT) as f64;
    let least = ((tokens - tpm) / tpm * 60.0).max(LATENCY.as_secs_f64());
    writeln!(
        stdout(),
        "{} of {count} texts in {took:.2} s, at least {:.2} s by latency and limits: {} requests, {} refused with 429",
        embedded.vectors.iter().flatten().count(),
        if least.is_nan() {
            LATENCY.as_secs_f64()
        } else {
            least
        },
        server.requests.load(Ordering::Relaxed),
        server.refused.load(Ordering::Relaxed),
    )?;
    Ok(())
}

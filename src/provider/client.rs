//! The client proper: one pool of connections, and a tap on every response.
//!
//! async-openai shows neither the headers of a streamed response nor the status of one whose body is no JSON, and it
//! retries by itself with unbounded waits. All three end with a tower service of our own in the place of its transport:
//! it sends once, reads status and headers before the first token, and guards the body. An answer that comes whole, of
//! embeddings, needs none of the parser and takes the same way without it. What limits, retries or breaks the circuit
//! goes around both, in `gate`.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use http::{HeaderMap, HeaderValue, header};
use secrecy::SecretString;

use super::body::guarded;
use super::endpoint::{Endpoint, EndpointError};
use super::error::{ProviderError, TimeoutKind};
use super::headers;
use super::limits::Limits;
use super::peer::Peer;

/// Of an error body, this much is read: enough for any message.
const MAX_ERROR_BODY: usize = 64 << 10;

/// A pool of connections to one endpoint, which clones share. It opens none before the first request.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) peer: Arc<Peer>,
    /// Made for the first request: reading the system's certificates takes about 30 ms, too long for a start.
    http: Arc<OnceLock<Result<reqwest::Client, EndpointError>>>,
    route: Route,
}

impl Connection {
    pub(super) fn new(endpoint: Endpoint) -> Result<Self, ProviderError> {
        let route = Route::to(&endpoint)?;
        Ok(Self {
            peer: Arc::new(Peer::of(&endpoint)),
            endpoint: Arc::new(endpoint),
            http: Arc::default(),
            route,
        })
    }

    fn http(&self) -> Result<reqwest::Client, ProviderError> {
        Ok(self.http.get_or_init(|| pool(&self.endpoint)).clone()?)
    }

    /// A client for one request, and the tap that tells what its response said and how it failed.
    pub(super) fn tapped(&self) -> Result<(Client<Route>, Tap), ProviderError> {
        let (http, tap) = (self.http()?, Tap::default());
        let (connection, pool, seen) = (self.clone(), http.clone(), tap.clone());
        let transport = tower::service_fn(move |request: HttpRequestFactory| {
            let (connection, pool, seen) = (connection.clone(), pool.clone(), seen.clone());
            async move {
                connection.send(&pool, request, &seen).await.map_err(|fault| {
                    seen.fail(fault);
                    OpenAIError::InvalidArgument("see the tap".to_owned())
                })
            }
        });
        let client = Client::build(http, self.route.clone()).with_http_service(transport);
        Ok((client, tap))
    }

    async fn send(
        &self,
        pool: &reqwest::Client,
        request: HttpRequestFactory,
        tap: &Tap,
    ) -> Result<reqwest::Response, ProviderError> {
        let request = request
            .build()
            .await
            .map_err(|_| ProviderError::Endpoint(EndpointError::NotAnAddress))?;
        let response = self.head(pool, request, tap).await?;
        let body = guarded(
            Box::pin(response.bytes_stream()),
            self.endpoint.timeouts.idle,
            Arc::clone(&self.peer),
            tap.clone(),
        );
        Ok(http::Response::new(reqwest::Body::wrap_stream(body)).into())
    }

    /// Posts a JSON document below the base and hands the answer, of at most `most` bytes, to `take` in pieces as they
    /// arrive. What the head of the response reports is left at `tap`, also when it is a refusal.
    pub(super) async fn post(
        &self,
        path: &str,
        document: Vec<u8>,
        most: usize,
        tap: &Tap,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ProviderError> {
        let (peer, idle, pool) = (&self.peer, self.endpoint.timeouts.idle, self.http()?);
        let request = pool
            .post(self.route.url(path))
            .headers(self.route.headers())
            .header(header::CONTENT_TYPE, "application/json")
            .body(document)
            .build()
            .map_err(|_| ProviderError::Endpoint(EndpointError::NotAnAddress))?;
        let mut response = self.head(&pool, request, tap).await?;
        let mut length = 0;
        loop {
            let piece = tokio::time::timeout(idle, response.chunk())
                .await
                .map_err(|_| peer.timeout(TimeoutKind::Idle, idle))?
                .map_err(|_| peer.cut())?;
            let Some(piece) = piece else { return Ok(()) };
            length += piece.len();
            if length > most {
                return Err(peer.malformed("it is far longer than an answer can be"));
            }
            take(&piece);
        }
    }

    /// Sends a request and looks at the head of its response: the body of a refusal is read, that of a success is not.
    async fn head(
        &self,
        pool: &reqwest::Client,
        request: reqwest::Request,
        tap: &Tap,
    ) -> Result<reqwest::Response, ProviderError> {
        let (peer, timeouts) = (&self.peer, self.endpoint.timeouts);
        let response = tokio::time::timeout(timeouts.idle, pool.execute(request))
            .await
            .map_err(|_| peer.timeout(TimeoutKind::Idle, timeouts.idle))?
            .map_err(|error| peer.unreached(&error, timeouts.connect))?;
        if let Some(limits) = headers::limits(response.headers(), &peer.asked.host, &self.endpoint.model) {
            tap.limits(limits);
        }
        let (status, head) = (response.status(), response.headers().clone());
        if !status.is_success() {
            // A body that does not come leaves the status to speak.
            let body = tokio::time::timeout(timeouts.idle, start_of(response)).await;
            return Err(peer.refused(status, &head, &body.unwrap_or_default()));
        }
        Ok(response)
    }
}

fn pool(endpoint: &Endpoint) -> Result<reqwest::Client, EndpointError> {
    let mut http = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(endpoint.timeouts.connect)
        // Followed, it would carry the question and the key to an address that nobody configured.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    if endpoint.base_url.is_loopback() {
        http = http.no_proxy();
    }
    if !endpoint.base_url.is_tls() {
        // Saves the reading of the system's certificates, and the need to have any.
        http = http.tls_certs_only([]);
    }
    http.build().map_err(|_| EndpointError::NoClient)
}

/// The first part of a body, as text.
async fn start_of(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    while body.len() < MAX_ERROR_BODY
        && let Ok(Some(bytes)) = response.chunk().await
    {
        body.extend_from_slice(&bytes);
    }
    body.truncate(MAX_ERROR_BODY);
    String::from_utf8_lossy(&body).into_owned()
}

/// What one request's response showed before and beside its events. Clones look at the same response.
#[derive(Clone, Debug, Default)]
pub(super) struct Tap(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    limits: Option<Limits>,
    fault: Option<ProviderError>,
}

impl Tap {
    fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn limits(&self, limits: Limits) {
        self.with(|seen| seen.limits = Some(limits));
    }

    pub(super) fn take_limits(&self) -> Option<Limits> {
        self.with(|seen| seen.limits.take())
    }

    /// Notes why the response failed.
    pub(super) fn fail(&self, fault: ProviderError) {
        self.with(|seen| seen.fault = Some(fault));
    }

    pub(super) fn take_fault(&self) -> Option<ProviderError> {
        self.with(|seen| seen.fault.take())
    }
}

/// Address and headers of every request, for async-openai. Its own configuration reads the environment by itself and
/// panics on a key that cannot stand in a header.
#[derive(Clone)]
pub(super) struct Route {
    base: String,
    headers: HeaderMap,
    key: SecretString,
}

impl Route {
    fn to(endpoint: &Endpoint) -> Result<Self, EndpointError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &endpoint.api_key {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
                .map_err(|_| EndpointError::BrokenKey)?;
            bearer.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, bearer);
        }
        Ok(Self {
            base: endpoint.base_url.join(""),
            headers,
            key: endpoint
                .api_key
                .as_ref()
                .map_or_else(SecretString::default, |key| key.secret().clone()),
        })
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        f.debug_struct("Route").finish_non_exhaustive()
    }
}

impl Config for Route {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

//! A chat endpoint on loopback that does what a script says: answers, stalls, breaks off, talks nonsense.
//!
//! It speaks real HTTP and real server-sent events, on a thread and a runtime of its own, so that any test can use it:
//! one with a stopped clock, one without a runtime, one that starts the program itself. It stops when it is dropped.
#![allow(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::serve::ListenerExt;
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot, watch};

/// The last line of a well-behaved stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// How long a test waits for what should happen at once, before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// One chunk with a piece of text, as an event.
pub fn token(text: &str) -> String {
    event(
        &json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}),
    )
}

/// The chunk that ends an answer, as an event.
pub fn finish(reason: &str) -> String {
    event(
        &json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}),
    )
}

/// The chunk with the token counts, as an event.
pub fn usage(prompt: u64, completion: u64) -> String {
    event(
        &json!({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}}),
    )
}

/// Any JSON as an event.
pub fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// What the endpoint does with one request.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    steps: Vec<Step>,
    silent: bool,
}

/// One step of a response's body. After the last one it ends in good order.
#[derive(Clone, Debug)]
enum Step {
    /// These bytes, as one HTTP chunk of their own, so that a client reads them apart from the next.
    Piece(Vec<u8>),
    /// Waits for [`FakeProvider::open_gate`].
    Gate,
    /// Waits, for somebody to look at: no test does.
    Pause(Duration),
    /// Breaks the connection off.
    Cut,
    /// Says nothing more, until the client goes.
    Hang,
}

impl Reply {
    /// A response with a body of raw pieces.
    pub fn raw<P: AsRef<[u8]>>(status: u16, content_type: &str, pieces: impl IntoIterator<Item = P>) -> Self {
        let mut reply = Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            steps: Vec::new(),
            silent: false,
        };
        for piece in pieces {
            reply = reply.piece(piece);
        }
        reply
    }

    /// An event stream of raw pieces.
    pub fn stream<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Self {
        Self::raw(200, "text/event-stream", pieces)
    }

    /// A whole, well-behaved answer.
    pub fn answer(tokens: &[&str]) -> Self {
        let text = tokens.iter().map(|text| token(text));
        let count = tokens.len() as u64;
        Self::stream(text.chain([finish("stop"), usage(7, count), DONE.to_owned()]))
    }

    /// A refusal with OpenAI's error body.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"error": {"message": message, "type": code, "param": null, "code": code}});
        Self::raw(status, "application/json", [body.to_string()])
    }

    /// No response, not even a status, until the client goes.
    pub fn silent() -> Self {
        Self {
            silent: true,
            ..Self::stream::<&str>([])
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn piece(self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Piece(bytes.as_ref().to_vec()))
    }

    #[must_use]
    pub fn gate(self) -> Self {
        self.step(Step::Gate)
    }

    #[must_use]
    pub fn pause(self, span: Duration) -> Self {
        self.step(Step::Pause(span))
    }

    #[must_use]
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    #[must_use]
    pub fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    /// The body as JSON; `Null` when it is none.
    pub body: Value,
}

/// The endpoint.
#[derive(Debug)]
pub struct FakeProvider {
    address: SocketAddr,
    seen: Arc<Seen>,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Seen {
    requests: Mutex<Vec<Recorded>>,
    requested: watch::Sender<usize>,
    connections: watch::Sender<usize>,
    disconnects: watch::Sender<usize>,
    gate: Semaphore,
}

impl FakeProvider {
    /// Answers the requests by these replies in order; the last one serves all further requests.
    pub fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let script: Vec<Reply> = script.into_iter().collect();
        assert!(!script.is_empty(), "a script needs a reply");
        let next = Mutex::new(0);
        Self::answering(move |_| {
            let mut next = next.lock().unwrap();
            let reply = script[(*next).min(script.len() - 1)].clone();
            *next += 1;
            reply
        })
    }

    /// Answers all that a token bucket of so many requests a minute lets through and refuses the others, reporting its
    /// limit each time. Time is what `clock` says, in milliseconds.
    pub fn metered(per_minute: u64, clock: Arc<AtomicU64>) -> Self {
        // In thousandths of a request, so that the arithmetic is exact.
        let full = per_minute * 1_000;
        let bucket = Mutex::new((full, 0));
        Self::answering(move |_| {
            let (level, at) = &mut *bucket.lock().unwrap();
            let now = clock.load(Ordering::SeqCst);
            *level = (*level + (now - *at) * per_minute / 60).min(full);
            *at = now;
            let reply = if *level >= 1_000 {
                *level -= 1_000;
                Reply::answer(&["x"])
            } else {
                let wait = (1_000 - *level) * 60 / per_minute;
                Reply::error(429, "rate_limit_exceeded", "too many requests")
                    .header("retry-after-ms", &wait.to_string())
            };
            reply
                .header("x-ratelimit-limit-requests", &per_minute.to_string())
                .header("x-ratelimit-remaining-requests", &(*level / 1_000).to_string())
                .header(
                    "x-ratelimit-reset-requests",
                    &format!("{}ms", (full - *level) * 60 / per_minute),
                )
        })
    }

    /// Answers each request by what `respond` makes of it.
    pub fn answering(respond: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Seen {
            requests: Mutex::default(),
            requested: watch::Sender::new(0),
            connections: watch::Sender::new(0),
            disconnects: watch::Sender::new(0),
            gate: Semaphore::new(0),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();

        let (shared, respond) = (Arc::clone(&seen), Arc::new(respond));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let counted = Arc::clone(&shared);
                let listener = tokio::net::TcpListener::from_std(listener)
                    .unwrap()
                    .tap_io(move |socket| {
                        socket.set_nodelay(true).unwrap();
                        counted.connections.send_modify(|count| *count += 1);
                    });
                let app = Router::new().fallback(move |request: Request| {
                    let (seen, respond) = (Arc::clone(&shared), Arc::clone(&respond));
                    async move {
                        let request = record(&seen, request).await;
                        play(respond(&request), seen).await
                    }
                });
                tokio::select! {
                    served = axum::serve(listener, app) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            seen,
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// What a client takes as its base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far, in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        *self.seen.connections.borrow()
    }

    /// How many responses were left by their client before they ended.
    pub fn disconnects(&self) -> usize {
        *self.seen.disconnects.borrow()
    }

    /// Lets one waiting (or coming) gate step pass.
    pub fn open_gate(&self) {
        self.seen.gate.add_permits(1);
    }

    /// Waits until `count` requests have arrived.
    pub async fn requested(&self, count: usize) {
        self.reached(&self.seen.requested, count, "requests").await;
    }

    /// Waits until `count` responses have been left by their client.
    pub async fn disconnected(&self, count: usize) {
        self.reached(&self.seen.disconnects, count, "disconnects").await;
    }

    /// Waits on the server's own clock: the test's may stand still.
    async fn reached(&self, counter: &watch::Sender<usize>, count: usize, what: &str) {
        let mut counter = counter.subscribe();
        let wait = async move { counter.wait_for(|now| *now >= count).await.is_ok() };
        let reached = self
            .runtime
            .spawn(async move { tokio::time::timeout(PATIENCE, wait).await });
        assert!(
            matches!(reached.await.unwrap(), Ok(true)),
            "there never were {count} {what}"
        );
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn record(seen: &Seen, request: Request) -> Recorded {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let request = Recorded {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    seen.requests.lock().unwrap().push(request.clone());
    seen.requested.send_modify(|count| *count += 1);
    request
}

/// Counts a client that goes before the response has ended: the server then drops what it was about to send.
struct Attendance(Option<Arc<Seen>>);

impl Attendance {
    /// The response ends by the script, not by the client.
    fn stayed(&mut self) {
        self.0 = None;
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        if let Some(seen) = self.0.take() {
            seen.disconnects.send_modify(|count| *count += 1);
        }
    }
}

async fn play(reply: Reply, seen: Arc<Seen>) -> Response {
    let attendance = Attendance(Some(Arc::clone(&seen)));
    if reply.silent {
        std::future::pending::<()>().await;
    }
    let steps = futures::stream::iter(reply.steps);
    let body = futures::stream::unfold(
        (steps, attendance, seen),
        |(mut steps, mut attendance, seen)| async move {
            loop {
                let item = match steps.next().await {
                    Some(Step::Piece(bytes)) => Ok(Bytes::from(bytes)),
                    Some(Step::Cut) => {
                        attendance.stayed();
                        // A pause in the body makes the server write out what came before.
                        tokio::task::yield_now().await;
                        Err(std::io::Error::other("cut by the script"))
                    }
                    Some(Step::Hang) => std::future::pending().await,
                    Some(Step::Pause(span)) => {
                        tokio::time::sleep(span).await;
                        continue;
                    }
                    Some(Step::Gate) => {
                        seen.gate.acquire().await.unwrap().forget();
                        continue;
                    }
                    None => {
                        attendance.stayed();
                        return None;
                    }
                };
                return Some((item, (steps, attendance, seen)));
            }
        },
    );
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = reply.status.try_into().unwrap();
    for (name, value) in reply.headers {
        response.headers_mut().append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::try_from(value).unwrap(),
        );
    }
    response
}

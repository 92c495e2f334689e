//! How the client behaves: what it sends, when it opens and closes sockets, what it reports and what it keeps quiet.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use defi_qa::provider::{
    BreakerPhase, ChatClient, ChatEvent, Endpoint, LOG_FILTER, Limit, LimitOrigin, Limits,
};
use futures::StreamExt;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::support::fake_provider::{FakeProvider, Reply, finish, token};
use crate::{KEY, client, question, told};

#[tokio::test]
async fn the_request_is_what_the_chat_api_expects() {
    let server = FakeProvider::start([Reply::answer(&["DeFi", " is"])]);
    let told = told(&client(&server)).await;
    assert_eq!((told.text.as_str(), told.end.as_str()), ("DeFi is", "stop 7+2"));
    let [request] = &server.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(
        request.body,
        json!({
            "model": "test-model",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "What is DeFi?"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
            "temperature": 0.5,
            "max_tokens": 64,
        })
    );
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent() {
    let server = FakeProvider::start([Reply::answer(&["x"])]);
    let client = ChatClient::new(Endpoint::new(&server.base_url(), "m").unwrap()).unwrap();
    assert_eq!(told(&client).await.text, "x");
    assert!(!server.requests()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_client_and_a_stream_open_no_socket_until_they_are_polled() {
    let server = FakeProvider::start([Reply::answer(&["x"])]);
    let client = client(&server);
    let stream = client.stream(question());
    // The one connection that is seen is the one made afterwards, by another client: an earlier one would count first.
    assert_eq!(told(&self::client(&server)).await.text, "x");
    assert_eq!(server.connections(), 1);
    drop(stream);
}

#[tokio::test]
async fn answers_one_after_the_other_share_a_connection() {
    let server = FakeProvider::start([Reply::answer(&["x"])]);
    let client = client(&server);
    for _ in 0..5 {
        assert_eq!(told(&client).await.end, "stop 7+1");
    }
    assert_eq!(server.requests().len(), 5);
    assert_eq!((server.connections(), server.disconnects()), (1, 0));
}

#[tokio::test]
async fn a_token_arrives_while_the_rest_is_still_unsaid() {
    let reply = Reply::stream([token("first")])
        .gate()
        .piece(token("second"))
        .piece(finish("stop"));
    let server = FakeProvider::start([reply]);
    let mut events = client(&server).stream(question());
    assert_eq!(
        events.next().await,
        Some(Ok(ChatEvent::Token("first".to_owned())))
    );
    server.open_gate();
    assert_eq!(
        events.next().await,
        Some(Ok(ChatEvent::Token("second".to_owned())))
    );
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let server = FakeProvider::start([Reply::stream([token("x")]).hang()]);
    let mut events = client(&server).stream(question());
    assert_eq!(events.next().await, Some(Ok(ChatEvent::Token("x".to_owned()))));
    assert_eq!(server.disconnects(), 0);
    drop(events);
    server.disconnected(1).await;
}

#[tokio::test]
async fn dropping_a_stream_before_the_response_closes_its_connection() {
    let server = FakeProvider::start([Reply::silent()]);
    let mut events = client(&server).stream(question());
    tokio::select! {
        event = events.next() => panic!("a silent server said {event:?}"),
        () = server.requested(1) => {}
    }
    drop(events);
    server.disconnected(1).await;
}

#[tokio::test]
async fn limits_come_before_the_text_and_what_is_not_reported_is_estimated_once_it_was() {
    let limited = |reply: Reply| {
        reply
            .header("x-ratelimit-limit-requests", "500")
            .header("x-ratelimit-remaining-requests", "499")
            .header("x-ratelimit-reset-requests", "1m30.5s")
    };
    let server = FakeProvider::start([
        limited(Reply::answer(&["x"]))
            .header("x-ratelimit-limit-tokens", "30000")
            .header("x-ratelimit-remaining-tokens", "29000"),
        limited(Reply::error(429, "rate_limit_exceeded", "slow down")),
        Reply::answer(&["x"]),
    ]);
    let client = client(&server);
    let requests = Some(Limit {
        limit: 500,
        remaining: 499,
        reset_ms: Some(90_500),
        origin: Some(LimitOrigin::Reported),
        age_ms: Some(0),
    });
    let limits = |tokens| {
        Some(Limits {
            endpoint: server.host(),
            model: "test-model".to_owned(),
            requests,
            tokens,
            in_flight: Some(1),
            queued: Some(0),
            breaker: Some(BreakerPhase::Closed),
            ..Limits::default()
        })
    };
    assert_eq!(
        told(&client).await.limits,
        limits(Some(Limit {
            limit: 30_000,
            remaining: 29_000,
            reset_ms: None,
            origin: Some(LimitOrigin::Reported),
            age_ms: Some(0),
        }))
    );
    let refused = told(&client).await.limits;
    let tokens = refused.as_ref().and_then(|limits| limits.tokens);
    let of_tokens = tokens.map(|tokens| (tokens.limit, tokens.origin));
    assert_eq!(of_tokens, Some((30_000, Some(LimitOrigin::Estimated))));
    assert_eq!(refused, limits(tokens), "a refusal reports limits too");
    assert_eq!(told(&client).await.limits, None);
}

#[tokio::test]
async fn the_wait_that_a_server_asks_for_is_handed_on_uncapped() {
    let tomorrow = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(86_400));
    for (name, value, least, most) in [
        ("retry-after", "86400", 86_400.0, 86_400.0),
        ("retry-after-ms", "1500", 1.5, 1.5),
        ("retry-after", tomorrow.as_str(), 86_300.0, 86_400.0),
    ] {
        let server = FakeProvider::start([Reply::error(429, "rate_limit_exceeded", "").header(name, value)]);
        let Some(Err(error)) = client(&server).stream(question()).next().await else {
            panic!("a refusal")
        };
        let wait = error.retry_after().unwrap().as_secs_f64();
        assert!((least..=most).contains(&wait), "{name}: {value} became {wait}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = FakeProvider::start([Reply::answer(&["x"])]);
    let location = format!("{}/chat/completions", elsewhere.base_url());
    let server = FakeProvider::start([Reply::raw(307, "text/plain", [""]).header("location", &location)]);
    assert_eq!(
        told(&client(&server)).await.end,
        "found nothing there (307): check the model's name and `base_url`"
    );
    assert_eq!(elsewhere.connections(), 0);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a subscriber with this filter writes while an endpoint answers with a chunk that cannot be read.
async fn log_of_a_broken_answer(filter: &str) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(move || writer.clone())
        .finish();
    let server = FakeProvider::start([Reply::stream(["data: {\"choices\": the private answer\n\n"])]);
    let client = client(&server);
    let guard = tracing::subscriber::set_default(subscriber);
    assert!(told(&client).await.end.contains("a chunk is no JSON"));
    drop(guard);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn with_the_log_filter_no_answer_reaches_the_log() {
    assert!(
        log_of_a_broken_answer("trace").await.contains("private answer"),
        "else the filter proves nothing"
    );
    let log = log_of_a_broken_answer(&format!("trace,{LOG_FILTER}")).await;
    assert!(!log.contains("private answer"), "{log}");
}

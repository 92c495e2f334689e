//! The chat client against every fault that an endpoint can have, over real sockets on loopback.

mod support;

use std::io::Read;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use defi_qa::provider::{
    ApiKey, ChatClient, ChatEvent, ChatRequest, Endpoint, LOG_FILTER, Limit, Limits, Message, ProviderError,
    Role, Timeouts,
};
use futures::StreamExt;
use serde_json::json;
use support::fake_provider::{DONE, FakeProvider, Reply, event, finish, token, usage};
use tracing_subscriber::EnvFilter;

const KEY: &str = "sk-test-0123456789abcdef";

/// Short enough not to be felt, long enough for loopback under load.
const SHORT: Duration = Duration::from_millis(150);

fn endpoint(base_url: &str) -> Endpoint {
    Endpoint::new(base_url, "test-model")
        .unwrap()
        .with_key(ApiKey::new(KEY).unwrap())
}

fn client(server: &FakeProvider) -> ChatClient {
    ChatClient::new(endpoint(&server.base_url())).unwrap()
}

fn question() -> ChatRequest {
    ChatRequest {
        messages: vec![
            Message {
                role: Role::System,
                content: "Be brief.".to_owned(),
            },
            Message {
                role: Role::User,
                content: "What is DeFi?".to_owned(),
            },
        ],
        temperature: Some(0.5),
        max_tokens: Some(64),
    }
}

/// An answer as a reader of its events has it in the end.
#[derive(Debug, Default, PartialEq)]
struct Told {
    limits: Option<Limits>,
    text: String,
    /// `stop`, `length 7+2` (with token counts), or the error's sentence with HOST for the address.
    end: String,
    retryable: bool,
}

async fn told(client: &ChatClient) -> Told {
    let mut told = Told::default();
    let mut events = client.stream(question());
    while let Some(event) = events.next().await {
        assert_eq!(told.end, "", "nothing comes after the end");
        match event {
            Ok(ChatEvent::Limits(limits)) => {
                assert!(
                    told.limits.is_none() && told.text.is_empty(),
                    "limits come once and first"
                );
                told.limits = Some(limits);
            }
            Ok(ChatEvent::Token(text)) => {
                assert!(!text.is_empty());
                told.text.push_str(&text);
            }
            Ok(ChatEvent::Finished { reason, usage }) => {
                told.end = format!("{reason:?}").to_lowercase();
                if let Some(usage) = usage {
                    assert_eq!(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
                    told.end += &format!(" {}+{}", usage.prompt_tokens, usage.completion_tokens);
                }
            }
            Err(error) => told.end = sentence(&error, client, &mut told.retryable),
        }
    }
    assert_ne!(told.end, "", "an answer always says how it ended");
    told
}

fn sentence(error: &ProviderError, client: &ChatClient, retryable: &mut bool) -> String {
    *retryable = error.retryable();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY), "the key is in {shown}");
    error
        .to_string()
        .replace(&client.endpoint().base_url.host(), "HOST")
}

/// A fault: what the endpoint does, the text that arrives all the same, how the answer ends, whether a retry may help.
struct Fault(&'static str, Reply, &'static str, &'static str, bool);

#[tokio::test]
async fn every_fault_of_an_endpoint_is_named_in_one_sentence() {
    let faults = [
        // Refusals: the status decides, the server's words are repeated.
        Fault(
            "401",
            Reply::error(401, "invalid_api_key", "Incorrect API key provided"),
            "",
            "asking test-model at HOST was refused (401): check OPENAI_API_KEY or `api_key` in the config file \
             (the server says: Incorrect API key provided)",
            false,
        ),
        Fault(
            "401 that echoes the key",
            Reply::raw(401, "text/plain", [format!("bad token {KEY}!")]),
            "",
            "asking test-model at HOST was refused (401): check OPENAI_API_KEY or `api_key` in the config file \
             (the server says: bad token [key]!)",
            false,
        ),
        Fault(
            "403 without a body",
            Reply::raw(403, "text/plain", [""]),
            "",
            "asking test-model at HOST was refused (403): check OPENAI_API_KEY or `api_key` in the config file",
            false,
        ),
        Fault(
            "404",
            Reply::raw(
                404,
                "application/json",
                [r#"{"error":{"message":"model \"test-model\" not found, try pulling it first"}}"#],
            ),
            "",
            "asking test-model at HOST found nothing there (404): check the model's name and `base_url` \
             (the server says: model \"test-model\" not found, try pulling it first)",
            false,
        ),
        Fault(
            "429",
            Reply::error(429, "rate_limit_exceeded", "Rate limit reached").header("retry-after", "20"),
            "",
            "asking test-model at HOST met its rate limit (429): try again in 20 s (the server says: Rate limit reached)",
            true,
        ),
        Fault(
            "429 without a wait",
            Reply::raw(429, "text/plain", [""]),
            "",
            "asking test-model at HOST met its rate limit (429): try again later",
            true,
        ),
        Fault(
            "429 for want of credit",
            Reply::error(429, "insufficient_quota", "You exceeded your current quota"),
            "",
            "asking test-model at HOST was refused since the account's quota is used up: add credit, or use another key or \
             `base_url` (the server says: You exceeded your current quota)",
            false,
        ),
        Fault(
            "400",
            Reply::error(400, "context_length_exceeded", "maximum context length is 8192"),
            "",
            "asking test-model at HOST was rejected as a bad request (400): check the model's settings and the question's \
             length (the server says: maximum context length is 8192)",
            false,
        ),
        Fault(
            "500",
            Reply::error(500, "server_error", "The server had an error"),
            "",
            "asking test-model at HOST failed on the server's side (500): try again later \
             (the server says: The server had an error)",
            true,
        ),
        Fault(
            "502 of a proxy",
            Reply::raw(
                502,
                "text/html",
                ["<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"],
            ),
            "",
            "asking test-model at HOST failed on the server's side (502): try again later \
             (the server says: 502 Bad Gateway)",
            true,
        ),
        Fault(
            "503 cut in its body",
            Reply::raw(503, "text/plain", ["over"]).cut(),
            "",
            "asking test-model at HOST failed on the server's side (503): try again later (the server says: over)",
            true,
        ),
        Fault(
            "an escape sequence in a refusal",
            Reply::raw(400, "text/plain", ["\u{1b}[2Jgone\u{7}\r\n next"]),
            "",
            "asking test-model at HOST was rejected as a bad request (400): check the model's settings and the question's \
             length (the server says: [2Jgone next)",
            false,
        ),
        // Answers that stop before their end: what came stays.
        Fault(
            "connection cut after text",
            Reply::stream([token("half an")]).cut(),
            "half an",
            "asking test-model at HOST broke off before the answer's end: what came is incomplete, ask again",
            true,
        ),
        Fault(
            "end of stream without a finish reason",
            Reply::stream([token("half an")]),
            "half an",
            "asking test-model at HOST broke off before the answer's end: what came is incomplete, ask again",
            true,
        ),
        Fault(
            "[DONE] without a finish reason",
            Reply::stream([token("half an"), DONE.to_owned()]),
            "half an",
            "asking test-model at HOST broke off before the answer's end: what came is incomplete, ask again",
            true,
        ),
        Fault(
            "end in the middle of a chunk",
            Reply::stream([token("half an"), token(" answer")[..40].to_owned()]),
            "half an",
            "asking test-model at HOST broke off before the answer's end: what came is incomplete, ask again",
            true,
        ),
        Fault(
            "nothing but a comment",
            Reply::stream([": processing\n\n"]),
            "",
            "asking test-model at HOST broke off before the answer's end: what came is incomplete, ask again",
            true,
        ),
        Fault(
            "an empty body",
            Reply::stream([""]),
            "",
            "asking test-model at HOST broke off before the answer's end: what came is incomplete, ask again",
            true,
        ),
        // Errors inside a response of status 200.
        Fault(
            "an error in the stream",
            Reply::stream([
                token("so "),
                token("far"),
                event(&json!({"error": {"message": "GPU lost", "type": "server_error"}})),
            ]),
            "so far",
            "asking test-model at HOST ended in an error that the server reported inside its answer: ask again \
             (the server says: GPU lost)",
            true,
        ),
        Fault(
            "an error in the stream, as text",
            Reply::stream([event(&json!({"error": "out of memory"}))]),
            "",
            "asking test-model at HOST ended in an error that the server reported inside its answer: ask again \
             (the server says: out of memory)",
            true,
        ),
        Fault(
            "an error as the whole body",
            Reply::raw(
                200,
                "application/json",
                [
                    "{\n  \"error\": {\"message\": \"no such",
                    " model\", \"code\": 404}\n}",
                ],
            ),
            "",
            "asking test-model at HOST found nothing there (404): check the model's name and `base_url` \
             (the server says: no such model)",
            false,
        ),
        Fault(
            "a rate limit in the stream",
            Reply::stream([event(
                &json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
            )]),
            "",
            "asking test-model at HOST met its rate limit (429): try again later (the server says: slow down)",
            true,
        ),
        // What is no answer at all.
        Fault(
            "a web page",
            Reply::raw(200, "text/html", ["<!doctype html><title>Welcome</title>"]),
            "",
            "asking test-model at HOST brought no readable answer (it is a web page): check that `base_url` is an \
             OpenAI-compatible API",
            false,
        ),
        Fault(
            "plain text",
            Reply::raw(200, "text/plain", ["It works!"]),
            "",
            "asking test-model at HOST brought no readable answer (its body is no event stream): check that `base_url` is an \
             OpenAI-compatible API",
            false,
        ),
        Fault(
            "a chunk that is no JSON",
            Reply::stream([
                token("good"),
                "data: {\"choices\": nonsense}\n\n".to_owned(),
                token("never"),
            ]),
            "good",
            "asking test-model at HOST brought no readable answer (a chunk is no JSON): check that `base_url` is an \
             OpenAI-compatible API",
            false,
        ),
        Fault(
            "a chunk of another shape",
            Reply::stream(["data: {\"choices\": \"seven\"}\n\n"]),
            "",
            "asking test-model at HOST brought no readable answer (a chunk has an unknown shape): check that `base_url` is an \
             OpenAI-compatible API",
            false,
        ),
    ];
    for Fault(name, reply, text, end, retryable) in faults {
        let server = FakeProvider::start([reply]);
        let told = told(&client(&server)).await;
        assert_eq!((told.text.as_str(), told.end.as_str()), (text, end), "{name}");
        assert_eq!(told.retryable, retryable, "whether a retry may help: {name}");
        assert_eq!(server.requests().len(), 1, "one ask is one request: {name}");
    }
}

/// A stream of `text` that ends as a good one does.
fn whole(pieces: &[&[u8]]) -> Reply {
    Reply::stream(
        pieces
            .iter()
            .copied()
            .chain([finish("stop").as_bytes(), DONE.as_bytes()]),
    )
}

#[tokio::test]
async fn odd_but_honest_streams_are_read() {
    let euro = token("€ and 🦀 é");
    let split: Vec<&[u8]> = euro.as_bytes().chunks(1).collect();
    let crlf = (token("a") + &token("b")).replace('\n', "\r\n");
    let bom = format!("\u{feff}{}", token("marked"));
    let oddities: [(&str, Reply, &str, &str); 17] = [
        ("characters split over reads", whole(&split), "€ and 🦀 é", "stop"),
        ("CRLF line ends", whole(&[crlf.as_bytes()]), "ab", "stop"),
        ("a byte order mark", whole(&[bom.as_bytes()]), "marked", "stop"),
        ("a byte order mark in three reads", whole(&[b"\xef", b"\xbb", b"\xbf", token("x").as_bytes()]), "x", "stop"),
        ("keep-alive comments", whole(&[b": OPENROUTER PROCESSING\n\n", token("x").as_bytes(), b":\n\n"]), "x", "stop"),
        ("fields that mean nothing here", whole(&[b"id: 1\nretry: 5\nevent: message\n", token("x").as_bytes(), b"stray line\n\n"]), "x", "stop"),
        ("no space after the colon", whole(&[token("x").replacen(": ", ":", 1).as_bytes()]), "x", "stop"),
        ("JSON over two data lines", whole(&[b"data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"x\"}}]}\n\n"]), "x", "stop"),
        ("bytes that are no UTF-8", whole(&[b"data: {\"choices\":[{\"delta\":{\"content\":\"a\xffb\"}}]}\n\n"]), "a\u{fffd}b", "stop"),
        ("no choices, null content, reasoning", whole(&[
            event(&json!({"choices": []})).as_bytes(),
            event(&json!({"choices": [{"delta": {"content": null, "reasoning_content": "hm"}}]})).as_bytes(),
            event(&json!({"choices": [{"delta": {"role": "assistant", "reasoning": "hm"}}], "timings": {}})).as_bytes(),
            token("x").as_bytes()]), "x", "stop"),
        ("no [DONE]", Reply::stream([token("x"), finish("stop"), usage(7, 1)]), "x", "stop 7+1"),
        ("a cut after the finish reason", Reply::stream([token("x"), finish("stop")]).cut(), "x", "stop"),
        ("silence after [DONE]", Reply::stream([token("x"), finish("stop"), DONE.to_owned()]).hang(), "x", "stop"),
        ("a last line without its end", Reply::stream([token("x"), finish("length").trim_end().to_owned()]), "x", "length"),
        ("an answer that is not streamed", Reply::raw(200, "application/json", [serde_json::to_string_pretty(&json!({
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "at once"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}})).unwrap()]), "at once", "stop 7+2"),
        ("a filtered answer", Reply::stream([token("x"), finish("content_filter"), DONE.to_owned()]), "x", "contentfilter"),
        ("an unheard-of reason", Reply::stream([token("x"), finish("bored"), DONE.to_owned()]), "x", "other(\"bored\")"),
    ];
    for (name, reply, text, end) in oddities {
        let server = FakeProvider::start([reply]);
        let told = told(&client(&server)).await;
        assert_eq!((told.text.as_str(), told.end.as_str()), (text, end), "{name}");
    }
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_read_whole() {
    let long = "long ".repeat(200_000);
    let server = FakeProvider::start([Reply::stream([token(&long), finish("stop"), DONE.to_owned()])]);
    let told = told(&client(&server)).await;
    assert_eq!(told.text.len(), long.len());
    assert_eq!(told.end, "stop");
}

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
async fn limits_come_before_the_text_and_only_as_far_as_reported() {
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
    });
    let limits = |tokens| {
        Some(Limits {
            endpoint: server.host(),
            model: "test-model".to_owned(),
            requests,
            tokens,
        })
    };
    assert_eq!(
        told(&client).await.limits,
        limits(Some(Limit {
            limit: 30_000,
            remaining: 29_000,
            reset_ms: None
        }))
    );
    assert_eq!(
        told(&client).await.limits,
        limits(None),
        "a refusal reports limits too"
    );
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
        "asking test-model at HOST found nothing there (307): check the model's name and `base_url`"
    );
    assert_eq!(elsewhere.connections(), 0);
}

async fn told_within(base_url: &str, timeouts: Timeouts) -> Told {
    told(&ChatClient::new(endpoint(base_url).with_timeouts(timeouts)).unwrap()).await
}

#[tokio::test]
async fn silence_ends_in_the_idle_timeout_and_keeps_the_text() {
    let idle = Timeouts {
        idle: SHORT,
        ..Timeouts::default()
    };
    let sentence = "asking test-model at HOST heard nothing for 150 ms: the model may be loading or overloaded, ask again or \
                    raise the idle timeout";
    for (name, reply, text) in [
        ("before the status", Reply::silent(), ""),
        ("before the first chunk", Reply::stream::<&str>([]).hang(), ""),
        ("after text", Reply::stream([token("half an")]).hang(), "half an"),
        (
            "in the middle of a chunk",
            Reply::stream([token("half an"), "data: {".to_owned()]).hang(),
            "half an",
        ),
    ] {
        let server = FakeProvider::start([reply]);
        let told = told_within(&server.base_url(), idle).await;
        assert_eq!(
            (told.text.as_str(), told.end.as_str(), told.retryable),
            (text, sentence, true),
            "{name}"
        );
        server.disconnected(1).await;
    }
}

#[tokio::test]
async fn a_refusal_whose_body_does_not_come_keeps_its_status() {
    let server = FakeProvider::start([Reply::raw(500, "text/plain", [""]).hang()]);
    let told = told_within(
        &server.base_url(),
        Timeouts {
            idle: SHORT,
            ..Timeouts::default()
        },
    )
    .await;
    assert_eq!(
        told.end,
        "asking test-model at HOST failed on the server's side (500): try again later"
    );
}

#[tokio::test]
async fn the_total_timeout_ends_an_answer_that_never_does() {
    let server = FakeProvider::start([Reply::stream([token("x")]).hang()]);
    let told = told_within(
        &server.base_url(),
        Timeouts {
            total: SHORT,
            ..Timeouts::default()
        },
    )
    .await;
    assert_eq!(
        (told.text.as_str(), told.end.as_str()),
        (
            "x",
            "asking test-model at HOST was not done within 150 ms: ask for a shorter answer or raise the total timeout"
        )
    );
    server.disconnected(1).await;
}

#[tokio::test]
async fn a_connection_that_is_never_made_ends_in_the_connect_timeout() {
    // It takes the connection and never answers the TLS greeting.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("https://{}/v1", mute.local_addr().unwrap());
    let told = told_within(
        &base_url,
        Timeouts {
            connect: SHORT,
            ..Timeouts::default()
        },
    )
    .await;
    assert_eq!(
        told.end,
        "asking test-model at HOST got no connection within 150 ms: check `base_url`, the network, and that the server runs"
    );
    assert!(told.retryable);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = told_within(&format!("http://{free}/v1"), Timeouts::default()).await;
    assert_eq!(
        told.end,
        "asking test-model at HOST did not get through (connection refused): check `base_url`, and that the server runs"
    );
    assert!(told.retryable);
}

#[tokio::test]
async fn a_server_that_hangs_up_before_its_response_is_unreachable() {
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", rude.local_addr().unwrap());
    let listening = std::thread::spawn(move || {
        let (mut socket, _) = rude.accept().unwrap();
        // Read first: closing a socket with unread bytes would reset it.
        let _ = socket.read(&mut [0; 16 << 10]).unwrap();
    });
    let told = told_within(&base_url, Timeouts::default()).await;
    listening.join().unwrap();
    assert_eq!(
        told.end,
        "asking test-model at HOST did not get through (connection closed before message completed): check `base_url`, and \
         that the server runs"
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_apart() {
    let server = FakeProvider::start([Reply::answer(&["x"])]);
    let base_url = server.base_url().replace("http:", "https:");
    let told = told_within(&base_url, Timeouts::default()).await;
    assert_eq!(
        told.end,
        "asking test-model at HOST failed at the TLS handshake (received corrupt message of type InvalidContentType): check \
         the certificate, or try http:// in `base_url`"
    );
    assert!(!told.retryable);
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

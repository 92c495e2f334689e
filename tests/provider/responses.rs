//! The Responses API: the same answers, and every fault of an endpoint the same sentence as over Chat Completions.

use defi_qa::provider::{ChatApi, ChatClient};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::faults::{CUT, Fault};
use crate::support::fake_provider::{FakeProvider, Reply};
use crate::{KEY, endpoint, once, question, told, told_of};

/// An event as OpenAI sends it: named twice.
fn event(kind: &str, mut fields: Value) -> String {
    fields["type"] = kind.into();
    format!("event: {kind}\ndata: {fields}\n\n")
}

fn delta(text: &str) -> String {
    event(
        "response.output_text.delta",
        json!({"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": text, "logprobs": []}),
    )
}

fn ended(status: &str, more: &Value) -> String {
    let mut response = json!({"object": "response", "status": status, "error": null, "incomplete_details": null,
        "usage": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}});
    for (key, value) in more.as_object().into_iter().flatten() {
        response[key] = value.clone();
    }
    event(&format!("response.{status}"), json!({ "response": response }))
}

fn completed() -> String {
    ended("completed", &json!({}))
}

/// The events around the text, which say nothing.
fn begun() -> [String; 3] {
    let response =
        json!({"response": {"object": "response", "status": "in_progress", "error": null, "output": []}});
    [
        event("response.created", response.clone()),
        event("response.in_progress", response),
        event(
            "response.output_item.added",
            json!({"item": {"type": "message", "content": []}}),
        ),
    ]
}

fn client(server: &FakeProvider) -> ChatClient {
    let endpoint = endpoint(&server.base_url()).with_api(ChatApi::Responses);
    ChatClient::new(endpoint.with_retry(once())).unwrap()
}

#[tokio::test]
async fn an_answer_is_asked_for_streamed_and_counted() {
    let pieces = begun()
        .into_iter()
        .chain([delta("By the "), delta("ratio."), completed()]);
    let server = FakeProvider::start([Reply::stream(pieces)
        .header("x-ratelimit-limit-requests", "500")
        .header("x-ratelimit-remaining-requests", "499")]);
    let told = told(&client(&server)).await;
    assert_eq!(
        (told.text.as_str(), told.end.as_str()),
        ("By the ratio.", "stop 7+2")
    );
    assert_eq!(told.limits.unwrap().requests.unwrap().remaining, 499);
    let requests = server.requests();
    assert_eq!((requests[0].path.as_str(), requests.len()), ("/v1/responses", 1));
    assert_eq!(requests[0].headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(
        requests[0].body,
        json!({
            "model": "test-model", "stream": true, "store": false, "temperature": 0.5, "max_output_tokens": 64,
            "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is DeFi?"}],
        })
    );
}

#[tokio::test]
async fn every_fault_of_an_endpoint_is_named_in_one_sentence() {
    let failed = |code: &str, message: &str| {
        ended(
            "failed",
            &json!({"error": {"code": code, "message": message}, "usage": null}),
        )
    };
    #[rustfmt::skip]
    let faults = [
        Fault("401", Reply::error(401, "invalid_api_key", "Incorrect API key provided"), "",
            "was refused (401): check OPENAI_API_KEY or `api_key` in the config file \
             (the server says: Incorrect API key provided)", false),
        Fault("401 that echoes the key", Reply::raw(401, "text/plain", [format!("bad token {KEY}!")]), "",
            "was refused (401): check OPENAI_API_KEY or `api_key` in the config file \
             (the server says: bad token [key]!)", false),
        Fault("404 of a server without it", Reply::raw(404, "text/plain", ["404 page not found"]), "",
            "found nothing there (404): check the model's name and `base_url` \
             (the server says: 404 page not found)", false),
        Fault("429", Reply::error(429, "rate_limit_exceeded", "Limit reached").header("retry-after", "20"), "",
            "met its rate limit (429): try again in 20 s (the server says: Limit reached)", true),
        Fault("429 for want of credit", Reply::error(429, "insufficient_quota", "You exceeded your quota"), "",
            "was refused since the account's quota is used up: add credit, or use another key or `base_url` \
             (the server says: You exceeded your quota)", false),
        Fault("400", Reply::error(400, "context_length_exceeded", "maximum context length is 8192"), "",
            "was rejected as a bad request (400): check the model's settings and the question's length \
             (the server says: maximum context length is 8192)", false),
        Fault("500", Reply::error(500, "server_error", "The server had an error"), "",
            "failed on the server's side (500): try again later (the server says: The server had an error)", true),
        Fault("502 of a proxy", Reply::raw(502, "text/html", ["<html><title>502 Bad Gateway</title>nginx"]), "",
            "failed on the server's side (502): try again later (the server says: 502 Bad Gateway)", true),
        Fault("503 cut in its body", Reply::raw(503, "text/plain", ["over"]).cut(), "",
            "failed on the server's side (503): try again later (the server says: over)", true),
        Fault("a cut after text", Reply::stream([delta("half")]).cut(), "half", CUT, true),
        Fault("an end without a completed response", Reply::stream([delta("half")]), "half", CUT, true),
        Fault("an end inside an event", Reply::stream([delta("half"), delta("x")[..60].to_owned()]), "half", CUT, true),
        Fault("nothing but the beginning", Reply::stream(begun()), "", CUT, true),
        Fault("nothing but a comment", Reply::stream([": processing\n\n"]), "", CUT, true),
        Fault("an empty body", Reply::stream([""]), "", CUT, true),
        Fault("a response that failed", Reply::stream([delta("so far"), failed("server_error", "GPU lost")]), "so far",
            "ended in an error that the server reported inside its answer: ask again (the server says: GPU lost)", true),
        Fault("a rate limit in a response", Reply::stream([failed("rate_limit_exceeded", "slow down")]), "",
            "met its rate limit (429): try again later (the server says: slow down)", true),
        Fault("an error event", Reply::stream([delta("so far"), event("error", json!({"code": "server_error", "message": "GPU lost"}))]), "so far",
            "ended in an error that the server reported inside its answer: ask again (the server says: GPU lost)", true),
        Fault("a wrapped error event that echoes the key", Reply::stream([event("error", json!({"error": {"message": KEY}}))]), "",
            "ended in an error that the server reported inside its answer: ask again (the server says: [key])", true),
        Fault("an error as the whole body",
            Reply::raw(200, "application/json", ["{\n  \"error\": {\"message\": \"no such", " model\", \"code\": 404}\n}"]), "",
            "found nothing there (404): check the model's name and `base_url` (the server says: no such model)", false),
        Fault("a web page", Reply::raw(200, "text/html", ["<!doctype html><title>Welcome</title>"]), "",
            "brought no readable answer (it is a web page): check that `base_url` is an OpenAI-compatible API", false),
        Fault("plain text", Reply::raw(200, "text/plain", ["It works!"]), "",
            "brought no readable answer (its body is no event stream): check that `base_url` is an \
             OpenAI-compatible API", false),
        Fault("an event that is no JSON", Reply::stream([&delta("good"), "data: {nonsense}\n\n", &delta("never")]), "good",
            "brought no readable answer (a chunk is no JSON): check that `base_url` is an OpenAI-compatible API", false),
        Fault("an event of another shape", Reply::stream(["data: [1, 2]\n\n"]), "",
            "brought no readable answer (a chunk has an unknown shape): check that `base_url` is an \
             OpenAI-compatible API", false),
    ];
    for fault in faults {
        fault.check(client).await;
    }
}

#[tokio::test]
async fn odd_but_honest_streams_are_read() {
    let whole = |pieces: &[&[u8]]| Reply::stream(pieces.iter().copied().chain([completed().as_bytes()]));
    let euro = delta("€ and 🦀 é");
    let split: Vec<&[u8]> = euro.as_bytes().chunks(1).collect();
    let crlf = (delta("a") + &delta("b")).replace('\n', "\r\n");
    let bom = format!("\u{feff}{}", delta("marked"));
    let long = "long ".repeat(200_000);
    let incomplete = |reason: &str| ended("incomplete", &json!({"incomplete_details": {"reason": reason}}));
    #[rustfmt::skip]
    let oddities: [(&str, Reply, &str, &str); 12] = [
        ("characters split over reads", whole(&split), "€ and 🦀 é", "stop 7+2"),
        ("CRLF line ends", whole(&[crlf.as_bytes()]), "ab", "stop 7+2"),
        ("a byte order mark", whole(&[bom.as_bytes()]), "marked", "stop 7+2"),
        ("keep-alives", whole(&[b": ping\n\n", b"event: keepalive\ndata: {\"type\":\"keepalive\"}\n\n", delta("x").as_bytes(), b":\n\n"]), "x", "stop 7+2"),
        ("events that are not known", whole(&[event("response.sung", json!({"delta": "la"})).as_bytes(), delta("x").as_bytes()]), "x", "stop 7+2"),
        ("a line of a megabyte", whole(&[delta(&long).as_bytes()]), &long, "stop 7+2"),
        ("a cut at the length limit", Reply::stream([delta("x"), incomplete("max_output_tokens")]), "x", "length 7+2"),
        ("a filtered answer", Reply::stream([delta("x"), incomplete("content_filter")]), "x", "contentfilter 7+2"),
        ("an unheard-of reason", Reply::stream([delta("x"), incomplete("bored")]), "x", "other(\"bored\") 7+2"),
        ("a cut after the end", Reply::stream([delta("x"), completed()]).cut(), "x", "stop 7+2"),
        ("[DONE]", Reply::stream([delta("x"), completed(), "data: [DONE]\n\n".to_owned()]), "x", "stop 7+2"),
        ("an answer that is not streamed", Reply::raw(200, "application/json", [serde_json::to_string_pretty(&json!({
            "object": "response", "status": "completed", "error": null,
            "output": [{"type": "reasoning", "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": "at "}, {"type": "output_text", "text": "once"}]}],
            "usage": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}})).unwrap()]), "at once", "stop 7+2"),
    ];
    for (name, reply, text, end) in oddities {
        let server = FakeProvider::start([reply]);
        let told = told(&client(&server)).await;
        assert_eq!((told.text.as_str(), told.end.as_str()), (text, end), "{name}");
    }
}

#[tokio::test]
async fn what_failed_before_any_text_is_tried_again_and_what_failed_after_is_not() {
    let server = FakeProvider::start([
        Reply::error(503, "overloaded", "busy").header("retry-after-ms", "1"),
        Reply::stream([delta("whole"), completed()]),
    ]);
    let patient = ChatClient::new(endpoint(&server.base_url()).with_api(ChatApi::Responses)).unwrap();
    let told = told_of(&patient, patient.stream(question())).await;
    assert_eq!((told.text.as_str(), told.end.as_str()), ("whole", "stop 7+2"));
    assert_eq!(told.delays.len(), 1);

    let server = FakeProvider::start([Reply::stream([delta("half")]).cut(), Reply::stream([completed()])]);
    let patient = ChatClient::new(endpoint(&server.base_url()).with_api(ChatApi::Responses)).unwrap();
    let told = told_of(&patient, patient.stream(question())).await;
    assert_eq!((told.text.as_str(), told.end.as_str()), ("half", CUT));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_stream_that_is_dropped_closes_its_connection_and_one_that_ends_keeps_it() {
    let server = FakeProvider::start([
        Reply::stream([delta("x"), completed()]),
        Reply::stream([delta("x"), completed()]),
        Reply::stream([delta("x")]).hang(),
    ]);
    let client = client(&server);
    for _ in 0..2 {
        told(&client).await;
    }
    assert_eq!(server.connections(), 1, "kept alive");
    let mut events = client.stream(question());
    assert!(events.next().await.unwrap().is_ok());
    drop(events);
    server.disconnected(1).await;
}

//! Every fault of an endpoint becomes one sentence, and what came before it stays.

use defi_qa::provider::ChatClient;
use serde_json::json;

use crate::support::fake_provider::{DONE, FakeProvider, Reply, event, token};
use crate::{KEY, client, told};

/// A fault: its name, what the endpoint does, the text that arrives all the same, how the answer ends, whether a retry may
/// help.
pub(crate) struct Fault(
    pub(crate) &'static str,
    pub(crate) Reply,
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) bool,
);

impl Fault {
    /// Asks a server that has it, with a client that asks once.
    pub(crate) async fn check(self, client: impl Fn(&FakeProvider) -> ChatClient) {
        let Self(name, reply, text, end, retryable) = self;
        let server = FakeProvider::start([reply]);
        let told = told(&client(&server)).await;
        assert_eq!((told.text.as_str(), told.end.as_str()), (text, end), "{name}");
        assert_eq!(told.retryable, retryable, "whether a retry may help: {name}");
        assert_eq!(server.requests().len(), 1, "one ask is one request: {name}");
    }
}

pub(crate) const CUT: &str = "broke off before the answer's end: what came is incomplete, ask again";

#[tokio::test]
async fn every_fault_of_an_endpoint_is_named_in_one_sentence() {
    #[rustfmt::skip]
    let faults = [
        // Refusals: the status decides, the server's words are repeated.
        Fault("401", Reply::error(401, "invalid_api_key", "Incorrect API key provided"), "",
            "was refused (401): check OPENAI_API_KEY or `api_key` in the config file \
             (the server says: Incorrect API key provided)", false),
        Fault("401 that echoes the key", Reply::raw(401, "text/plain", [format!("bad token {KEY}!")]), "",
            "was refused (401): check OPENAI_API_KEY or `api_key` in the config file \
             (the server says: bad token [key]!)", false),
        Fault("403 without a body", Reply::raw(403, "text/plain", [""]), "",
            "was refused (403): check OPENAI_API_KEY or `api_key` in the config file", false),
        Fault("404 of Ollama", Reply::error(404, "", "model \"x\" not found, try pulling it first"), "",
            "found nothing there (404): check the model's name and `base_url` \
             (the server says: model \"x\" not found, try pulling it first)", false),
        Fault("429", Reply::error(429, "rate_limit_exceeded", "Limit reached").header("retry-after", "20"), "",
            "met its rate limit (429): try again in 20 s (the server says: Limit reached)", true),
        Fault("429 without a wait", Reply::raw(429, "text/plain", [""]), "",
            "met its rate limit (429): try again later", true),
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
        Fault("an escape sequence in a refusal", Reply::raw(500, "text/plain", ["\u{1b}[2Jgone\u{7}\r\n next"]), "",
            "failed on the server's side (500): try again later (the server says: gone next)", true),
        // Answers that stop before their end: what came stays.
        Fault("a cut after text", Reply::stream([token("half")]).cut(), "half", CUT, true),
        Fault("an end without a finish reason", Reply::stream([token("half")]), "half", CUT, true),
        Fault("[DONE] without a finish reason", Reply::stream([token("half"), DONE.to_owned()]), "half", CUT, true),
        Fault("an end inside a chunk", Reply::stream([token("half"), token("x")[..40].to_owned()]), "half", CUT, true),
        Fault("nothing but a comment", Reply::stream([": processing\n\n"]), "", CUT, true),
        Fault("an empty body", Reply::stream([""]), "", CUT, true),
        // Errors inside a response of status 200.
        Fault("an error in the stream",
            Reply::stream([token("so "), token("far"), event(&json!({"error": {"message": "GPU lost"}}))]), "so far",
            "ended in an error that the server reported inside its answer: ask again (the server says: GPU lost)", true),
        Fault("an error in the stream, as text", Reply::stream([event(&json!({"error": "no memory"}))]), "",
            "ended in an error that the server reported inside its answer: ask again (the server says: no memory)", true),
        Fault("an error that echoes the key", Reply::stream([event(&json!({"error": {"message": KEY}}))]), "",
            "ended in an error that the server reported inside its answer: ask again (the server says: [key])", true),
        Fault("a rate limit in the stream",
            Reply::stream([event(&json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}))]), "",
            "met its rate limit (429): try again later (the server says: slow down)", true),
        Fault("an error as the whole body",
            Reply::raw(200, "application/json", ["{\n  \"error\": {\"message\": \"no such", " model\", \"code\": 404}\n}"]), "",
            "found nothing there (404): check the model's name and `base_url` (the server says: no such model)", false),
        // What is no answer at all.
        Fault("a web page", Reply::raw(200, "text/html", ["<!doctype html><title>Welcome</title>"]), "",
            "brought no readable answer (it is a web page): check that `base_url` is an OpenAI-compatible API", false),
        Fault("plain text", Reply::raw(200, "text/plain", ["It works!"]), "",
            "brought no readable answer (its body is no event stream): check that `base_url` is an \
             OpenAI-compatible API", false),
        Fault("a chunk that is no JSON", Reply::stream([&token("good"), "data: {nonsense}\n\n", &token("never")]), "good",
            "brought no readable answer (a chunk is no JSON): check that `base_url` is an OpenAI-compatible API", false),
        Fault("a chunk of another shape", Reply::stream(["data: {\"choices\": \"seven\"}\n\n"]), "",
            "brought no readable answer (a chunk has an unknown shape): check that `base_url` is an \
             OpenAI-compatible API", false),
    ];
    for fault in faults {
        fault.check(client).await;
    }
}

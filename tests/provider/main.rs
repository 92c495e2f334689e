//! The chat client against a real server on loopback that does what a script says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helper fails by panicking"
)]

mod breaking;
mod clock;
mod conduct;
mod embedding;
mod faults;
mod limiting;
mod oddities;
mod patience;
mod responses;
mod retrying;
#[path = "../support/mod.rs"]
mod support;

use defi_qa::provider::{
    ApiKey, ChatClient, ChatEvent, ChatRequest, ChatStream, Endpoint, Limits, Message, ProviderError,
    RetryPolicy, Role,
};
use futures::StreamExt;
use support::fake_provider::FakeProvider;

const KEY: &str = "sk-test-0123456789abcdef";

fn endpoint(base_url: &str) -> Endpoint {
    Endpoint::new(base_url, "test-model")
        .unwrap()
        .with_key(ApiKey::new(KEY).unwrap())
}

/// A client that asks once: what a fault is called has nothing to do with how often it is met.
fn client(server: &FakeProvider) -> ChatClient {
    ChatClient::new(endpoint(&server.base_url()).with_retry(once())).unwrap()
}

fn once() -> RetryPolicy {
    RetryPolicy {
        max_retries: 0,
        ..RetryPolicy::default()
    }
}

/// A client as it is by default: it tries again.
fn patient(server: &FakeProvider) -> ChatClient {
    ChatClient::new(endpoint(&server.base_url())).unwrap()
}

/// The next event that is not about limits.
async fn next(events: &mut ChatStream) -> Option<Result<ChatEvent, ProviderError>> {
    loop {
        match events.next().await {
            Some(Ok(ChatEvent::Limits(_))) => {}
            event => return event,
        }
    }
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
    /// `retry 2: HOST failed (500)`, `waits for the rate limit of HOST`.
    delays: Vec<String>,
    text: String,
    /// `stop`, `length 7+2` (with token counts), or what the error's sentence says after "asking MODEL at HOST".
    end: String,
    retryable: bool,
}

async fn told(client: &ChatClient) -> Told {
    told_of(client, client.stream(question())).await
}

async fn told_of(client: &ChatClient, mut events: ChatStream) -> Told {
    let mut told = Told::default();
    while let Some(event) = events.next().await {
        assert_eq!(told.end, "", "nothing comes after the end");
        match event {
            Ok(ChatEvent::Limits(limits)) => {
                assert!(told.text.is_empty(), "limits come first");
                told.limits = Some(limits);
            }
            Ok(ChatEvent::Waiting { on, .. }) => told.delays.push(format!("waits for {on}")),
            Ok(ChatEvent::Retrying { why, attempt, .. }) => {
                assert!(told.text.is_empty(), "text is not said twice");
                told.delays.push(format!("retry {attempt}: {why}"));
            }
            Ok(ChatEvent::Resumed { .. }) => assert!(!told.delays.is_empty()),
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
    let asked = format!("asking test-model at {} ", client.endpoint().base_url.host());
    error.to_string().strip_prefix(&asked).unwrap().to_owned()
}

//! The chat client against a real server on loopback that does what a script says.
#![allow(clippy::unwrap_used, reason = "a test's helper fails by panicking")]

mod conduct;
mod faults;
mod oddities;
mod patience;
#[path = "../support/mod.rs"]
mod support;

use defi_qa::provider::{
    ApiKey, ChatClient, ChatEvent, ChatRequest, Endpoint, Limits, Message, ProviderError, Role,
};
use futures::StreamExt;
use support::fake_provider::FakeProvider;

const KEY: &str = "sk-test-0123456789abcdef";

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
    /// `stop`, `length 7+2` (with token counts), or what the error's sentence says after "asking MODEL at HOST".
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
    let asked = format!("asking test-model at {} ", client.endpoint().base_url.host());
    error.to_string().strip_prefix(&asked).unwrap().to_owned()
}

//! What is tried again, when, and what never is.

use std::time::Duration;

use defi_qa::provider::{ChatEvent, ChatStream, ProviderError};
use futures::StreamExt;

use crate::clock::Clock;
use crate::support::fake_provider::{FakeProvider, Reply, token};
use crate::{next, patient, question, told};

/// The retry that comes next, and nothing else: its wait and the number of its try.
async fn retry(events: &mut ChatStream) -> (Duration, u32) {
    match next(events).await {
        Some(Ok(ChatEvent::Retrying { wait, attempt, .. })) => (wait, attempt),
        other => panic!("no retry but {other:?}"),
    }
}

/// The error that ends it.
async fn refused(events: &mut ChatStream) -> ProviderError {
    match next(events).await {
        Some(Err(error)) => error,
        other => panic!("no error but {other:?}"),
    }
}

fn limited(header: &str, value: &str) -> Reply {
    Reply::error(429, "rate_limit_exceeded", "slow down").header(header, value)
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_a_server_asks_for_is_kept_to_the_millisecond() {
    let overloaded = Reply::error(503, "overloaded", "busy").header("retry-after", "2");
    for (reply, wait, why) in [
        (limited("retry-after", "7"), 7_000, "is rate limited (429)"),
        (limited("retry-after-ms", "1500"), 1_500, "is rate limited (429)"),
        (overloaded, 2_000, "failed (503)"),
    ] {
        let clock = Clock::stopped();
        let wait = Duration::from_millis(wait);
        let server = FakeProvider::start([reply, Reply::answer(&["x"])]);
        let client = patient(&server);
        let mut events = client.stream(question());
        let told = next(&mut events).await;
        let why = format!("{} {why}", server.host());
        assert_eq!(
            told,
            Some(Ok(ChatEvent::Retrying {
                why,
                wait,
                attempt: 2,
                of: 4,
            }))
        );
        clock.advance(wait - Duration::from_millis(1)).await;
        assert!(futures::poll!(events.next()).is_pending(), "not early");
        clock.advance(Duration::from_millis(1)).await;
        assert_eq!(
            next(&mut events).await,
            Some(Ok(ChatEvent::Resumed { waited: wait })),
            "and not late"
        );
        assert_eq!(
            next(&mut events).await,
            Some(Ok(ChatEvent::Token("x".to_owned())))
        );
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_twice_is_asked_a_third_time() {
    let clock = Clock::stopped();
    let failure = || Reply::error(500, "server_error", "oops");
    let server = FakeProvider::start([failure(), failure(), Reply::answer(&["x"])]);
    let client = patient(&server);
    let mut events = client.stream(question());
    for (number, most) in [(2, 500), (3, 1_000)] {
        let (wait, attempt) = retry(&mut events).await;
        assert!(
            attempt == number && wait <= Duration::from_millis(most),
            "{wait:?}"
        );
        clock.advance(wait + Duration::from_millis(1)).await;
        let resumed = next(&mut events).await;
        assert!(
            matches!(resumed, Some(Ok(ChatEvent::Resumed { waited })) if waited >= wait),
            "{resumed:?}"
        );
    }
    assert_eq!(
        next(&mut events).await,
        Some(Ok(ChatEvent::Token("x".to_owned())))
    );
    assert!(matches!(
        next(&mut events).await,
        Some(Ok(ChatEvent::Finished { .. }))
    ));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn four_tries_are_all_and_the_last_error_is_told() {
    let clock = Clock::stopped();
    let server = FakeProvider::start([Reply::error(502, "bad_gateway", "oops")]);
    let client = patient(&server);
    let mut events = client.stream(question());
    for number in 2..=4 {
        let (wait, attempt) = retry(&mut events).await;
        assert_eq!(attempt, number);
        clock.advance(wait + Duration::from_millis(1)).await;
        let _resumed = next(&mut events).await;
    }
    assert!(matches!(
        refused(&mut events).await,
        ProviderError::Server { status: 502, .. }
    ));
    assert_eq!(events.next().await, None);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn what_no_wait_mends_is_asked_once() {
    for (status, code) in [
        (400, "invalid_request_error"),
        (401, "invalid_api_key"),
        (403, "forbidden"),
        (404, "model_not_found"),
        (422, "unprocessable"),
        (429, "insufficient_quota"),
        (501, "not_implemented"),
    ] {
        let server = FakeProvider::start([Reply::error(status, code, "no").header("retry-after", "1")]);
        let told = told(&patient(&server)).await;
        assert_eq!(told.delays, Vec::<String>::new(), "{status} {code}");
        assert_eq!(server.requests().len(), 1, "{status} {code}");
    }
}

#[tokio::test]
async fn a_wait_of_an_hour_is_told_and_not_waited_for() {
    let server = FakeProvider::start([limited("retry-after", "3600")]);
    let client = patient(&server);
    let told = told(&client).await;
    assert_eq!(
        told.end,
        "met its rate limit (429): try again in 3600 s (the server says: slow down)"
    );
    assert_eq!((told.delays.len(), server.requests().len()), (0, 1));
    let paused = client.gate().limiter_state().borrow().paused.clone();
    assert_eq!(paused, None, "nobody else is kept waiting either");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_before_any_text_is_tried_again_and_after_it_is_not() {
    let clock = Clock::stopped();
    let server = FakeProvider::start([
        Reply::stream([": thinking\n\n"]).cut(),
        Reply::stream([token("half")]).cut(),
        Reply::answer(&["never asked for"]),
    ]);
    let client = patient(&server);
    let mut events = client.stream(question());
    let (wait, _) = retry(&mut events).await;
    clock.advance(wait + Duration::from_millis(1)).await;
    let _resumed = next(&mut events).await;
    assert_eq!(
        next(&mut events).await,
        Some(Ok(ChatEvent::Token("half".to_owned())))
    );
    assert!(matches!(
        refused(&mut events).await,
        ProviderError::StreamCut { .. }
    ));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_ends_its_retries() {
    let clock = Clock::stopped();
    let server = FakeProvider::start([limited("retry-after", "5")]);
    let client = patient(&server);
    let mut events = client.stream(question());
    let (wait, _) = retry(&mut events).await;
    assert!(futures::poll!(events.next()).is_pending(), "it holds");
    let state = client.gate().limiter_state();
    assert_eq!(state.borrow().queued, 1);
    drop(events);
    assert_eq!((state.borrow().queued, state.borrow().in_flight), (0, 0));
    clock.advance(wait * 2).await;
    assert_eq!(server.requests().len(), 1);
}

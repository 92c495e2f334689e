//! An endpoint that keeps failing is left alone for a while, and then asked by one.

use std::time::Duration;

use defi_qa::provider::{BreakerPhase, BreakerState, ChatEvent, ProviderError};
use futures::StreamExt;

use crate::clock::Clock;
use crate::support::fake_provider::{FakeProvider, Reply, finish, token};
use crate::{client, next, question, told};

fn dies() -> Reply {
    Reply::stream([token("half")]).cut()
}

#[tokio::test(start_paused = true)]
async fn streams_that_die_open_the_circuit_and_one_probe_closes_it() {
    let clock = Clock::stopped();
    let probed = Reply::stream::<&str>([])
        .gate()
        .piece(token("x"))
        .piece(finish("stop"));
    let script = [
        dies(),
        dies(),
        dies(),
        dies(),
        dies(),
        probed,
        Reply::answer(&["x"]),
    ];
    let server = FakeProvider::start(script);
    let client = client(&server);
    for _ in 0..5 {
        assert_eq!(told(&client).await.text, "half");
    }
    let state = client.gate().breaker_state();
    let open_for = |seconds| BreakerState::Open {
        probe_in: Duration::from_secs(seconds),
    };
    assert_eq!(*state.borrow(), open_for(15));

    let connections = server.connections();
    clock.advance(Duration::from_secs(3)).await;
    let mut refused = client.stream(question());
    let Some(Ok(ChatEvent::Limits(limits))) = refused.next().await else {
        panic!("the state comes before the refusal")
    };
    assert_eq!(
        (limits.breaker, limits.probe_in_ms),
        (Some(BreakerPhase::Open), Some(12_000))
    );
    let open = ProviderError::CircuitOpen {
        host: server.host(),
        retry_in: Duration::from_secs(12),
    };
    assert_eq!(refused.next().await, Some(Err(open)));
    assert_eq!(refused.next().await, None);
    assert_eq!((server.requests().len(), server.connections()), (5, connections));

    clock.advance(Duration::from_secs(12)).await;
    let mut probe = client.stream(question());
    tokio::select! {
        event = probe.next() => panic!("{event:?}"),
        () = server.requested(6) => {}
    }
    let second = next(&mut client.stream(question())).await;
    assert!(
        matches!(second, Some(Err(ProviderError::CircuitOpen { .. }))),
        "one probe, not two: {second:?}"
    );
    server.open_gate();
    while let Some(event) = probe.next().await {
        event.unwrap();
    }
    assert_eq!(*state.borrow(), BreakerState::Closed);
    assert_eq!(told(&client).await.end, "stop 7+1");
    assert_eq!(server.requests().len(), 7);
}

#[tokio::test]
async fn refusals_limits_and_cancellations_do_not_open_it() {
    let server = FakeProvider::answering({
        let replies = [
            Reply::error(400, "invalid_request_error", ""),
            Reply::error(401, "invalid_api_key", ""),
            Reply::error(404, "model_not_found", ""),
            Reply::error(429, "rate_limit_exceeded", ""),
            Reply::stream([token("x")]).hang(),
        ];
        let turn = std::sync::atomic::AtomicUsize::new(0);
        move |_| replies[turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % replies.len()].clone()
    });
    let client = client(&server);
    for _ in 0..30 {
        // The first event other than limits, after which the stream is dropped.
        assert!(next(&mut client.stream(question())).await.is_some());
    }
    assert_eq!(*client.gate().breaker_state().borrow(), BreakerState::Closed);
    assert_eq!(server.requests().len(), 30);
}

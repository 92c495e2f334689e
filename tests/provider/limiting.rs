//! Many at once stay below the limit, wait in order, and do not stampede after a pause.

use std::time::Duration;

use defi_qa::provider::{ChatClient, ChatEvent, LimitOrigin, Quota};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::clock::Clock;
use crate::support::fake_provider::{FakeProvider, Reply, finish, token};
use crate::{Told, endpoint, next, patient, question, told, told_of};

/// Asks as often, all at once, and moves the clock whenever all that is left waits for it.
async fn all_told(clock: &Clock, client: &ChatClient, times: usize) -> Vec<Told> {
    let mut state = client.gate().limiter_state();
    let mut asking: FuturesUnordered<_> = (0..times)
        .map(|_| told_of(client, client.stream(question())))
        .collect();
    let mut all = Vec::new();
    loop {
        tokio::select! {
            biased;
            told = asking.next() => match told {
                Some(told) => all.push(told),
                None => return all,
            },
            changed = state.changed() => changed.unwrap(),
        }
        let now = client.gate().limits();
        if let (Some(0), Some(1..), Some(wait)) = (now.in_flight, now.queued, now.next_slot_ms) {
            clock.advance(Duration::from_millis(wait)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_at_once_are_never_refused_by_a_server_that_counts() {
    let clock = Clock::stopped();
    let server = FakeProvider::metered(30, clock.ms());
    let client = patient(&server);
    assert_eq!(told(&client).await.end, "stop 7+1", "the first learns the limit");
    let start = tokio::time::Instant::now();
    let all = all_told(&clock, &client, 50).await;
    assert_eq!(all.len(), 50);
    for told in &all {
        assert_eq!(told.end, "stop 7+1");
        assert!(
            !told.delays.iter().any(|delay| delay.contains("retry")),
            "{told:?}"
        );
    }
    assert_eq!(
        server.requests().len(),
        51,
        "no request was refused and sent again"
    );
    // 29 were left in the bucket, and one comes every two seconds.
    let seconds = start.elapsed().as_secs();
    assert!((42..=44).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_one_probe_goes_and_the_rest_follow_one_by_one() {
    let clock = Clock::stopped();
    let probed = Reply::stream([token("probe")]).gate().piece(finish("stop"));
    let server = FakeProvider::start([
        Reply::error(429, "rate_limit_exceeded", "").header("retry-after", "2"),
        Reply::stream::<&str>([])
            .gate()
            .piece(token("probe"))
            .piece(finish("stop")),
        probed,
    ]);
    let client = patient(&server);
    let mut first = client.stream(question());
    assert!(matches!(
        next(&mut first).await,
        Some(Ok(ChatEvent::Retrying { attempt: 2, .. }))
    ));
    let mut others: Vec<_> = (0..10).map(|_| client.stream(question())).collect();
    for other in &mut others {
        assert!(
            matches!(next(other).await, Some(Ok(ChatEvent::Waiting { .. }))),
            "a pause is everybody's"
        );
    }
    clock.advance(Duration::from_secs(2)).await;
    assert!(matches!(
        next(&mut first).await,
        Some(Ok(ChatEvent::Resumed { .. }))
    ));
    let state = client.gate().limiter_state();
    for other in &mut others {
        assert!(futures::poll!(other.next()).is_pending());
    }
    tokio::select! {
        _ = first.next() => panic!("the server does not answer yet"),
        () = server.requested(2) => {}
    }
    assert_eq!(
        (
            server.requests().len(),
            state.borrow().in_flight,
            state.borrow().queued
        ),
        (2, 1, 10),
        "one probe"
    );
    server.open_gate();
    assert_eq!(
        next(&mut first).await,
        Some(Ok(ChatEvent::Token("probe".to_owned())))
    );
    for gone in 0..10 {
        for other in &mut others {
            let _ = futures::poll!(other.next());
        }
        let now = state.borrow().clone();
        assert_eq!(now.queued, 10 - gone, "nobody before the pace allows it");
        clock.advance(now.next_slot).await;
        for other in &mut others {
            let _ = futures::poll!(other.next());
        }
        assert_eq!(state.borrow().queued, 9 - gone, "one by one");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_for_what_and_frees_the_place_when_dropped() {
    let clock = Clock::stopped();
    let server = FakeProvider::start([Reply::answer(&["x"])]);
    let quota = Quota {
        rpm: Some(1),
        tpm: None,
    };
    let client = ChatClient::new(endpoint(&server.base_url()).with_quota(quota)).unwrap();
    assert_eq!(told(&client).await.end, "stop 7+1");
    let mut second = client.stream(question());
    let Some(Ok(ChatEvent::Limits(limits))) = second.next().await else {
        panic!("the limits come before the wait")
    };
    let requests = limits.requests.unwrap();
    assert_eq!(
        (requests.limit, requests.remaining, requests.origin),
        (1, 0, Some(LimitOrigin::Configured))
    );
    assert_eq!((limits.queued, limits.next_slot_ms), (Some(1), Some(60_000)));
    let waiting = |wait| {
        Some(Ok(ChatEvent::Waiting {
            on: format!("the rate limit of {}", server.host()),
            wait: Duration::from_secs(wait),
        }))
    };
    assert_eq!(second.next().await, waiting(60));
    let mut third = client.stream(question());
    assert_eq!(next(&mut third).await, waiting(120));
    drop(second);
    clock.advance(Duration::from_secs(60)).await;
    assert_eq!(
        next(&mut third).await,
        Some(Ok(ChatEvent::Resumed {
            waited: Duration::from_secs(60)
        }))
    );
    assert_eq!(told_of(&client, third).await.end, "stop 7+1");
    assert_eq!(server.requests().len(), 2);
}

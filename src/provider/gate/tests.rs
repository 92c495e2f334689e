use tokio::time::Instant;

use super::super::breaker::Outcome;
use super::*;
use crate::provider::{Quota, Said};

fn gate(quota: Quota) -> Gate {
    Gate::new(
        &Endpoint::new("http://127.0.0.1:1/v1", "m")
            .unwrap()
            .with_quota(quota),
    )
}

fn reply(tokens: Option<u64>, result: Result<u32, ProviderError>) -> Reply<u32> {
    Reply {
        limits: None,
        tokens,
        result,
    }
}

fn limited(gate: &Gate, retry_after: u64) -> ProviderError {
    ProviderError::RateLimited {
        asked: (*gate.asked).clone(),
        retry_after: Some(Duration::from_secs(retry_after)),
        said: Said::default(),
    }
}

fn failure(gate: &Gate) -> ProviderError {
    ProviderError::StreamCut {
        asked: (*gate.asked).clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_request_is_tried_until_it_succeeds_and_settled_with_what_it_used() {
    let gate = gate(Quota {
        rpm: None,
        tpm: Some(1_000),
    });
    let (start, mut told) = (Instant::now(), Vec::new());
    let sent = gate.run(
        400,
        Priority::Index,
        |event| told.push(event),
        |attempt| {
            let result = if attempt == 1 {
                Err(limited(&gate, 9))
            } else {
                Ok(attempt)
            };
            async move { reply(Some(150), result) }
        },
    );
    assert_eq!(sent.await, Ok(2));
    assert_eq!(start.elapsed(), Duration::from_secs(9));
    let [
        GateEvent::Retrying { wait, attempt: 2, .. },
        GateEvent::Resumed { .. },
    ] = told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(wait, Duration::from_secs(9));
    // The refused try keeps its estimate, which 9 s at 1,000 a minute have refilled by 150; the other used 150.
    let left = gate.limits().tokens.unwrap().remaining;
    assert_eq!(left, 1_000 - 400 + 150 - 150);
}

#[tokio::test(start_paused = true)]
async fn an_ask_that_trips_the_circuit_is_refused_like_those_after_it() {
    let gate = gate(Quota::default());
    let tries = std::cell::Cell::new(0);
    let ask = || {
        gate.run(
            1,
            Priority::Chat,
            |_| {},
            |_| {
                tries.set(tries.get() + 1);
                let failed = Err(failure(&gate));
                async { reply(None, failed) }
            },
        )
    };
    assert_eq!(ask().await, Err(failure(&gate)));
    assert_eq!(tries.get(), 4);
    let open = ProviderError::CircuitOpen {
        host: "127.0.0.1:1".to_owned(),
        retry_in: Duration::from_secs(15),
    };
    assert_eq!(ask().await, Err(open.clone()));
    assert_eq!(ask().await, Err(open));
    assert_eq!(tries.get(), 5, "the fifth failure in a row opened it");
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_hear_at_once_that_the_circuit_opened() {
    let gate = gate(Quota {
        rpm: Some(1),
        tpm: None,
    });
    let start = Instant::now();
    let ask = |gate: Gate| async move {
        let send = |_| async { reply(None, Ok(1)) };
        gate.run(1, Priority::Chat, |_| {}, send).await
    };
    assert_eq!(ask(gate.clone()).await, Ok(1));
    let waits = tokio::spawn(ask(gate.clone()));
    tokio::task::yield_now().await;
    assert_eq!(gate.limits().queued, Some(1));
    for _ in 0..5 {
        gate.breaker.enter().unwrap().record(Outcome::Failure);
    }
    let refused = waits.await.unwrap();
    assert!(
        matches!(refused, Err(ProviderError::CircuitOpen { .. })),
        "{refused:?}"
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(gate.limits().queued, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_tried_again_goes_before_those_that_came_after_it() {
    let gate = gate(Quota::default());
    let order = std::cell::RefCell::new(Vec::new());
    let ask = |name: &'static str, fails: bool| {
        let (gate, order) = (&gate, &order);
        gate.run(
            1,
            Priority::Chat,
            |_| {},
            move |attempt| {
                order.borrow_mut().push((name, attempt));
                let result = if fails && attempt == 1 {
                    Err(limited(gate, 3))
                } else {
                    Ok(1)
                };
                async { reply(None, result) }
            },
        )
    };
    let late = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ask("late", false).await
    };
    let (first, second) = tokio::join!(ask("first", true), late);
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(*order.borrow(), [("first", 1), ("first", 2), ("late", 1)]);
}

use futures::FutureExt as _;
use tokio::task::JoinSet;

use super::super::limits::Limit;
use super::core::{PACE, PROBE_PATIENCE};
use super::*;

fn limiter() -> Limiter {
    Limiter::new(Quota::default())
}

fn with_rpm(rpm: u32) -> Limiter {
    Limiter::new(Quota {
        rpm: Some(rpm),
        tpm: None,
    })
}

fn said(limit: u64, remaining: u64) -> Option<Limit> {
    Some(Limit {
        limit,
        remaining,
        ..Limit::default()
    })
}

fn requests(limit: u64, remaining: u64) -> Limits {
    Limits {
        requests: said(limit, remaining),
        ..Limits::default()
    }
}

fn tokens(limit: u64, remaining: u64) -> Limits {
    Limits {
        tokens: said(limit, remaining),
        ..Limits::default()
    }
}

/// A reservation that must be there at once, for a request that was sent.
fn at_once(limiter: &Limiter, tokens: u64) -> Reservation {
    let turn = limiter.turn(Priority::Chat);
    let reservation = limiter.reserve(tokens, turn).now_or_never().unwrap();
    reservation.sent();
    reservation
}

async fn sent(limiter: &Limiter, tokens: u64, priority: Priority) -> Reservation {
    let reservation = limiter.reserve(tokens, limiter.turn(priority)).await;
    reservation.sent();
    reservation
}

fn left(limiter: &Limiter) -> (Option<u64>, Option<u64>) {
    let state = limiter.state();
    (state.requests.remaining, state.tokens.remaining)
}

#[tokio::test(start_paused = true)]
async fn without_a_known_limit_nobody_waits() {
    let limiter = limiter();
    let all: Vec<_> = (0..1_000).map(|_| at_once(&limiter, 1_000_000)).collect();
    let state = limiter.state();
    assert_eq!((state.in_flight, state.queued), (1_000, 0));
    assert_eq!((state.next_slot, state.paused), (Duration::ZERO, None));
    assert_eq!(state.requests, LimitState::default());
    assert_eq!(limiter.max_tokens_per_request(), None);
    drop(all);
    assert_eq!(limiter.state().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_configured_rate_is_kept() {
    let (limiter, start) = (with_rpm(60), Instant::now());
    for n in 0..65u64 {
        sent(&limiter, 0, Priority::Chat).await.settle(None);
        assert_eq!(start.elapsed().as_secs(), n.saturating_sub(59), "request {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_is_followed_and_what_flies_is_left_out_of_it() {
    let limiter = limiter();
    let (first, second, third) = (at_once(&limiter, 0), at_once(&limiter, 0), at_once(&limiter, 0));
    second.answered(Some(&requests(60, 10)));
    assert_eq!(
        left(&limiter).0,
        Some(8),
        "neither the first nor the third is surely counted"
    );
    first.answered(Some(&requests(60, 11)));
    assert_eq!(left(&limiter).0, Some(8), "an overtaken report raises nothing");
    third.answered(Some(&requests(60, 3)));
    assert_eq!(left(&limiter).0, Some(3));
    let later = at_once(&limiter, 0);
    later.answered(Some(&requests(60, 40)));
    assert_eq!(
        left(&limiter).0,
        Some(40),
        "a report that is surely newer counts in full"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_before_it_is_sent_is_given_back_and_what_was_sent_stays_taken() {
    let limiter = Limiter::new(Quota {
        rpm: Some(10),
        tpm: Some(1_000),
    });
    let unsent = limiter
        .reserve(300, limiter.turn(Priority::Chat))
        .now_or_never()
        .unwrap();
    assert_eq!(left(&limiter), (Some(9), Some(700)));
    drop(unsent);
    assert_eq!(left(&limiter), (Some(10), Some(1_000)));
    drop(at_once(&limiter, 300));
    assert_eq!(left(&limiter), (Some(9), Some(700)));
}

#[tokio::test(start_paused = true)]
async fn settling_corrects_the_estimate_either_way() {
    let limiter = Limiter::new(Quota {
        rpm: None,
        tpm: Some(1_000),
    });
    at_once(&limiter, 500).settle(Some(100));
    assert_eq!(left(&limiter).1, Some(900));
    at_once(&limiter, 500).settle(Some(850));
    assert_eq!(left(&limiter).1, Some(50));
    at_once(&limiter, 50).settle(None);
    assert_eq!(left(&limiter).1, Some(0));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_has_accounted_for_is_not_given_back_on_top() {
    let limiter = limiter();
    let reservation = at_once(&limiter, 500);
    reservation.answered(Some(&tokens(1_000, 400)));
    reservation.settle(Some(100));
    assert_eq!(left(&limiter).1, Some(400));
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_the_bucket_takes_the_whole_bucket_and_goes() {
    let limiter = Limiter::new(Quota {
        rpm: None,
        tpm: Some(600),
    });
    assert_eq!(limiter.max_tokens_per_request(), Some(600));
    let start = Instant::now();
    sent(&limiter, 60, Priority::Chat).await.settle(None);
    sent(&limiter, 1_000_000, Priority::Chat).await.settle(Some(900));
    assert_eq!(start.elapsed(), Duration::from_secs(6), "the bucket had to fill");
    sent(&limiter, 10, Priority::Chat).await.settle(None);
    assert_eq!(
        start.elapsed(),
        Duration::from_secs(6 + 31),
        "what it used beyond is paid back"
    );
}

#[tokio::test(start_paused = true)]
async fn chat_goes_before_indexing_and_each_in_order() {
    let limiter = with_rpm(60);
    let _burst: Vec<_> = (0..60).map(|_| at_once(&limiter, 0)).collect();
    let mut waiting = JoinSet::new();
    for (name, priority) in [
        ("index 1", Priority::Index),
        ("index 2", Priority::Index),
        ("chat 1", Priority::Chat),
        ("chat 2", Priority::Chat),
    ] {
        let limiter = limiter.clone();
        let turn = limiter.turn(priority);
        waiting.spawn(async move {
            limiter.reserve(0, turn).await.sent();
            name
        });
    }
    let mut order = Vec::new();
    while let Some(name) = waiting.join_next().await {
        order.push(name.unwrap());
    }
    assert_eq!(order, ["chat 1", "chat 2", "index 1", "index 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_taken_again_goes_before_those_that_came_later() {
    let limiter = with_rpm(60);
    let early = limiter.turn(Priority::Chat);
    let _burst: Vec<_> = (0..60).map(|_| at_once(&limiter, 0)).collect();
    let mut late = Box::pin(limiter.reserve(0, limiter.turn(Priority::Chat)));
    assert!(futures::poll!(&mut late).is_pending());
    tokio::select! {
        _ = limiter.reserve(0, early) => {}
        _ = late => panic!("overtaken"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_frees_the_place() {
    let (limiter, start) = (with_rpm(60), Instant::now());
    let _burst: Vec<_> = (0..60).map(|_| at_once(&limiter, 0)).collect();
    let mut first = Box::pin(limiter.reserve(0, limiter.turn(Priority::Chat)));
    let second_turn = limiter.turn(Priority::Chat);
    let mut second = Box::pin(limiter.reserve(0, second_turn));
    assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
    assert_eq!(limiter.state().queued, 2);
    assert_eq!(limiter.wait_of(second_turn), Duration::from_secs(2));
    drop(first);
    assert_eq!(limiter.state().queued, 1);
    assert_eq!(limiter.wait_of(second_turn), Duration::from_secs(1));
    second.await.sent();
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert_eq!(limiter.state().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_everybody_and_ends_with_one_probe() {
    let (limiter, start) = (limiter(), Instant::now());
    limiter.pause_until(start + Duration::from_secs(9), "the server asked for it");
    limiter.pause_until(start + Duration::from_secs(3), "shorter");
    let paused = limiter.state().paused.unwrap();
    assert_eq!(
        (paused.wait.as_secs(), paused.why.as_str()),
        (9, "the server asked for it")
    );
    let mut waiting = JoinSet::new();
    for _ in 0..20 {
        let limiter = limiter.clone();
        waiting.spawn(async move { sent(&limiter, 0, Priority::Chat).await });
    }
    let probe = waiting.join_next().await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(9));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        waiting.try_join_next().is_none(),
        "nobody follows before the probe is through"
    );
    probe.accepted();
    for n in 1..20 {
        drop(waiting.join_next().await.unwrap().unwrap());
        assert_eq!(start.elapsed(), Duration::from_secs(11) + PACE * n);
    }
    at_once(&limiter, 0).settle(None);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_makes_the_next_one_the_probe() {
    let (limiter, start) = (limiter(), Instant::now());
    limiter.pause_until(start + Duration::from_secs(1), "");
    let probe = sent(&limiter, 0, Priority::Chat).await;
    let mut next = Box::pin(sent(&limiter, 0, Priority::Chat));
    assert!(futures::poll!(&mut next).is_pending());
    drop(probe);
    let probe = next.await;
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    limiter.pause_until(Instant::now() + Duration::from_secs(5), "again");
    drop(probe);
    let _probe = sent(&limiter, 0, Priority::Chat).await;
    assert_eq!(start.elapsed(), Duration::from_secs(6), "a new pause is kept");
    let _next = sent(&limiter, 0, Priority::Chat).await;
    assert_eq!(
        start.elapsed(),
        Duration::from_secs(6) + PROBE_PATIENCE,
        "a slow probe does not hold the rest for ever"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_is_told_of_each_change() {
    let limiter = with_rpm(60);
    let mut watch = limiter.watch();
    assert_eq!(watch.borrow_and_update().in_flight, 0);
    let reservation = at_once(&limiter, 0);
    watch.changed().await.unwrap();
    assert_eq!(watch.borrow_and_update().in_flight, 1);
    reservation.settle(None);
    watch.changed().await.unwrap();
    assert_eq!(watch.borrow().in_flight, 0);
}

/// A server with a bucket of its own, which refuses what does not fit.
struct Server {
    level: f64,
    at: Instant,
}

impl Server {
    const LIMIT: u64 = 30;

    fn asked(&mut self, now: Instant) -> Result<u64, ()> {
        let rate = Self::LIMIT as f64 / 60.0;
        self.level = (self.level + (now - self.at).as_secs_f64() * rate).min(Self::LIMIT as f64);
        self.at = now;
        if self.level < 1.0 {
            return Err(());
        }
        self.level -= 1.0;
        Ok(self.level as u64)
    }
}

#[tokio::test(start_paused = true)]
async fn many_at_once_with_answers_out_of_order_are_never_refused() {
    let limiter = limiter();
    let server = Arc::new(Mutex::new(Server {
        level: Server::LIMIT as f64,
        at: Instant::now(),
    }));
    let start = Instant::now();
    // The first answer tells the limit.
    let ask = |n: u64| {
        let (limiter, server) = (limiter.clone(), Arc::clone(&server));
        async move {
            let reservation = sent(&limiter, 0, Priority::Chat).await;
            tokio::time::sleep(Duration::from_millis(n * 37 % 90)).await;
            let remaining = server.lock().unwrap().asked(Instant::now());
            tokio::time::sleep(Duration::from_millis(n * 53 % 110)).await;
            reservation.answered(remaining.ok().map(|left| requests(Server::LIMIT, left)).as_ref());
            reservation.settle(None);
            remaining.is_err()
        }
    };
    assert!(!ask(0).await);
    let mut asking = JoinSet::new();
    for n in 0..100 {
        asking.spawn(ask(n));
    }
    let refused = asking
        .join_all()
        .await
        .into_iter()
        .filter(|refused| *refused)
        .count();
    assert_eq!(refused, 0);
    let least = Duration::from_secs(2 * (101 - Server::LIMIT));
    assert!(
        start.elapsed() >= least && start.elapsed() < least + Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
}

//! A real Redis server that comes and goes.

use std::time::{Duration, Instant};

use defi_qa::cache::{Cache, Changes, Disk, Provenance, Redis, RedisAddress, Tier, TierState};

use super::support::redis_server::Server;
use super::*;

/// The longest that a test waits for a server or for a state.
const DEADLINE: Duration = Duration::from_secs(20);

const TTL: Duration = Duration::from_secs(600);

fn connect(url: &str) -> Redis {
    Redis::connect(RedisAddress::parse(url).unwrap(), TTL)
}

fn cache(server: &Server) -> Cache {
    Cache::with_capacity(1 << 20).with_redis(connect(&server.url()))
}

/// Asks and says which tier served, `None` for a load.
async fn ask(cache: &Cache, text: &str) -> Option<Tier> {
    let load = async { Ok::<_, String>(vector(text)) };
    let cached = cache.get_or_load(&wanted(text), load).await.unwrap();
    assert_eq!(cached.value, vector(text));
    match cached.provenance {
        Provenance::Hit { tier, .. } => Some(tier),
        _ => None,
    }
}

/// Waits until the shared tier is in a state.
async fn until(cache: &Cache, changes: &mut Changes, state: impl Fn(&TierState) -> bool) {
    let wait = async {
        while !state(&cache.stats().redis.unwrap().state) {
            changes.next().await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap();
}

fn is_down(state: &TierState) -> bool {
    matches!(state, TierState::Down { .. })
}

#[tokio::test]
async fn what_one_program_loaded_another_gets_from_the_server() {
    let home = Home::new();
    let Some(server) = Server::start(home.0.path(), None).await else {
        return;
    };
    let first = cache(&server);
    assert_eq!(ask(&first, "a").await, None);
    first.flush().await.unwrap();
    let second = cache(&server).with_disk(Disk::open(home.database()));
    assert_eq!(ask(&second, "a").await, Some(Tier::Redis));
    assert_eq!(ask(&second, "a").await, Some(Tier::Memory));
    second.flush().await.unwrap();
    let stats = second.stats();
    assert_eq!((stats.redis.unwrap().hits, stats.loads), (1, 0));
    // What the server had is on disk now: it may go.
    assert_eq!(home.store().entries().unwrap(), 1);

    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await;
    assert_eq!(keys, [format!("defi-qa:v1:{}", wanted("a").key)]);
    let ttl: u64 = server.ask(&["TTL", &keys[0]]).await;
    assert!((TTL.as_secs() - 60..=TTL.as_secs()).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn a_value_that_was_changed_or_is_of_another_type_is_a_miss_and_mended() {
    let home = Home::new();
    let Some(server) = Server::start(home.0.path(), None).await else {
        return;
    };
    let first = cache(&server);
    for text in ["a", "b", "c"] {
        ask(&first, text).await;
    }
    first.flush().await.unwrap();
    let name = |text: &str| format!("defi-qa:v1:{}", wanted(text).key);
    let () = server.ask(&["SETRANGE", &name("a"), "700", "x"]).await;
    let () = server.ask(&["APPEND", &name("b"), "more"]).await;
    let () = server.ask(&["DEL", &name("c")]).await;
    let () = server.ask(&["LPUSH", &name("c"), "item"]).await;

    let second = cache(&server);
    for text in ["a", "b", "c"] {
        assert_eq!(ask(&second, text).await, None, "{text}");
    }
    second.flush().await.unwrap();
    let stats = second.stats().redis.unwrap();
    assert_eq!(
        (stats.corrupt, stats.errors, &stats.state),
        (2, 1, &TierState::Up)
    );
    let third = cache(&server);
    for text in ["a", "b", "c"] {
        assert_eq!(ask(&third, text).await, Some(Tier::Redis), "{text}");
    }
}

#[tokio::test]
async fn a_server_killed_and_started_again_in_mid_run_costs_no_answer() {
    let home = Home::new();
    let Some(mut server) = Server::start(home.0.path(), None).await else {
        return;
    };
    let cache = cache(&server).with_disk(Disk::open(home.database()));
    let mut changes = cache.changes();
    for n in 0..50 {
        assert_eq!(ask(&cache, &format!("before {n}")).await, None);
    }
    assert_eq!(cache.stats().redis.unwrap().state, TierState::Up);

    server.kill();
    let begun = Instant::now();
    for n in 0..50 {
        assert_eq!(ask(&cache, &format!("while it is away {n}")).await, None);
    }
    // One bounded wait at most, then the tier is passed over.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    until(&cache, &mut changes, is_down).await;

    let again = Server::start(home.0.path(), Some(server.port)).await.unwrap();
    until(&cache, &mut changes, |state| *state == TierState::Up).await;
    assert_eq!(ask(&cache, "after").await, None);
    cache.flush().await.unwrap();
    let found: u64 = again
        .ask(&["EXISTS", &format!("defi-qa:v1:{}", wanted("after").key)])
        .await;
    assert_eq!(found, 1);
    // The disk has everything, whatever the server missed.
    assert_eq!(home.store().entries().unwrap(), 101);
}

#[tokio::test]
async fn a_server_that_wants_a_password_is_down_and_the_password_nowhere() {
    let home = Home::new();
    let Some(server) = Server::start(home.0.path(), None).await else {
        return;
    };
    let () = server.ask(&["CONFIG", "SET", "requirepass", "right"]).await;
    let url = format!("redis://:wr0ng-s3cret@127.0.0.1:{}", server.port);
    let redis = connect(&url);
    let TierState::Down { why, .. } = redis.settled().await else {
        panic!("not down");
    };
    assert_eq!(why, "it refused the password");

    let mut program = home.program(&["cache", "stats"]);
    let output = program.env("DEFI_QA_REDIS_URL", &url).output().unwrap();
    assert!(
        stdout(&output).contains("redis  down: it refused the password"),
        "{}",
        stdout(&output)
    );
    assert!(!(stdout(&output) + &stderr(&output)).contains("s3cret"));
}

#[tokio::test]
async fn the_program_uses_the_server_and_answers_without_it() {
    let home = Home::new();
    let Some(mut server) = Server::start(home.0.path(), None).await else {
        return;
    };
    let url = server.url();
    let asks = |home: &Home| {
        let mut program = home.program(&["ask", "--json", "What is impermanent loss?"]);
        let output = program.env("DEFI_QA_REDIS_URL", &url).output().unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let stages = object(&output)["stages"].clone();
        let embed = stages
            .as_array()
            .unwrap()
            .iter()
            .find(|stage| stage["name"] == "embed");
        embed.unwrap()["cache"].as_str().map(str::to_owned)
    };
    assert_eq!(asks(&home), None);
    // Another machine, so to speak: it shares the server and not the disk.
    assert_eq!(asks(&Home::new()).as_deref(), Some("redis"));
    server.kill();
    assert_eq!(asks(&home).as_deref(), Some("disk"));
    let output = home
        .program(&["ask", "q"])
        .env("DEFI_QA_REDIS_URL", "no address with s3cret")
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("`cache.redis_url` cannot be used"),
        "{}",
        stderr(&output)
    );
    assert!(!stderr(&output).contains("s3cret"));
}

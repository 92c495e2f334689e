//! An endpoint on loopback that answers and embeds, limits, refuses or fails, to look at what the application makes of it.
//!
//! ```sh
//! cargo run --example endpoint -- limited     # also: busy, down, faults; it says its address
//! defi-qa --chat openai:demo --base-url http://127.0.0.1:PORT/v1
//! defi-qa --dataset FILE --embedder openai:demo --base-url http://127.0.0.1:PORT/v1 index   # then the same without `index`
//! ```
//! `limited` reports its limits and answers word by word, `busy` refuses every second request with 429 and asks for four
//! seconds, `down` fails with 503 every time, `faults` refuses once, answers once, and is down from then on. It ends with the program that started it, or at Ctrl-C.
#![allow(clippy::print_stdout, reason = "an example reports by printing")]

#[allow(
    dead_code,
    unreachable_pub,
    reason = "it is written for the tests; this uses a part"
)]
#[path = "../tests/support/fake_provider.rs"]
mod fake_provider;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "it is written for the tests; this uses a part"
)]
#[path = "../tests/support/fake_embeddings.rs"]
mod fake_embeddings;

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fake_provider::{DONE, FakeProvider, Recorded, Reply, finish, token, usage};

const WORD: Duration = Duration::from_millis(40);
const ANSWER: &str = "Impermanent loss is what a liquidity provider loses against **simply holding** the two tokens, \
    before fees [1]. For a price ratio r it is `2 * sqrt(r) / (1 + r) - 1`: a token that doubles costs 5.7 % [3].";

/// Numbers in a vector.
const DIMENSION: usize = 64;

/// Requests and tokens a minute.
const LIMITS: (u64, u64) = (60, 20_000);

fn main() -> Result<(), Box<dyn Error>> {
    let manner = std::env::args().nth(1).unwrap_or_else(|| "limited".to_owned());
    let manner: fn(&Recorded, u64) -> Reply = match manner.as_str() {
        "limited" => limited,
        "busy" => |request, n| {
            if n % 2 == 1 {
                refused(n)
            } else {
                limited(request, n)
            }
        },
        "down" => |_, _| down(),
        "faults" => |request, n| match n {
            0 => refused(n),
            1 => limited(request, n),
            _ => down(),
        },
        other => return Err(format!("{other} is no manner: say limited, busy, down or faults").into()),
    };
    let asked = AtomicU64::new(0);
    let server =
        FakeProvider::answering(move |request| manner(request, asked.fetch_add(1, Ordering::SeqCst)));
    println!("{}", server.base_url());
    loop {
        std::thread::park();
    }
}

fn down() -> Reply {
    Reply::error(503, "overloaded", "the model is overloaded")
}

fn refused(asked: u64) -> Reply {
    let refusal = Reply::error(429, "rate_limit_exceeded", "too many requests");
    reporting(refusal.header("retry-after", "4"), asked)
}

fn limited(request: &Recorded, asked: u64) -> Reply {
    if request.body.get("input").is_some() {
        return reporting(fake_embeddings::answer(request, DIMENSION), asked);
    }
    let mut reply = reporting(Reply::stream([token("")]), asked);
    for word in ANSWER.split_inclusive(' ') {
        reply = reply.pause(WORD).piece(token(word));
    }
    reply.piece(finish("stop")).piece(usage(1_204, 93)).piece(DONE)
}

/// With the limits as they stand after so many requests before this one.
fn reporting(mut reply: Reply, asked: u64) -> Reply {
    let asked = asked + 1;
    for (name, limit, used) in [
        ("requests", LIMITS.0, asked * 7),
        ("tokens", LIMITS.1, asked * 1_297),
    ] {
        let used = used.min(limit);
        let reset = format!("{}s", (used * 60).div_ceil(limit));
        for (what, figure) in [
            ("limit", limit.to_string()),
            ("remaining", (limit - used).to_string()),
            ("reset", reset),
        ] {
            reply = reply.header(&format!("x-ratelimit-{what}-{name}"), &figure);
        }
    }
    reply
}

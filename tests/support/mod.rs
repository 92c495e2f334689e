//! What several integration tests share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test binary compiles all of it and uses a part"
)]

pub mod fake_embeddings;
pub mod fake_provider;
pub mod redis_server;

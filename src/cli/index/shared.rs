//! The shared tier as indexing uses it: what others have embedded is not paid for again, and what is embedded here is theirs.

use std::io::{Write as _, stderr};

use futures::StreamExt as _;
use futures::stream;

use crate::cache::{PAIR, Redis, Row, TierState, Wanted};
use crate::cli::{Failure, parts};
use crate::config::Config;
use crate::embedding::ModelId;
use crate::text;

/// Lookups under way at once: one connection carries them all, so this hides the way there and back.
const AT_ONCE: usize = 128;

/// The shared tier, if one is configured and answers. One that does not is passed over, which is said.
///
/// # Errors
/// When its address is none.
pub(super) async fn connected(config: &Config) -> Result<Option<Redis>, Failure> {
    let Some((address, ttl)) = parts::shared_tier(config)? else {
        return Ok(None);
    };
    let redis = Redis::connect(address, ttl);
    match redis.settled().await {
        TierState::Down { why, .. } | TierState::Off { why } => {
            let line = format!("the shared cache is passed over: {why}");
            writeln!(stderr(), "defi-qa: {}", text::sanitize_line(&line))?;
            Ok(None)
        }
        TierState::Up | TierState::Opening => Ok(Some(redis)),
    }
}

/// The rows of texts that the shared tier has, by their places among the texts.
pub(super) async fn rows(
    redis: &Redis,
    model: &ModelId,
    texts: &[String],
    places: &[usize],
) -> Vec<(usize, Row)> {
    stream::iter(places)
        .map(|place| async move {
            let wanted = Wanted::new(&model.name, model.dimension, PAIR, texts.get(*place)?);
            Some((*place, redis.get(&wanted).await?))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|found| async { found })
        .collect()
        .await
}

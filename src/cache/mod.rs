//! What was seen before: vectors by what they were made from.

mod key;
mod memory;

pub use key::CacheKey;
pub use memory::{CacheStats, Cached, Provenance, Tier, VectorCache};

//! What was seen before: vectors and answers by what they were made from, in memory, on a Redis server, on disk.

mod disk;
mod key;
mod memory;
mod redis;
mod row;
mod stats;
mod tier;
mod tiers;
mod transfer;
mod value;

pub use disk::{BadRow, Disk, DiskError, Looked, ModelCount, Store};
pub use key::{CacheKey, PAIR, QUERY, Wanted};
pub use redis::{NotAnAddress, Redis, RedisAddress};
pub use row::{Row, RowFault};
pub use stats::{CacheStats, TierState, TierStats};
pub use tier::{Cached, Provenance, Tier};
pub use tiers::{Cache, Changes};
pub use transfer::{Exported, Refused, RefusedWhy, TransferError, export, import};
pub use value::{Answer, Tokens, Value};

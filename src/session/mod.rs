//! What is kept: every question with its answer, its evidence and how it went, in one SQLite file that all processes of
//! a user share.
//!
//! [`Store`] is the file with calls that block. [`Keeper`] is the same for async code: one thread owns the connection,
//! folds the events of every run as the screen does, and writes what it knows when a run starts, every
//! [`EVERY`](checkpoint) while it streams, and when it ends. What is read back is the [`Exchange`](crate::agent::event::Exchange)
//! that the screen showed.

mod checkpoint;
mod date;
mod error;
pub mod export;
mod keeper;
mod kept;
mod prune;
mod retold;
mod run;
mod said;
mod schema;
mod search;
mod store;
mod writer;

pub use date::Utc;
pub use error::SessionError;
pub use keeper::{Change, Into, Keeper, News, Wish};
pub use kept::Kept;
pub use prune::Pruned;
pub use run::Run;
pub use said::Said;
pub use search::{Found, Place, Snippet};
pub use store::{Store, Summary};

/// Identifies a session, for ever: the number of one that was pruned is not given again.
pub type SessionId = i64;

#[cfg(test)]
mod tests;

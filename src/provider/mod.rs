//! The only door to the network.

mod limits;

pub use limits::{Limit, Limits};

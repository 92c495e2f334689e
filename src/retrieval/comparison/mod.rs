//! The retrieval lab: one query through several retrievers, their rankings joined by document, and how far they agree.
//!
//! ```text
//! "hybrid(w=0.7)" ─► Retriever ─┐
//! Corpus + vectors ─► Lab ──────┼─► Workbench::compare ─► Comparison { columns, rows }
//! text + vectors ─► Query ──────┘        └─ keeps what the searches found: a changed weight only ranks again
//! ```
//! Nothing here embeds, reads a file or looks at a clock: who calls brings the vectors and the clock.

mod agreement;
mod error;
mod joined;
mod lab;
mod preset;
mod retriever;
mod spec;
mod workbench;

pub use agreement::{Agreement, PERSISTENCE, kendall_tau_b, rank_biased_overlap, weight_of_first};
pub use error::CompareError;
pub use joined::{Cell, Column, Comparison, Row, StageTime, Times};
pub use lab::{Lab, Query};
pub use preset::Preset;
pub use retriever::{EmbedderName, Parameter, Retriever};
pub use spec::SpecError;
pub use workbench::Workbench;

/// Retrievers that stand side by side.
pub const COLUMNS: std::ops::RangeInclusive<usize> = 2..=4;

#[cfg(test)]
mod tests;

//! tui

pub mod markdown;
pub mod pace;
pub mod terminal;
pub mod wrap;

//! defi-qa: ask a DeFi question in the terminal, watch the answer stream in beside its evidence.

pub mod agent;
pub mod app;
pub mod cache;
pub mod cli;
pub mod config;
pub mod dataset;
pub mod embedding;
pub mod provider;
pub mod retrieval;
pub mod text;
pub mod tui;

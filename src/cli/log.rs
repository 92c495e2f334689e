//! The log file: what happened, never what was asked or answered.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::provider::LOG_FILTER;

/// Starts logging to a file, by `DEFI_QA_LOG` (as in `debug` or `defi_qa=trace`) or at `info`.
///
/// # Errors
/// When the file cannot be written or the filter not be read.
pub(super) fn start(path: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| {
            Failure::usage(format!(
                "the log file {} could not be opened ({error}): name another with --log-file",
                path.display()
            ))
        })?;
    let level = std::env::var("DEFI_QA_LOG").unwrap_or_else(|_| "info".to_owned());
    // The directive that keeps prompts and answers out comes last, so that no wish of the user's overrides it.
    let filter = EnvFilter::try_new(format!("{level},{LOG_FILTER}")).map_err(|error| {
        Failure::usage(format!(
            "DEFI_QA_LOG is {level:?}, which is no log filter ({error}): write info or debug"
        ))
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .finish();
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| Failure::other(format!("starting the log failed: {error}")))
}

//! Flags to configuration to one command; one sentence for what went wrong; the exit code of the contract.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use defi_qa::cli::{self, Args};

fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        // A report without colours is a report still.
        let _ = writeln!(std::io::stderr(), "defi-qa: error reports will be plain: {error}");
    }
    match cli::run(Args::parse()) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let message = defi_qa::text::sanitize_line(&failure.message).into_owned();
            let _ = writeln!(std::io::stderr(), "defi-qa: {message}");
            ExitCode::from(failure.code())
        }
    }
}

//! Completions and the manual page, made from the command line itself.

use std::io::{Write as _, stdout};

use clap::CommandFactory as _;

use super::{Args, Exit, Failure};

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "defi-qa", &mut script);
    stdout().write_all(&script)?;
    Ok(Exit::Success)
}

pub(super) fn man() -> Result<Exit, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page)?;
    stdout().write_all(&page)?;
    Ok(Exit::Success)
}

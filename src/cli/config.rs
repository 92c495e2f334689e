//! `config`: where every value comes from.

use std::fs;
use std::io::{ErrorKind, Write as _, stdout};

use super::args::ConfigCommand;
use super::{Exit, Failure};
use crate::config::{Config, Flags, SAMPLE, standard_path};

pub(super) fn run(command: &ConfigCommand, flags: &Flags) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Show => show(flags),
        ConfigCommand::Path => {
            writeln!(stdout(), "{}", path(flags)?.display())?;
            Ok(Exit::Success)
        }
        ConfigCommand::Init => init(flags),
    }
}

fn path(flags: &Flags) -> Result<std::path::PathBuf, Failure> {
    flags.config.clone().or_else(standard_path).ok_or_else(|| {
        Failure::other("this system names no folder for configuration: name a file with --config")
    })
}

fn show(flags: &Flags) -> Result<Exit, Failure> {
    let config = Config::load(flags, &|name| std::env::var(name).ok())?;
    let mut out = stdout().lock();
    match &config.file {
        Some(file) => writeln!(out, "# file: {}", file.display())?,
        None => writeln!(out, "# file: none")?,
    }
    for (key, value, origin) in config.rows() {
        writeln!(out, "{key:24} {value:32} {origin}")?;
    }
    Ok(Exit::Success)
}

fn init(flags: &Flags) -> Result<Exit, Failure> {
    let path = path(flags)?;
    let failed = |error: std::io::Error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => "it exists already, and was left as it is".to_owned(),
            _ => error.to_string(),
        };
        Failure::other(format!(
            "writing the configuration file {} failed: {why}",
            path.display()
        ))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(failed)?;
    file.write_all(SAMPLE.as_bytes()).map_err(failed)?;
    writeln!(stdout(), "{}", path.display())?;
    Ok(Exit::Success)
}

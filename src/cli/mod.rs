//! What can be asked of it: one file a command. Each builds its parts, hands them over, and says how it ended.

mod args;
mod ask;
mod bench;
mod beside;
mod cache;
mod chat;
mod chats;
mod compare;
mod config;
mod corpus;
mod dataset;
mod disputed;
mod draft;
mod embedder;
mod eval;
mod exit;
mod export;
mod index;
mod lab;
mod loads;
mod log;
mod manual;
mod parts;
mod print;
mod record;
mod replay;
mod search;
mod sessions;

pub use args::{Args, Command};
pub use exit::{Exit, Failure};

use crate::config::Config;

/// Runs one command.
///
/// # Errors
/// A [`Failure`] is one sentence for the user and the exit code that goes with it.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let flags = args.global.flags();
    let record = args.global.record.as_deref();
    if record.is_some() && !matches!(args.command, None | Some(Command::Ask(_) | Command::Compare(_))) {
        return Err(Failure::usage(
            "--record keeps what the application, `ask` and `compare` do, and this command does something else: leave it out",
        ));
    }
    let resumed = match (args.go_on, args.resume) {
        (false, None) => None,
        (_, id) if args.command.is_none() => Some(id),
        _ => {
            return Err(Failure::usage(
                "--continue and --resume open the application, and a command does something else: leave one out",
            ));
        }
    };
    match args.command {
        // These must work with a broken configuration: they are how it is mended.
        Some(Command::Completions { shell }) => manual::completions(shell),
        Some(Command::Man) => manual::man(),
        Some(Command::Config(command)) => config::run(&command, &flags),
        other => {
            let config = Config::load(&flags, &|name| std::env::var(name).ok())?;
            log::start(config.log_file.value.as_deref())?;
            match other {
                None => chat::run(&config, record, resumed, None),
                Some(Command::Sessions(command)) => sessions::run(&config, &command),
                Some(Command::Ask(what)) => ask::run(&config, what, record),
                Some(Command::Replay(what)) => replay::run(&config, &what),
                Some(Command::Search(what)) => search::run(&config, &what),
                Some(Command::Compare(what)) => compare::run(&config, &what, record),
                Some(Command::Eval(what)) => eval::run(&config, &what),
                Some(Command::Index(what)) => index::run(&config, &what),
                Some(Command::Cache(command)) => cache::run(&config, &command),
                Some(Command::Dataset(command)) => dataset::run(command, &config),
                Some(Command::Completions { .. } | Command::Man | Command::Config(_)) => Ok(Exit::Success),
            }
        }
    }
}

/// The runtime of a command.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("starting the async runtime failed: {error}")))
}

//! The command line. Its names are a contract: scripts stand on them.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Parser, Subcommand, ValueEnum, ValueHint};

use super::eval::Floor;
use crate::agent::event::SideSpec;
use crate::config::{ChatApi, ChatChoice, EmbedderChoice, Flags, Theme};
use crate::dataset::Half;
use crate::retrieval::comparison::{Preset, Retriever};
use crate::session::SessionId;

/// Ask DeFi questions and see each answer beside its evidence. Without a command: the terminal application.
#[derive(Debug, Parser)]
#[command(name = "defi-qa", version, max_term_width = 100)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    /// Go on in the session that was asked in last
    #[arg(long = "continue", short = 'c')]
    pub go_on: bool,
    /// Go on in this session: a number of `defi-qa sessions list`
    #[arg(long, value_name = "ID", conflicts_with = "go_on")]
    pub resume: Option<SessionId>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Open no socket, ever
    #[arg(long, global = true)]
    pub offline: bool,
    /// The data set: a .json, .jsonl or .csv file or a folder of them [default: the bundled set]
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub dataset: Option<PathBuf>,
    /// Who turns text into vectors: `local` or `openai:MODEL`
    #[arg(long, global = true, value_name = "MODEL")]
    pub embedder: Option<EmbedderChoice>,
    /// Who writes the answer: `extractive` or `openai:MODEL`
    #[arg(long, global = true, value_name = "MODEL")]
    pub chat: Option<ChatChoice>,
    /// Over which interface a chat model is asked [default: completions]
    #[arg(long, global = true, value_enum, value_name = "API")]
    pub chat_api: Option<ChatApi>,
    /// An OpenAI-compatible endpoint
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    pub base_url: Option<String>,
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Write a log to this file
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log_file: Option<PathBuf>,
    /// Keep everything that happens in this new file, for `replay`: the application, `ask` and `compare`
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,
    /// The screen's colours
    #[arg(long, global = true, value_enum)]
    pub theme: Option<Theme>,
    /// Keep neither the questions nor the answers
    #[arg(long, global = true)]
    pub no_history: bool,
}

impl Global {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            offline: self.offline,
            dataset: self.dataset.clone(),
            embedder: self.embedder.clone(),
            chat: self.chat.clone(),
            chat_api: self.chat_api,
            base_url: self.base_url.clone(),
            log_file: self.log_file.clone(),
            theme: self.theme,
            no_history: self.no_history,
        }
    }
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer one question, or a file of them
    Ask(Ask),
    /// Show the ranked evidence for a query, without an answer
    Search(Search),
    /// Rank by two to four retrievers and show them side by side
    Compare(Compare),
    /// Measure what is found and what is declined, on judged questions
    Eval(Eval),
    /// Show recorded runs again, with no network and no model
    Replay(Replay),
    /// Compute the vectors of a data set ahead of time
    Index(Index),
    /// Look at a data set
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Look at the cached vectors and answers, check them, move them
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Look at what was asked before
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions for a shell
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, clap::Args)]
pub struct Ask {
    /// The question; `-` reads it from standard input
    #[arg(required_unless_present = "batch")]
    pub question: Option<String>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "events")]
    pub json: bool,
    /// Print the event stream, one JSON object a line
    #[arg(long)]
    pub events: bool,
    /// Ask the model although the same answer is kept; the new one takes its place
    #[arg(long)]
    pub fresh: bool,
    /// Answer twice from the same evidence and show both: who answers beside the configured one, such as
    /// `gpt-4o-mini(temperature=0.2,max_tokens=300)` or `extractive`; given twice, these two
    #[arg(long, value_name = "WHO", conflicts_with = "batch")]
    pub beside: Vec<SideSpec>,
    /// Answer every line of a JSON Lines file of `{"id", "question"}`, `-` for standard input: one JSON object a line,
    /// in the order of the file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["question", "events"], value_hint = ValueHint::FilePath)]
    pub batch: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Replay {
    /// Recordings, one after the other; `-` for standard input
    #[arg(required_unless_present = "demo", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// The recordings that are in the program: a real run, one full of faults, a comparison of retrievers
    #[arg(long, conflicts_with = "files")]
    pub demo: bool,
    /// How many times as fast as it happened, 0.1 to 1000
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Show the end at once
    #[arg(long, conflicts_with = "speed")]
    pub instant: bool,
    /// Print one JSON object a run, as `ask --json` does
    #[arg(long, conflicts_with = "events")]
    pub json: bool,
    /// Print the events, one JSON object a line, as `ask --events` does
    #[arg(long)]
    pub events: bool,
    /// Print questions, answers and evidence as text
    #[arg(long, conflicts_with_all = ["json", "events"])]
    pub text: bool,
}

#[derive(Debug, clap::Args)]
pub struct Search {
    /// The query; `-` reads it from standard input
    pub query: String,
    /// What ranks: `hybrid`, `dense`, `lexical` or `rrf`, with parameters as in `hybrid(w=0.7,k=10)` [default: of the
    /// configuration]
    #[arg(long, value_name = "RETRIEVER")]
    pub retriever: Option<Retriever>,
    /// How many hits [default: of the configuration]
    #[arg(short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub k: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Compare {
    /// The query; `-` reads it from standard input
    #[arg(required_unless_present = "set")]
    pub query: Option<String>,
    /// Open the application on a file of judged questions such as data/eval/development.jsonl: the ones that the retrievers
    /// dispute most first, Enter opens one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["query", "json"], value_hint = ValueHint::FilePath)]
    pub set: Option<PathBuf>,
    /// A retriever such as `dense` or `hybrid(w=0.7,unit=question,embedder=openai:MODEL)`; give two to four, the first is
    /// what the others are compared with [default: hybrid, dense, lexical]
    #[arg(long, value_name = "RETRIEVER", conflicts_with = "preset")]
    pub retriever: Vec<Retriever>,
    /// Retrievers that show one thing
    #[arg(long, value_name = "NAME", value_parser = preset())]
    pub preset: Option<String>,
    /// How many hits of each retriever that names no `k` itself [default: 10]
    #[arg(short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub k: Option<u64>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "events")]
    pub json: bool,
    /// Print the event that a recording of it has, one JSON object a line
    #[arg(long)]
    pub events: bool,
}

/// The presets by name, each with what it shows.
fn preset() -> PossibleValuesParser {
    Preset::ALL
        .map(|preset| PossibleValue::new(preset.name()).help(preset.shows()))
        .into()
}

#[derive(Debug, clap::Args)]
pub struct Eval {
    /// A JSON Lines file of judged questions, such as data/eval/development.jsonl or, with what was asked before each,
    /// data/eval/follow_ups.jsonl; or a folder in BEIR form (corpus.jsonl,
    /// queries.jsonl, qrels/*.tsv)
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: PathBuf,
    /// Only the questions of this half of a file: `tuning` or `held-out`
    #[arg(long, value_name = "HALF", value_parser = half)]
    pub half: Option<Half>,
    /// The judgements of a folder [default: test, or the only ones]
    #[arg(long, value_name = "NAME")]
    pub split: Option<String>,
    /// What ranks, such as `hybrid` or `hybrid(w=0.7)`; can be given again: the others are compared with the first
    /// [default: of the configuration]
    #[arg(long, value_name = "RETRIEVER")]
    pub retriever: Vec<Retriever>,
    /// Answer and decline as while the embedder's endpoint does not answer and no other model knows the data set; for a file
    #[arg(long, conflicts_with_all = ["retriever", "by_disagreement"])]
    pub words_only: bool,
    /// Print the queries on which the retrievers disagree most, this many
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    pub by_disagreement: Option<usize>,
    /// Print every question that went wrong, and what was found; for one retriever on a file
    #[arg(long, conflicts_with = "json")]
    pub wrong: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 when a metric of the first retriever over all questions is below this, such as `nDCG@10=0.70`; can be
    /// given again
    #[arg(long, value_name = "METRIC=FLOOR")]
    pub fail_under: Vec<Floor>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: Option<f64> = text.parse().ok();
    speed
        .filter(|speed| (0.1..=1000.0).contains(speed))
        .ok_or_else(|| "use a number from 0.1 to 1000".to_owned())
}

fn half(name: &str) -> Result<Half, String> {
    let found = [Half::Tuning, Half::HeldOut]
        .into_iter()
        .find(|half| half.name() == name);
    found.ok_or_else(|| "use `tuning` or `held-out`".to_owned())
}

#[derive(Debug, clap::Args)]
pub struct Index {
    /// Where the vectors are written [default: where the data set is looked for when it is opened]
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Where the word index is written, if it is wanted
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub words: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// Check every pair; exits with 1 when there is an error
    Validate {
        /// The file or folder [default: the data set in use]
        #[arg(value_hint = ValueHint::AnyPath)]
        path: Option<PathBuf>,
        /// Also check the house style of the bundled set: lengths, sources, worked examples
        #[arg(long)]
        strict: bool,
    },
    /// Count pairs by topic and level
    Stats {
        /// The file or folder [default: the data set in use]
        #[arg(value_hint = ValueHint::AnyPath)]
        path: Option<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Count the vectors and answers on disk by model, and say whether the shared tier answers
    Stats {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Read every row on disk and name the bad ones; exits with 1 when there is one
    Verify {
        /// Delete the bad rows
        #[arg(long)]
        repair: bool,
    },
    /// Delete what is on disk; what is in a shared tier is others' too and goes when its time has come
    Clear {
        /// Only those of this model
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
    /// Write all rows on disk to one file that another machine can import
    Export {
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Take over the rows of an export, or of an .embeddings file of the Python program
    Import {
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// Name the sessions, the newest first
    List {
        /// Those that were deleted and not pruned
        #[arg(long)]
        deleted: bool,
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Find the exchanges whose question, answer or evidence has all words of the query, the best first
    Search {
        /// Words that all occur; the last may be the beginning of one
        query: String,
        /// How many
        #[arg(short, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
        k: u16,
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Print a session
    Show {
        /// Its number, as `sessions list` shows it
        id: SessionId,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write a session as a Markdown document, as a JSON object, or as a recording that `replay` plays
    Export {
        /// Its number, as `sessions list` shows it
        id: SessionId,
        /// What to write
        #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
        format: Format,
        /// The same as `--format json`
        #[arg(long)]
        json: bool,
        /// Where to [default: standard output]; a file that is there is replaced
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
        /// To the terminal's clipboard
        #[arg(long, conflicts_with = "output")]
        clipboard: bool,
    },
    /// Give a session a name; an empty one takes its name away
    Rename {
        /// Its number, as `sessions list` shows it
        id: SessionId,
        /// The name
        name: String,
    },
    /// Put a session out of every list; `restore` takes that back until `prune`
    Delete {
        /// Its number, as `sessions list` shows it
        id: SessionId,
    },
    /// Take a deletion back
    Restore {
        /// Its number, as it was when it was deleted
        id: SessionId,
    },
    /// Take deleted sessions away for good
    Prune {
        /// Also those that were last asked in more than so many days ago
        #[arg(long, value_name = "DAYS")]
        older_than: Option<u32>,
        /// Only say how many there are
        #[arg(long)]
        dry_run: bool,
    },
}

/// What a session is exported as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A document for people, with numbered sources
    #[default]
    Markdown,
    /// An object for programs
    Json,
    /// What happened, with its timing
    Recording,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every value and where it came from
    Show,
    /// Print where the configuration file is looked for
    Path,
    /// Write a configuration file with every key at its default
    Init,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_question_or_a_batch_is_asked_not_both() {
        assert!(Args::try_parse_from(["defi-qa", "ask"]).is_err());
        assert!(Args::try_parse_from(["defi-qa", "ask", "q", "--batch", "f"]).is_err());
        assert!(Args::try_parse_from(["defi-qa", "ask", "q", "--json", "--events"]).is_err());
        assert!(Args::try_parse_from(["defi-qa", "ask", "--batch", "f"]).is_ok());
    }
}

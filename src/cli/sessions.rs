//! `sessions`: what was asked before; and the keeper that `ask` and the application hand their events to.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::path::PathBuf;
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use serde::Serialize;

use super::args::{Format, SessionsCommand};
use super::record::redactor;
use super::{Exit, Failure, export};
use crate::agent::event::Exchange;
use crate::app::sessions::{Match, Row, Told};
use crate::config::Config;
use crate::session::{
    Change, Found, Into, Keeper, News, Place, Pruned, SessionError, SessionId, Store, Summary, Utc,
};
use crate::text;

/// The longest that the end of the program waits for the newest exchange to be written.
const CLOSE: Duration = Duration::from_secs(2);

/// Exchanges of a resumed session that the application shows: more than a person scrolls back through.
const RESUMED: usize = 200;

/// Where sessions are kept: in the platform's folder for the state of programs.
fn path() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "defi-qa")?;
    let state = folders.state_dir().unwrap_or_else(|| folders.data_local_dir());
    Some(state.join("sessions.sqlite"))
}

/// What keeps the events of runs; nothing when nothing is to be kept, or the platform names no folder for it. `tell` is
/// handed what comes of wishes.
pub(super) fn keeper(config: &Config, into: Into, tell: impl FnMut(News) + Send + 'static) -> Option<Keeper> {
    let path = path().filter(|_| config.keep_sessions.value)?;
    Some(Keeper::open(path, into, redactor(config), tell))
}

/// Waits a moment for what is not written yet, and says what could not be kept.
pub(super) async fn close(keeper: Option<Keeper>) {
    let Some(keeper) = keeper else { return };
    let trouble = match tokio::time::timeout(CLOSE, keeper.close()).await {
        Ok(trouble) => trouble,
        Err(_) => Some("the disk took too long".to_owned()),
    };
    if let Some(why) = trouble {
        // The answer has been given, and stands whether or not this can be said.
        let _ = writeln!(
            stderr(),
            "defi-qa: not everything was kept: {}",
            text::sanitize_line(&why)
        );
    }
}

/// The session to go on in, the last one when none is named, and its newest exchanges.
///
/// # Errors
/// When there is none, it was deleted, or it cannot be read.
pub(super) fn resumed(config: &Config, id: Option<SessionId>) -> Result<(SessionId, Vec<Exchange>), Failure> {
    let store = store(config)?;
    let session = match id {
        Some(id) => store.summary(id)?,
        None => store.last()?,
    };
    if session.deleted_ms.is_some() {
        return Err(SessionError::Deleted(session.id).into());
    }
    let kept = store.exchanges(session.id, RESUMED)?;
    let exchanges = kept.into_iter().map(|kept| kept.exchange).collect();
    Ok((session.id, exchanges))
}

/// What the store says, as the application shows it.
pub(super) fn told(news: News) -> Told {
    match news {
        News::Found {
            ticket,
            current,
            sessions,
        } => Told::Found {
            ticket,
            rows: sessions
                .into_iter()
                .map(|(session, found)| Row {
                    current: current == Some(session.id),
                    ..row(session, found)
                })
                .collect(),
        },
        News::Opened { session, kept } => Told::Opened {
            row: row(session, None),
            exchanges: kept.into_iter().map(|kept| kept.exchange).collect(),
        },
        News::Changed { session, change } => {
            let title = session.title().to_owned();
            match change {
                Change::Rename(_) => Told::Renamed { title },
                Change::Delete => Told::Deleted {
                    id: session.id,
                    title,
                },
                Change::Restore => Told::Restored { title },
            }
        }
        News::Trouble(why) => Told::Trouble(why),
    }
}

fn row(session: Summary, found: Option<Found>) -> Row {
    Row {
        id: session.id,
        title: session.title().to_owned(),
        when: Utc(session.updated_ms).minute(),
        exchanges: session.exchanges,
        found: found.map(|found| Match {
            parts: found.snippet.parts,
            in_evidence: found.place == Place::Evidence,
        }),
        name: session.name,
        current: false,
    }
}

fn store(config: &Config) -> Result<Store, Failure> {
    let path = path().ok_or_else(|| {
        Failure::other(
            "this system names no folder for the state of programs, so no session is kept: set HOME",
        )
    })?;
    let store = Store::open(&path, redactor(config))?;
    if let Some(aside) = &store.moved_aside {
        writeln!(
            stderr(),
            "defi-qa: {} was no database; it is now {}, and the session store begins anew",
            path.display(),
            aside.display()
        )?;
    }
    Ok(store)
}

pub(super) fn run(config: &Config, command: &SessionsCommand) -> Result<Exit, Failure> {
    let mut store = store(config)?;
    let mut out = stdout().lock();
    match command {
        SessionsCommand::List { deleted, json } => {
            let sessions = store.list(*deleted, usize::MAX >> 1)?;
            if *json {
                object(&sessions.iter().map(listed).collect::<Vec<_>>())?;
            } else {
                for session in &sessions {
                    writeln!(out, "{}", line(session))?;
                }
            }
        }
        SessionsCommand::Search { query, k, json } => {
            let found = store.search(query, usize::from(*k))?;
            if *json {
                object(&found.iter().map(hit).collect::<Vec<_>>())?;
            } else {
                for found in &found {
                    write!(out, "{}", shown(found))?;
                }
            }
        }
        SessionsCommand::Show { id, json } => {
            let format = if *json { Format::Json } else { Format::Markdown };
            write!(out, "{}", document(&store, *id, format)?)?;
        }
        SessionsCommand::Export {
            id,
            format,
            json,
            output,
            clipboard,
        } => {
            if *clipboard && !out.is_terminal() {
                return Err(Failure::usage(
                    "--clipboard speaks to the terminal, and standard output is none: leave it out",
                ));
            }
            let document = document(&store, *id, if *json { Format::Json } else { *format })?;
            match output {
                Some(file) => crate::whole_file::write(file, document.as_bytes()).map_err(|error| {
                    Failure::other(format!(
                        "writing the export {} failed ({error}): name another file",
                        file.display()
                    ))
                })?,
                None if *clipboard => {
                    crossterm::execute!(out, CopyToClipboard::to_clipboard_from(document))?;
                }
                None => write!(out, "{document}")?,
            }
        }
        SessionsCommand::Rename { id, name } => store.rename(*id, &text::sanitize_line(name))?,
        SessionsCommand::Delete { id } => {
            store.delete(*id)?;
            writeln!(out, "deleted; `defi-qa sessions restore {id}` takes it back")?;
        }
        SessionsCommand::Restore { id } => store.restore(*id)?,
        SessionsCommand::Prune { older_than, dry_run } => {
            let before = older_than.map(|days| {
                let span = Duration::from_secs(u64::from(days) * 86_400).as_millis();
                crate::clock::now_ms().saturating_sub(u64::try_from(span).unwrap_or(u64::MAX))
            });
            let Pruned { sessions, exchanges } = store.prune(before, *dry_run)?;
            let done = if *dry_run { "would be pruned" } else { "pruned" };
            writeln!(out, "{sessions} sessions with {exchanges} exchanges {done}")?;
        }
    }
    Ok(Exit::Success)
}

fn document(store: &Store, id: SessionId, format: Format) -> Result<String, Failure> {
    let session = store.summary(id)?;
    export::text(format, &session, store.runs(id)?)
}

fn object(value: &impl Serialize) -> Result<(), Failure> {
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn listed(session: &Summary) -> serde_json::Value {
    serde_json::json!({
        "id": session.id,
        "name": session.name,
        "title": session.title(),
        "exchanges": session.exchanges,
        "created_at": Utc(session.created_ms).to_string(),
        "updated_at": Utc(session.updated_ms).to_string(),
        "deleted_at": session.deleted_ms.map(|at| Utc(at).to_string()),
    })
}

/// A row of `sessions list`: id, when it was last asked in, how many exchanges, what it is called.
fn line(session: &Summary) -> String {
    let title = text::sanitize_line(session.title()).into_owned();
    format!(
        "{:>5}  {}  {:>5}  {}",
        session.id,
        Utc(session.updated_ms).minute(),
        session.exchanges,
        text::truncate(&title, 80)
    )
}

fn hit(found: &Found) -> serde_json::Value {
    let snippet: String = found
        .snippet
        .parts
        .iter()
        .map(|(part, _)| part.as_str())
        .collect();
    serde_json::json!({
        "exchange": found.exchange,
        "session": found.session,
        "title": found.title,
        "asked_at": Utc(found.asked_ms).to_string(),
        "question": found.question,
        "in": match found.place {
            Place::Exchange => "exchange",
            Place::Evidence => "evidence",
        },
        "snippet": snippet,
    })
}

/// What was found as a person reads it, the words of the query between asterisks.
fn shown(found: &Found) -> String {
    let snippet: String = found
        .snippet
        .parts
        .iter()
        .map(|(part, hit)| if *hit { format!("*{part}*") } else { part.clone() })
        .collect();
    let question = text::sanitize_line(&found.question).into_owned();
    let place = match found.place {
        Place::Exchange => "",
        Place::Evidence => "evidence: ",
    };
    format!(
        "{:>5}  {}  {}\n       {place}{}\n",
        found.session,
        Utc(found.asked_ms).minute(),
        text::truncate(&question, 80),
        text::sanitize_line(&snippet)
    )
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Absent(_)
            | SessionError::Deleted(_)
            | SessionError::NotDeleted(_)
            | SessionError::None => Self::usage(error.to_string()),
            _ => Self::other(error.to_string()),
        }
    }
}

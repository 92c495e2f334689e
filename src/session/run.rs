//! An exchange as it went: what its run said, each at its time.

use rusqlite::{Transaction, params};

use super::error::SessionError;
use super::kept::{Kept, text};
use super::store::Store;
use super::{SessionId, retold, said};
use crate::agent::event::{AgentEvent, Event, RunId, VERSION};

/// An exchange with the events of its run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub kept: Kept,
    /// They fold to the exchange; each has the number of the run within its session, from 1.
    pub events: Vec<Event>,
    /// Whether the events are those that were said. An exchange of an older version has none, and is told again by what
    /// became of it.
    pub as_said: bool,
}

impl Run {
    fn of(kept: Kept, run: RunId, lines: &str) -> Self {
        let mut events = said::events(lines, run, &kept.exchange);
        let as_said = matches!(
            events.first(),
            Some(Event {
                what: AgentEvent::Started { .. },
                ..
            })
        );
        if !as_said {
            events = retold::events(run, &kept.exchange);
        } else if !events.iter().any(|event| event.what.ends_run()) {
            // It was cut off, and is shown as what it then is.
            let at_ms = kept.exchange.at_ms;
            events.extend(retold::end(&kept.exchange).map(|what| Event {
                v: VERSION,
                run,
                at_ms,
                what,
            }));
        }
        Self {
            kept,
            events,
            as_said,
        }
    }
}

impl Store {
    /// All exchanges of a session in the order in which they were asked, each with what it said and when.
    pub fn runs(&self, session: SessionId) -> Result<Vec<Run>, SessionError> {
        let kept = self.exchanges(session, usize::MAX >> 1)?;
        let runs = kept.into_iter().zip(1..).map(|(kept, number)| {
            let lines = self.lines(kept.id)?;
            Ok(Run::of(kept, RunId(number), &lines))
        });
        let runs: rusqlite::Result<Vec<Run>> = runs.collect();
        runs.map_err(|why| self.failed("reading from", why))
    }

    fn lines(&self, exchange: i64) -> rusqlite::Result<String> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT lines FROM said WHERE exchange = ?1 ORDER BY piece")?;
        let pieces = statement.query_map([exchange], |row| text(row, 0))?;
        pieces.collect()
    }
}

/// Adds to what an exchange said.
pub(super) fn put_lines(transaction: &Transaction<'_>, exchange: i64, lines: &str) -> rusqlite::Result<()> {
    if !lines.is_empty() {
        transaction
            .prepare_cached(
                "INSERT INTO said (exchange, piece, lines) VALUES \
                 (?1, (SELECT 1 + coalesce(max(piece), 0) FROM said WHERE exchange = ?1), ?2)",
            )?
            .execute(params![exchange, lines])?;
    }
    Ok(())
}

//! The rows of the session store: what is done with them, one call after the other, blocking.

use std::path::{Path, PathBuf};

use rusqlite::{
    Connection, OptionalExtension as _, Row, ToSql, Transaction, TransactionBehavior, params,
    params_from_iter,
};

use super::SessionId;
use super::error::SessionError;
use super::kept::{Columns, Kept, Parts, optional, signed, text, unsigned};
use super::run::put_lines;
use super::said::Said;
use super::schema::KIND;
use crate::agent::event::{Exchange, Hit};
use crate::clock::now_ms;
use crate::sqlite;
use crate::text::Redactor;

/// The database file of what is kept. Several processes may have it open at once. Every call blocks.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
    redactor: Redactor,
    /// Where a file went that stood in the place and was no database.
    pub moved_aside: Option<PathBuf>,
}

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub id: SessionId,
    /// The name that the user gave it.
    pub name: Option<String>,
    /// The first question, which stands for the name where there is none.
    pub first_question: String,
    pub exchanges: u64,
    /// These three in milliseconds since 1970.
    pub created_ms: u64,
    pub updated_ms: u64,
    pub deleted_ms: Option<u64>,
}

impl Summary {
    /// What it is called: its name, else its first question.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.first_question)
    }
}

pub(super) const SUMMARY: &str = "SELECT id, name, \
     (SELECT question FROM exchange WHERE session = session.id ORDER BY id LIMIT 1), \
     (SELECT count(*) FROM exchange WHERE session = session.id), \
     created_ms, updated_ms, deleted_ms FROM session";

impl Store {
    /// Opens the file, and makes it when it is not there. What `redactor` knows is written nowhere.
    ///
    /// # Errors
    /// When it cannot be opened, belongs to another program or to a newer version of this one. A file that is no
    /// database is moved aside instead.
    pub fn open(path: &Path, redactor: Redactor) -> Result<Self, SessionError> {
        let (connection, moved_aside) = sqlite::open(&KIND, path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            redactor,
            moved_aside,
        })
    }

    /// Makes a session.
    pub fn create(&mut self, name: Option<&str>) -> Result<SessionId, SessionError> {
        let now = signed(now_ms());
        self.connection
            .execute(
                "INSERT INTO session (name, created_ms, updated_ms) VALUES (?1, ?2, ?2)",
                params![name, now],
            )
            .map_err(|why| self.failed("writing to", why))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// The newest session of this name, made when there is none.
    pub fn named(&mut self, name: &str) -> Result<SessionId, SessionError> {
        let found = self
            .connection
            .query_row(
                "SELECT id FROM session WHERE name = ?1 AND deleted_ms IS NULL ORDER BY updated_ms DESC",
                [name],
                |row| row.get(0),
            )
            .optional()
            .map_err(|why| self.failed("reading from", why))?;
        match found {
            Some(id) => Ok(id),
            None => self.create(Some(name)),
        }
    }

    /// What a run says, to be handed to [`Store::add`] and [`Store::save`].
    pub fn said(&self) -> Said {
        Said::new(self.redactor.clone())
    }

    /// Writes a new exchange at the end of a session, as far as it is known, with what was said since.
    pub fn add(
        &mut self,
        session: SessionId,
        asked_ms: u64,
        exchange: &Exchange,
        said: &mut Said,
    ) -> Result<i64, SessionError> {
        let columns = Columns::of(exchange, &self.redactor);
        let hits = self.parts(exchange);
        let lines = said.lines();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let asked = signed(asked_ms);
            let first: [&dyn ToSql; 2] = [&session, &asked];
            let names = Columns::NAMES.join(", ");
            let marks = ", ?".repeat(Columns::NAMES.len());
            transaction
                .prepare_cached(&format!(
                    "INSERT INTO exchange (session, asked_ms, {names}) VALUES (?, ?{marks})"
                ))?
                .execute(params_from_iter(first.into_iter().chain(columns.values())))?;
            let id = transaction.last_insert_rowid();
            put_evidence(&transaction, id, &hits)?;
            put_lines(&transaction, id, lines)?;
            transaction
                .prepare_cached("UPDATE session SET updated_ms = max(updated_ms, ?2) WHERE id = ?1")?
                .execute(params![session, asked])?;
            transaction.commit()?;
            Ok(id)
        };
        let id = write(&mut self.connection).map_err(|why| self.failed("writing to", why))?;
        said.written();
        Ok(id)
    }

    /// Writes what is known by now of an exchange that was added, with what was said since; its evidence only when
    /// `with_evidence`.
    pub fn save(
        &mut self,
        id: i64,
        exchange: &Exchange,
        with_evidence: bool,
        said: &mut Said,
    ) -> Result<(), SessionError> {
        let columns = Columns::of(exchange, &self.redactor);
        let hits = if with_evidence {
            self.parts(exchange)
        } else {
            Vec::new()
        };
        let lines = said.lines();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sets = Columns::NAMES.map(|name| format!("{name} = ?")).join(", ");
            let last: [&dyn ToSql; 1] = [&id];
            transaction
                .prepare_cached(&format!("UPDATE exchange SET {sets} WHERE id = ?"))?
                .execute(params_from_iter(columns.values().into_iter().chain(last)))?;
            if with_evidence {
                put_evidence(&transaction, id, &hits)?;
            }
            put_lines(&transaction, id, lines)?;
            transaction.commit()
        };
        write(&mut self.connection).map_err(|why| self.failed("writing to", why))?;
        said.written();
        Ok(())
    }

    fn parts(&self, exchange: &Exchange) -> Vec<Parts> {
        let hits = exchange.hits.iter();
        hits.map(|hit| Parts::of(hit, &self.redactor)).collect()
    }

    /// The newest sessions first, at most so many; with `deleted` those that were deleted and not pruned, else those
    /// that were not.
    pub fn list(&self, deleted: bool, most: usize) -> Result<Vec<Summary>, SessionError> {
        let query = || {
            let mut statement = self.connection.prepare_cached(&format!(
                "{SUMMARY} WHERE (deleted_ms IS NOT NULL) = ?1 ORDER BY updated_ms DESC, id DESC LIMIT ?2"
            ))?;
            let found = statement.query_map(params![deleted, signed(most as u64)], summary)?;
            found.collect::<rusqlite::Result<Vec<_>>>()
        };
        query().map_err(|why| self.failed("reading from", why))
    }

    /// One session, deleted or not.
    ///
    /// # Errors
    /// When there is none of this id, or it cannot be read.
    pub fn summary(&self, id: SessionId) -> Result<Summary, SessionError> {
        let found = self
            .connection
            .prepare_cached(&format!("{SUMMARY} WHERE id = ?1"))
            .and_then(|mut statement| statement.query_row([id], summary).optional());
        found
            .map_err(|why| self.failed("reading from", why))?
            .ok_or(SessionError::Absent(id))
    }

    /// The session that was asked in last.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn last(&self) -> Result<Summary, SessionError> {
        self.list(false, 1)?.pop().ok_or(SessionError::None)
    }

    /// The newest exchanges of a session, at most so many, in the order in which they were asked.
    pub fn exchanges(&self, session: SessionId, most: usize) -> Result<Vec<Kept>, SessionError> {
        let query = || {
            let mut statement = self.connection.prepare_cached(&format!(
                "SELECT {} FROM exchange WHERE session = ?1 ORDER BY id DESC LIMIT ?2",
                Kept::COLUMNS
            ))?;
            let found = statement.query_map(params![session, signed(most as u64)], Kept::read)?;
            let mut kept = found.collect::<rusqlite::Result<Vec<_>>>()?;
            kept.reverse();
            for kept in &mut kept {
                kept.exchange.hits = self.evidence(kept.id)?;
            }
            Ok(kept)
        };
        query().map_err(|why| self.failed("reading from", why))
    }

    fn evidence(&self, exchange: i64) -> rusqlite::Result<Vec<Hit>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT question, answer, rest, scores FROM evidence JOIN pair ON pair.id = pair \
             WHERE exchange = ?1 ORDER BY rank",
        )?;
        let parts = statement.query_map([exchange], |row| {
            Ok(Parts {
                question: text(row, 0)?,
                answer: text(row, 1)?,
                rest: text(row, 2)?,
                scores: text(row, 3)?,
            })
        })?;
        parts
            .filter_map(|parts| parts.map(Parts::joined).transpose())
            .collect()
    }

    /// Gives a session a name; a blank one takes its name away.
    pub fn rename(&mut self, id: SessionId, name: &str) -> Result<(), SessionError> {
        let name = self.redactor.clean(name.trim()).into_owned();
        let name = Some(name).filter(|name| !name.is_empty());
        self.change(
            "UPDATE session SET name = ?2 WHERE id = ?1",
            params![id, name],
            id,
        )
    }

    /// Puts a session out of every list, until it is restored or pruned.
    pub fn delete(&mut self, id: SessionId) -> Result<(), SessionError> {
        if self.summary(id)?.deleted_ms.is_some() {
            return Err(SessionError::Deleted(id));
        }
        let now = signed(now_ms());
        self.change(
            "UPDATE session SET deleted_ms = ?2 WHERE id = ?1",
            params![id, now],
            id,
        )
    }

    /// Takes a deletion back.
    pub fn restore(&mut self, id: SessionId) -> Result<(), SessionError> {
        if self.summary(id)?.deleted_ms.is_none() {
            return Err(SessionError::NotDeleted(id));
        }
        self.change(
            "UPDATE session SET deleted_ms = NULL WHERE id = ?1",
            params![id],
            id,
        )
    }

    fn change(
        &mut self,
        act: &str,
        values: impl rusqlite::Params,
        id: SessionId,
    ) -> Result<(), SessionError> {
        let changed = self.connection.execute(act, values);
        match changed.map_err(|why| self.failed("writing to", why))? {
            0 => Err(SessionError::Absent(id)),
            _ => Ok(()),
        }
    }

    pub(super) fn failed(&self, act: &'static str, why: rusqlite::Error) -> SessionError {
        SessionError::Query {
            act,
            path: self.path.clone(),
            why,
        }
    }
}

fn put_evidence(transaction: &Transaction<'_>, exchange: i64, hits: &[Parts]) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM evidence WHERE exchange = ?1")?
        .execute([exchange])?;
    for (index, parts) in hits.iter().enumerate() {
        let digest = parts.digest();
        transaction
            .prepare_cached(
                "INSERT INTO pair (digest, question, answer, rest) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                &digest.as_bytes()[..],
                parts.question,
                parts.answer,
                parts.rest
            ])?;
        transaction
            .prepare_cached(
                "INSERT INTO evidence (exchange, rank, pair, scores) \
                 VALUES (?1, ?2, (SELECT id FROM pair WHERE digest = ?3), ?4)",
            )?
            .execute(params![
                exchange,
                signed(index as u64 + 1),
                &digest.as_bytes()[..],
                parts.scores
            ])?;
    }
    Ok(())
}

pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    Ok(Summary {
        id: row.get(0)?,
        name: optional(row, 1)?,
        first_question: optional(row, 2)?.unwrap_or_default(),
        exchanges: unsigned(row.get(3)?),
        created_ms: unsigned(row.get(4)?),
        updated_ms: unsigned(row.get(5)?),
        deleted_ms: row.get::<_, Option<i64>>(6)?.map(unsigned),
    })
}

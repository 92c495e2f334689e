//! Full-text search over what was asked, answered and shown as evidence.
//!
//! First come the exchanges whose question or answer has all words of the query, by BM25 with a question's words
//! counting four times an answer's; then those that only showed a pair that has them. Each word also finds the words that
//! begin with it, so that a search goes on while its last word is being typed.

use std::collections::HashSet;

use rusqlite::{Row, params};

use super::SessionId;
use super::error::SessionError;
use super::kept::{optional, signed, text, unsigned};
use super::store::{SUMMARY, Store, Summary, summary};

/// BM25 is worked out for the newest so many exchanges that match, so that the work for a word that is everywhere does not
/// grow with every exchange: one in 35,000 of 100,000 takes 16 ms (`cargo bench --bench sessions`).
const RANKED: i64 = 4_000;

/// Pairs whose exchanges are looked up, the best first.
const PAIRS: i64 = 20;

/// Exchanges that a list of sessions is made from, the best first: each has its snippet made, and the list must be there
/// within 50 ms of a key.
const LISTED: usize = 100;

/// More of a query than a person searches for is a paste.
const WORDS: usize = 16;
const LONGEST_WORD: usize = 64;

/// What stands around a word that was found, in the snippets that SQLite makes; no text that is shown has them.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

/// An exchange that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub exchange: i64,
    pub session: SessionId,
    /// What the session is called.
    pub title: String,
    /// Milliseconds since 1970.
    pub asked_ms: u64,
    pub question: String,
    pub place: Place,
    pub snippet: Snippet,
}

/// Where a query was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the question or the answer.
    Exchange,
    /// In a pair that was shown beside it.
    Evidence,
}

/// A piece of a text around what was found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The text in order, and whether a part is what was found.
    pub parts: Vec<(String, bool)>,
}

impl Snippet {
    fn of(marked: &str) -> Self {
        let mut parts = Vec::new();
        let mut push = |text: &str, found: bool| {
            let text: String = text.chars().filter(|c| *c != OPEN && *c != CLOSE).collect();
            if !text.is_empty() {
                parts.push((text, found));
            }
        };
        let mut rest = marked;
        while let Some((before, found)) = rest.split_once(OPEN) {
            let (found, after) = found.split_once(CLOSE).unwrap_or((found, ""));
            push(before, false);
            push(found, true);
            rest = after;
        }
        push(rest, false);
        Self { parts }
    }
}

/// The query in the words of FTS5, every word quoted, so that none of them is an operator; `None` when there is no word
/// in it.
fn expression(query: &str) -> Option<String> {
    let mut words: Vec<&str> = query
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(WORDS)
        .collect();
    // A word of which one letter is typed must not empty the list that the words before it found.
    let begun = |word: &&str| word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    if words.len() > 1 && words.last().is_some_and(begun) {
        words.pop();
    }
    let quoted: Vec<String> = words
        .into_iter()
        .map(|word| {
            let word: String = word.chars().filter(|c| *c != '"').take(LONGEST_WORD).collect();
            let quote = |word: &str| format!("\"{word}\"");
            match word.chars().count() {
                // Half of all words begin with any one letter.
                0..=1 => quote(&word),
                4.. if word.ends_with('s') && !word.ends_with("ss") => {
                    // "pools" also finds the pool, which the beginning of it does not.
                    format!("({}* OR {}*)", quote(&word), quote(&word[..word.len() - 1]))
                }
                _ => format!("{}*", quote(&word)),
            }
        })
        .collect();
    (!quoted.is_empty()).then(|| quoted.join(" AND "))
}

impl Store {
    /// The exchanges of sessions that are not deleted which have all words of the query, the best first, at most so
    /// many. A query without a word finds nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn search(&self, query: &str, most: usize) -> Result<Vec<Found>, SessionError> {
        let Some(expression) = expression(query) else {
            return Ok(Vec::new());
        };
        let search = || {
            let mut found = self.in_exchanges(&expression, most)?;
            if found.len() < most {
                let known: HashSet<i64> = found.iter().map(|found| found.exchange).collect();
                let room = most - found.len();
                let more = self.in_evidence(&expression, most)?;
                let new = more.into_iter().filter(|found| !known.contains(&found.exchange));
                found.extend(new.take(room));
            }
            Ok(found)
        };
        search().map_err(|why| self.failed("searching", why))
    }

    /// The sessions that are not deleted and whose name has the query in it, then those that [`Store::search`] finds, each
    /// with the best of what was found in it; the newest sessions when the query is blank. At most so many.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find(&self, query: &str, most: usize) -> Result<Vec<(Summary, Option<Found>)>, SessionError> {
        let query = query.trim();
        if query.is_empty() {
            let newest = self.list(false, most)?;
            return Ok(newest.into_iter().map(|session| (session, None)).collect());
        }
        let mut hits: Vec<Found> = Vec::new();
        let mut seen = HashSet::new();
        for found in self.search(query, most.min(LISTED))? {
            if seen.insert(found.session) {
                hits.push(found);
            }
        }
        let mut sessions: Vec<(Summary, Option<Found>)> = Vec::new();
        for session in self.of_name(query, most)? {
            let hit = hits.iter().position(|found| found.session == session.id);
            let hit = hit.map(|at| hits.remove(at));
            sessions.push((session, hit));
        }
        for found in hits {
            if sessions.len() == most {
                break;
            }
            sessions.push((self.summary(found.session)?, Some(found)));
        }
        Ok(sessions)
    }

    /// The newest sessions that the user gave a name with this in it, capital letters or not.
    fn of_name(&self, part: &str, most: usize) -> Result<Vec<Summary>, SessionError> {
        let query = || {
            let mut statement = self.connection.prepare_cached(&format!(
                "{SUMMARY} WHERE deleted_ms IS NULL AND instr(lower(name), lower(?1)) > 0 \
                 ORDER BY updated_ms DESC, id DESC LIMIT ?2"
            ))?;
            let found = statement.query_map(params![part, signed(most as u64)], summary)?;
            found.collect::<rusqlite::Result<Vec<_>>>()
        };
        query().map_err(|why| self.failed("searching", why))
    }

    fn in_exchanges(&self, expression: &str, most: usize) -> rusqlite::Result<Vec<Found>> {
        // The oldest of the newest that match: from it on they are ranked.
        let first: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT min(rowid) FROM (SELECT rowid FROM exchange_words WHERE exchange_words MATCH ?1 \
                 ORDER BY rowid DESC LIMIT ?2)",
            )?
            .query_row(params![expression, RANKED], |row| row.get(0))?;
        let Some(first) = first else {
            return Ok(Vec::new());
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT found.id, session.id, coalesce(session.name, \
                (SELECT question FROM exchange WHERE session = session.id ORDER BY id LIMIT 1)), \
                asked_ms, exchange.question, found.snippet \
             FROM (SELECT rowid AS id, bm25(exchange_words, 4.0, 1.0) AS score, \
                       snippet(exchange_words, -1, char(1), char(2), '…', 16) AS snippet \
                   FROM exchange_words WHERE exchange_words MATCH ?1 AND rowid >= ?2 \
                   AND (SELECT deleted_ms IS NULL FROM session WHERE id = \
                       (SELECT session FROM exchange WHERE exchange.id = exchange_words.rowid)) \
                   ORDER BY score LIMIT ?3) AS found \
             JOIN exchange ON exchange.id = found.id JOIN session ON session.id = exchange.session \
             ORDER BY found.score, found.id DESC",
        )?;
        let rows = statement.query_map(params![expression, first, signed(most as u64)], |row| {
            found(row, Place::Exchange)
        })?;
        rows.collect()
    }

    fn in_evidence(&self, expression: &str, most: usize) -> rusqlite::Result<Vec<Found>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT exchange.id, session.id, coalesce(session.name, \
                (SELECT question FROM exchange WHERE session = session.id ORDER BY id LIMIT 1)), \
                asked_ms, exchange.question, snippet \
             FROM (SELECT rowid AS pair, bm25(pair_words, 4.0, 1.0) AS score, \
                       snippet(pair_words, -1, char(1), char(2), '…', 16) AS snippet \
                   FROM pair_words WHERE pair_words MATCH ?1 ORDER BY score LIMIT ?3) AS found \
             JOIN exchange ON exchange.id IN \
                 (SELECT exchange FROM evidence WHERE evidence.pair = found.pair ORDER BY exchange DESC LIMIT ?2) \
             JOIN session ON session.id = exchange.session AND deleted_ms IS NULL \
             ORDER BY score, exchange.id DESC",
        )?;
        let rows = statement.query_map(params![expression, signed(most as u64), PAIRS], |row| {
            found(row, Place::Evidence)
        })?;
        let mut seen = HashSet::new();
        let mut first_of_each = Vec::new();
        for row in rows {
            let row = row?;
            if seen.insert(row.exchange) {
                first_of_each.push(row);
            }
        }
        Ok(first_of_each)
    }
}

fn found(row: &Row<'_>, place: Place) -> rusqlite::Result<Found> {
    Ok(Found {
        exchange: row.get(0)?,
        session: row.get(1)?,
        title: optional(row, 2)?.unwrap_or_default(),
        asked_ms: unsigned(row.get(3)?),
        question: text(row, 4)?,
        place,
        snippet: Snippet::of(&text(row, 5)?),
    })
}

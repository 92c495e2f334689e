//! The rows of the disk tier: what is done with them, one call after the other, blocking.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::error::DiskError;
use super::schema::KIND;
use crate::cache::CacheKey;
use crate::cache::row::{Row, RowFault, Sealed};
use crate::sqlite;

/// The database file of the disk tier. Several processes may have it open at once. Every call blocks.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
    /// Where a file went that stood in the place and was no database.
    pub moved_aside: Option<PathBuf>,
}

/// What a key led to.
#[derive(Clone, Debug, PartialEq)]
pub enum Looked {
    Hit(Row),
    Miss,
    /// Something is there and cannot be trusted; the next write of the key replaces it.
    Corrupt(RowFault),
}

/// A row that cannot be trusted, by its key as it is written there.
#[derive(Clone, Debug, PartialEq)]
pub struct BadRow {
    pub key: String,
    pub fault: RowFault,
}

impl Store {
    /// Opens the file, and makes it when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened, belongs to another program or to a newer version of this one. A file that is no
    /// database is moved aside instead.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        let (connection, moved_aside) = sqlite::open(&KIND, path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            moved_aside,
        })
    }

    /// One more connection to the same file, for reading beside a writer.
    pub(super) fn again(&self) -> Result<Self, DiskError> {
        Ok(Self {
            connection: sqlite::again(&KIND, &self.path)?,
            path: self.path.clone(),
            moved_aside: None,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The row of a key.
    pub fn get(&self, key: &CacheKey) -> Result<Looked, DiskError> {
        let sealed = self
            .connection
            .prepare_cached("SELECT key, kind, model, dimension, stored_at, checksum, value, took FROM entry WHERE key = ?1")
            .and_then(|mut statement| statement.query_row([key.as_str()], sealed).optional())
            .map_err(|why| self.failed("reading from", why))?;
        Ok(match sealed.map(|sealed| sealed.open()) {
            None => Looked::Miss,
            Some(Ok(row)) => Looked::Hit(row),
            Some(Err(fault)) => Looked::Corrupt(fault),
        })
    }

    /// Writes rows in one transaction: when this returns, all of them outlive the process. A row with a key that is
    /// there takes its place.
    pub fn put<'a>(&mut self, rows: impl IntoIterator<Item = &'a Row>) -> Result<(), DiskError> {
        let put = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut statement = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO entry (key, kind, model, dimension, stored_at, checksum, value, took) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?;
                for row in rows {
                    let sealed = row.seal();
                    statement.execute(params![
                        sealed.key,
                        sealed.kind,
                        sealed.model,
                        signed(sealed.dimension),
                        signed(sealed.stored_at_ms),
                        sealed.checksum,
                        sealed.value,
                        sealed.took_ms.map(signed),
                    ])?;
                }
            }
            transaction.commit()
        };
        put(&mut self.connection).map_err(|why| self.failed("writing to", why))
    }

    /// Hands every row to `each`, in the order of the keys, whole or not, until it fails.
    pub fn each<E: From<DiskError>>(
        &self,
        mut each: impl FnMut(Result<Row, BadRow>) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |why| E::from(self.failed("reading from", why));
        let mut statement = self
            .connection
            .prepare("SELECT key, kind, model, dimension, stored_at, checksum, value, took FROM entry ORDER BY key")
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let sealed = sealed(row).map_err(failed)?;
            each(sealed.open().map_err(|fault| BadRow {
                key: sealed.key,
                fault,
            }))?;
        }
        Ok(())
    }

    /// What SQLite itself finds wrong with the file's structure; empty when nothing is.
    pub fn damage(&self) -> Result<Vec<String>, DiskError> {
        let query = || {
            let mut statement = self.connection.prepare("PRAGMA quick_check(20)")?;
            let found = statement.query_map([], |row| text(row, 0))?;
            found.collect::<rusqlite::Result<Vec<String>>>()
        };
        match query().map_err(|why| self.failed("checking", why)) {
            Ok(found) => Ok(found.into_iter().filter(|line| line != "ok").collect()),
            Err(error) if error.is_malformed() => Ok(vec![error.to_string()]),
            Err(error) => Err(error),
        }
    }

    /// Deletes rows by their keys.
    pub fn remove<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>) -> Result<(), DiskError> {
        let remove = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for key in keys {
                transaction.execute("DELETE FROM entry WHERE key = ?1", [key])?;
            }
            transaction.commit()
        };
        remove(&mut self.connection).map_err(|why| self.failed("deleting from", why))
    }

    /// Deletes every row, or those of one model, and gives their room back to the system. Returns how many there were.
    pub fn clear(&mut self, model: Option<&str>) -> Result<u64, DiskError> {
        let cleared = match model {
            Some(model) => self
                .connection
                .execute("DELETE FROM entry WHERE model = ?1", [model]),
            None => self.connection.execute("DELETE FROM entry", []),
        };
        let cleared = cleared.map_err(|why| self.failed("clearing", why))?;
        if let Err(why) = self.connection.execute_batch("VACUUM") {
            // Another process has it open: the room will be used by the next rows.
            tracing::info!(%why, "the room of the deleted rows was not given back");
        }
        Ok(cleared as u64)
    }

    /// Deletes the oldest tenth of the rows when the file holds more than `bytes`.
    pub(super) fn prune(&mut self, bytes: u64) -> Result<(), DiskError> {
        if self.bytes()? <= bytes {
            return Ok(());
        }
        let deleted = self
            .connection
            .execute(
                "DELETE FROM entry WHERE rowid IN (SELECT rowid FROM entry ORDER BY stored_at \
                 LIMIT 1 + (SELECT count(*) FROM entry) / 10)",
                [],
            )
            .map_err(|why| self.failed("pruning", why))?;
        tracing::info!(deleted, "the cache was full: its oldest rows are gone");
        Ok(())
    }

    pub(super) fn failed(&self, act: &'static str, why: rusqlite::Error) -> DiskError {
        DiskError::Query {
            act,
            path: self.path.clone(),
            why,
        }
    }
}

fn sealed(row: &rusqlite::Row<'_>) -> rusqlite::Result<Sealed> {
    Ok(Sealed {
        key: text(row, 0)?,
        kind: text(row, 1)?,
        model: text(row, 2)?,
        dimension: unsigned(row.get(3)?),
        stored_at_ms: unsigned(row.get(4)?),
        checksum: row.get(5)?,
        value: row.get(6)?,
        took_ms: row.get::<_, Option<i64>>(7)?.map(unsigned),
    })
}

/// A text that may have lost its encoding: what replaces the broken bytes breaks the checksum.
pub(super) fn text(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<String> {
    let bytes = row.get_ref(column)?.as_bytes()?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// SQLite's integers have a sign and ours have none; what does not fit breaks the checksum.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn row(text: &str, model: &str) -> Row {
        let vector: Arc<[f32]> = [0.6, 0.8].into();
        Row::now(CacheKey::new(model, 2, "query", text), model, 2, vector).unwrap()
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("vectors.sqlite")).unwrap();
        (folder, store)
    }

    fn flip_a_byte_of(store: &Store, key: &CacheKey) {
        let changed = store
            .connection
            .execute(
                "UPDATE entry SET value = CAST(x'00' || substr(value, 2) AS BLOB) WHERE key = ?1",
                [key.as_str()],
            )
            .unwrap();
        assert_eq!(changed, 1);
    }

    #[test]
    fn what_was_put_is_there_after_opening_again() {
        let (_folder, mut store) = store();
        let (first, second) = (row("a", "m"), row("b", "m"));
        store.put([&first, &second]).unwrap();
        let again = Store::open(store.path()).unwrap();
        assert_eq!(again.get(&first.key).unwrap(), Looked::Hit(first));
        assert_eq!(again.get(&second.key).unwrap(), Looked::Hit(second));
        assert_eq!(again.get(&row("c", "m").key).unwrap(), Looked::Miss);
    }

    #[test]
    fn a_corrupt_row_is_told_and_the_next_write_mends_it() {
        let (_folder, mut store) = store();
        let row = row("a", "m");
        store.put([&row]).unwrap();
        flip_a_byte_of(&store, &row.key);
        assert_eq!(store.get(&row.key).unwrap(), Looked::Corrupt(RowFault::Checksum));
        store.put([&row]).unwrap();
        assert_eq!(store.get(&row.key).unwrap(), Looked::Hit(row));
        assert_eq!(store.entries().unwrap(), 1);
    }

    #[test]
    fn every_row_is_read_in_the_order_of_the_keys_the_bad_ones_by_name() {
        let (_folder, mut store) = store();
        let rows: Vec<Row> = (0..20).map(|n| row(&n.to_string(), "m")).collect();
        store.put(&rows).unwrap();
        flip_a_byte_of(&store, &rows[7].key);
        let (mut keys, mut bad) = (Vec::new(), Vec::new());
        store
            .each(|row| {
                match row {
                    Ok(row) => keys.push(row.key),
                    Err(row) => bad.push(row),
                }
                Ok::<(), DiskError>(())
            })
            .unwrap();
        assert_eq!(
            bad,
            [BadRow {
                key: rows[7].key.as_str().to_owned(),
                fault: RowFault::Checksum
            }]
        );
        assert_eq!(keys.len(), 19);
        assert!(keys.is_sorted());
        store.remove(bad.iter().map(|bad| bad.key.as_str())).unwrap();
        assert_eq!(store.get(&rows[7].key).unwrap(), Looked::Miss);
        assert!(store.damage().unwrap().is_empty());
    }

    #[test]
    fn a_full_store_loses_its_oldest_rows_first() {
        let (_folder, mut store) = store();
        let rows: Vec<Row> = (0..40_u64)
            .map(|n| Row {
                stored_at_ms: 1_000 + n,
                ..row(&n.to_string(), "m")
            })
            .collect();
        store.put(&rows).unwrap();
        let bytes = store.bytes().unwrap();
        store.prune(bytes).unwrap();
        assert_eq!(store.entries().unwrap(), 40);
        store.prune(bytes - 1).unwrap();
        assert_eq!(store.entries().unwrap(), 35);
        assert_eq!(store.get(&rows[4].key).unwrap(), Looked::Miss);
        assert_eq!(store.get(&rows[5].key).unwrap(), Looked::Hit(rows[5].clone()));
    }
}

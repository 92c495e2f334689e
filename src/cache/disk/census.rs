//! What the disk tier holds, counted.

use serde::Serialize;

use super::error::DiskError;
use super::store::{Store, text, unsigned};

/// What is kept of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelCount {
    pub kind: String,
    pub model: String,
    pub dimension: u64,
    pub entries: u64,
    /// Of the values alone.
    pub bytes: u64,
    /// Milliseconds since 1970.
    pub oldest_ms: u64,
    pub newest_ms: u64,
}

impl Store {
    /// How many rows there are.
    pub fn entries(&self) -> Result<u64, DiskError> {
        self.number("SELECT count(*) FROM entry")
    }

    /// Bytes of the file's pages that are in use.
    pub fn bytes(&self) -> Result<u64, DiskError> {
        self.number(
            "SELECT (page_count - freelist_count) * page_size \
             FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        )
    }

    /// What is kept, by kind and model.
    pub fn models(&self) -> Result<Vec<ModelCount>, DiskError> {
        let query = || {
            let mut statement = self.connection.prepare(
                "SELECT kind, model, dimension, count(*), sum(length(value)), min(stored_at), max(stored_at) \
                 FROM entry GROUP BY kind, model, dimension ORDER BY kind, model, dimension",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(ModelCount {
                    kind: text(row, 0)?,
                    model: text(row, 1)?,
                    dimension: unsigned(row.get(2)?),
                    entries: unsigned(row.get(3)?),
                    bytes: unsigned(row.get(4)?),
                    oldest_ms: unsigned(row.get(5)?),
                    newest_ms: unsigned(row.get(6)?),
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        query().map_err(|why| self.failed("reading from", why))
    }

    fn number(&self, query: &str) -> Result<u64, DiskError> {
        self.connection
            .prepare_cached(query)
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map(unsigned)
            .map_err(|why| self.failed("reading from", why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{CacheKey, Row};

    fn row(text: &str, model: &str) -> Row {
        Row::now(
            CacheKey::new(model, 2, "query", text),
            model,
            2,
            [0.6, 0.8].into(),
        )
        .unwrap()
    }

    #[test]
    fn rows_are_counted_and_cleared_by_model() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("vectors.sqlite")).unwrap();
        store
            .put([&row("a", "m"), &row("b", "m"), &row("a", "n")])
            .unwrap();
        let counts: Vec<_> = store
            .models()
            .unwrap()
            .into_iter()
            .map(|count| {
                (
                    count.kind,
                    count.model,
                    count.dimension,
                    count.entries,
                    count.bytes,
                )
            })
            .collect();
        let count = |model: &str, entries| ("vector".to_owned(), model.to_owned(), 2, entries, 8 * entries);
        assert_eq!(counts, [count("m", 2), count("n", 1)]);
        assert_eq!(store.clear(Some("m")).unwrap(), 2);
        assert_eq!(store.clear(Some("m")).unwrap(), 0);
        assert_eq!(store.clear(None).unwrap(), 1);
        assert_eq!(store.entries().unwrap(), 0);
    }
}

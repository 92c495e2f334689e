//! The schema of the disk tier.

use crate::sqlite::Kind;

/// The kind of file that it is.
pub(super) const KIND: Kind = Kind {
    name: "cache",
    // "DFQA".
    application_id: 0x4446_5141,
    migrations: &[
        "
    CREATE TABLE entry (
        key TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        model TEXT NOT NULL,
        dimension INTEGER NOT NULL,
        stored_at INTEGER NOT NULL,
        checksum BLOB NOT NULL,
        value BLOB NOT NULL
    ) STRICT;
    CREATE INDEX entry_by_age ON entry (stored_at);
",
        // How long a value took to make, in milliseconds; rows of schema 1 do not know.
        "ALTER TABLE entry ADD COLUMN took INTEGER;",
    ],
    home: "XDG_CACHE_HOME",
    private: false,
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rusqlite::Connection;

    use super::*;
    use crate::cache::{CacheKey, Looked, Row, Store, Value};

    #[test]
    fn a_file_of_the_first_schema_keeps_its_rows_and_takes_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let key = CacheKey::new("m", 2, "query", "old");
        let old = Row::now(key.clone(), "m", 2, [0.6, 0.8].into()).unwrap();
        let sealed = old.seal();
        let first = Connection::open(&path).unwrap();
        first.execute_batch(KIND.migrations[0]).unwrap();
        first.pragma_update(None, "user_version", 1).unwrap();
        first
            .pragma_update(None, "application_id", KIND.application_id)
            .unwrap();
        first
            .execute(
                "INSERT INTO entry VALUES (?1, 'vector', 'm', 2, ?2, ?3, ?4)",
                rusqlite::params![sealed.key, old.stored_at_ms as i64, sealed.checksum, sealed.value],
            )
            .unwrap();
        let mut store = Store::open(&path).unwrap();
        assert_eq!(store.get(&key).unwrap(), Looked::Hit(old));
        let key = CacheKey::answer("m", &["user", "How?"], "t=0");
        let answer = crate::cache::Answer {
            text: "So.".into(),
            tokens: None,
        };
        let took = Some(Duration::from_millis(900));
        let new = Row::made(key.clone(), "m".into(), Value::Answer(answer.into()), took).unwrap();
        store.put([&new]).unwrap();
        assert_eq!(store.get(&key).unwrap(), Looked::Hit(new));
    }
}

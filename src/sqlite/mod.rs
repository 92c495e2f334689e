//! Opening a database file that all processes of a user share: its settings, its schema, and what is done with a file
//! that cannot be it.

mod error;

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::clock::now_ms;
pub(crate) use error::Unopened;
pub(crate) use error::is_malformed;

/// One kind of file.
#[derive(Debug)]
pub(crate) struct Kind {
    /// What a user calls it: `vector cache`.
    pub(crate) name: &'static str,
    /// Marks a file as ours, and of this kind.
    pub(crate) application_id: i64,
    /// What brings schema n to n + 1; the number of the last is the schema's version.
    pub(crate) migrations: &'static [&'static str],
    /// The environment variable that moves its folder.
    pub(crate) home: &'static str,
    /// Whether only its owner may read it.
    pub(crate) private: bool,
}

/// How long a connection waits for another process that writes: longer than the largest batch takes.
const BUSY: Duration = Duration::from_secs(10);

/// How often the switch to WAL is tried: SQLite does not wait by itself when two processes make it at once.
const WAL_TRIES: u32 = 200;
const WAL_PAUSE: Duration = Duration::from_millis(5);

/// Opens the file, makes it when it is not there and moves it aside when it is no database.
pub(crate) fn open(kind: &Kind, path: &Path) -> Result<(Connection, Option<PathBuf>), Unopened> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|why| Unopened::Folder {
            home: kind.home,
            name: kind.name,
            path: folder.to_owned(),
            why,
        })?;
    }
    if kind.private {
        make_private(path).map_err(|why| Unopened::Private {
            name: kind.name,
            path: path.to_owned(),
            why,
        })?;
    }
    match connect(kind, path) {
        Err(error) if error.is_malformed() => {
            let aside = move_aside(kind, path)?;
            Ok((connect(kind, path)?, aside))
        }
        opened => Ok((opened?, None)),
    }
}

/// Makes a file that is not there yet readable by its owner only; SQLite gives its side files the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}

/// One more connection to a file that [`open`] has seen to.
pub(crate) fn again(kind: &Kind, path: &Path) -> Result<Connection, Unopened> {
    let failed = |why| open_failed(kind, path, why);
    let connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    Ok(connection)
}

fn connect(kind: &Kind, path: &Path) -> Result<Connection, Unopened> {
    let mut connection = again(kind, path)?;
    let failed = |why| open_failed(kind, path, why);
    // Asked first, so that a file of somebody else is not changed.
    version(&connection, kind, path)?;
    wal(&connection).map_err(failed)?;
    // A commit is in the system's hands and so outlives this process, killed or not. Only a power cut can take the
    // newest commits back; it leaves the file whole. What is kept here may pay that for not waiting for the disk.
    connection
        .pragma_update(None, "synchronous", "NORMAL")
        .map_err(failed)?;
    migrate(&mut connection, kind, path)?;
    Ok(connection)
}

/// The schema's version; 0 for an empty file.
fn version(connection: &Connection, kind: &Kind, path: &Path) -> Result<usize, Unopened> {
    // One transaction: another process may be making the schema between one question and the next.
    let transaction = connection
        .unchecked_transaction()
        .map_err(|why| open_failed(kind, path, why))?;
    version_within(&transaction, kind, path)
}

fn version_within(transaction: &Transaction<'_>, kind: &Kind, path: &Path) -> Result<usize, Unopened> {
    let failed = |why| open_failed(kind, path, why);
    let number = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let found = number("user_version").map_err(failed)?;
    let application = number("application_id").map_err(failed)?;
    let tables: i64 = transaction
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    if application != kind.application_id && (application, found, tables) != (0, 0, 0) {
        return Err(Unopened::Foreign {
            name: kind.name,
            path: path.to_owned(),
        });
    }
    usize::try_from(found)
        .ok()
        .filter(|found| *found <= kind.migrations.len())
        .ok_or_else(|| Unopened::Newer {
            name: kind.name,
            path: path.to_owned(),
            found,
            known: kind.migrations.len() as i64,
        })
}

/// Write-ahead logging, under which readers and a writer do not wait for each other. A file system that cannot do it
/// leaves the file in its old mode, which is slower and as safe.
fn wal(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 1..WAL_TRIES {
        match set_wal(connection) {
            Err(why) if is_busy(&why) => std::thread::sleep(WAL_PAUSE),
            done => return done,
        }
    }
    set_wal(connection)
}

fn set_wal(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    Ok(())
}

fn is_busy(why: &rusqlite::Error) -> bool {
    matches!(
        why.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn migrate(connection: &mut Connection, kind: &Kind, path: &Path) -> Result<(), Unopened> {
    if version(connection, kind, path)? == kind.migrations.len() {
        return Ok(());
    }
    let failed = |why| open_failed(kind, path, why);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    // Looked at again under the lock: another process may have been first.
    for step in kind
        .migrations
        .iter()
        .skip(version_within(&transaction, kind, path)?)
    {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "user_version", kind.migrations.len() as i64)
        .map_err(failed)?;
    transaction
        .pragma_update(None, "application_id", kind.application_id)
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Renames a file that is no database, and its side files. Under a lock of its own, and only if it still is none: two
/// processes that start at once must not move each other's new file away.
fn move_aside(kind: &Kind, path: &Path) -> Result<Option<PathBuf>, Unopened> {
    let stuck = |why| Unopened::Stuck {
        name: kind.name,
        path: path.to_owned(),
        why,
    };
    let lock: File = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside(path, ".lock"))
        .map_err(stuck)?;
    lock.lock().map_err(stuck)?;
    match connect(kind, path) {
        Err(error) if error.is_malformed() => {}
        _ => return Ok(None),
    }
    let aside = beside(path, &format!(".broken-{}", now_ms()));
    std::fs::rename(path, &aside).map_err(stuck)?;
    for side in ["-wal", "-shm"] {
        // They belong to the broken file and may not be there at all.
        let _ = std::fs::remove_file(beside(path, side));
    }
    tracing::warn!(aside = %aside.display(), "the {} was no database and has been moved aside", kind.name);
    Ok(Some(aside))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn open_failed(kind: &Kind, path: &Path, why: rusqlite::Error) -> Unopened {
    Unopened::Open {
        name: kind.name,
        path: path.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind {
        name: "vector cache",
        application_id: 0x4446_5141,
        migrations: &["CREATE TABLE entry (key TEXT NOT NULL PRIMARY KEY) STRICT;"],
        home: "XDG_CACHE_HOME",
        private: true,
    };

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/vectors.sqlite");
        (folder, path)
    }

    #[test]
    fn a_new_file_has_the_newest_schema_and_is_opened_again_as_it_is() {
        let (_folder, path) = folder();
        for _ in 0..2 {
            let (connection, aside) = open(&KIND, &path).unwrap();
            assert_eq!(aside, None);
            assert_eq!(version(&connection, &KIND, &path).unwrap(), KIND.migrations.len());
            let mode: String = connection
                .pragma_query_value(None, "journal_mode", |row| row.get(0))
                .unwrap();
            assert_eq!(mode, "wal");
        }
    }

    #[test]
    fn many_who_open_a_new_file_at_once_all_get_it() {
        let (_folder, path) = folder();
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| open(&KIND, &path).map(drop)))
                .collect();
            for opened in opening {
                opened.join().unwrap().unwrap();
            }
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_its_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = folder();
        let (connection, _) = open(&KIND, &path).unwrap();
        connection.execute("INSERT INTO entry VALUES ('a')", []).unwrap();
        for side in ["", "-wal"] {
            let rights = std::fs::metadata(beside(&path, side)).unwrap().permissions();
            assert_eq!(rights.mode() & 0o777, 0o600, "{side}");
        }
    }

    #[test]
    fn a_file_that_is_no_database_is_moved_aside() {
        let (_folder, path) = folder();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "this is a letter and no database\n".repeat(100)).unwrap();
        let (connection, aside) = open(&KIND, &path).unwrap();
        assert_eq!(version(&connection, &KIND, &path).unwrap(), KIND.migrations.len());
        assert!(
            std::fs::read_to_string(aside.unwrap())
                .unwrap()
                .starts_with("this is a letter")
        );
    }

    #[test]
    fn a_file_that_is_no_database_is_moved_aside_once_by_many_at_once() {
        let (folder, path) = folder();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "no database".repeat(100)).unwrap();
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| open(&KIND, &path).unwrap().1.is_some()))
                .collect();
            let moved = opening
                .into_iter()
                .map(|opened| opened.join().unwrap())
                .filter(|moved| *moved)
                .count();
            assert_eq!(moved, 1);
        });
        drop(folder);
    }

    #[test]
    fn a_file_of_a_newer_version_or_of_another_program_is_left_alone() {
        let (_folder, path) = folder();
        open(&KIND, &path)
            .unwrap()
            .0
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let error = open(&KIND, &path).unwrap_err().to_string();
        assert!(
            error.contains("has schema 99 and this version knows up to 1: use the newer program"),
            "{error}"
        );

        let other = path.with_file_name("other.sqlite");
        Connection::open(&other)
            .unwrap()
            .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (7);")
            .unwrap();
        let before = std::fs::read(&other).unwrap();
        let error = open(&KIND, &other).unwrap_err().to_string();
        assert!(error.contains("is a database of another program"), "{error}");
        assert_eq!(std::fs::read(&other).unwrap(), before);
    }
}

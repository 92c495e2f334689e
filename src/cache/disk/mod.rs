//! The disk tier: one SQLite file that all processes of a user share.
//!
//! [`Store`] is the file with calls that block. [`Disk`] is the same for async code: a thread that reads and one that
//! writes own a connection each, so a lookup never waits for a batch of writes (write-ahead logging), and no async
//! thread ever waits for the disk.

mod census;
mod error;
mod schema;
mod store;
mod worker;

pub use census::ModelCount;
pub use error::DiskError;
pub use store::{BadRow, Looked, Store};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::key::Wanted;
use super::row::Row;
use super::stats::{TierState, TierStats};
use worker::{Read, Write};

/// Lookups and writes that may wait for their thread. A lookup beyond that is a miss, a write beyond that is not kept:
/// at 6 KB a vector the queue of writes stays below 25 MB.
const READS: usize = 1_024;
const WRITES: usize = 4_096;

/// A lookup that takes longer is a miss: computing the vector anew is not slower. The usual one is far
/// below a millisecond: `cargo bench --bench cache`.
const PATIENCE: Duration = Duration::from_millis(250);

/// The disk tier as async code uses it. Dropping it lets the queued writes be written in the background;
/// [`Disk::flush`] waits for them.
#[derive(Debug)]
pub struct Disk {
    reads: mpsc::Sender<Read>,
    writes: mpsc::Sender<Write>,
    stats: Arc<watch::Sender<TierStats>>,
}

impl Disk {
    /// Opens the file in the background. Lookups that come before it is open wait for it; if it cannot be opened, the
    /// tier is off and says why in its statistics.
    pub fn open(path: PathBuf) -> Self {
        let (reads, to_read) = mpsc::channel(READS);
        let (writes, to_write) = mpsc::channel(WRITES);
        let stats = Arc::new(watch::Sender::new(TierStats {
            state: TierState::Opening,
            ..TierStats::default()
        }));
        worker::start(path, to_read, to_write, Arc::clone(&stats));
        Self { reads, writes, stats }
    }

    /// The row that is wanted, if it is there and whole.
    pub(super) async fn get(&self, wanted: &Wanted) -> Option<Row> {
        let (reply, row) = oneshot::channel();
        let read = Read {
            wanted: wanted.clone(),
            reply,
        };
        let sent = self.reads.try_send(read);
        if let Err(mpsc::error::TrySendError::Closed(_)) = sent {
            return None;
        }
        let found = match sent {
            Ok(()) => timeout(PATIENCE, row).await,
            Err(_) => Ok(Ok(None)),
        };
        match found {
            Ok(Ok(row)) => row,
            // The tier went off while this waited.
            Ok(Err(_)) => None,
            Err(_) => {
                self.stats.send_modify(|stats| stats.errors += 1);
                None
            }
        }
    }

    /// Writes a row when its turn comes. A row that finds the queue full is not kept, which counts as an error.
    pub(super) fn put_behind(&self, row: Row) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.writes.try_send(Write::Row(row)) {
            self.stats.send_modify(|stats| stats.errors += 1);
        }
    }

    /// Waits until every row that was put before is written, and so outlives this process.
    ///
    /// # Errors
    /// When the tier is off, or when rows could not be written since the last flush.
    pub async fn flush(&self) -> Result<(), Arc<DiskError>> {
        let (reply, done) = oneshot::channel();
        self.writes
            .send(Write::Flush(reply))
            .await
            .map_err(|_| Arc::new(DiskError::Closed))?;
        done.await.map_err(|_| Arc::new(DiskError::Closed))?
    }

    /// The statistics, and when they change.
    pub(super) fn watch(&self) -> watch::Receiver<TierStats> {
        self.stats.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Wanted {
        Wanted::new("m", 2, "query", text)
    }

    fn row(text: &str) -> Row {
        Row::now(wanted(text).key, "m", 2, [0.6, 0.8].into()).unwrap()
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        (folder, path)
    }

    #[tokio::test]
    async fn what_was_flushed_is_in_the_file() {
        let (_folder, path) = folder();
        let disk = Disk::open(path.clone());
        for n in 0..600 {
            disk.put_behind(row(&n.to_string()));
        }
        disk.flush().await.unwrap();
        assert_eq!(Store::open(&path).unwrap().entries().unwrap(), 600);
        assert_eq!(
            disk.get(&wanted("7")).await.unwrap().vector().unwrap()[..],
            [0.6, 0.8]
        );
        assert_eq!(disk.get(&wanted("600")).await, None);
        let stats = disk.watch().borrow().clone();
        assert_eq!((stats.hits, stats.misses, stats.errors), (1, 1, 0));
        assert_eq!((stats.entries, stats.state), (Some(600), TierState::Up));
        assert!(stats.bytes.unwrap() > 600 * 8);
    }

    #[tokio::test]
    async fn what_was_queued_is_written_although_the_tier_is_dropped() {
        let (_folder, path) = folder();
        let disk = Disk::open(path.clone());
        disk.put_behind(row("a"));
        let (reply, done) = oneshot::channel();
        disk.writes.try_send(Write::Flush(reply)).unwrap();
        drop(disk);
        done.await.unwrap().unwrap();
        assert_eq!(Store::open(&path).unwrap().entries().unwrap(), 1);
    }

    #[tokio::test]
    async fn a_row_that_does_not_say_what_was_wanted_is_corrupt_and_a_miss() {
        let (_folder, path) = folder();
        let other = Row {
            model: "other".to_owned(),
            ..row("a")
        };
        Store::open(&path).unwrap().put([&other]).unwrap();
        let disk = Disk::open(path);
        assert_eq!(disk.get(&wanted("a")).await, None);
        let stats = disk.watch().borrow().clone();
        assert_eq!((stats.hits, stats.misses, stats.corrupt), (0, 1, 1));
    }

    #[tokio::test]
    async fn a_file_of_a_newer_version_turns_the_tier_off_and_nothing_waits() {
        let (_folder, path) = folder();
        let newer = rusqlite::Connection::open(&path).unwrap();
        newer.pragma_update(None, "application_id", 0x4446_5141).unwrap();
        newer.pragma_update(None, "user_version", 3).unwrap();
        let disk = Disk::open(path);
        disk.put_behind(row("a"));
        assert_eq!(disk.get(&wanted("a")).await, None);
        assert!(matches!(*disk.flush().await.unwrap_err(), DiskError::Closed));
        let TierState::Off { why } = disk.watch().borrow().state.clone() else {
            panic!("the tier is not off");
        };
        assert!(why.contains("has schema 3"), "{why}");
    }
}

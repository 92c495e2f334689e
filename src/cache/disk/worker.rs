//! The two threads of the disk tier.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot, watch};

use super::error::DiskError;
use super::store::{Looked, Store};
use crate::cache::key::Wanted;
use crate::cache::row::Row;
use crate::cache::stats::{TierState, TierStats};

/// Rows of one transaction: enough that the commit's own cost does not matter, few enough that a flush does not wait long.
const BATCH: usize = 256;

/// Bytes that the file may hold before its oldest rows go: about 250,000 vectors of the embedded model, of 2,150 bytes a row.
const CAPACITY: u64 = 512 << 20;

/// A row that is wanted.
pub(super) struct Read {
    pub(super) wanted: Wanted,
    pub(super) reply: oneshot::Sender<Option<Row>>,
}

/// What the writing thread is asked for.
pub(super) enum Write {
    Row(Row),
    /// Say when everything before is written, or why it is not.
    Flush(oneshot::Sender<Result<(), Arc<DiskError>>>),
}

type Stats = Arc<watch::Sender<TierStats>>;

/// Starts the writing thread, which opens the file and then starts the reading one. They end when their senders are
/// gone and their queues are empty.
pub(super) fn start(path: PathBuf, reads: mpsc::Receiver<Read>, writes: mpsc::Receiver<Write>, stats: Stats) {
    let shared = Arc::clone(&stats);
    let begun = thread::Builder::new()
        .name("cache-write".to_owned())
        .spawn(move || match open(&path, reads, &stats) {
            Ok(store) => write(store, writes, &stats),
            Err(error) => off(&stats, &error.to_string()),
        });
    if let Err(why) = begun {
        off(
            &shared,
            &format!("the thread of the cache could not be started: {why}"),
        );
    }
}

fn open(path: &std::path::Path, reads: mpsc::Receiver<Read>, stats: &Stats) -> Result<Store, DiskError> {
    let store = Store::open(path)?;
    let reader = store.again()?;
    count(&store, stats);
    stats.send_modify(|stats| stats.state = TierState::Up);
    let shared = Arc::clone(stats);
    let begun = thread::Builder::new()
        .name("cache-read".to_owned())
        .spawn(move || read(&reader, reads, &shared));
    if let Err(why) = begun {
        off(
            stats,
            &format!("the reading thread of the cache could not be started: {why}"),
        );
    }
    Ok(store)
}

fn off(stats: &Stats, why: &str) {
    tracing::warn!(why, "the disk tier is off");
    stats.send_modify(|stats| {
        stats.state = TierState::Off { why: why.to_owned() };
    });
}

fn read(store: &Store, mut reads: mpsc::Receiver<Read>, stats: &Stats) {
    while let Some(Read { wanted, reply }) = reads.blocking_recv() {
        let row = match store.get(&wanted.key) {
            Ok(Looked::Hit(row)) if wanted.is(&row) => {
                stats.send_modify(|stats| stats.hits += 1);
                Some(row)
            }
            Ok(Looked::Miss) => {
                stats.send_modify(|stats| stats.misses += 1);
                None
            }
            Ok(Looked::Hit(_) | Looked::Corrupt(_)) => {
                tracing::warn!(key = wanted.key.short(), "a row of the cache is corrupt");
                stats.send_modify(|stats| {
                    stats.misses += 1;
                    stats.corrupt += 1;
                });
                None
            }
            Err(error) => {
                stats.send_modify(|stats| stats.errors += 1);
                if error.is_malformed() {
                    off(stats, &error.to_string());
                    return;
                }
                tracing::warn!(%error, "the cache could not be read");
                None
            }
        };
        // Who does not wait any more has been served otherwise.
        let _ = reply.send(row);
    }
}

fn write(mut store: Store, mut writes: mpsc::Receiver<Write>, stats: &Stats) {
    // What went wrong since the last flush: the next one tells it.
    let mut failed = None;
    while let Some(first) = writes.blocking_recv() {
        let (mut rows, mut flushes) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(write) = next {
            match write {
                Write::Row(row) => rows.push(row),
                Write::Flush(reply) => flushes.push(reply),
            }
            next = if rows.len() < BATCH {
                writes.try_recv().ok()
            } else {
                None
            };
        }
        if !rows.is_empty() {
            let put = store.put(&rows).and_then(|()| store.prune(CAPACITY));
            if let Err(error) = put {
                stats.send_modify(|stats| stats.errors += 1);
                if error.is_malformed() {
                    off(stats, &error.to_string());
                    return;
                }
                tracing::warn!(%error, rows = rows.len(), "the cache could not be written");
                failed = Some(Arc::new(error));
            }
        }
        if !flushes.is_empty() || writes.is_empty() {
            count(&store, stats);
        }
        if flushes.is_empty() {
            continue;
        }
        let result = failed.take().map_or(Ok(()), Err);
        for reply in flushes {
            // Who does not wait any more need not be told.
            let _ = reply.send(result.clone());
        }
    }
}

/// Counts what is held. That walks an index of all rows, so it is done when the queue has run empty and not with every
/// batch.
fn count(store: &Store, stats: &Stats) {
    let (entries, bytes) = (store.entries().ok(), store.bytes().ok());
    stats.send_modify(|stats| {
        stats.entries = entries;
        stats.bytes = bytes;
    });
}

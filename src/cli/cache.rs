//! `cache`: what the tiers outside this process hold, whether it is whole, and its way to another machine.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::args::CacheCommand;
use super::{Exit, Failure, parts, print};
use crate::cache::{self, BadRow, DiskError, ModelCount, Redis, Row, Store, TierState, TransferError};
use crate::config::Config;
use crate::text;

/// Rows that an import writes at once and then acknowledges.
const BATCH: usize = 500;

pub(super) fn run(config: &Config, command: &CacheCommand) -> Result<Exit, Failure> {
    match command {
        CacheCommand::Stats { json } => stats(config, *json),
        CacheCommand::Verify { repair } => verify(*repair),
        CacheCommand::Clear { model } => clear(model.as_deref()),
        CacheCommand::Export { file } => export(file),
        CacheCommand::Import { file } => import(file),
    }
}

fn store() -> Result<Store, Failure> {
    let path = parts::stored_vectors().ok_or_else(|| {
        Failure::other("this system names no folder for caches, so there is no cache: set HOME")
    })?;
    let store = Store::open(&path)?;
    if let Some(aside) = &store.moved_aside {
        writeln!(
            stderr(),
            "defi-qa: {} was no database; it is now {}, and the cache begins anew",
            path.display(),
            aside.display()
        )?;
    }
    Ok(store)
}

/// One object of `cache stats --json`.
#[derive(Debug, Serialize)]
struct Report {
    disk: Disk,
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<TierState>,
}

#[derive(Debug, Serialize)]
struct Disk {
    path: PathBuf,
    entries: u64,
    /// Of the file's pages that are in use.
    bytes: u64,
    models: Vec<ModelCount>,
}

fn stats(config: &Config, json: bool) -> Result<Exit, Failure> {
    let store = store()?;
    let report = Report {
        disk: Disk {
            path: store.path().to_owned(),
            entries: store.entries()?,
            bytes: store.bytes()?,
            models: store.models()?,
        },
        redis: redis(config)?,
    };
    let mut out = stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &report).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", table(&report))?;
    }
    Ok(Exit::Success)
}

/// Whether the shared tier answers, if there is one.
fn redis(config: &Config) -> Result<Option<TierState>, Failure> {
    let Some((address, ttl)) = parts::shared_tier(config)? else {
        return Ok(None);
    };
    let settled = async { Redis::connect(address, ttl).settled().await };
    Ok(Some(super::runtime()?.block_on(settled)))
}

/// The counts as a person reads them.
fn table(report: &Report) -> String {
    let disk = &report.disk;
    let mut table = format!(
        "disk   {}\n       {} rows, {} in use\n",
        disk.path.display(),
        disk.entries,
        size(disk.bytes)
    );
    if !disk.models.is_empty() {
        table.push_str(&format!(
            "\n{:32}{:8}{:>11}{:>10}{:>11}{:>9}{:>9}\n",
            "model", "kind", "dimensions", "rows", "bytes", "oldest", "newest"
        ));
    }
    for model in &disk.models {
        table.push_str(&format!(
            "{:32}{:8}{:>11}{:>10}{:>11}{:>9}{:>9}\n",
            text::sanitize_line(&model.model),
            text::sanitize_line(&model.kind),
            // An answer has none.
            Some(model.dimension)
                .filter(|dimension| *dimension > 0)
                .map_or_else(|| "-".to_owned(), |dimension| dimension.to_string()),
            model.entries,
            size(model.bytes),
            age(model.oldest_ms),
            age(model.newest_ms),
        ));
    }
    if !disk.models.is_empty() {
        table.push('\n');
    }
    let redis = match &report.redis {
        None => "not configured, or --offline".to_owned(),
        Some(TierState::Up) => "up".to_owned(),
        Some(TierState::Opening) => "did not answer in time".to_owned(),
        Some(TierState::Down { why, .. } | TierState::Off { why }) => format!("down: {why}"),
    };
    table.push_str(&format!("redis  {redis}\n"));
    table
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} KB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// How long ago a time in milliseconds since 1970 was.
fn age(then_ms: u64) -> String {
    let then = std::time::UNIX_EPOCH.checked_add(Duration::from_millis(then_ms));
    print::age(then.and_then(|then| then.elapsed().ok()).unwrap_or_default())
}

fn verify(repair: bool) -> Result<Exit, Failure> {
    let mut store = store()?;
    let damage = store.damage()?;
    let mut out = stdout().lock();
    for line in &damage {
        writeln!(out, "the file: {}", text::sanitize_line(line))?;
    }
    let (mut whole, mut bad) = (0_u64, Vec::<BadRow>::new());
    let read = store.each(|row| {
        match row {
            Ok(_) => whole += 1,
            Err(row) => bad.push(row),
        }
        Ok::<(), DiskError>(())
    });
    match read {
        // Of a damaged file, only a part can be read: said below.
        Err(_) if !damage.is_empty() => {}
        read => read?,
    }
    for row in &bad {
        writeln!(out, "{}: {}", text::sanitize_line(&row.key), row.fault)?;
    }
    let deleted = if repair && !bad.is_empty() {
        store.remove(bad.iter().map(|row| row.key.as_str()))?;
        ", deleted"
    } else {
        ""
    };
    writeln!(out, "{whole} rows whole, {} bad{deleted}", bad.len())?;
    if !damage.is_empty() {
        writeln!(
            out,
            "The file itself is damaged: export what can be read, then delete {}.",
            store.path().display()
        )?;
    }
    let clean = damage.is_empty() && (bad.is_empty() || repair);
    Ok(if clean { Exit::Success } else { Exit::Other })
}

fn clear(model: Option<&str>) -> Result<Exit, Failure> {
    let cleared = store()?.clear(model)?;
    writeln!(stdout(), "{cleared} rows deleted")?;
    Ok(Exit::Success)
}

/// Written beside the file and then given its name, so that a file of that name is always whole.
fn export(path: &Path) -> Result<Exit, Failure> {
    let store = store()?;
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let failed = |error: std::io::Error| {
        Failure::other(format!(
            "writing the export {} failed ({error}): free some room or name another file",
            path.display()
        ))
    };
    let mut file = BufWriter::new(File::create(&partial).map_err(failed)?);
    let exported = cache::export(&store, &mut file).inspect_err(|_| {
        // Half an export is of no use; if it cannot be removed either, its name says what it is.
        let _ = std::fs::remove_file(&partial);
    })?;
    file.into_inner()
        .map_err(std::io::IntoInnerError::into_error)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(failed)?;
    for bad in &exported.bad {
        writeln!(
            stderr(),
            "defi-qa: left out {}: {}",
            text::sanitize_line(&bad.key),
            bad.fault
        )?;
    }
    writeln!(stdout(), "{}: {} rows", path.display(), exported.rows)?;
    Ok(if exported.bad.is_empty() {
        Exit::Success
    } else {
        Exit::Other
    })
}

/// An import's own ways to fail.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error(transparent)]
    Transfer(#[from] TransferError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("writing the output failed: {0}")]
    Output(#[from] std::io::Error),
}

fn import(path: &Path) -> Result<Exit, Failure> {
    let file = File::open(path).map_err(|error| {
        Failure::usage(format!(
            "the file {} could not be opened ({error}): name an export or an .embeddings file",
            path.display()
        ))
    })?;
    let mut importing = Importing {
        store: store()?,
        waiting: Vec::new(),
        stored: 0,
        refused: 0,
    };
    let read = cache::import(BufReader::new(file), |row| match row {
        Ok(row) => {
            importing.waiting.push(row);
            if importing.waiting.len() == BATCH {
                importing.store_waiting()?;
            }
            Ok(())
        }
        Err(refused) => {
            importing.refused += 1;
            writeln!(stderr(), "defi-qa: skipped {}: {}", refused.place, refused.why)?;
            Ok::<(), ImportError>(())
        }
    });
    // What came before a file broke off is whole, and kept.
    importing
        .store_waiting()
        .map_err(|error| Failure::other(error.to_string()))?;
    if importing.refused > 0 {
        writeln!(stderr(), "defi-qa: {} rows skipped", importing.refused)?;
    }
    read.map_err(|error| Failure::other(format!("importing {}: {error}", path.display())))?;
    Ok(if importing.refused == 0 {
        Exit::Success
    } else {
        Exit::Other
    })
}

struct Importing {
    store: Store,
    waiting: Vec<Row>,
    stored: usize,
    refused: usize,
}

impl Importing {
    /// Writes what waits, and then says how many rows are on disk for good.
    fn store_waiting(&mut self) -> Result<(), ImportError> {
        if self.waiting.is_empty() && self.stored > 0 {
            return Ok(());
        }
        self.store.put(&self.waiting)?;
        self.stored += self.waiting.len();
        self.waiting.clear();
        let mut out = stdout().lock();
        writeln!(out, "{} rows stored", self.stored)?;
        out.flush()?;
        Ok(())
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Self::other(error.to_string())
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        Self::other(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_short() {
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(81_920), "81 KB");
        assert_eq!(size(512 << 20), "536 MB");
        assert_eq!(age(u64::MAX), "0 s");
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
        assert_eq!(age(now - 3 * 86_400_000), "3 d");
        assert_eq!(age(now - 3 * 3_600_000), "3 h");
        assert_eq!(age(now - 300_000), "5 min");
    }
}

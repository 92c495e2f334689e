//! What is taken away for good.

use rusqlite::{Connection, TransactionBehavior};

use super::error::SessionError;
use super::kept::{signed, unsigned};
use super::store::Store;

/// What pruning took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub sessions: u64,
    pub exchanges: u64,
}

impl Store {
    /// Takes away for good what was deleted and, when `before_ms` is given, every session that was last asked in
    /// before that moment (milliseconds since 1970), and gives the room back. With `dry`, only counts.
    pub fn prune(&mut self, before_ms: Option<u64>, dry: bool) -> Result<Pruned, SessionError> {
        let before = before_ms.map_or(i64::MIN, signed);
        let prune = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            const GONE: &str = "(SELECT id FROM session WHERE deleted_ms IS NOT NULL OR updated_ms < ?1)";
            let count = |what: &str| {
                transaction.query_row(&format!("SELECT count(*) FROM {what}"), [before], |row| {
                    row.get(0).map(unsigned)
                })
            };
            let pruned = Pruned {
                sessions: count(GONE)?,
                exchanges: count(&format!("exchange WHERE session IN {GONE}"))?,
            };
            if dry {
                return Ok(pruned);
            }
            for delete in [
                format!(
                    "DELETE FROM evidence WHERE exchange IN (SELECT id FROM exchange WHERE session IN {GONE})"
                ),
                format!(
                    "DELETE FROM said WHERE exchange IN (SELECT id FROM exchange WHERE session IN {GONE})"
                ),
                format!("DELETE FROM exchange WHERE session IN {GONE}"),
                format!("DELETE FROM session WHERE id IN {GONE}"),
            ] {
                transaction.execute(&delete, [before])?;
            }
            transaction.execute(
                "DELETE FROM pair WHERE NOT EXISTS (SELECT 1 FROM evidence WHERE pair = pair.id)",
                [],
            )?;
            transaction.commit()?;
            Ok(pruned)
        };
        let pruned = prune(&mut self.connection).map_err(|why| self.failed("pruning", why))?;
        // Deleted words stand in the indexes until their segments are merged, and deleted pages in the files until
        // they are rewritten: what was pruned must not be readable there.
        if !dry
            && pruned.sessions > 0
            && let Err(why) = self.connection.execute_batch(
                "INSERT INTO exchange_words (exchange_words) VALUES ('optimize'); \
                 INSERT INTO pair_words (pair_words) VALUES ('optimize'); \
                 VACUUM; PRAGMA wal_checkpoint(TRUNCATE);",
            )
        {
            // Another process has it open: the room will be used by the next exchanges.
            tracing::info!(%why, "the room of the pruned sessions was not given back");
        }
        Ok(pruned)
    }
}

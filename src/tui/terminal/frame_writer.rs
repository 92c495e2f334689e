//! Collects a frame and writes it at once.

use std::io::{self, Write, stdout};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatui::crossterm::queue;
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};

use super::modes;

/// A buffer that a backend may flush as often as it likes; only [`present`](Self::present) writes.
///
/// The backend flushes several times a frame (after the cells, after each cursor change). And unlike a `BufWriter` this
/// one does not write on drop: half a frame left by a panic must not land on the restored main screen.
#[derive(Clone, Debug, Default)]
pub(super) struct FrameWriter {
    frame: Arc<Mutex<Vec<u8>>>,
}

impl FrameWriter {
    /// Writes what was collected, as one synchronised update. Once the terminal was given back nothing is written.
    pub(super) fn present(&self) -> io::Result<()> {
        let mut frame = self.lock();
        let mut update = Vec::with_capacity(frame.len() + 16);
        queue!(update, BeginSynchronizedUpdate)?;
        update.append(&mut frame);
        queue!(update, EndSynchronizedUpdate)?;
        if !modes::entered() {
            return Ok(());
        }
        let mut out = stdout().lock();
        out.write_all(&update)?;
        out.flush()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for FrameWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

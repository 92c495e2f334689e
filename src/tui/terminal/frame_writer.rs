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
    frame: Arc<Mutex<Frame>>,
}

#[derive(Debug, Default)]
struct Frame {
    collected: Vec<u8>,
    /// What was written last, while nobody else can have written since.
    shown: Vec<u8>,
}

impl FrameWriter {
    /// Writes what was collected, as one synchronised update. Once the terminal was given back nothing is written.
    ///
    /// Nor is a frame that repeats the one before to the byte, as each does in which no cell changed: places and styles
    /// are absolute, so the repetition would change nothing.
    pub(super) fn present(&self) -> io::Result<()> {
        let mut frame = self.lock();
        let collected = std::mem::take(&mut frame.collected);
        if !modes::entered() || collected == frame.shown {
            return Ok(());
        }
        let mut update = Vec::with_capacity(collected.len() + 16);
        queue!(update, BeginSynchronizedUpdate)?;
        update.extend_from_slice(&collected);
        queue!(update, EndSynchronizedUpdate)?;
        let mut out = stdout().lock();
        out.write_all(&update)?;
        out.flush()?;
        frame.shown = collected;
        Ok(())
    }

    /// The next frame is written whatever was shown: somebody else may have used the terminal since.
    pub(super) fn forget(&self) {
        self.lock().shown.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Frame> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for FrameWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().collected.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

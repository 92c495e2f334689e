//! The terminal: entered, drawn on, suspended, and given back as it was on every way out.
//!
//! ```text
//! install_panic_hook()          once, after color-eyre's
//! Terminal::enter()             raw mode, alternate screen, paste, focus, mouse, hidden cursor
//!   ├─ draw(..)                 one write a frame, inside a synchronised update
//!   ├─ suspend()                Ctrl-Z: give back, stop, and after SIGCONT enter again
//!   └─ drop                     give back, in the reverse order
//! Input::next()                 keys, mouse, paste, focus, resizes
//! Signals::next()               why the loop should end (or suspend)
//! ```
//!
//! A loop ends on three things alike: a [`TerminalSignal`] with an exit code, [`TerminalError::Lost`] (the kernel sends
//! SIGCONT along with SIGHUP, so answering the one may find the terminal gone before the other is seen), and an error or
//! the end of [`Input`].

mod frame_writer;
mod input;
mod modes;
mod panic;
mod signals;

use std::io::{self, IsTerminal};

use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::clipboard::CopyToClipboard;
use ratatui::crossterm::queue;
use ratatui::layout::{Position, Rect};

use frame_writer::FrameWriter;
pub use input::Input;
pub use modes::restore;
pub use panic::install_panic_hook;
pub use signals::{Signals, TerminalSignal};

/// Why the terminal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// `stdin` or `stdout` is a pipe or a file.
    #[error(
        "cannot open the terminal application because {0} is not a terminal: use `defi-qa ask QUESTION` in pipes and scripts"
    )]
    NotATerminal(&'static str),
    /// The terminal refused a mode or did not tell its size.
    #[error(
        "cannot set up the terminal for full-screen use: check that it still exists and that TERM names it"
    )]
    Enter(#[source] io::Error),
    /// The terminal went away (closed window, dropped connection): the loop must end.
    #[error("cannot draw because the terminal is gone: start defi-qa again in a new one")]
    Lost(#[source] io::Error),
    /// A panic gave the terminal back while the loop went on: the loop must end.
    #[error("cannot draw because the terminal was already given back after a crash: start defi-qa again")]
    GivenBack,
    /// A frame could not be written for another reason.
    #[error("cannot draw on the terminal: make the window smaller or restart defi-qa")]
    Draw(#[source] io::Error),
    /// The process could not be stopped or its terminal not taken again.
    #[error("cannot suspend defi-qa: quit it instead and start it again")]
    Suspend(#[source] io::Error),
}

impl TerminalError {
    fn drawing(error: io::Error) -> Self {
        if is_lost(&error) {
            Self::Lost(error)
        } else {
            Self::Draw(error)
        }
    }
}

/// Whether an error of reading from or writing to the terminal says that it no longer exists. Reading on would spin.
pub fn is_lost(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, NotConnected, UnexpectedEof};
    if matches!(error.kind(), BrokenPipe | NotConnected | UnexpectedEof) {
        return true;
    }
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        [Errno::IO, Errno::BADF, Errno::NXIO, Errno::NODEV, Errno::NOTTY]
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
    #[cfg(not(unix))]
    false
}

/// The screen while the application has it; dropping gives it back. One at a time, on the thread of the loop.
#[derive(Debug)]
pub struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<FrameWriter>>,
    writer: FrameWriter,
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal, and its mouse if that is wanted. On an error everything that was already set is given back.
    pub fn enter(mouse: bool) -> Result<Self, TerminalError> {
        if !io::stdout().is_terminal() {
            return Err(TerminalError::NotATerminal("stdout"));
        }
        if !io::stdin().is_terminal() {
            return Err(TerminalError::NotATerminal("stdin"));
        }
        let writer = FrameWriter::default();
        let backend = CrosstermBackend::new(writer.clone());
        let screen = ratatui::Terminal::new(backend).map_err(TerminalError::Enter)?;
        modes::enter(mouse).map_err(TerminalError::Enter)?;
        Ok(Self {
            screen,
            writer,
            mouse,
        })
    }

    /// Draws a frame: one write, inside a synchronised update, so that no half of it is ever seen.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> Result<(), TerminalError> {
        if !modes::entered() {
            return Err(TerminalError::GivenBack);
        }
        self.screen.draw(render).map_err(TerminalError::drawing)?;
        self.writer.present().map_err(TerminalError::drawing)
    }

    /// Forgets what is on the screen (for Ctrl-L, too): the next frame is drawn in full.
    pub fn redraw_all(&mut self) -> Result<(), TerminalError> {
        self.writer.forget();
        // Not `clear`: that asks the terminal where its cursor is, and waits up to 2 s for the answer.
        let size = self.screen.size().map_err(TerminalError::drawing)?;
        self.screen
            .resize(Rect::from((Position::ORIGIN, size)))
            .map_err(TerminalError::drawing)
    }

    /// Puts text on the terminal's clipboard (OSC 52), where the terminal allows it.
    pub fn copy(&mut self, text: &str) -> Result<(), TerminalError> {
        self.writer.forget();
        queue!(self.writer, CopyToClipboard::to_clipboard_from(text)).map_err(TerminalError::drawing)?;
        self.writer.present().map_err(TerminalError::drawing)
    }

    /// Ctrl-Z, or [`TerminalSignal::Suspend`]: gives the terminal back, stops this process until SIGCONT, takes the
    /// terminal again. The caller draws afterwards; that frame is a full one.
    ///
    /// It stops with SIGSTOP raised on the calling thread, so nothing after the stop runs before the continuation.
    /// On systems without job control it does nothing.
    pub fn suspend(&mut self) -> Result<(), TerminalError> {
        #[cfg(unix)]
        {
            modes::restore();
            signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
                .map_err(TerminalError::Suspend)?;
            modes::enter(self.mouse).map_err(TerminalError::Suspend)?;
            self.redraw_all()?;
        }
        Ok(())
    }

    /// [`TerminalSignal::Resume`]: sets every mode again, for somebody else (a shell, after a SIGSTOP from outside)
    /// may have used the terminal since. The caller draws afterwards; that frame is a full one.
    pub fn resume(&mut self) -> Result<(), TerminalError> {
        modes::set_again(self.mouse).map_err(TerminalError::drawing)?;
        self.redraw_all()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        modes::restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_is_one_sentence_with_a_way_on() {
        assert_eq!(
            TerminalError::NotATerminal("stdout").to_string(),
            "cannot open the terminal application because stdout is not a terminal: use `defi-qa ask QUESTION` in pipes \
             and scripts"
        );
        assert_eq!(
            TerminalError::drawing(io::ErrorKind::BrokenPipe.into()).to_string(),
            "cannot draw because the terminal is gone: start defi-qa again in a new one"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_vanished_terminal_is_told_from_a_passing_error() {
        use rustix::io::Errno;
        assert!(is_lost(&Errno::IO.into()));
        assert!(is_lost(&io::ErrorKind::UnexpectedEof.into()));
        assert!(!is_lost(&Errno::INTR.into()));
        assert!(!is_lost(&Errno::AGAIN.into()));
    }
}

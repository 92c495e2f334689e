//! The modes that the application sets on a terminal, and their exact reverse.

use std::io::{self, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use ratatui::crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};

/// Whether the modes are set. Global, as the terminal is: the panic hook must find it without the guard.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// The thread whose panic means that the screen will not be drawn again.
static LOOP_THREAD: Mutex<Option<ThreadId>> = Mutex::new(None);

/// Sets all modes, the capture of the mouse only if it is wanted: without it the terminal selects text with the mouse.
/// What was set before an error is undone.
///
/// Keyboard enhancement is not asked for: the query waits up to 2 s on a terminal that does not answer.
pub(super) fn enter(mouse: bool) -> io::Result<()> {
    *LOOP_THREAD.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
    ENTERED.store(true, Ordering::SeqCst);
    let set = enable_raw_mode().and_then(|()| write_modes(mouse));
    if set.is_err() {
        restore();
    }
    set
}

/// Sets all modes again while they should be set. Raw mode comes without a cooked moment in between, in which a key
/// would be echoed: crossterm could only leave it and enter it, since it remembers it as set.
pub(super) fn set_again(mouse: bool) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let input = io::stdin();
        let mut settings = tcgetattr(&input)?;
        settings.make_raw();
        tcsetattr(&input, OptionalActions::Now, &settings)?;
    }
    write_modes(mouse)
}

fn write_modes(mouse: bool) -> io::Result<()> {
    let mut out = stdout();
    queue!(out, EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange)?;
    if mouse {
        queue!(out, EnableMouseCapture)?;
    }
    execute!(out, Hide)
}

/// Gives the terminal back: the reverse of entering, in the reverse order. Does nothing when it was given back
/// already, so every way out may call it. A terminal that is gone is no error: there is nothing to give back.
pub fn restore() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    // A frame may have been cut off by a panic inside its synchronised update: the terminal would stay frozen.
    let queued = queue!(
        out,
        EndSynchronizedUpdate,
        Show,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen
    );
    // Raw mode goes whatever became of the bytes.
    let _ = queued.and_then(|()| out.flush());
    let _ = disable_raw_mode();
}

/// Whether the modes are set now.
pub(super) fn entered() -> bool {
    ENTERED.load(Ordering::SeqCst)
}

/// Whether the calling thread is the one that draws.
pub(super) fn on_loop_thread() -> bool {
    *LOOP_THREAD.lock().unwrap_or_else(PoisonError::into_inner) == Some(thread::current().id())
}

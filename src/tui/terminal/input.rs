//! Keys, mouse, paste, focus and resizes, read on a thread of their own.

use std::io;
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc;

/// Events that may wait for the loop before the reader pauses; what is typed further waits in the terminal.
const CAPACITY: usize = 256;

/// The stream of what the user does.
///
/// Not crossterm's `EventStream`: that polls the terminal on the loop's own thread, and when the terminal is gone
/// crossterm 0.29 reads its end for ever inside that poll, so the loop never sees SIGHUP and spins. Here only the
/// reading thread can be caught so, and it ends with the process.
#[derive(Debug)]
pub struct Input {
    events: mpsc::Receiver<io::Result<Event>>,
}

impl Input {
    /// Starts reading. Once per process, after `Terminal::enter`: a second reader would steal events from the first.
    pub fn start() -> io::Result<Self> {
        // From here on a change of the window's size is seen, even before the thread runs. An event stays queued.
        event::poll(Duration::ZERO)?;
        let (sender, events) = mpsc::channel(CAPACITY);
        thread::Builder::new().name("input".to_owned()).spawn(move || {
            loop {
                let event = event::read();
                let failed = event.is_err();
                if sender.blocking_send(event).is_err() || failed {
                    return;
                }
            }
        })?;
        Ok(Self { events })
    }

    /// The next event. `None` or an error mean that none will follow: the terminal is lost. Cancel safe.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }
}

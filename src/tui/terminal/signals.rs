//! What the system asks of a terminal application, as a stream for its loop.

use std::io;

/// A wish of the system (or of whoever runs `kill`), for the loop to fulfil in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalSignal {
    /// SIGINT, sent from outside: in raw mode Ctrl-C is a key.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, or the terminal is gone.
    HangUp,
    /// SIGTSTP, sent from outside: in raw mode Ctrl-Z is a key. Answer with `Terminal::suspend`.
    Suspend,
    /// SIGCONT. Answer with `Terminal::resume`.
    Resume,
}

impl TerminalSignal {
    /// What `main` returns after the loop ended for this signal: 128 plus its number, as a shell would report it
    /// (SIGINT 130, SIGTERM 143, SIGHUP 129). `None` when the application goes on.
    pub fn exit_code(self) -> Option<u8> {
        match self {
            Self::Interrupt => Some(130),
            Self::Terminate => Some(143),
            Self::HangUp => Some(129),
            Self::Suspend | Self::Resume => None,
        }
    }
}

/// The stream of signals. Make it before `Terminal::enter`: until then a signal has its default action, which ends
/// the process without giving the terminal back.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    unix: unix::Signals,
}

impl Signals {
    /// Takes over SIGINT, SIGTERM, SIGHUP, SIGTSTP and SIGCONT; on systems without them, Ctrl-C. Needs a tokio runtime
    /// with I/O enabled.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            unix: unix::Signals::new()?,
        })
    }

    /// The next signal. Cancel safe; a lost terminal is reported once.
    pub async fn next(&mut self) -> TerminalSignal {
        #[cfg(unix)]
        return self.unix.next().await;
        #[cfg(not(unix))]
        match tokio::signal::ctrl_c().await {
            Ok(()) => TerminalSignal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::OwnedFd;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::TerminalSignal;

    #[derive(Debug)]
    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Signal,
        suspend: Signal,
        resume: Signal,
        terminal: Option<AsyncFd<OwnedFd>>,
    }

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                suspend: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
                resume: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
                terminal: watch_terminal(),
            })
        }

        pub(super) async fn next(&mut self) -> TerminalSignal {
            tokio::select! {
                biased;
                _ = self.hang_up.recv() => TerminalSignal::HangUp,
                () = gone(&self.terminal) => {
                    self.terminal = None;
                    TerminalSignal::HangUp
                }
                _ = self.terminate.recv() => TerminalSignal::Terminate,
                _ = self.interrupt.recv() => TerminalSignal::Interrupt,
                _ = self.suspend.recv() => TerminalSignal::Suspend,
                _ = self.resume.recv() => TerminalSignal::Resume,
            }
        }
    }

    /// A watch on the input that keystrokes do not wake.
    ///
    /// SIGHUP goes only to the foreground group of a terminal's session; a process outside of it would read the end of
    /// its input for ever, at full speed. The hang-up condition of the descriptor tells everybody.
    fn watch_terminal() -> Option<AsyncFd<OwnedFd>> {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsFd;
            let input = io::stdin().as_fd().try_clone_to_owned().ok()?;
            #[expect(
                deprecated,
                reason = "its unsafe successor is for types less strict than OwnedFd"
            )]
            AsyncFd::with_interest(input, Interest::PRIORITY).ok()
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    async fn gone(terminal: &Option<AsyncFd<OwnedFd>>) {
        let Some(terminal) = terminal else {
            return std::future::pending().await;
        };
        loop {
            match terminal.ready(Interest::PRIORITY).await {
                Ok(mut ready) if !ready.ready().is_read_closed() => ready.clear_ready(),
                Ok(_) => return,
                Err(_) => return std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_ends_the_application_has_the_shells_exit_code() {
        assert_eq!(TerminalSignal::Interrupt.exit_code(), Some(130));
        assert_eq!(TerminalSignal::Terminate.exit_code(), Some(143));
        assert_eq!(TerminalSignal::HangUp.exit_code(), Some(129));
        assert_eq!(TerminalSignal::Suspend.exit_code(), None);
        assert_eq!(TerminalSignal::Resume.exit_code(), None);
    }
}

//! Runs a program in a pseudo-terminal and looks at it as a user would: at its screen, its keys, its exit.
//!
//! Nothing here sleeps: every wait is a read (or a wait for a process) that ends with what it waits for or fails at its
//! deadline, showing the screen. Include it with `#[path = "support/pty.rs"] mod pty;`.
#![allow(dead_code, reason = "each test uses its part of the harness")]

use std::io::{Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// How long a test waits for something that should take milliseconds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// What begins a frame on the wire.
pub(crate) const FRAME_BEGIN: &str = "\x1b[?2026h";
/// What ends one.
pub(crate) const FRAME_END: &str = "\x1b[?2026l";

/// The modes that a full-screen program sets, in the order in which it sets them.
pub(crate) const SETS: [&str; 6] = [
    "\x1b[?1049h",
    "\x1b[?2004h",
    "\x1b[?1004h",
    "\x1b[?1000h",
    "\x1b[?1006h",
    "\x1b[?25l",
];
/// What undoes each of them.
const RESETS: [&str; 6] = [
    "\x1b[?1049l",
    "\x1b[?2004l",
    "\x1b[?1004l",
    "\x1b[?1000l",
    "\x1b[?1006l",
    "\x1b[?25h",
];

/// A program in a terminal of its own.
pub(crate) struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// The line discipline as it was before the program started.
    cooked: String,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

/// How the program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(u32),
    Signal(String),
}

impl Pty {
    /// Starts the command on a screen of `rows` by `columns`, as the leader of a session with a controlling terminal.
    pub(crate) fn spawn(command: CommandBuilder, rows: u16, columns: u16) -> Self {
        let pair = native_pty_system().openpty(size(rows, columns)).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let cooked = termios(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        // With the slave open here, the output would not end with the program.
        drop(pair.slave);
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            master: pair.master,
            cooked,
            keys,
            output,
            screen: parser(rows, columns),
            bytes: Vec::new(),
        }
    }

    /// Types, as a keyboard would send it (`\r` is Enter, `\x03` is Ctrl-C).
    pub(crate) fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Reads until the screen satisfies the condition, at the end of a frame; panics with the screen at the deadline.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        self.wait_until(what, |pty| {
            pty.count(FRAME_BEGIN) <= pty.count(FRAME_END) && condition(pty.screen())
        });
    }

    /// As [`wait_for`](Self::wait_for), for a text anywhere on the screen.
    #[track_caller]
    pub(crate) fn wait_for_text(&mut self, text: &str) {
        self.wait_for(text, |screen| text_of(screen).contains(text));
    }

    /// Reads until these bytes were seen `times` times since the start.
    #[track_caller]
    pub(crate) fn wait_for_bytes(&mut self, bytes: &str, times: usize) {
        self.wait_until(bytes, |pty| pty.count(bytes) >= times);
    }

    #[track_caller]
    fn wait_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !condition(self) {
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(chunk) => self.take(&chunk),
                Err(why) => panic!(
                    "{why} while waiting for {what:?} on this screen:\n{}",
                    self.contents()
                ),
            }
        }
    }

    /// Reads until the program has closed the terminal, and says how it ended.
    #[track_caller]
    pub(crate) fn wait_for_exit(&mut self) -> Exit {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(chunk) => self.take(&chunk),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("still running with this screen:\n{}", self.contents())
                }
            }
        }
        self.wait_for_state(WaitIdOptions::EXITED);
        let status = self.child.wait().unwrap();
        match status.signal() {
            Some(signal) => Exit::Signal(signal.to_owned()),
            None => Exit::Code(status.exit_code()),
        }
    }

    /// Waits until the program is stopped, as after Ctrl-Z.
    #[track_caller]
    pub(crate) fn wait_for_stop(&mut self) {
        self.wait_for_state(WaitIdOptions::STOPPED | WaitIdOptions::EXITED);
    }

    #[track_caller]
    fn wait_for_state(&self, options: WaitIdOptions) {
        let (sender, done) = mpsc::channel();
        let pid = self.pid();
        thread::spawn(move || {
            let state = waitid(WaitId::Pid(pid), options | WaitIdOptions::NOWAIT);
            let _ = sender.send(state.is_ok());
        });
        match done.recv_timeout(DEADLINE) {
            Ok(reached) => assert!(reached, "the program cannot be waited for"),
            Err(_) => panic!(
                "the program did not reach {options:?}; its screen:\n{}",
                self.contents()
            ),
        }
    }

    /// Clicks with the left button on a cell, rows and columns from 0.
    pub(crate) fn click(&mut self, (row, column): (u16, u16)) {
        let (row, column) = (row + 1, column + 1);
        self.send(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }

    /// Clears the screen as somebody else on the same terminal might: what the program drew is lost.
    pub(crate) fn scribble(&mut self) {
        self.screen.process(b"\x1b[?1049h\x1b[2J\x1b[?1049l\x1b[H");
    }

    /// Sends a signal to the program alone, as `kill` does.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Changes the size of the window; the program gets SIGWINCH.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        self.master.resize(size(rows, columns)).unwrap();
        let screen = self.screen.screen_mut();
        screen.set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
    }

    /// Whether the line discipline is another than before the program started.
    pub(crate) fn is_raw(&self) -> bool {
        termios(&*self.master) != self.cooked
    }

    /// The program has the terminal: every mode is set, the screen is its own.
    #[track_caller]
    pub(crate) fn assert_taken(&self) {
        assert!(self.is_raw());
        assert!(self.screen().alternate_screen());
        for set in SETS {
            assert!(self.count(set) >= 1, "{set:?} is missing");
        }
    }

    /// Nothing of the program is left on the terminal, which is as it was before.
    #[track_caller]
    pub(crate) fn assert_given_back(&self) {
        let bytes = String::from_utf8_lossy(&self.bytes);
        for (set, reset) in SETS.iter().zip(RESETS) {
            assert!(
                bytes.rfind(reset) > bytes.rfind(set),
                "{reset:?} must be the last word"
            );
        }
        assert!(!self.screen().alternate_screen());
        assert!(!self.screen().bracketed_paste());
        assert!(!self.screen().hide_cursor());
        assert_eq!(
            self.screen().mouse_protocol_mode(),
            vt100::MouseProtocolMode::None
        );
        assert_eq!(termios(&*self.master), self.cooked);
    }

    /// The screen now.
    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// Row and column, from 0, where a text of single-width characters stands on the screen.
    #[track_caller]
    pub(crate) fn find(&self, text: &str) -> (u16, u16) {
        let (_, columns) = self.screen().size();
        let found = self
            .screen()
            .rows(0, columns.into())
            .zip(0..)
            .find_map(|(line, row)| {
                let column = line.get(..line.find(text)?)?.chars().count();
                Some((row, u16::try_from(column).unwrap()))
            });
        found.unwrap_or_else(|| panic!("{text:?} is not on this screen:\n{}", self.contents()))
    }

    /// The text of one row, without the blanks at its end.
    pub(crate) fn row(&self, row: u16) -> String {
        let (_, columns) = self.screen().size();
        let text = self.screen().rows(0, columns.into()).nth(row.into());
        text.unwrap_or_default().trim_end().to_owned()
    }

    /// The text of the screen now.
    pub(crate) fn contents(&self) -> String {
        text_of(self.screen())
    }

    /// Everything that the program has written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How often these bytes were written.
    pub(crate) fn count(&self, bytes: &str) -> usize {
        String::from_utf8_lossy(&self.bytes).matches(bytes).count()
    }

    /// The program's process.
    pub(crate) fn pid(&self) -> Pid {
        let pid = self.child.process_id().unwrap();
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    fn take(&mut self, chunk: &[u8]) {
        self.screen.process(chunk);
        self.bytes.extend_from_slice(chunk);
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of a screen as the eye sees it: a blank that does not break is a blank, and those at the ends of rows are
/// none (a full frame draws fewer of them than changes do).
pub(crate) fn text_of(screen: &vt100::Screen) -> String {
    let contents = screen.contents().replace('\u{a0}', " ");
    let rows: Vec<&str> = contents.lines().map(str::trim_end).collect();
    rows.join("\n")
}

/// The line discipline's settings, for comparing.
fn termios(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        ..PtySize::default()
    }
}

fn parser(rows: u16, columns: u16) -> vt100::Parser {
    vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0)
}

//! On every way out the terminal is as it was: modes, screen, cursor and line discipline.
//!
//! The tests run this very executable again inside a pseudo-terminal; there [`probe`] plays the application.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "support/pty.rs"]
mod pty;

use std::env;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use crossterm::event::{Event, KeyCode};
use defi_qa::tui::terminal::{Input, Signals, Terminal, TerminalError, TerminalSignal, install_panic_hook};
use portable_pty::CommandBuilder;
use ratatui::widgets::Paragraph;
use rustix::process::Signal;

use pty::{DEADLINE, Exit, FRAME_END, Pty, SETS};

/// Which part the re-executed test plays.
const PART: &str = "DEFI_QA_TERMINAL_PROBE";
/// Path of a socket to which the probe says how it ended, for a test that cannot see its exit.
const CONFIDANT: &str = "DEFI_QA_TERMINAL_CONFIDANT";

/// The application in small: it shows its last event and obeys signals and a few keys. `None` is the user's own wish.
async fn play() -> Option<TerminalSignal> {
    let mut signals = Signals::new().unwrap();
    let mut terminal = Terminal::enter(true).unwrap();
    match turn(&mut terminal, &mut signals).await {
        Ok(end) => end,
        // The kernel sends SIGCONT along with SIGHUP: whichever is seen first, the answer finds the terminal gone.
        Err(TerminalError::Lost(_)) => Some(TerminalSignal::HangUp),
        Err(other) => panic!("{other:?}"),
    }
}

async fn turn(
    terminal: &mut Terminal,
    signals: &mut Signals,
) -> Result<Option<TerminalSignal>, TerminalError> {
    let mut input = Input::start().map_err(TerminalError::Enter)?;
    let mut news = "ready".to_owned();
    loop {
        terminal.draw(|frame| frame.render_widget(Paragraph::new(format!("news: {news}")), frame.area()))?;
        let event = tokio::select! {
            signal = signals.next() => match signal {
                TerminalSignal::Suspend => {
                    terminal.suspend()?;
                    continue;
                }
                TerminalSignal::Resume => {
                    terminal.resume()?;
                    news = "resumed".to_owned();
                    continue;
                }
                ends => return Ok(Some(ends)),
            },
            event = input.next() => event,
        };
        match event {
            None | Some(Err(_)) => return Ok(Some(TerminalSignal::HangUp)),
            Some(Ok(Event::Resize(columns, rows))) => news = format!("{columns} by {rows}"),
            Some(Ok(Event::Key(key))) => match key.code {
                KeyCode::Char('q') => return Ok(None),
                KeyCode::Char('z') => terminal.suspend()?,
                KeyCode::Char('p') => panic!("the probe fell over"),
                KeyCode::Char('d') => terminal.draw(|frame| {
                    frame.render_widget(Paragraph::new("half a frame"), frame.area());
                    panic!("fell over while drawing");
                })?,
                KeyCode::Char('b') => {
                    let failed = tokio::spawn(async { panic!("a task fell over") }).await;
                    news = format!("task panicked: {}", failed.unwrap_err().is_panic());
                }
                other => news = format!("key {other}"),
            },
            Some(Ok(other)) => news = format!("{other:?}"),
        }
    }
}

#[test]
#[ignore = "a part that the other tests start in a pseudo-terminal"]
#[expect(clippy::exit, reason = "the exit code is what the other tests look at")]
fn probe() {
    match env::var(PART).as_deref() {
        Ok("application") => {}
        // A window that closes under the application: its process holds the only master.
        Ok("window") => {
            let mut window = Pty::spawn(probe_command("application"), 5, 40);
            window.wait_for_text("news: ready");
            std::process::exit(0);
        }
        // A shell without job control, whose child is in another session: no SIGHUP reaches that child.
        Ok("window of a detached application") => {
            let mut window = Pty::spawn(probe_command("shell"), 5, 40);
            window.wait_for_text("news: ready");
            std::process::exit(0);
        }
        Ok("shell") => {
            let mut child = Command::new(env::current_exe().unwrap())
                .args(ARGUMENTS)
                .env(PART, "detached application")
                .spawn()
                .unwrap();
            child.wait().unwrap();
            return;
        }
        Ok("detached application") => {
            rustix::process::setsid().unwrap();
        }
        other => panic!("not a test to run by hand: {PART} is {other:?}"),
    }
    install_panic_hook();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let signal = runtime.block_on(play());
    if let Ok(path) = env::var(CONFIDANT) {
        write!(UnixStream::connect(path).unwrap(), "{signal:?}").unwrap();
    }
    std::process::exit(i32::from(signal.and_then(TerminalSignal::exit_code).unwrap_or(0)));
}

const ARGUMENTS: [&str; 4] = ["--exact", "probe", "--ignored", "--nocapture"];

fn probe_command(part: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new(env::current_exe().unwrap());
    command.args(ARGUMENTS);
    command.env(PART, part);
    command.env("TERM", "xterm-256color");
    command.env("RUST_BACKTRACE", "0");
    if let Ok(path) = env::var(CONFIDANT) {
        command.env(CONFIDANT, path);
    }
    command
}

/// The application on its first frame.
fn started() -> Pty {
    let mut pty = Pty::spawn(probe_command("application"), 24, 80);
    pty.wait_for_text("news: ready");
    pty.assert_taken();
    pty
}

#[test]
fn quitting_gives_the_terminal_back_in_the_reverse_order() {
    let mut pty = started();
    pty.send("q");
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
    let bytes = String::from_utf8_lossy(pty.bytes());
    let undone = [
        "\x1b[?25h",
        "\x1b[?1006l",
        "\x1b[?1000l",
        "\x1b[?1004l",
        "\x1b[?2004l",
        "\x1b[?1049l",
    ];
    let places: Vec<_> = undone.iter().map(|reset| bytes.rfind(reset)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(
        undone.iter().all(|reset| pty.count(reset) == 1),
        "given back once"
    );
}

#[test]
fn a_panic_is_reported_on_the_restored_main_screen() {
    let mut pty = started();
    pty.send("p");
    assert_eq!(pty.wait_for_exit(), Exit::Code(101));
    pty.assert_given_back();
    assert!(
        pty.contents().contains("the probe fell over"),
        "{}",
        pty.contents()
    );
}

#[test]
fn a_panic_in_the_middle_of_a_frame_leaves_nothing_of_it_behind() {
    let mut pty = started();
    pty.send("d");
    assert_eq!(pty.wait_for_exit(), Exit::Code(101));
    pty.assert_given_back();
    assert_eq!(pty.count("half a frame"), 0);
    assert!(
        pty.contents().contains("fell over while drawing"),
        "{}",
        pty.contents()
    );
}

#[test]
fn a_panic_of_a_background_task_leaves_the_screen_alone() {
    let mut pty = started();
    pty.send("b");
    pty.wait_for_text("news: task panicked: true");
    assert!(!pty.contents().contains("fell over"), "{}", pty.contents());
    assert!(pty.screen().alternate_screen());
    pty.send("q");
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn a_signal_that_ends_the_application_ends_it_properly() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut pty = started();
        pty.signal(signal);
        assert_eq!(pty.wait_for_exit(), Exit::Code(code));
        pty.assert_given_back();
    }
}

#[test]
fn ctrl_c_is_a_key_while_the_application_runs() {
    let mut pty = started();
    pty.send("\x03");
    pty.wait_for_text("news: key c");
}

#[test]
fn a_suspended_application_gives_the_terminal_back_and_comes_back_with_a_full_frame() {
    let from_key: fn(&mut Pty) = |pty| pty.send("z");
    let from_outside: fn(&mut Pty) = |pty| pty.signal(Signal::TSTP);
    for suspend in [from_key, from_outside] {
        let mut pty = started();
        suspend(&mut pty);
        pty.wait_for_stop();
        pty.wait_for_bytes("\x1b[?1049l", 1);
        pty.assert_given_back();

        pty.signal(Signal::CONT);
        pty.wait_for("the whole frame again", |screen| {
            screen.alternate_screen() && screen.contents().contains("news: resumed")
        });
        assert!(pty.is_raw());
        assert!(pty.screen().bracketed_paste());
        pty.send("q");
        assert_eq!(pty.wait_for_exit(), Exit::Code(0));
        pty.assert_given_back();
    }
}

#[test]
fn after_a_stop_that_nobody_announced_every_mode_is_set_again() {
    let mut pty = started();
    pty.signal(Signal::STOP);
    pty.wait_for_stop();
    pty.signal(Signal::CONT);
    pty.wait_for_text("news: resumed");
    for set in SETS {
        assert!(pty.count(set) >= 2, "{set:?}");
    }
    pty.send("q");
    assert_eq!(pty.wait_for_exit(), Exit::Code(0));
    pty.assert_given_back();
}

#[test]
fn a_resized_window_is_drawn_anew() {
    let mut pty = started();
    pty.resize(12, 90);
    pty.wait_for_text("news: 90 by 12");
}

#[test]
fn a_frame_is_one_synchronised_update() {
    let mut pty = started();
    pty.send("x");
    pty.wait_for_text("news: key x");
    pty.wait_for_bytes("\x1b[?2026l", 2);
    assert_eq!(pty.count("\x1b[?2026h"), 2);
    let bytes = String::from_utf8_lossy(pty.bytes()).into_owned();
    let frame = bytes.split("\x1b[?2026h").nth(1).unwrap();
    assert!(
        frame.contains("ready") && frame.ends_with("\x1b[?2026l"),
        "{frame:?}"
    );
}

#[test]
fn a_frame_in_which_nothing_changes_is_not_written_again() {
    let mut pty = started();
    // The first frame without a change differs from the one before, which had one.
    for _ in 0..9 {
        pty.send("x");
    }
    pty.send("y");
    pty.wait_for_text("news: key y");
    assert_eq!(pty.count(FRAME_END), 4, "ready, x, x unchanged, y");
}

#[test]
fn the_terminal_is_asked_nothing_that_it_could_leave_unanswered() {
    let mut pty = started();
    pty.send("z");
    pty.wait_for_stop();
    pty.signal(Signal::CONT);
    pty.wait_for_bytes("\x1b[?1049h", 2);
    for query in ["\x1b[6n", "\x1b[c", "\x1b[?u"] {
        assert_eq!(pty.count(query), 0, "{query:?}");
    }
}

/// How an application ends whose window closed, as it tells its confidant.
fn end_after_the_window_closed(window: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("confidant");
    let listener = UnixListener::bind(&path).unwrap();
    let closed = Command::new(env::current_exe().unwrap())
        .args(ARGUMENTS)
        .env(PART, window)
        .env(CONFIDANT, &path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(closed.success());
    let (sender, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut words = String::new();
        listener.accept().unwrap().0.read_to_string(&mut words).unwrap();
        sender.send(words)
    });
    told.recv_timeout(DEADLINE)
        .expect("the application outlived its window")
}

#[test]
fn a_closed_window_ends_the_application() {
    assert_eq!(end_after_the_window_closed("window"), "Some(HangUp)");
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_window_ends_an_application_that_gets_no_sighup() {
    assert_eq!(
        end_after_the_window_closed("window of a detached application"),
        "Some(HangUp)"
    );
}

#[test]
fn a_pipe_is_refused_with_a_way_on() {
    let piped = Command::new(env::current_exe().unwrap())
        .args(ARGUMENTS)
        .env(PART, "application")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&piped.stderr).into_owned();
    assert!(said.contains("NotATerminal(\"stdout\")"), "{said}");
    assert!(!String::from_utf8_lossy(&piped.stdout).contains('\x1b'));
    assert!(!piped.status.success());
}

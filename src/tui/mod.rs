//! The terminal application: reads what happens, lets [`App::update`] decide, carries the effects out, and draws.
//!
//! ```text
//! keys, mouse ──► keymap ──► Message ─► App::update ─► Effect ─► Runner (tasks, clipboard, suspend, quit)
//! agent events ───────────────▲  │
//! gauges, clock ──────────────┘  └─► dirty ─► FramePacer ─► view::draw
//! ```

pub mod markdown;
pub mod pace;
pub mod terminal;
pub mod theme;
pub mod view;
pub mod wrap;

use std::time::{Duration, Instant};

use crossterm::event::{Event as Happening, MouseButton, MouseEvent, MouseEventKind};
use tokio::sync::{mpsc, watch};

use crate::agent::event::Event;
use crate::app::{App, Effect, Gauges, Message, Target};
use pace::FramePacer;
use terminal::{Input, Signals, Terminal, TerminalError, TerminalSignal};
use theme::Theme;
use view::{Regions, Rendered};

/// How often what moves with time alone (a spinner, a countdown) is drawn.
const TICK: Duration = Duration::from_millis(100);
/// Lines that one notch of the wheel scrolls.
const WHEEL: i32 = 3;
/// Agent events taken in one go before the loop looks at the keys again.
const BURST: usize = 256;
/// The exit code of a program whose terminal is gone: 128 plus SIGHUP.
const HUNG_UP: u8 = 129;

/// Carries out what the loop itself cannot: it starts and stops runs.
pub trait Runner {
    /// Starts a run or cancels one; anything else is the loop's own.
    fn run(&mut self, effect: Effect);
}

/// What feeds the loop besides the terminal.
#[derive(Debug)]
pub struct Feeds {
    pub events: mpsc::Receiver<Event>,
    pub gauges: watch::Receiver<Gauges>,
}

/// How the application ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Quit,
    /// By a signal, or since the terminal is gone: the exit code that goes with it.
    Signal(u8),
}

/// What takes part in one turn of the loop.
struct Loop<'a> {
    app: App,
    theme: Theme,
    terminal: Terminal,
    runner: &'a mut dyn Runner,
    rendered: Rendered,
    regions: Regions,
    pacer: FramePacer,
    start: Instant,
    mouse: bool,
}

/// Runs the application until the user leaves or the terminal is gone. The first frame is drawn before anything else
/// is waited for. Must be called within a tokio runtime.
///
/// # Errors
/// When the terminal cannot be taken or drawn on.
pub async fn run(
    app: App,
    theme: Theme,
    mouse: bool,
    feeds: Feeds,
    runner: &mut dyn Runner,
) -> Result<Ended, TerminalError> {
    match until_the_end(app, theme, mouse, feeds, runner).await {
        // The kernel sends SIGCONT along with SIGHUP: whichever is seen first, the answer finds the terminal gone.
        Err(TerminalError::Lost(_)) => Ok(Ended::Signal(HUNG_UP)),
        ended => ended,
    }
}

async fn until_the_end(
    app: App,
    theme: Theme,
    mouse: bool,
    mut feeds: Feeds,
    runner: &mut dyn Runner,
) -> Result<Ended, TerminalError> {
    // Before the terminal is entered: until then a signal would end the process without giving it back.
    let mut signals = Signals::new().map_err(TerminalError::Enter)?;
    let terminal = Terminal::enter()?;
    let mut this = Loop {
        app,
        theme,
        terminal,
        runner,
        rendered: Rendered::default(),
        regions: Regions::default(),
        pacer: FramePacer::new(),
        start: Instant::now(),
        mouse,
    };
    this.draw()?;
    let mut input = Input::start().map_err(TerminalError::Enter)?;
    let mut gauges_open = true;
    loop {
        let animated = this.app.animated();
        let frame_at = this.pacer.next_frame();
        let ended = tokio::select! {
            biased;
            signal = signals.next() => this.signal(signal)?,
            happening = input.next() => match happening {
                Some(Ok(happening)) => this.happened(happening)?,
                // The terminal is gone; reading on would spin.
                Some(Err(_)) | None => Some(Ended::Signal(HUNG_UP)),
            },
            Some(event) = feeds.events.recv() => {
                this.heard(event, &mut feeds.events);
                None
            }
            changed = feeds.gauges.changed(), if gauges_open => {
                gauges_open = changed.is_ok();
                if gauges_open {
                    let gauges = feeds.gauges.borrow_and_update().clone();
                    this.update(Message::Gauges(gauges))?
                } else {
                    None
                }
            }
            () = until(frame_at), if frame_at.is_some() => {
                this.draw()?;
                None
            }
            () = tokio::time::sleep(TICK), if animated => {
                let now = this.now_ms();
                this.update(Message::Tick(now))?
            }
        };
        if let Some(ended) = ended {
            return Ok(ended);
        }
        // A frame that is due is drawn before anything else is waited for: a flood of events must not starve it.
        if this.pacer.is_due(Instant::now()) {
            this.draw()?;
        }
    }
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at.into()).await;
    }
}

impl Loop<'_> {
    fn now_ms(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1e3
    }

    fn draw(&mut self) -> Result<(), TerminalError> {
        let mut drawn = view::Drawn::default();
        let (app, theme, rendered) = (&self.app, &self.theme, &mut self.rendered);
        self.terminal
            .draw(|frame| drawn = view::draw(frame, app, theme, rendered))?;
        self.app.measured = drawn.measured;
        self.regions = drawn.regions;
        self.pacer.drawn(Instant::now());
        Ok(())
    }

    fn signal(&mut self, signal: TerminalSignal) -> Result<Option<Ended>, TerminalError> {
        match signal {
            TerminalSignal::Suspend => self.terminal.suspend()?,
            TerminalSignal::Resume => self.terminal.resume()?,
            TerminalSignal::Interrupt | TerminalSignal::Terminate | TerminalSignal::HangUp => {}
        }
        self.pacer.mark_dirty(Instant::now());
        Ok(signal.exit_code().map(Ended::Signal))
    }

    fn heard(&mut self, first: Event, events: &mut mpsc::Receiver<Event>) {
        let now = self.now_ms();
        self.app.update(Message::Tick(now));
        self.app.update(Message::Agent(Box::new(first)));
        for _ in 0..BURST {
            let Ok(event) = events.try_recv() else { break };
            self.app.update(Message::Agent(Box::new(event)));
        }
        self.pacer.mark_dirty(Instant::now());
    }

    fn happened(&mut self, happening: Happening) -> Result<Option<Ended>, TerminalError> {
        let message = match happening {
            Happening::Key(key) => self.app.message_of(key),
            Happening::Paste(text) => Some(Message::Paste(text)),
            Happening::Mouse(mouse) if self.mouse => self.pointed(mouse),
            Happening::Resize(..) => {
                self.pacer.mark_dirty(Instant::now());
                None
            }
            Happening::Mouse(_) | Happening::FocusGained | Happening::FocusLost => None,
        };
        match message {
            Some(message) => self.update(message),
            None => Ok(None),
        }
    }

    fn pointed(&self, mouse: MouseEvent) -> Option<Message> {
        let over = self.regions.at(mouse.column, mouse.row);
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => over.map(Message::Click),
            MouseEventKind::ScrollUp => Some(wheel(over, -WHEEL)),
            MouseEventKind::ScrollDown => Some(wheel(over, WHEEL)),
            _ => None,
        }
    }

    fn update(&mut self, message: Message) -> Result<Option<Ended>, TerminalError> {
        let now = self.now_ms();
        self.app.update(Message::Tick(now));
        let effects = self.app.update(message);
        self.pacer.mark_dirty(Instant::now());
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Some(Ended::Quit)),
                Effect::Suspend => self.terminal.suspend()?,
                Effect::Copy { text } => self.terminal.copy(&crate::text::sanitize(&text))?,
                Effect::Ask { .. } | Effect::Cancel { .. } => self.runner.run(effect),
            }
        }
        Ok(None)
    }
}

fn wheel(over: Option<Target>, lines: i32) -> Message {
    Message::Scroll {
        over: over.unwrap_or(Target::Chat),
        lines,
    }
}

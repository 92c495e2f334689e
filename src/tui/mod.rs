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

use std::time::Instant;

use crossterm::event::{Event as Happening, MouseButton, MouseEvent, MouseEventKind};
use tokio::sync::{mpsc, watch};

use crate::agent::event::Event;
use crate::app::compare::{Compared, Ranked};
use crate::app::sessions::Told;
use crate::app::{App, Effect, Gauges, Message, Target};
use pace::FramePacer;
use terminal::{Input, Signals, Terminal, TerminalError, TerminalSignal};
use theme::Theme;
use view::{Regions, Rendered};

/// Lines that one notch of the wheel scrolls.
const WHEEL: i32 = 3;
/// Agent events taken in one go before the loop looks at the keys again.
const BURST: usize = 256;
/// The exit code of a program whose terminal is gone: 128 plus SIGHUP.
const HUNG_UP: u8 = 129;

/// Carries out what the loop itself cannot: it starts and stops runs and recordings.
pub trait Runner {
    /// Carries out an effect that is not the loop's own; the application takes its answer in.
    fn run(&mut self, effect: Effect, app: &App) -> Option<Message>;

    /// Hears what the application takes in next, at [`App::now_ms`]; the application takes the answer in as well.
    fn hears(&mut self, message: &Message, app: &App) -> Option<Message>;
}

/// What feeds the loop besides the terminal.
#[derive(Debug)]
pub struct Feeds {
    pub events: mpsc::Receiver<Event>,
    pub gauges: watch::Receiver<Gauges>,
    /// The comparison that ended last.
    pub compared: watch::Receiver<Option<Compared>>,
    /// The judged set that was ranked last.
    pub ranked: watch::Receiver<Option<Ranked>>,
    /// What the store of sessions says.
    pub sessions: mpsc::UnboundedReceiver<Told>,
}

/// How the application ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Quit,
    /// By a signal, or since the terminal is gone: the exit code that goes with it.
    Signal(u8),
}

/// The application on its terminal.
pub struct Screen {
    app: App,
    theme: Theme,
    terminal: Terminal,
    signals: Signals,
    rendered: Rendered,
    regions: Regions,
    pacer: FramePacer,
    start: Instant,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

impl Screen {
    /// Takes the terminal and draws the first frame, before anything that takes time is begun: a model that loads beside
    /// it costs the frame milliseconds on two cores. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the terminal cannot be taken or drawn on.
    pub fn open(app: App, theme: Theme, mouse: bool) -> Result<Self, TerminalError> {
        // Before the terminal is entered: until then a signal would end the process without giving it back.
        let signals = Signals::new().map_err(TerminalError::Enter)?;
        let mut screen = Self {
            app,
            theme,
            terminal: Terminal::enter(mouse)?,
            signals,
            rendered: Rendered::default(),
            regions: Regions::default(),
            pacer: FramePacer::new(),
            start: Instant::now(),
        };
        screen.draw()?;
        Ok(screen)
    }

    /// Runs the application until the user leaves or the terminal is gone.
    ///
    /// # Errors
    /// When the terminal cannot be drawn on.
    pub async fn run(&mut self, feeds: Feeds, runner: &mut dyn Runner) -> Result<Ended, TerminalError> {
        match self.until_the_end(feeds, runner).await {
            // The kernel sends SIGCONT along with SIGHUP: whichever is seen first, the answer finds the terminal gone.
            Err(TerminalError::Lost(_)) => Ok(Ended::Signal(HUNG_UP)),
            ended => ended,
        }
    }

    /// What stands in the composer.
    pub fn draft(&self) -> String {
        self.app.composer.text()
    }

    /// Carries out an effect that came before the loop began.
    pub fn carry_out(&mut self, effect: Effect, runner: &mut dyn Runner) {
        if let Some(answer) = runner.run(effect, &self.app) {
            self.app.update(answer);
        }
    }

    async fn until_the_end(
        &mut self,
        mut feeds: Feeds,
        runner: &mut dyn Runner,
    ) -> Result<Ended, TerminalError> {
        let mut input = Input::start().map_err(TerminalError::Enter)?;
        let mut gauges_open = true;
        let (mut compared_open, mut ranked_open) = (true, true);
        loop {
            let wake = self.app.wakes_in();
            let frame_at = self.pacer.next_frame();
            let ended = tokio::select! {
                biased;
                signal = self.signals.next() => self.signal(signal)?,
                happening = input.next() => match happening {
                    Some(Ok(happening)) => self.happened(happening, runner)?,
                    // The terminal is gone; reading on would spin.
                    Some(Err(_)) | None => Some(Ended::Signal(HUNG_UP)),
                },
                Some(event) = feeds.events.recv() => {
                    self.heard(event, &mut feeds.events, runner);
                    None
                }
                changed = feeds.gauges.changed(), if gauges_open => {
                    gauges_open = changed.is_ok();
                    // The end of loading closes the channel and changes nothing that is drawn.
                    if gauges_open {
                        let gauges = feeds.gauges.borrow_and_update().clone();
                        self.update(Message::Gauges(gauges), runner)?
                    } else {
                        None
                    }
                }
                changed = feeds.compared.changed(), if compared_open => {
                    compared_open = changed.is_ok();
                    let compared = feeds.compared.borrow_and_update().clone().filter(|_| compared_open);
                    match compared {
                        Some(compared) => self.update(Message::Compared(compared), runner)?,
                        None => None,
                    }
                }
                changed = feeds.ranked.changed(), if ranked_open => {
                    ranked_open = changed.is_ok();
                    let ranked = feeds.ranked.borrow_and_update().clone().filter(|_| ranked_open);
                    match ranked {
                        Some(ranked) => self.update(Message::Ranked(ranked), runner)?,
                        None => None,
                    }
                }
                Some(told) = feeds.sessions.recv() => self.update(Message::Sessions(told), runner)?,
                () = until(frame_at), if frame_at.is_some() => {
                    self.draw()?;
                    None
                }
                () = tokio::time::sleep(wake.unwrap_or_default()), if wake.is_some() => {
                    self.update(Message::Woke, runner)?
                }
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
            // A frame that is due is drawn before anything else is waited for: a flood of events must not starve it.
            if self.pacer.is_due(Instant::now()) {
                self.draw()?;
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at.into()).await;
    }
}

impl Screen {
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

    fn heard(&mut self, first: Event, events: &mut mpsc::Receiver<Event>, runner: &mut dyn Runner) {
        let now = self.now_ms();
        self.app.update(Message::Tick(now));
        self.take_in(Message::Agent(Box::new(first)), runner);
        for _ in 0..BURST {
            let Ok(event) = events.try_recv() else { break };
            self.take_in(Message::Agent(Box::new(event)), runner);
        }
        self.pacer.mark_dirty(Instant::now());
    }

    fn happened(
        &mut self,
        happening: Happening,
        runner: &mut dyn Runner,
    ) -> Result<Option<Ended>, TerminalError> {
        let message = match happening {
            Happening::Key(key) => self.app.message_of(key),
            Happening::Paste(text) => Some(Message::Paste(text)),
            Happening::Mouse(mouse) => self.pointed(mouse),
            Happening::Resize(..) => {
                self.pacer.mark_dirty(Instant::now());
                None
            }
            Happening::FocusGained | Happening::FocusLost => None,
        };
        match message {
            Some(message) => self.update(message, runner),
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

    fn update(&mut self, message: Message, runner: &mut dyn Runner) -> Result<Option<Ended>, TerminalError> {
        let now = self.now_ms();
        self.app.update(Message::Tick(now));
        let effects = self.take_in(message, runner);
        self.pacer.mark_dirty(Instant::now());
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Some(Ended::Quit)),
                Effect::Suspend => self.terminal.suspend()?,
                Effect::Copy { text } => self.terminal.copy(&crate::text::sanitize(&text))?,
                Effect::Ask { .. }
                | Effect::AskBeside { .. }
                | Effect::Cancel { .. }
                | Effect::Compare { .. }
                | Effect::RankSet { .. }
                | Effect::FindSessions { .. }
                | Effect::OpenSession { .. }
                | Effect::RenameSession { .. }
                | Effect::DeleteSession { .. }
                | Effect::RestoreSession { .. }
                | Effect::ExportSession { .. }
                | Effect::Record => {
                    if let Some(answer) = runner.run(effect, &self.app) {
                        self.app.update(answer);
                    }
                }
            }
        }
        Ok(None)
    }

    fn take_in(&mut self, message: Message, runner: &mut dyn Runner) -> Vec<Effect> {
        let answer = runner.hears(&message, &self.app);
        let effects = self.app.update(message);
        if let Some(answer) = answer {
            self.app.update(answer);
        }
        effects
    }
}

fn wheel(over: Option<Target>, lines: i32) -> Message {
    Message::Scroll {
        over: over.unwrap_or(Target::Chat),
        lines,
    }
}

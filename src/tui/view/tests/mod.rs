//! Conversations with the application, looked at on the screen.
//!
//! A [`Talk`] types and presses keys as the loop would hand them on, hears what a run says, and draws on a backend in
//! memory. Its clock is told, so a screen is the same at every run.

mod beside;
mod compare;
mod figures;
mod fixtures;
mod hostile;
mod mouse;
mod replay;
mod screens;
mod sessions;
mod styles;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, CellWidth as _};

use super::{Drawn, Regions, Rendered, draw};
use crate::agent::event::{AgentEvent, Event, Hit, RunId, VERSION};
use crate::app::{App, Effect, Gauges, Message};
use crate::config::Theme as Choice;
use crate::tui::theme::Theme;

/// The application with a screen in memory.
struct Talk {
    app: App,
    theme: Theme,
    terminal: Terminal<TestBackend>,
    rendered: Rendered,
    regions: Regions,
}

impl Talk {
    /// A session that is ready, on a screen of this size.
    fn on(width: u16, height: u16) -> Self {
        Self::with(width, height, fixtures::ready())
    }

    fn with(width: u16, height: u16, gauges: Gauges) -> Self {
        Self {
            app: App::new(gauges),
            theme: Theme::of(Choice::Dark, None),
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
            rendered: Rendered::default(),
            regions: Regions::default(),
        }
    }

    /// Another size of the terminal; the next frame has it.
    fn resized(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.backend_mut().resize(width, height);
        self
    }

    /// Sets the clock, in milliseconds.
    fn at(&mut self, now_ms: f64) -> &mut Self {
        self.app.update(Message::Tick(now_ms));
        self
    }

    fn types(&mut self, text: &str) -> &mut Self {
        self.app.update(Message::Paste(text.to_owned()));
        self
    }

    /// A key, with the frame before it on the screen, as it is when a person presses it.
    fn presses(&mut self, code: KeyCode) -> &mut Self {
        self.key(KeyEvent::new(code, KeyModifiers::NONE));
        self
    }

    fn presses_ctrl(&mut self, letter: char) -> &mut Self {
        self.key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
        self
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.draws();
        match self.app.message_of(key) {
            Some(message) => self.app.update(message),
            None => Vec::new(),
        }
    }

    fn asks(&mut self, question: &str) -> RunId {
        self.types(question);
        match self
            .key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE))
            .as_slice()
        {
            [Effect::Ask { run, .. }] => *run,
            other => panic!("expected a run, got {other:?}"),
        }
    }

    /// What a run says, so many milliseconds after its start.
    fn hears(&mut self, run: RunId, at_ms: f64, what: AgentEvent) -> &mut Self {
        self.app.update(Message::Agent(Box::new(Event {
            v: VERSION,
            run,
            at_ms,
            what,
        })));
        self
    }

    fn hears_all(&mut self, run: RunId, said: impl IntoIterator<Item = (f64, AgentEvent)>) -> &mut Self {
        for (at_ms, what) in said {
            self.hears(run, at_ms, what);
        }
        self
    }

    /// The whole search, which takes 14 ms and finds `hits`.
    fn finds(&mut self, run: RunId, question: &str, hits: Vec<Hit>) -> &mut Self {
        self.hears_all(run, fixtures::search(question, hits))
    }

    /// Draws and hands what was measured back, as the loop does.
    fn draws(&mut self) -> &Buffer {
        let mut drawn = Drawn::default();
        let (app, theme, rendered) = (&self.app, &self.theme, &mut self.rendered);
        self.terminal
            .draw(|frame| drawn = draw(frame, app, theme, rendered))
            .unwrap();
        self.app.measured = drawn.measured;
        self.regions = drawn.regions;
        self.terminal.backend().buffer()
    }

    /// The screen as text, and where the cursor is.
    fn screen(&mut self) -> String {
        self.draws();
        let backend = self.terminal.backend();
        let mut text = rows(backend.buffer()).join("\n");
        if backend.cursor_visible() {
            let at = backend.cursor_position();
            text.push_str(&format!("\ncursor in column {}, row {}", at.x, at.y));
        }
        text
    }
}

/// The rows of a buffer, without the blanks at their ends.
fn rows(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width);
    let mut rows = Vec::new();
    for cells in buffer.content.chunks(width) {
        let mut row = String::new();
        let mut column = 0;
        while let Some(cell) = cells.get(column) {
            row.push_str(cell.symbol());
            column += usize::from(cell.cell_width()).max(1);
        }
        row.truncate(row.trim_end().len());
        rows.push(row);
    }
    rows
}

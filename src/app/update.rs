//! What happens when something happens: message in, effects out.

use super::keymap::Command;
use super::scroll::shifted;
use super::{Anchor, App, Effect, Entry, Focus, Gauges, Message, Notice, Overlay, Page, Recorded, Target};
use crate::agent::event::{AgentEvent, Event, Freshness};

impl App {
    /// Takes one message in and says what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Agent(event) => {
                self.agent(&event);
                Vec::new()
            }
            Message::Gauges(gauges) => {
                self.told(gauges);
                Vec::new()
            }
            Message::Compared(compared) => {
                self.compared(compared);
                Vec::new()
            }
            Message::Ranked(ranked) => {
                self.ranked(ranked);
                Vec::new()
            }
            Message::Sessions(told) => self.sessions_told(told),
            Message::Woke => self.compare_woke(),
            Message::Tick(now_ms) => {
                if self.replay.is_some() {
                    self.play(now_ms);
                } else {
                    self.now_ms = self.now_ms.max(now_ms);
                }
                Vec::new()
            }
            Message::Edit(_) | Message::Paste(_) if self.replay.is_some() => {
                self.refuse_to_ask();
                Vec::new()
            }
            Message::Trouble(text) => {
                self.warn(text);
                Vec::new()
            }
            Message::Recording(what) => {
                self.recorded(what);
                Vec::new()
            }
            Message::Scroll { over, lines } => {
                self.wheel(over, lines);
                Vec::new()
            }
            Message::Edit(input) if self.overlay == Some(Overlay::Sessions) => {
                self.notice = None;
                self.sessions_type(input)
            }
            Message::Paste(text) if self.overlay == Some(Overlay::Sessions) => {
                self.notice = None;
                self.sessions_write(|field| field.paste(&text))
            }
            Message::Edit(input) => {
                self.notice = None;
                match self.page {
                    Page::Chat => self.composer.input(input),
                    Page::Compare => self.compare_types(input),
                    Page::Beside => self.beside_types(input),
                }
                Vec::new()
            }
            Message::Paste(text) => {
                self.notice = None;
                match self.page {
                    Page::Chat => {
                        self.focus = Focus::Composer;
                        self.composer.paste(&text);
                    }
                    Page::Compare => self.compare_pastes(&text),
                    Page::Beside => self.beside_pastes(&text),
                }
                Vec::new()
            }
            Message::Click(Target::Compare(spot)) => {
                self.notice = None;
                self.compare_click(spot)
            }
            Message::Click(Target::Beside(spot)) => {
                self.notice = None;
                self.beside_click(spot);
                Vec::new()
            }
            Message::Click(Target::Session(row)) => {
                self.notice = None;
                self.session_clicked(row)
            }
            Message::Click(Target::Export(way)) => {
                self.notice = None;
                self.export_clicked(way)
            }
            Message::Click(target) => {
                self.notice = None;
                self.click(target);
                Vec::new()
            }
            Message::Command(command) => {
                self.notice = None;
                self.command(command)
            }
        }
    }

    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            bad: true,
        });
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            bad: false,
        });
    }

    fn recorded(&mut self, what: Recorded) {
        self.recording = None;
        match what {
            Recorded::To(path) => {
                self.say(format!("Recording to {path}"));
                self.recording = Some(path);
            }
            Recorded::Ended { path, lines } => {
                self.say(format!(
                    "The recording ended after {lines} lines: defi-qa replay {path}"
                ));
            }
            Recorded::Broken(why) => self.warn(format!("{why}.")),
        }
    }

    pub(super) fn told(&mut self, gauges: Gauges) {
        if let Some(limits) = gauges.limits.as_deref() {
            self.limits = Some((limits.clone(), self.now_ms));
        }
        if let Some(limits) = gauges.embedding_limits.as_deref() {
            self.embedding_limits = Some((limits.clone(), self.now_ms));
        }
        self.gauges = gauges;
        self.gauges_ms = self.now_ms;
    }

    pub(super) fn agent(&mut self, event: &Event) {
        match &event.what {
            AgentEvent::Cache {
                tier,
                saved_ms,
                saved_tokens,
                ..
            } => self.cache.count(*tier, *saved_ms, *saved_tokens),
            AgentEvent::Limits { limits } => self.limits = Some((limits.clone(), self.now_ms)),
            AgentEvent::EmbeddingLimits { limits } => {
                self.embedding_limits = Some((limits.clone(), self.now_ms));
            }
            _ => {}
        }
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.run == event.run) {
            entry.exchange.apply(event);
        }
    }

    fn command(&mut self, command: Command) -> Vec<Effect> {
        if let Some(Overlay::Exports { at }) = self.overlay {
            return self.exports_command(at, command);
        }
        // Before the comparison, whose own Up, Down and Esc are not meant while the picker lies over it.
        if self.overlay == Some(Overlay::Sessions) {
            match command {
                Command::Up => self.step(-1),
                Command::Down => self.step(1),
                Command::PageUp => self.page(-1),
                Command::PageDown => self.page(1),
                Command::Escape | Command::Interrupt => self.sessions_escape(),
                Command::Sessions(command) => return self.sessions_command(command),
                Command::Quit => return vec![Effect::Quit],
                Command::Record => return vec![Effect::Record],
                Command::Help => self.overlay = Some(Overlay::Help { top: 0 }),
                // What belongs to the panes below is not meant.
                _ => {}
            }
            return Vec::new();
        }
        if let Command::Sessions(command) = command {
            return self.sessions_command(command);
        }
        if let Command::Beside(command) = command {
            return self.own_beside_command(command);
        }
        if let Some(effects) = self.compare_command(command) {
            return effects;
        }
        if let Some(effects) = self.beside_command(command) {
            return effects;
        }
        match command {
            Command::Transport(key) => self.transport(key),
            Command::Ask | Command::Retry | Command::AskFresh | Command::Record | Command::FocusComposer
                if self.replay.is_some() =>
            {
                self.refuse_to_ask();
            }
            Command::Ask => return self.ask(Freshness::Kept),
            Command::Retry => return self.retry(Freshness::Kept),
            Command::AskFresh if self.focus == Focus::Composer && !self.composer.is_blank() => {
                return self.ask(Freshness::Fresh);
            }
            Command::AskFresh => return self.retry(Freshness::Fresh),
            Command::Copy => return self.copy(),
            Command::Escape => return self.escape(),
            Command::Interrupt => return self.interrupt(),
            Command::Quit | Command::QuitOrDelete => return vec![Effect::Quit],
            Command::Suspend => return vec![Effect::Suspend],
            Command::Record => return vec![Effect::Record],
            Command::Newline => self.composer.newline(),
            Command::Up => self.step(-1),
            Command::Down => self.step(1),
            Command::PageUp => self.page(-1),
            Command::PageDown => self.page(1),
            Command::Top => self.scroll_to(0),
            Command::Bottom => self.bottom(),
            Command::PreviousExchange => self.neighbour(-1),
            Command::NextExchange => self.neighbour(1),
            Command::Evidence(number) => self.select_evidence(number.saturating_sub(1)),
            Command::OpenPair => self.open_pair(),
            Command::FocusNext => self.turn_focus(1),
            Command::FocusPrevious => self.turn_focus(2),
            Command::FocusComposer => self.focus = Focus::Composer,
            Command::ToggleTrace => {
                self.trace = !self.trace;
                self.side = self.side || !self.measured.side_by_side;
            }
            Command::ToggleSide => self.side = !self.side,
            // Taken above.
            Command::Compare(_) | Command::Beside(_) | Command::Sessions(_) => {}
            Command::Help | Command::HelpOrText => self.overlay = Some(Overlay::Help { top: 0 }),
        }
        Vec::new()
    }

    fn copy(&mut self) -> Vec<Effect> {
        let text = self
            .current()
            .map(|entry| entry.exchange.answer.clone())
            .unwrap_or_default();
        if text.is_empty() {
            self.warn("There is no answer to copy.");
            return Vec::new();
        }
        self.say("The answer was sent to the terminal's clipboard.");
        vec![Effect::Copy { text }]
    }

    fn escape(&mut self) -> Vec<Effect> {
        if self.overlay.take().is_some() {
            return Vec::new();
        }
        if let Some(run) = self.cancellable() {
            return vec![Effect::Cancel { run }];
        }
        self.focus = Focus::Composer;
        self.side = false;
        Vec::new()
    }

    fn interrupt(&mut self) -> Vec<Effect> {
        if let Some(run) = self.cancellable() {
            return vec![Effect::Cancel { run }];
        }
        if self.composer.is_blank() || self.replay.is_some() {
            return vec![Effect::Quit];
        }
        self.composer.take();
        self.say("The draft was set aside: Up brings it back, Ctrl-C quits.");
        Vec::new()
    }

    /// Up or Down in whatever has the focus.
    pub(super) fn step(&mut self, by: i32) {
        match (self.overlay, self.focus) {
            (Some(_), _) => self.scroll_overlay(by),
            (None, Focus::Composer) if self.replay.is_some() => self.scroll_chat(by),
            (None, Focus::Composer) if by < 0 => self.composer.up(),
            (None, Focus::Composer) => self.composer.down(),
            (None, Focus::Chat) => self.scroll_chat(by),
            (None, Focus::Evidence) => {
                let rows = self.current().map_or(0, |entry| entry.exchange.hits.len());
                let at = self.current().and_then(|entry| entry.evidence);
                if rows > 0 {
                    self.select_evidence(match at {
                        None => 0,
                        Some(at) => shifted(at, by, rows - 1),
                    });
                }
            }
        }
    }

    /// The question before or after the selected one; with a pair open, the pair before or after it.
    fn neighbour(&mut self, by: i32) {
        if let Some(Overlay::Pair { hit, .. }) = self.overlay {
            let rows = self.current().map_or(0, |entry| entry.exchange.hits.len());
            let hit = shifted(hit, by, rows.saturating_sub(1));
            self.overlay = Some(Overlay::Pair { hit, top: 0 });
            self.select_evidence(hit);
        } else if self.overlay.is_none()
            && let (Some(at), Some(last)) = (self.selected, self.entries.len().checked_sub(1))
        {
            let at = shifted(at, by, last);
            self.selected = Some(at);
            self.anchor = Anchor::Entry(self.entries[at].run);
        }
    }

    fn select_evidence(&mut self, row: usize) {
        let Some(entry) = self.current_mut() else {
            self.warn("There is no evidence yet: ask a question first.");
            return;
        };
        let rows = entry.exchange.hits.len();
        if row < rows {
            entry.evidence = Some(row);
            self.trace = false;
        } else {
            self.warn(format!(
                "There is no evidence {}: this question has {rows}.",
                row + 1
            ));
        }
    }

    fn open_pair(&mut self) {
        let Some(entry) = self.current_mut() else { return };
        if entry.exchange.hits.is_empty() {
            return;
        }
        let hit = *entry.evidence.get_or_insert(0);
        self.overlay = Some(Overlay::Pair { hit, top: 0 });
    }

    fn turn_focus(&mut self, by: usize) {
        const RING: [Focus; 3] = [Focus::Composer, Focus::Chat, Focus::Evidence];
        if self.overlay.is_some() {
            return;
        }
        let at = RING.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        self.focus = RING[(at + by) % RING.len()];
        // On a narrow screen the pane with the focus must be the one that is seen.
        self.side = self.focus == Focus::Evidence;
        if self.focus == Focus::Evidence
            && let Some(entry) = self.current_mut()
            && !entry.exchange.hits.is_empty()
        {
            entry.evidence.get_or_insert(0);
        }
    }

    fn click(&mut self, target: Target) {
        match target {
            Target::Overlay
            | Target::Compare(_)
            | Target::Beside(_)
            | Target::Session(_)
            | Target::Export(_) => {}
            Target::Tape { column, columns } => self.seek_to(column, columns),
            _ if self.overlay.is_some() => self.overlay = None,
            Target::Composer { row, column } => {
                self.focus = Focus::Composer;
                if self.replay.is_none() {
                    self.composer.click(row, column);
                }
            }
            Target::Chat => self.focus = Focus::Chat,
            Target::Side => self.focus = Focus::Evidence,
            Target::Entry(entry) => {
                self.focus = Focus::Chat;
                self.select_entry(entry);
            }
            Target::Citation { entry, number } => {
                self.select_entry(entry);
                self.select_evidence(number.saturating_sub(1));
            }
            Target::Evidence(row) => {
                self.focus = Focus::Evidence;
                if self.current().is_some_and(|entry| entry.evidence == Some(row)) {
                    self.open_pair();
                } else {
                    self.select_evidence(row);
                }
            }
        }
    }

    fn select_entry(&mut self, entry: usize) {
        if entry < self.entries.len() && self.selected != Some(entry) {
            self.selected = Some(entry);
            // What the user looks at must not jump away because it was clicked.
            self.anchor = Anchor::Line(self.measured.chat_top);
        }
    }
}

impl Entry {
    /// Whether text is arriving or expected.
    pub fn is_live(&self) -> bool {
        !self.exchange.phase.ended()
    }
}

#[cfg(test)]
mod tests;

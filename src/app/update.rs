//! What happens when something happens: message in, effects out.

use super::keymap::Command;
use super::{Anchor, App, Effect, Entry, Focus, Message, Notice, Overlay, Target};
use crate::agent::event::{AgentEvent, Event, Exchange, LONGEST_QUESTION, Phase, RunId};

impl App {
    /// Takes one message in and says what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Agent(event) => {
                self.agent(&event);
                Vec::new()
            }
            Message::Gauges(gauges) => {
                self.gauges = gauges;
                Vec::new()
            }
            Message::Tick(now_ms) => {
                self.now_ms = self.now_ms.max(now_ms);
                Vec::new()
            }
            Message::Trouble(text) => {
                self.warn(text);
                Vec::new()
            }
            Message::Scroll { over, lines } => {
                self.wheel(over, lines);
                Vec::new()
            }
            Message::Edit(input) => {
                self.notice = None;
                self.composer.input(input);
                Vec::new()
            }
            Message::Paste(text) => {
                self.notice = None;
                self.focus = Focus::Composer;
                self.composer.paste(&text);
                Vec::new()
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

    fn warn(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            bad: true,
        });
    }

    fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            bad: false,
        });
    }

    fn agent(&mut self, event: &Event) {
        match &event.what {
            AgentEvent::Cache { tier, .. } => self.cache.count(*tier),
            AgentEvent::Limits { limits } => self.limits = Some((limits.clone(), self.now_ms)),
            _ => {}
        }
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.run == event.run) {
            entry.exchange.apply(event);
        }
    }

    fn command(&mut self, command: Command) -> Vec<Effect> {
        match command {
            Command::Ask => return self.ask(),
            Command::Retry => return self.retry(),
            Command::Copy => return self.copy(),
            Command::Escape => return self.escape(),
            Command::Interrupt => return self.interrupt(),
            Command::Quit | Command::QuitOrDelete => return vec![Effect::Quit],
            Command::Suspend => return vec![Effect::Suspend],
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
            Command::Help | Command::HelpOrText => self.overlay = Some(Overlay::Help { top: 0 }),
        }
        Vec::new()
    }

    fn ask(&mut self) -> Vec<Effect> {
        if self.composer.is_blank() {
            self.warn("Nothing was asked: write a question, then press Enter.");
            return Vec::new();
        }
        let length = self.composer.text().chars().count();
        if length > LONGEST_QUESTION {
            self.warn(format!(
                "The question has {length} characters and at most {LONGEST_QUESTION} can be asked: shorten it."
            ));
            return Vec::new();
        }
        let question = self.composer.take();
        self.start(question.trim())
    }

    fn start(&mut self, question: &str) -> Vec<Effect> {
        let run = RunId(self.next_run);
        self.next_run += 1;
        self.entries.push(Entry {
            run,
            exchange: Exchange::asked(question),
            asked_ms: self.now_ms,
            evidence: None,
        });
        self.selected = Some(self.entries.len() - 1);
        self.anchor = Anchor::End;
        self.side = false;
        vec![Effect::Ask {
            run,
            question: question.to_owned(),
        }]
    }

    fn retry(&mut self) -> Vec<Effect> {
        let Some(entry) = self.current() else {
            self.warn("There is no question to ask again.");
            return Vec::new();
        };
        if !entry.exchange.phase.ended() {
            self.warn("This question is still being answered: Esc cancels it.");
            return Vec::new();
        }
        let question = entry.exchange.question.clone();
        self.start(&question)
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
        if self.composer.is_blank() {
            return vec![Effect::Quit];
        }
        self.composer.take();
        self.say("The draft was set aside: Up brings it back, Ctrl-C quits.");
        Vec::new()
    }

    /// Up or Down in whatever has the focus.
    fn step(&mut self, by: i32) {
        match (self.overlay, self.focus) {
            (Some(_), _) => self.scroll_overlay(by),
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

    fn page(&mut self, by: i32) {
        let height = if self.overlay.is_some() {
            self.measured.overlay_height
        } else {
            self.measured.chat_height
        };
        // One line stays, so that the eye keeps its place.
        let lines = i32::try_from(height.saturating_sub(1).max(1)).unwrap_or(i32::MAX);
        if self.overlay.is_some() {
            self.scroll_overlay(by * lines);
        } else {
            self.scroll_chat(by * lines);
        }
    }

    fn scroll_chat(&mut self, by: i32) {
        let last = self.measured.chat_lines.saturating_sub(self.measured.chat_height);
        let top = shifted(self.measured.chat_top, by, last);
        self.measured.chat_top = top;
        self.anchor = if top >= last {
            Anchor::End
        } else {
            Anchor::Line(top)
        };
    }

    fn scroll_overlay(&mut self, by: i32) {
        let last = self
            .measured
            .overlay_lines
            .saturating_sub(self.measured.overlay_height);
        if let Some(Overlay::Help { top } | Overlay::Pair { top, .. }) = &mut self.overlay {
            *top = shifted(*top, by, last);
        }
    }

    fn scroll_to(&mut self, line: usize) {
        match &mut self.overlay {
            Some(Overlay::Help { top } | Overlay::Pair { top, .. }) => *top = line,
            None => self.anchor = Anchor::Line(line),
        }
    }

    fn bottom(&mut self) {
        if self.overlay.is_some() {
            self.scroll_overlay(i32::MAX);
        } else {
            self.anchor = Anchor::End;
            self.selected = self.entries.len().checked_sub(1);
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
            Target::Overlay => {}
            _ if self.overlay.is_some() => self.overlay = None,
            Target::Composer { row, column } => {
                self.focus = Focus::Composer;
                self.composer.click(row, column);
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

    fn wheel(&mut self, over: Target, lines: i32) {
        match over {
            _ if self.overlay.is_some() => self.scroll_overlay(lines),
            Target::Evidence(_) | Target::Side => {
                if self
                    .current()
                    .is_some_and(|entry| !entry.exchange.hits.is_empty())
                {
                    let focus = std::mem::replace(&mut self.focus, Focus::Evidence);
                    self.step(lines.signum());
                    self.focus = focus;
                }
            }
            _ => self.scroll_chat(lines),
        }
    }

    /// Whether something on the screen changes with time alone.
    pub fn animated(&self) -> bool {
        self.running() > 0
            || self.limits.as_ref().is_some_and(|(limits, at)| {
                let since = self.now_ms - at;
                [limits.requests, limits.tokens]
                    .into_iter()
                    .flatten()
                    .filter_map(|limit| limit.reset_ms)
                    .any(|reset| (reset as f64) > since)
            })
    }
}

/// `at` moved by `by`, kept within `0..=last`.
fn shifted(at: usize, by: i32, last: usize) -> usize {
    let distance = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    if by < 0 {
        at.saturating_sub(distance).min(last)
    } else {
        at.saturating_add(distance).min(last)
    }
}

impl Entry {
    /// Whether text is arriving or expected.
    pub fn is_live(&self) -> bool {
        !self.exchange.phase.ended()
    }

    /// Whether the run failed in a way that another try may mend.
    pub fn can_retry(&self) -> bool {
        matches!(self.exchange.phase, Phase::Failed { retryable: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::event::{Hit, Outcome, Setup, Stage, VERSION};

    /// A conversation with the application: what the user does, what the agent says, what comes of it.
    #[derive(Default)]
    struct Talk {
        app: App,
        effects: Vec<Effect>,
    }

    impl Talk {
        fn types(&mut self, text: &str) -> &mut Self {
            self.does(Message::Paste(text.to_owned()))
        }

        fn presses(&mut self, command: Command) -> &mut Self {
            self.does(Message::Command(command))
        }

        fn does(&mut self, message: Message) -> &mut Self {
            self.effects = self.app.update(message);
            self
        }

        fn asks(&mut self, question: &str) -> RunId {
            self.types(question).presses(Command::Ask);
            match self.effects.as_slice() {
                [Effect::Ask { run, .. }] => *run,
                other => panic!("expected a run, got {other:?}"),
            }
        }

        fn hears(&mut self, run: RunId, what: AgentEvent) -> &mut Self {
            self.does(Message::Agent(Box::new(Event {
                v: VERSION,
                run,
                at_ms: 1.0,
                what,
            })))
        }

        fn hears_a_token(&mut self, run: RunId, text: &str) -> &mut Self {
            self.hears(
                run,
                AgentEvent::Token {
                    text: text.to_owned(),
                },
            )
        }

        fn hears_hits(&mut self, run: RunId, count: usize) -> &mut Self {
            let hits = (1..=count)
                .map(|rank| Hit {
                    rank,
                    id: format!("pair-{rank}"),
                    ..Hit::default()
                })
                .collect();
            self.hears(run, AgentEvent::Retrieved { hits })
        }

        fn hears_the_end(&mut self, run: RunId) -> &mut Self {
            self.hears(
                run,
                AgentEvent::Answered {
                    outcome: Outcome::Answered,
                    citations: vec!["pair-1".into()],
                    usage: None,
                    note: None,
                },
            )
        }
    }

    #[test]
    fn a_question_is_asked_answered_and_cited() {
        let mut talk = Talk::default();
        let run = talk.asks("what is impermanent loss");
        assert!(talk.app.composer.is_blank());
        talk.hears(
            run,
            AgentEvent::Started {
                question: "what is impermanent loss".into(),
                setup: Setup::default(),
            },
        );
        assert_eq!(talk.app.entries[0].exchange.phase, Phase::Working(Stage::Parse));
        talk.hears_hits(run, 2)
            .hears_a_token(run, "A loss ")
            .hears_a_token(run, "against holding [1].");
        assert_eq!(talk.app.entries[0].exchange.phase, Phase::Streaming);
        talk.hears_the_end(run);
        assert_eq!(talk.app.entries[0].exchange.answer, "A loss against holding [1].");
        assert_eq!(talk.app.entries[0].exchange.citations, ["pair-1"]);
        assert_eq!(talk.app.running(), 0);
    }

    #[test]
    fn an_empty_or_huge_question_is_not_asked_and_the_draft_stays() {
        let mut talk = Talk::default();
        talk.types("  \n ").presses(Command::Ask);
        assert!(talk.effects.is_empty());
        assert_eq!(
            talk.app.notice.clone().unwrap().text,
            "Nothing was asked: write a question, then press Enter."
        );
        let huge = "x".repeat(LONGEST_QUESTION + 1);
        let mut talk = Talk::default();
        talk.types(&huge).presses(Command::Ask);
        assert!(talk.effects.is_empty());
        assert_eq!(
            talk.app.notice.clone().unwrap().text,
            "The question has 8001 characters and at most 8000 can be asked: shorten it."
        );
        assert_eq!(talk.app.composer.text(), huge);
    }

    #[test]
    fn two_questions_stream_at_once_each_into_its_own_answer() {
        let mut talk = Talk::default();
        let first = talk.asks("one");
        let second = talk.asks("two");
        talk.hears_a_token(second, "B")
            .hears_a_token(first, "A")
            .hears_a_token(second, "b");
        assert_eq!(talk.app.entries[0].exchange.answer, "A");
        assert_eq!(talk.app.entries[1].exchange.answer, "Bb");
        assert_eq!(talk.app.running(), 2);
        talk.hears_the_end(first);
        assert_eq!(talk.app.running(), 1);
    }

    #[test]
    fn escape_cancels_the_running_answer_and_keeps_its_text() {
        let mut talk = Talk::default();
        let run = talk.asks("one");
        talk.hears_a_token(run, "half an ans").presses(Command::Escape);
        assert_eq!(talk.effects, [Effect::Cancel { run }]);
        talk.hears(run, AgentEvent::Cancelled {});
        let exchange = &talk.app.entries[0].exchange;
        assert_eq!(exchange.phase, Phase::Cancelled);
        assert_eq!(exchange.answer, "half an ans");
        assert_eq!(exchange.outcome(), Some(Outcome::Partial));
        talk.hears_a_token(run, "wer");
        assert_eq!(talk.app.entries[0].exchange.answer, "half an ans");
    }

    #[test]
    fn escape_closes_what_lies_on_top_before_it_cancels() {
        let mut talk = Talk::default();
        let run = talk.asks("one");
        talk.presses(Command::Help).presses(Command::Escape);
        assert!(talk.effects.is_empty());
        assert_eq!(talk.app.overlay, None);
        talk.presses(Command::Escape);
        assert_eq!(talk.effects, [Effect::Cancel { run }]);
    }

    #[test]
    fn ctrl_c_cancels_then_sets_the_draft_aside_then_quits() {
        let mut talk = Talk::default();
        let run = talk.asks("one");
        talk.types("a draft").presses(Command::Interrupt);
        assert_eq!(talk.effects, [Effect::Cancel { run }]);
        talk.hears(run, AgentEvent::Cancelled {});
        talk.presses(Command::Interrupt);
        assert!(talk.effects.is_empty() && talk.app.composer.is_blank());
        talk.presses(Command::Up);
        assert_eq!(talk.app.composer.text(), "a draft");
        talk.presses(Command::Interrupt).presses(Command::Interrupt);
        assert_eq!(talk.effects, [Effect::Quit]);
    }

    #[test]
    fn a_failed_question_can_be_asked_again() {
        let mut talk = Talk::default();
        let run = talk.asks("one");
        talk.hears(
            run,
            AgentEvent::Failed {
                stage: Stage::Answer,
                message: "the server is gone".into(),
                retryable: true,
            },
        );
        assert!(talk.app.entries[0].can_retry());
        talk.presses(Command::Retry);
        assert!(matches!(talk.effects.as_slice(), [Effect::Ask { question, .. }] if question == "one"));
    }

    #[test]
    fn a_citation_selects_its_evidence_and_a_second_click_opens_the_pair() {
        let mut talk = Talk::default();
        let run = talk.asks("one");
        talk.hears_hits(run, 3).hears_a_token(run, "see [2]");
        talk.does(Message::Click(Target::Citation { entry: 0, number: 2 }));
        assert_eq!(talk.app.current().unwrap().evidence, Some(1));
        talk.does(Message::Click(Target::Evidence(1)));
        assert_eq!(talk.app.overlay, Some(Overlay::Pair { hit: 1, top: 0 }));
        talk.presses(Command::NextExchange);
        assert_eq!(talk.app.overlay, Some(Overlay::Pair { hit: 2, top: 0 }));
        talk.does(Message::Click(Target::Citation { entry: 0, number: 9 }));
        talk.does(Message::Click(Target::Citation { entry: 0, number: 9 }));
        assert_eq!(
            talk.app.notice.clone().unwrap().text,
            "There is no evidence 9: this question has 3."
        );
    }

    #[test]
    fn scrolling_up_stops_following_and_reaching_the_end_follows_again() {
        let mut talk = Talk::default();
        talk.asks("one");
        talk.app.measured.chat_lines = 100;
        talk.app.measured.chat_height = 20;
        talk.app.measured.chat_top = 80;
        talk.presses(Command::PageUp);
        assert_eq!(talk.app.anchor, Anchor::Line(61));
        talk.presses(Command::PageDown);
        assert_eq!(talk.app.anchor, Anchor::End);
    }

    #[test]
    fn the_composer_works_while_an_answer_streams() {
        let mut talk = Talk::default();
        let run = talk.asks("one");
        talk.hears_a_token(run, "A").types("next").hears_a_token(run, "B");
        assert_eq!(talk.app.composer.text(), "next");
        assert_eq!(talk.app.entries[0].exchange.answer, "AB");
    }

    #[test]
    fn cache_lookups_are_counted_from_events() {
        let mut talk = Talk::default();
        let run = talk.asks("one");
        let lookup = |tier| AgentEvent::Cache {
            key: "k".into(),
            tier,
            age_ms: None,
        };
        talk.hears(run, lookup(None))
            .hears(run, lookup(Some(crate::agent::event::Tier::Memory)));
        assert_eq!((talk.app.cache.hits(), talk.app.cache.asked()), (1, 2));
    }
}

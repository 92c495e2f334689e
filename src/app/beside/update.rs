//! What happens in the answers side by side when something happens.

use tui_textarea::Input;

use super::{BesideCommand, Spot, Top, Typing};
use crate::agent::event::{Freshness, LONGEST_QUESTION, Question, RunId, SIDES, SideSpec};
use crate::app::composer::one_line;
use crate::app::keymap::Command;
use crate::app::scroll::shifted;
use crate::app::{App, Composer, Effect, Focus, Overlay, Page};

impl App {
    /// Opens the view: with the sides that the selected question was answered by, else with the draft or that question, to be
    /// asked with Enter. Nothing is asked by itself: an answer may cost money.
    fn open_beside(&mut self) -> Vec<Effect> {
        let draft = Some(self.composer.text()).filter(|text| !text.trim().is_empty());
        let draft = draft.filter(|_| self.focus == Focus::Composer && self.replay.is_none());
        let group = self.selected.and_then(|selected| self.group_of(selected));
        match (draft, group) {
            (None, Some(runs)) => self.show_beside(runs),
            _ if self.replay.is_some() => {
                self.warn("This recording has no two answers side by side where it stands.");
                return Vec::new();
            }
            (draft, _) => {
                let asked = self.current().map(|entry| entry.exchange.question.clone());
                if let Some(question) = draft.or(asked) {
                    self.beside.question.show(&one_line(question.trim()));
                }
                self.beside.typing = Typing::Question;
            }
        }
        self.page = Page::Beside;
        Vec::new()
    }

    fn show_beside(&mut self, runs: [RunId; SIDES]) {
        if self.beside.runs != Some(runs) {
            self.beside.tops = [Top::default(); SIDES];
        }
        self.beside.runs = Some(runs);
        self.beside.typing = Typing::Nothing;
        let side = self.current().and_then(|entry| entry.exchange.setup.side.clone());
        self.select_side(side.map_or(self.beside.column, |side| side.place));
        let Some(entry) = self.side(0) else { return };
        let question = entry.exchange.question.clone();
        self.beside.question.show(&one_line(question.trim()));
        let said = |side: usize| -> Option<SideSpec> {
            let side = self.side(side)?.exchange.setup.side.as_ref()?;
            side.spec.parse().ok()
        };
        if let (Some(left), Some(right)) = (said(0), said(1)) {
            self.beside.sides = Some([left, right]);
        }
    }

    /// Asks the question on both sides.
    fn ask_beside(&mut self, freshness: Freshness) -> Vec<Effect> {
        if self.replay.is_some() {
            self.refuse_to_ask();
            return Vec::new();
        }
        let question = self.beside.question.text().trim().to_owned();
        let length = question.chars().count();
        if question.is_empty() {
            self.warn("Nothing was asked: write a question, then press Enter.");
            self.beside.typing = Typing::Question;
            return Vec::new();
        }
        if length > LONGEST_QUESTION {
            self.warn(format!(
                "The question has {length} characters and at most {LONGEST_QUESTION} can be asked: shorten it."
            ));
            return Vec::new();
        }
        // What it goes on from is what stood before its first asking.
        let again = self.beside_entries().map(|[first, _]| first);
        let again = again.filter(|first| {
            let entry = self.entries.get(*first);
            entry.is_some_and(|entry| entry.exchange.question.trim() == question)
        });
        let before = self.before(again.unwrap_or(self.entries.len()));
        // The draft that was taken along has been asked.
        if one_line(self.composer.text().trim()) == question {
            self.composer.take();
        }
        let specs = self.sides();
        let runs = [self.new_run(), self.new_run()];
        for run in runs {
            self.asked(run, &question);
        }
        self.beside.sides = Some(specs.clone());
        self.beside.runs = Some(runs);
        self.beside.tops = [Top::default(); SIDES];
        self.beside.typing = Typing::Nothing;
        self.select_side(self.beside.column);
        let [left, right] = specs;
        vec![Effect::AskBeside {
            question: Question {
                text: question,
                freshness,
                before,
            },
            sides: [(runs[0], left), (runs[1], right)],
        }]
    }

    /// Selects a side, and with it its entry in the chat. The selected evidence stays.
    fn select_side(&mut self, side: usize) {
        let side = side.min(SIDES - 1);
        let evidence = self.side(self.beside.column).and_then(|entry| entry.evidence);
        self.beside.column = side;
        if let Some(entries) = self.beside_entries() {
            self.selected = Some(entries[side]);
            if let Some(entry) = self.entries.get_mut(entries[side]) {
                entry.evidence = evidence.or(entry.evidence);
            }
        }
    }

    /// A key that is text. What is typed stays on one line.
    pub(in crate::app) fn beside_types(&mut self, input: Input) {
        self.edit_beside(|composer| composer.input(input));
    }

    pub(in crate::app) fn beside_pastes(&mut self, text: &str) {
        if matches!(self.beside.typing, Typing::Nothing) {
            self.beside.typing = Typing::Question;
        }
        self.edit_beside(|composer| composer.paste(&one_line(text)));
    }

    fn edit_beside(&mut self, change: impl FnOnce(&mut Composer)) {
        let composer = match &mut self.beside.typing {
            Typing::Nothing => return,
            Typing::Question => &mut self.beside.question,
            Typing::Side(side) => side,
        };
        change(composer);
        composer.flatten();
    }

    /// A command while the view is shown; `None` when it means the same as everywhere.
    pub(in crate::app) fn beside_command(&mut self, command: Command) -> Option<Vec<Effect>> {
        if self.page != Page::Beside || self.overlay.is_some() {
            return None;
        }
        match command {
            // Opening and selecting evidence are those of the selected entry.
            Command::Quit
            | Command::QuitOrDelete
            | Command::Suspend
            | Command::Help
            | Command::Record
            | Command::Transport(_)
            | Command::OpenPair
            | Command::Compare(_) => return None,
            Command::Evidence(number) => self.select_beside_evidence(number.saturating_sub(1)),
            Command::Escape | Command::Interrupt => return Some(self.leave_beside(command)),
            Command::Up => self.scroll_beside(self.beside.column, -1),
            Command::Down => self.scroll_beside(self.beside.column, 1),
            Command::PageUp => self.scroll_beside(self.beside.column, -self.beside_page()),
            Command::PageDown => self.scroll_beside(self.beside.column, self.beside_page()),
            Command::Top => self.scroll_beside(self.beside.column, i32::MIN),
            Command::Bottom => self.scroll_beside(self.beside.column, i32::MAX),
            Command::FocusNext | Command::FocusPrevious => {
                self.beside.typing = Typing::Nothing;
                self.select_side(1 - self.beside.column);
            }
            Command::AskFresh => return Some(self.ask_beside(Freshness::Fresh)),
            Command::Copy => {
                self.say("The set-up was sent to the terminal's clipboard as a command line.");
                let text = self.beside_command_line();
                return Some(vec![Effect::Copy { text }]);
            }
            // What belongs to the chat, which is not seen.
            _ => {}
        }
        Some(Vec::new())
    }

    /// Esc and Ctrl-C: out of the line that is written, else they cancel the selected side, else they lead back.
    fn leave_beside(&mut self, command: Command) -> Vec<Effect> {
        let nothing_to_see = self.beside.runs.is_none();
        if !matches!(self.beside.typing, Typing::Nothing) {
            self.beside.typing = Typing::Nothing;
            if nothing_to_see {
                self.page = Page::Chat;
            }
            return Vec::new();
        }
        // Ctrl-C stops whatever runs; Esc is about what is selected.
        let sides = [self.beside.column, 1 - self.beside.column];
        let sides = if command == Command::Interrupt {
            &sides[..]
        } else {
            &sides[..1]
        };
        for side in sides {
            if let Some(effect) = self.cancel_side(*side) {
                return vec![effect];
            }
        }
        self.page = Page::Chat;
        Vec::new()
    }

    fn cancel_side(&self, side: usize) -> Option<Effect> {
        let entry = self.side(side).filter(|entry| entry.is_live())?;
        self.replay.is_none().then_some(Effect::Cancel { run: entry.run })
    }

    /// A command that only this view has.
    pub(in crate::app) fn own_beside_command(&mut self, command: BesideCommand) -> Vec<Effect> {
        use BesideCommand as C;
        match command {
            C::Open if self.page != Page::Beside => return self.open_beside(),
            C::EditQuestion | C::EditSide if self.replay.is_some() => self.refuse_to_ask(),
            C::Open | C::EditQuestion => self.beside.typing = Typing::Question,
            C::EditSide => {
                let mut side = Composer::default();
                side.show(&self.sides()[self.beside.column].to_string());
                self.beside.typing = Typing::Side(Box::new(side));
            }
            C::Accept => return self.accept_beside(),
            C::Browse => self.beside.typing = Typing::Nothing,
            C::Left => self.select_side(0),
            C::Right => self.select_side(1),
            C::Swap => {
                let [left, right] = self.sides();
                self.beside.sides = Some([right, left]);
                self.say("The sides are swapped for the next question: r asks again.");
            }
            C::Again => return self.ask_beside(Freshness::Kept),
            C::Fresh => return self.ask_beside(Freshness::Fresh),
            C::Cancel => match self.cancel_side(self.beside.column) {
                Some(effect) => return vec![effect],
                None => self.warn("This side is not being answered."),
            },
        }
        Vec::new()
    }

    fn accept_beside(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.beside.typing) {
            Typing::Side(written) => {
                match written.text().parse::<SideSpec>() {
                    Ok(side) => {
                        let mut sides = self.sides();
                        sides[self.beside.column] = side;
                        self.beside.sides = Some(sides);
                        if self.beside.runs.is_some() {
                            self.say("The next question is answered so: r asks this one again.");
                        } else {
                            self.beside.typing = Typing::Question;
                        }
                    }
                    Err(error) => {
                        self.warn(format!("{error}."));
                        // What was written stays to be mended.
                        self.beside.typing = Typing::Side(written);
                    }
                }
                Vec::new()
            }
            Typing::Question | Typing::Nothing => self.ask_beside(Freshness::Kept),
        }
    }

    /// Selects a row of the evidence, which is the same on both sides.
    fn select_beside_evidence(&mut self, row: usize) {
        let Some(entries) = self.beside_entries() else {
            self.warn("There is no evidence yet: ask a question first.");
            return;
        };
        let rows = self.side(0).map_or(0, |entry| entry.exchange.hits.len());
        if row >= rows {
            self.warn(format!(
                "There is no evidence {}: this question has {rows}.",
                row + 1
            ));
            return;
        }
        for at in entries {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.evidence = Some(row);
            }
        }
    }

    fn beside_page(&self) -> i32 {
        let height = self.measured.sides[self.beside.column].height;
        i32::try_from(height.saturating_sub(1).max(1)).unwrap_or(i32::MAX)
    }

    /// Scrolls a side by so many lines.
    pub(in crate::app) fn scroll_beside(&mut self, side: usize, by: i32) {
        let Some(seen) = self.measured.sides.get_mut(side) else {
            return;
        };
        let last = seen.lines.saturating_sub(seen.height);
        seen.top = shifted(seen.top, by, last);
        self.beside.tops[side] = if seen.top >= last {
            Top::End
        } else {
            Top::Line(seen.top)
        };
    }

    /// The mouse was pressed on something of the view.
    pub(in crate::app) fn beside_click(&mut self, spot: Spot) {
        if self.overlay.take().is_some() {
            return;
        }
        match spot {
            Spot::Question { column } => {
                if self.replay.is_none() {
                    self.beside.typing = Typing::Question;
                    self.beside.question.click(0, column);
                }
            }
            Spot::Head(side) | Spot::Text(side) => {
                self.beside.typing = Typing::Nothing;
                self.select_side(side);
            }
            Spot::Citation { side, hit } => {
                self.beside.typing = Typing::Nothing;
                self.select_side(side);
                self.select_beside_evidence(hit);
            }
            Spot::Evidence(row) => {
                self.beside.typing = Typing::Nothing;
                let again = self.side(self.beside.column).and_then(|entry| entry.evidence) == Some(row);
                self.select_beside_evidence(row);
                if again {
                    self.overlay = Some(Overlay::Pair { hit: row, top: 0 });
                }
            }
            Spot::Page => self.beside.typing = Typing::Nothing,
        }
    }
}

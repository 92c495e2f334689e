//! What happens in the comparison when something happens.

use tui_textarea::Input;

use super::{Compare, CompareCommand, Compared, Found, Progress, Spot, Typing};
use crate::agent::event::LONGEST_QUESTION;
use crate::app::composer::one_line;
use crate::app::keymap::Command;
use crate::app::scroll::shifted;
use crate::app::{App, Composer, Effect, Focus, Notice, Overlay, Page};
use crate::retrieval::Method;
use crate::retrieval::comparison::{COLUMNS, Parameter, Preset, Retriever};

impl App {
    /// Opens the comparison with the draft or the selected question, whichever has the focus.
    fn open_compare(&mut self) -> Vec<Effect> {
        let draft = Some(self.composer.text()).filter(|text| !text.trim().is_empty());
        let asked = self.current().map(|entry| entry.exchange.question.clone());
        let question = if self.focus == Focus::Composer {
            draft.or(asked)
        } else {
            asked.or(draft)
        };
        self.page = Page::Compare;
        let Some(question) = question else {
            if self.compare.query.is_blank() {
                self.compare.typing = Typing::Query;
            }
            return Vec::new();
        };
        self.compare.query.show(&one_line(question.trim()));
        self.compare.typing = Typing::Nothing;
        self.compare.document = None;
        self.compare_now()
    }

    /// Asks for the comparison as it is set up.
    pub(super) fn compare_now(&mut self) -> Vec<Effect> {
        let query = self.compare.query.text();
        let length = query.chars().count();
        self.compare.pause.stop();
        if query.trim().is_empty() {
            return Vec::new();
        }
        if length > LONGEST_QUESTION {
            self.tell(format!(
                "The query has {length} characters and at most {LONGEST_QUESTION} can be compared: shorten it."
            ));
            return Vec::new();
        }
        self.compare.ticket += 1;
        self.compare.progress = Progress::Searching;
        vec![Effect::Compare {
            ticket: self.compare.ticket,
            query: query.trim().to_owned(),
            retrievers: self.compare.retrievers.clone(),
        }]
    }

    fn tell(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            bad: true,
        });
    }

    /// A comparison ended. An older one than the newest that was asked for is dropped.
    pub(in crate::app) fn compared(&mut self, compared: Compared) {
        let compare = &mut self.compare;
        if !compare.awaits(&compared) {
            return;
        }
        match compared.result {
            Err(sentence) => compare.progress = Progress::Failed(sentence),
            Ok(found) => {
                compare.progress = Progress::Idle;
                compare.found = Some(*found);
                compare.keep_a_document();
            }
        }
    }

    /// A comparison of a recording is shown as it stood when it ended.
    pub(in crate::app) fn was_compared(&mut self, found: Found) {
        self.page = Page::Compare;
        let compare = &mut self.compare;
        compare.query.show(&one_line(&found.asked));
        compare.typing = Typing::Nothing;
        compare.progress = Progress::Idle;
        compare.retrievers.clone_from(&found.retrievers);
        compare.column = compare.column.min(found.retrievers.len().saturating_sub(1));
        compare.found = Some(found);
        compare.keep_a_document();
    }

    /// Time went on: a query whose typing has paused is compared.
    pub(in crate::app) fn compare_woke(&mut self) -> Vec<Effect> {
        if self.compare.pause.take(self.now_ms) {
            self.compare_now()
        } else {
            Vec::new()
        }
    }

    /// How long until a query that is being typed is compared.
    pub(in crate::app) fn compare_wakes_in(&self) -> Option<std::time::Duration> {
        self.compare.pause.left(self.now_ms)
    }

    /// Whether comparing costs nothing but a few milliseconds here: then it need not wait for Enter.
    fn is_cheap(&self) -> bool {
        self.compare.retrievers.iter().all(|retriever| {
            let remote = match retriever.embedder() {
                Some(embedder) => embedder.as_str().starts_with("openai:"),
                None => self.gauges.embedder.starts_with("openai:"),
            };
            retriever.method() == Method::Lexical || !remote
        })
    }

    /// A key that is text. What is typed stays on one line.
    pub(in crate::app) fn compare_types(&mut self, input: Input) {
        self.edit(|composer| composer.input(input));
    }

    pub(in crate::app) fn compare_pastes(&mut self, text: &str) {
        if matches!(self.compare.typing, Typing::Nothing) {
            self.compare.typing = Typing::Query;
        }
        self.edit(|composer| composer.paste(&one_line(text)));
    }

    fn edit(&mut self, change: impl FnOnce(&mut Composer)) {
        let is_cheap = self.is_cheap();
        let compare = &mut self.compare;
        match &mut compare.typing {
            Typing::Spec(spec) => {
                change(spec);
                spec.flatten();
            }
            Typing::Nothing => {}
            Typing::Query => {
                let before = compare.query.text();
                change(&mut compare.query);
                compare.query.flatten();
                if is_cheap && compare.query.text() != before {
                    compare.pause.typed(self.now_ms);
                }
            }
        }
    }

    /// A command while the comparison is shown; `None` when it means the same as everywhere.
    pub(in crate::app) fn compare_command(&mut self, command: Command) -> Option<Vec<Effect>> {
        if let Command::Compare(command) = command
            && self.replay.is_some()
        {
            self.look_at_compared(command);
            return Some(Vec::new());
        }
        if let Some(Overlay::Queries { at }) = self.overlay
            && let Some(effects) = self.queries_command(at, command)
        {
            return Some(effects);
        }
        if let Command::Compare(command) = command {
            return Some(self.own_command(command));
        }
        if self.page != Page::Compare {
            return None;
        }
        match (self.overlay, command) {
            (Some(Overlay::Presets { at }), Command::Up | Command::Down) => {
                let by = if command == Command::Up { -1 } else { 1 };
                let at = shifted(at, by, Preset::ALL.len() - 1);
                self.overlay = Some(Overlay::Presets { at });
            }
            (Some(Overlay::Compared { .. }), Command::PreviousExchange | Command::NextExchange) => {
                self.compare.step(if command == Command::PreviousExchange {
                    -1
                } else {
                    1
                });
                self.overlay = Some(Overlay::Compared { top: 0 });
            }
            (Some(_), _) => return None,
            (
                None,
                Command::Quit
                | Command::QuitOrDelete
                | Command::Suspend
                | Command::Help
                | Command::Record
                | Command::Transport(_),
            ) => return None,
            (None, Command::Escape | Command::Interrupt) => match self.compare.typing {
                Typing::Nothing => match self.back_to_queries() {
                    Some(effects) => return Some(effects),
                    None => self.page = Page::Chat,
                },
                // Without a result there is nothing to look at.
                Typing::Query if self.compare.found.is_none() => {
                    self.compare.typing = Typing::Nothing;
                    self.page = Page::Chat;
                }
                _ => self.compare.typing = Typing::Nothing,
            },
            (None, Command::Up) => self.compare.step(-1),
            (None, Command::Down) => self.compare.step(1),
            (None, Command::PageUp) => self.compare.step(-self.page_of_places()),
            (None, Command::PageDown) => self.compare.step(self.page_of_places()),
            (None, Command::Top) => self.compare.step(i32::MIN),
            (None, Command::Bottom) => self.compare.step(i32::MAX),
            (None, Command::FocusNext) => self.turn_column(1),
            (None, Command::FocusPrevious) => self.turn_column(self.compare.retrievers.len() - 1),
            (None, Command::OpenPair) => {
                if self.compare.selected_row().is_some() {
                    self.overlay = Some(Overlay::Compared { top: 0 });
                }
            }
            (None, Command::Copy) => {
                self.notice = Some(Notice {
                    text: "The set-up was sent to the terminal's clipboard as a command line.".to_owned(),
                    bad: false,
                });
                let text = self.compare.command_line();
                return Some(vec![Effect::Copy { text }]);
            }
            // What belongs to the chat, which is not seen.
            (None, _) => {}
        }
        Some(Vec::new())
    }

    fn page_of_places(&self) -> i32 {
        i32::try_from(self.measured.compare_places.saturating_sub(1).max(1)).unwrap_or(i32::MAX)
    }

    fn turn_column(&mut self, by: usize) {
        self.compare.typing = Typing::Nothing;
        let columns = self.compare.retrievers.len();
        self.compare.select_column((self.compare.column + by) % columns);
    }

    fn own_command(&mut self, command: CompareCommand) -> Vec<Effect> {
        use CompareCommand as C;
        let last = self.compare.retrievers.len().saturating_sub(1);
        let at = self.compare.column;
        match command {
            C::Open if self.page != Page::Compare => return self.open_compare(),
            C::Open => self.compare.typing = Typing::Query,
            C::EditQuery => self.compare.typing = Typing::Query,
            C::EditSpec => self.edit_spec(),
            C::Accept => return self.accept(),
            C::Browse => self.compare.typing = Typing::Nothing,
            C::Left => self.compare.select_column(shifted(at, -1, last)),
            C::Right => self.compare.select_column(shifted(at, 1, last)),
            C::Column(number) if (1..=last + 1).contains(&number) => self.compare.select_column(number - 1),
            C::Column(number) => self.tell(format!("There is no column {number}: there are {}.", last + 1)),
            C::SwapLeft => return self.swap(at.checked_sub(1)),
            C::SwapRight => return self.swap(Some(at + 1).filter(|to| *to <= last)),
            C::Add => return self.add(),
            C::Remove => return self.remove(),
            C::Weigh(steps) => return self.weigh(steps),
            C::Deepen(steps) => {
                for retriever in &mut self.compare.retrievers {
                    retriever.step(Parameter::TopK, steps);
                }
                return self.compare_now();
            }
            C::NextMethod => {
                return self.change(|retriever| {
                    let method = next(&Method::ALL, &retriever.method());
                    *retriever = retriever.with_method(method);
                });
            }
            C::NextUnit => {
                return self.change(|retriever| {
                    let unit = next(&crate::retrieval::Unit::ALL, &retriever.unit());
                    *retriever = retriever.clone().with_unit(unit);
                });
            }
            C::Pin => self.compare.pin(),
            C::Queries => return self.open_queries(),
            // Only where a query is marked.
            C::OpenQuery => {}
            C::Presets => self.overlay = Some(Overlay::Presets { at: 0 }),
            C::Choose => {
                if let Some(Overlay::Presets { at }) = self.overlay {
                    return self.choose(at);
                }
            }
        }
        Vec::new()
    }

    /// A comparison that was recorded can be looked at, and not changed.
    fn look_at_compared(&mut self, command: CompareCommand) {
        use CompareCommand as C;
        let seen = self.page == Page::Compare;
        match command {
            C::Open if !seen && self.compare.found.is_some() => self.page = Page::Compare,
            C::Left | C::Right | C::Column(_) | C::Pin | C::Browse if seen => {
                self.own_command(command);
            }
            _ => self.refuse_to_ask(),
        }
    }

    fn edit_spec(&mut self) {
        if let Some(retriever) = self.compare.retrievers.get(self.compare.column) {
            let mut spec = Composer::default();
            spec.show(&retriever.to_string());
            self.compare.typing = Typing::Spec(Box::new(spec));
        }
    }

    fn accept(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.compare.typing) {
            Typing::Spec(spec) => match spec.text().parse::<Retriever>() {
                Ok(read) => self.change(|retriever| *retriever = read),
                Err(error) => {
                    self.tell(error.to_string());
                    // What was written stays to be mended.
                    self.compare.typing = Typing::Spec(spec);
                    Vec::new()
                }
            },
            Typing::Query if self.compare.query.is_blank() => {
                self.compare.typing = Typing::Query;
                self.tell("Nothing was asked: write a query, then press Enter.");
                Vec::new()
            }
            Typing::Query | Typing::Nothing => {
                self.compare.document = None;
                self.compare_now()
            }
        }
    }

    /// Changes the selected column's retriever and compares again.
    fn change(&mut self, change: impl FnOnce(&mut Retriever)) -> Vec<Effect> {
        match self.compare.retrievers.get_mut(self.compare.column) {
            Some(retriever) => {
                change(retriever);
                self.compare_now()
            }
            None => Vec::new(),
        }
    }

    fn swap(&mut self, with: Option<usize>) -> Vec<Effect> {
        let Some(with) = with else { return Vec::new() };
        self.compare.retrievers.swap(self.compare.column, with);
        self.compare.select_column(with);
        self.compare_now()
    }

    fn add(&mut self) -> Vec<Effect> {
        let compare = &mut self.compare;
        if compare.retrievers.len() >= *COLUMNS.end() {
            self.tell(format!(
                "There are {} columns, which is all there can be: x removes one.",
                COLUMNS.end()
            ));
            return Vec::new();
        }
        // The first method that no column has; with all of them there, what is selected once more.
        let selected = compare
            .retrievers
            .get(compare.column)
            .cloned()
            .unwrap_or_default();
        let taken = |method: &Method| compare.retrievers.iter().any(|other| other.method() == *method);
        let method = Method::ALL.into_iter().find(|method| !taken(method));
        let added = method.map_or(selected.clone(), |method| selected.with_method(method));
        compare.retrievers.insert(compare.column + 1, added);
        compare.select_column(compare.column + 1);
        self.compare_now()
    }

    fn remove(&mut self) -> Vec<Effect> {
        let compare = &mut self.compare;
        if compare.retrievers.len() <= *COLUMNS.start() {
            self.tell(format!(
                "A comparison has at least {} columns: a adds one.",
                COLUMNS.start()
            ));
            return Vec::new();
        }
        compare.retrievers.remove(compare.column);
        compare.select_column(compare.column.min(compare.retrievers.len() - 1));
        self.compare_now()
    }

    fn weigh(&mut self, steps: i32) -> Vec<Effect> {
        let Some(retriever) = self.compare.retrievers.get_mut(self.compare.column) else {
            return Vec::new();
        };
        let parameter = match retriever.method() {
            Method::Hybrid => Parameter::Weight,
            Method::Rrf => Parameter::RrfK,
            Method::Lexical => Parameter::K1,
            Method::Dense => {
                self.tell("A dense retriever has nothing to weigh: choose a hybrid, rrf or lexical column.");
                return Vec::new();
            }
        };
        retriever.step(parameter, steps);
        self.compare_now()
    }

    fn choose(&mut self, preset: usize) -> Vec<Effect> {
        self.overlay = None;
        let Some(preset) = Preset::ALL.get(preset) else {
            return Vec::new();
        };
        self.compare.retrievers = preset.retrievers();
        self.compare.select_column(0);
        self.compare_now()
    }

    /// The mouse was pressed on something of the comparison.
    pub(in crate::app) fn compare_click(&mut self, spot: Spot) -> Vec<Effect> {
        match spot {
            Spot::Preset(preset) => return self.choose(preset),
            Spot::Judged(at) if matches!(self.overlay, Some(Overlay::Queries { .. })) => {
                return self.open_query(at);
            }
            _ if self.overlay.is_some() => self.overlay = None,
            Spot::Query { .. } if self.replay.is_some() => {}
            Spot::Query { column } => {
                self.compare.typing = Typing::Query;
                self.compare.query.click(0, column);
            }
            Spot::Head(column) => {
                self.compare.typing = Typing::Nothing;
                self.compare.select_column(column);
            }
            Spot::Page | Spot::Judged(_) => self.compare.typing = Typing::Nothing,
            Spot::Document { column, row } => {
                self.compare.typing = Typing::Nothing;
                let again = self.compare.column == column && self.compare.selected_row() == Some(row);
                self.compare.select_column(column);
                self.compare.select_row(row);
                if again {
                    self.overlay = Some(Overlay::Compared { top: 0 });
                }
            }
        }
        Vec::new()
    }
}

impl Compare {
    /// Moves the selection along the ranks of its column.
    pub(in crate::app) fn step(&mut self, by: i32) {
        let Some(found) = &self.found else { return };
        self.typing = Typing::Nothing;
        let places = found.places(self.column);
        let listed = self
            .document
            .as_deref()
            .and_then(|id| found.place_of(self.column, id));
        let Some(last) = places.len().checked_sub(1) else {
            return;
        };
        let place = shifted(listed.unwrap_or(self.place), by, last);
        if let Some(at) = places.get(place) {
            self.select_row(at.row);
        }
    }

    fn select_row(&mut self, row: usize) {
        let Some(found) = &self.found else { return };
        if let Some(row) = found.comparison.rows.get(row) {
            self.document = Some(row.id.clone());
            self.place = found.place_of(self.column, &row.id).unwrap_or(self.place);
        }
    }

    /// Selects a column. The document stays, wherever that column ranks it.
    fn select_column(&mut self, column: usize) {
        if column >= self.retrievers.len() {
            return;
        }
        self.column = column;
        if let (Some(found), Some(id)) = (&self.found, self.document.as_deref()) {
            self.place = found.place_of(column, id).unwrap_or(self.place);
        }
    }

    /// After a new result: the same document where it is still listed, else what stands in its place.
    fn keep_a_document(&mut self) {
        if self.selected_row().is_none() {
            self.document = None;
            if let Some(found) = &self.found {
                let places = found.places(self.column);
                let place = self.place.min(places.len().saturating_sub(1));
                let row = places.get(place).map(|place| place.row);
                if let Some(row) = row {
                    self.select_row(row);
                }
            }
        } else {
            self.select_column(self.column);
        }
    }

    fn pin(&mut self) {
        let Some(id) = self.document.clone() else { return };
        if self.is_pinned(&id) {
            self.pinned.retain(|pinned| *pinned != id);
        } else {
            self.pinned.push(id);
        }
    }
}

/// The one after this in a ring.
fn next<T: PartialEq + Copy + Default>(all: &[T], this: &T) -> T {
    let at = all.iter().position(|one| one == this).unwrap_or(0);
    all.get((at + 1) % all.len().max(1)).copied().unwrap_or_default()
}

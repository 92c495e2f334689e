//! What happens in the comparison when something happens.

use super::columns::next;
use super::{CompareCommand, Spot, Typing};
use crate::app::keymap::Command;
use crate::app::scroll::shifted;
use crate::app::{App, Effect, Notice, Overlay, Page};
use crate::retrieval::Method;
use crate::retrieval::comparison::{Parameter, Preset};

impl App {
    pub(super) fn tell(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            bad: true,
        });
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

//! Answers side by side: one question answered by two answerers from the same evidence, as the full-screen view shows it.
//!
//! ```text
//! key ─► BesideCommand ─► Effect::AskBeside { question, sides } ─► two runs, which the chat lists as well
//! ```
//! The view shows two entries of the chat beside each other, so everything that is known of a run is known of a side, and
//! a recording or a session that was kept shows them again.

mod command;
pub mod keys;
mod update;

pub use command::BesideCommand;

use super::{App, Composer, Entry};
use crate::agent::event::{RunId, SIDES, SideSpec};
use crate::config::DEFAULT_OPENAI_MODEL;

/// The state of the view. It is kept while the chat is shown.
#[derive(Debug, Default)]
pub struct Beside {
    /// The question line.
    pub question: Composer,
    /// Who answers, once the view has been opened or told.
    pub sides: Option<[SideSpec; SIDES]>,
    /// The selected side.
    pub column: usize,
    pub typing: Typing,
    /// The runs that are shown.
    pub runs: Option<[RunId; SIDES]>,
    /// Which line of each side stands at the top.
    pub tops: [Top; SIDES],
}

/// Where text goes.
#[derive(Debug, Default)]
pub enum Typing {
    /// Nowhere: letters are commands.
    #[default]
    Nothing,
    Question,
    /// Into the text form of the selected side.
    Side(Box<Composer>),
}

/// Which line of a side stands at the top of its column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Top {
    /// The end is kept in view while text arrives.
    #[default]
    End,
    Line(usize),
}

/// What the mouse was pressed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The question line, at this column of its text.
    Question { column: u16 },
    /// The head or tab of a side.
    Head(usize),
    /// The text of a side.
    Text(usize),
    /// A citation in the text of a side: the index of its evidence.
    Citation { side: usize, hit: usize },
    /// A row of the evidence that the sides share.
    Evidence(usize),
    /// Beside everything.
    Page,
}

impl Beside {
    /// The letter of a side.
    pub fn letter(side: usize) -> char {
        if side == 0 { 'A' } else { 'B' }
    }

    /// Who stands on both sides before anybody was named: the configured answerer, and beside a model the same one at
    /// another temperature, beside quotations the usual model.
    fn usual(chat: &str) -> [SideSpec; SIDES] {
        match chat.strip_prefix("openai:") {
            Some(model) => [SideSpec::model(model), SideSpec::model(model).at(1.0)],
            None => [SideSpec::Extractive, SideSpec::model(DEFAULT_OPENAI_MODEL)],
        }
    }
}

impl App {
    /// Who answers on each side, as it is set up.
    pub fn sides(&self) -> [SideSpec; SIDES] {
        let set = self.beside.sides.clone();
        set.unwrap_or_else(|| Beside::usual(&self.gauges.chat))
    }

    /// The entries that stand beside each other, by their index.
    pub fn beside_entries(&self) -> Option<[usize; SIDES]> {
        let runs = self.beside.runs?;
        let mut at = [0; SIDES];
        for (at, run) in at.iter_mut().zip(runs) {
            *at = self.entries.iter().position(|entry| entry.run == run)?;
        }
        Some(at)
    }

    /// The runs of the comparison that an entry belongs to.
    fn group_of(&self, at: usize) -> Option<[RunId; SIDES]> {
        let own = self.entries.get(at)?.exchange.setup.side.as_ref()?;
        let first = at.checked_sub(own.place)?;
        let mut runs = [RunId(0); SIDES];
        for (place, run) in runs.iter_mut().enumerate() {
            let entry = self.entries.get(first + place)?;
            let side = entry.exchange.setup.side.as_ref()?;
            // The numbers of an earlier session may be the same, but not of neighbours in the right order.
            if side.of != own.of || side.place != place {
                return None;
            }
            *run = entry.run;
        }
        Some(runs)
    }

    /// The entry of a side.
    pub fn side(&self, side: usize) -> Option<&Entry> {
        let at = *self.beside_entries()?.get(side)?;
        self.entries.get(at)
    }

    /// The command line that asks the same.
    pub fn beside_command_line(&self) -> String {
        let mut line = "defi-qa ask".to_owned();
        for side in self.sides() {
            line.push_str(" --beside ");
            line.push_str(&super::compare::quoted(&side.to_string()));
        }
        line.push_str(" -- ");
        line.push_str(&super::compare::quoted(self.beside.question.text().trim()));
        line
    }
}

#[cfg(test)]
mod tests;

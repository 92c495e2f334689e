//! A set of judged queries in the comparison: the ones that the columns dispute most come first, Enter opens one, Esc leads
//! back to the list.

use super::{CompareCommand, Progress};
use crate::app::keymap::Command;
use crate::app::scroll::shifted;
use crate::app::{App, Effect, Overlay, Page};
use crate::retrieval::comparison::Retriever;

/// The judged queries and where the list stands.
#[derive(Clone, Debug, Default)]
pub struct JudgedSet {
    /// The file that they come from.
    pub name: String,
    /// The most disputed first.
    pub rows: Vec<Disputed>,
    pub progress: Progress,
    /// The columns that the rows were ranked by.
    of: Vec<Retriever>,
    ticket: u64,
    /// The row that was marked last.
    at: usize,
    /// Whether the comparison that is shown was opened from the list.
    opened: bool,
}

/// A judged query and what came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disputed {
    pub id: String,
    pub query: String,
    /// 1 less the mean rank-biased overlap of every two columns, 0 to 1.
    pub disagreement: f64,
    /// nDCG@10 of each column.
    pub ndcg: Vec<f64>,
}

/// The end of one ranking of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// That of the [`Effect::RankSet`] that asked for it.
    pub ticket: u64,
    /// The most disputed first, or a sentence for the user.
    pub result: Result<Vec<Disputed>, String>,
}

impl App {
    /// Opens the comparison on a judged set of this name.
    pub fn with_set(&mut self, name: String, retrievers: Vec<Retriever>) -> Vec<Effect> {
        self.page = Page::Compare;
        self.compare.retrievers = retrievers;
        self.compare.set = Some(JudgedSet {
            name,
            ..JudgedSet::default()
        });
        self.open_queries()
    }

    /// Shows the list; what the columns were not ranked by yet is asked for.
    pub(super) fn open_queries(&mut self) -> Vec<Effect> {
        let retrievers = self.compare.retrievers.clone();
        let Some(set) = &mut self.compare.set else {
            self.warn("No judged queries are open: start with defi-qa compare --set FILE.");
            return Vec::new();
        };
        set.opened = false;
        self.overlay = Some(Overlay::Queries { at: set.at });
        if set.of == retrievers && !matches!(set.progress, Progress::Failed(_)) {
            return Vec::new();
        }
        set.of.clone_from(&retrievers);
        set.ticket += 1;
        set.progress = Progress::Searching;
        vec![Effect::RankSet {
            ticket: set.ticket,
            retrievers,
        }]
    }

    /// A ranking ended. An older one than the newest that was asked for is dropped.
    pub(in crate::app) fn ranked(&mut self, ranked: Ranked) {
        let Some(set) = self
            .compare
            .set
            .as_mut()
            .filter(|set| set.ticket == ranked.ticket)
        else {
            return;
        };
        match ranked.result {
            Err(sentence) => set.progress = Progress::Failed(sentence),
            Ok(rows) => {
                set.progress = Progress::Idle;
                set.at = set.at.min(rows.len().saturating_sub(1));
                set.rows = rows;
            }
        }
    }

    /// A command while the list is shown; `None` when it means the same as everywhere.
    pub(super) fn queries_command(&mut self, at: usize, command: Command) -> Option<Vec<Effect>> {
        let height = self.measured.overlay_height.saturating_sub(1).max(1);
        let page = i32::try_from(height).unwrap_or(i32::MAX);
        let by = match command {
            Command::Up => -1,
            Command::Down => 1,
            Command::PageUp => -page,
            Command::PageDown => page,
            Command::Top => i32::MIN,
            Command::Bottom => i32::MAX,
            Command::Compare(CompareCommand::OpenQuery) => return Some(self.open_query(at)),
            _ => return None,
        };
        self.mark_query(by);
        Some(Vec::new())
    }

    /// Moves the mark in the list.
    pub(in crate::app) fn mark_query(&mut self, by: i32) {
        if let (Some(Overlay::Queries { at }), Some(set)) = (&mut self.overlay, &mut self.compare.set) {
            *at = shifted(*at, by, set.rows.len().saturating_sub(1));
            set.at = *at;
        }
    }

    /// Compares the columns on a query of the list.
    pub(super) fn open_query(&mut self, at: usize) -> Vec<Effect> {
        let Some(set) = &mut self.compare.set else {
            return Vec::new();
        };
        let Some(row) = set.rows.get(at) else {
            return Vec::new();
        };
        let query = row.query.clone();
        set.at = at;
        set.opened = true;
        self.overlay = None;
        self.compare.typing = super::Typing::Nothing;
        self.compare.query.show(&crate::app::composer::one_line(&query));
        self.compare.document = None;
        self.compare_now()
    }

    /// Leads back to the list that the comparison was opened from, if it was.
    pub(super) fn back_to_queries(&mut self) -> Option<Vec<Effect>> {
        let opened = self.compare.set.as_ref().is_some_and(|set| set.opened);
        opened.then(|| self.open_queries())
    }
}

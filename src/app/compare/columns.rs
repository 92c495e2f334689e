//! The columns: what each is ranked by, how many there are, and in which order.

use crate::app::{App, Effect};
use crate::retrieval::Method;
use crate::retrieval::comparison::{COLUMNS, Parameter, Preset, Retriever};

impl App {
    /// Changes the selected column's retriever and compares again.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Retriever)) -> Vec<Effect> {
        match self.compare.retrievers.get_mut(self.compare.column) {
            Some(retriever) => {
                change(retriever);
                self.compare_now()
            }
            None => Vec::new(),
        }
    }

    pub(super) fn swap(&mut self, with: Option<usize>) -> Vec<Effect> {
        let Some(with) = with else { return Vec::new() };
        self.compare.retrievers.swap(self.compare.column, with);
        self.compare.select_column(with);
        self.compare_now()
    }

    pub(super) fn add(&mut self) -> Vec<Effect> {
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

    pub(super) fn remove(&mut self) -> Vec<Effect> {
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

    pub(super) fn weigh(&mut self, steps: i32) -> Vec<Effect> {
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

    pub(super) fn choose(&mut self, preset: usize) -> Vec<Effect> {
        self.overlay = None;
        let Some(preset) = Preset::ALL.get(preset) else {
            return Vec::new();
        };
        self.compare.retrievers = preset.retrievers();
        self.compare.select_column(0);
        self.compare_now()
    }
}

/// The one after this in a ring.
pub(super) fn next<T: PartialEq + Copy + Default>(all: &[T], this: &T) -> T {
    let at = all.iter().position(|one| one == this).unwrap_or(0);
    all.get((at + 1) % all.len().max(1)).copied().unwrap_or_default()
}

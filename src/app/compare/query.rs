//! The query and the text form of a retriever while they are written, and the comparisons that are asked for.

use tui_textarea::Input;

use super::{Compared, Found, Progress, Typing};
use crate::agent::event::LONGEST_QUESTION;
use crate::app::composer::one_line;
use crate::app::{App, Composer, Effect, Focus, Page};
use crate::retrieval::Method;
use crate::retrieval::comparison::Retriever;

impl App {
    /// Opens the comparison with the draft or the selected question, whichever has the focus.
    pub(super) fn open_compare(&mut self) -> Vec<Effect> {
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
    pub(super) fn is_cheap(&self) -> bool {
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

    pub(super) fn edit(&mut self, change: impl FnOnce(&mut Composer)) {
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

    pub(super) fn edit_spec(&mut self) {
        if let Some(retriever) = self.compare.retrievers.get(self.compare.column) {
            let mut spec = Composer::default();
            spec.show(&retriever.to_string());
            self.compare.typing = Typing::Spec(Box::new(spec));
        }
    }

    pub(super) fn accept(&mut self) -> Vec<Effect> {
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
}

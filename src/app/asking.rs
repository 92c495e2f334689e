//! A question is asked, or asked again, with what it goes on from.

use super::{Anchor, App, Effect, Entry};
use crate::agent::event::{Exchange, Freshness, LONGEST_QUESTION, Outcome, Question, RunId, Turn};

/// Questions of before that a model reads a new one with.
const TURNS: usize = 3;

impl App {
    pub(super) fn ask(&mut self, freshness: Freshness) -> Vec<Effect> {
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
        let before = self.before(self.entries.len());
        self.start(question.trim(), freshness, before)
    }

    /// What an entry may go on from: the last questions before it that were about something, with their answers.
    pub(super) fn before(&self, entry: usize) -> Vec<Turn> {
        let earlier = self.entries.iter().take(entry).rev();
        // Of sides that answered the same question the first is enough.
        let is_first = |entry: &&Entry| {
            let side = entry.exchange.setup.side.as_ref();
            side.is_none_or(|side| side.place == 0)
        };
        let lookups = earlier
            .filter(|entry| entry.exchange.outcome() != Some(Outcome::Conversed))
            .filter(is_first);
        let turn = |entry: &Entry| Turn {
            question: entry
                .exchange
                .read
                .as_ref()
                .unwrap_or(&entry.exchange.question)
                .clone(),
            answer: entry.exchange.answer.clone(),
        };
        let mut turns: Vec<Turn> = lookups.take(TURNS).map(turn).collect();
        turns.reverse();
        turns
    }

    fn start(&mut self, question: &str, freshness: Freshness, before: Vec<Turn>) -> Vec<Effect> {
        let run = self.new_run();
        self.asked(run, question);
        vec![Effect::Ask {
            run,
            question: Question {
                text: question.to_owned(),
                freshness,
                before,
            },
        }]
    }

    /// A question stands at the end and is looked at.
    pub(super) fn asked(&mut self, run: RunId, question: &str) {
        self.entries.push(Entry {
            run,
            exchange: Exchange::asked(question),
            asked_ms: self.now_ms,
            evidence: None,
        });
        self.selected = Some(self.entries.len() - 1);
        self.anchor = Anchor::End;
        self.side = false;
    }

    pub(super) fn retry(&mut self, freshness: Freshness) -> Vec<Effect> {
        let Some(entry) = self.current() else {
            self.warn("There is no question to ask again.");
            return Vec::new();
        };
        if !entry.exchange.phase.ended() {
            self.warn("This question is still being answered: Esc cancels it.");
            return Vec::new();
        }
        let question = entry.exchange.question.clone();
        let before = self.before(self.selected.unwrap_or(0));
        self.start(&question, freshness, before)
    }
}

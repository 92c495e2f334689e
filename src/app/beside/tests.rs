//! Conversations with the view: what the user presses, what is asked for, what stands beside each other.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::agent::event::{AgentEvent, Event, Hit, Setup, Side, VERSION};
use crate::app::{Effect, Focus, Gauges, Message, Overlay, Page, Target};

struct Talk {
    app: App,
    effects: Vec<Effect>,
}

impl Talk {
    fn with(chat: &str) -> Self {
        let gauges = Gauges {
            chat: chat.to_owned(),
            ..Gauges::default()
        };
        Self {
            app: App::new(gauges),
            effects: Vec::new(),
        }
    }

    /// The view with a question that was asked on both sides.
    fn asked() -> (Self, [RunId; SIDES]) {
        let mut talk = Self::with("openai:m");
        talk.types("What is a TWAP?")
            .presses(KeyCode::F(4))
            .presses(KeyCode::Enter);
        let runs = talk.runs();
        (talk, runs)
    }

    fn types(&mut self, text: &str) -> &mut Self {
        self.does(Message::Paste(text.to_owned()))
    }

    fn presses(&mut self, code: KeyCode) -> &mut Self {
        match self.app.message_of(KeyEvent::new(code, KeyModifiers::NONE)) {
            Some(message) => self.does(message),
            None => self,
        }
    }

    fn does(&mut self, message: Message) -> &mut Self {
        self.effects = self.app.update(message);
        self
    }

    fn runs(&self) -> [RunId; SIDES] {
        match self.effects.as_slice() {
            [Effect::AskBeside { sides, .. }] => [sides[0].0, sides[1].0],
            other => panic!("{other:?}"),
        }
    }

    /// What was asked of whom.
    fn asks(&self) -> (String, Vec<String>) {
        match self.effects.as_slice() {
            [Effect::AskBeside { question, sides }] => (
                question.text.clone(),
                sides.iter().map(|(_, spec)| spec.to_string()).collect(),
            ),
            other => panic!("{other:?}"),
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

    /// Both sides begin and find two pairs.
    fn begins(&mut self, runs: [RunId; SIDES]) -> &mut Self {
        for (place, run) in runs.into_iter().enumerate() {
            let setup = Setup {
                side: Some(Side {
                    of: runs[0],
                    place,
                    spec: if place == 0 { "m" } else { "m(temperature=1)" }.into(),
                }),
                ..Setup::default()
            };
            let question = "What is a TWAP?".to_owned();
            self.hears(run, AgentEvent::Started { question, setup });
            let hits = vec![Hit::default(), Hit::default()];
            self.hears(run, AgentEvent::Retrieved { hits });
        }
        self
    }
}

#[test]
fn a_question_is_asked_of_both_sides_only_when_enter_says_so() {
    let mut talk = Talk::with("openai:m");
    talk.types("What is a TWAP?").presses(KeyCode::F(4));
    assert!(talk.effects.is_empty(), "an answer may cost money");
    assert_eq!(talk.app.page, Page::Beside);
    talk.presses(KeyCode::Enter);
    let both = vec!["m".to_owned(), "m(temperature=1)".to_owned()];
    assert_eq!(talk.asks(), ("What is a TWAP?".to_owned(), both));
    assert_eq!(talk.app.entries.len(), 2, "the chat has them too");
    assert_eq!(talk.app.running(), 2);
}

#[test]
fn the_selected_question_of_the_chat_is_the_one_that_is_offered() {
    let mut talk = Talk::with("extractive");
    talk.types("What is a TWAP?").presses(KeyCode::Enter);
    talk.app.focus = Focus::Chat;
    talk.presses(KeyCode::Char('b'));
    assert_eq!(talk.app.beside.question.text(), "What is a TWAP?");
    talk.presses(KeyCode::Enter);
    assert_eq!(talk.asks().1, ["extractive", "gpt-4o-mini"]);
}

#[test]
fn a_side_is_written_as_text_and_one_that_is_none_stays_to_be_mended() {
    let (mut talk, _) = Talk::asked();
    talk.presses(KeyCode::Right).presses(KeyCode::Char('e'));
    talk.types("(");
    talk.presses(KeyCode::Enter);
    let said = talk.app.notice.clone().unwrap().text;
    assert!(
        said.contains("parenthesis") || said.contains("not closed"),
        "{said}"
    );
    assert!(matches!(talk.app.beside.typing, Typing::Side(_)));
    for _ in 0..40 {
        talk.presses(KeyCode::Backspace);
    }
    talk.types("other(t=0.5)").presses(KeyCode::Enter);
    assert!(talk.effects.is_empty(), "it is asked by the next key");
    talk.presses(KeyCode::Char('r'));
    assert_eq!(talk.asks().1, ["m", "other(temperature=0.5)"]);
    assert_eq!(
        talk.app.beside_command_line(),
        "defi-qa ask --beside 'm' --beside 'other(temperature=0.5)' -- 'What is a TWAP?'"
    );
    talk.presses(KeyCode::Char('y'));
    assert!(matches!(&talk.effects[..], [Effect::Copy { text }] if text.starts_with("defi-qa ask --beside")));
}

#[test]
fn each_side_is_cancelled_by_itself_and_escape_leaves_when_the_selected_one_has_ended() {
    let (mut talk, [left, right]) = Talk::asked();
    talk.begins([left, right])
        .presses(KeyCode::Right)
        .presses(KeyCode::Char('x'));
    assert_eq!(talk.effects, [Effect::Cancel { run: right }]);
    talk.hears(right, AgentEvent::Cancelled {})
        .presses(KeyCode::Char('x'));
    assert!(talk.effects.is_empty());
    talk.presses(KeyCode::Tab).presses(KeyCode::Esc);
    assert_eq!(talk.effects, [Effect::Cancel { run: left }]);
    talk.presses(KeyCode::Tab).presses(KeyCode::Esc);
    assert_eq!(talk.app.page, Page::Chat, "the other goes on behind it");
    assert_eq!(talk.app.running(), 1);
}

#[test]
fn ctrl_c_cancels_whatever_side_runs_and_leads_back_then() {
    let (mut talk, [left, right]) = Talk::asked();
    let ctrl_c = || Message::Command(crate::app::keymap::Command::Interrupt);
    talk.begins([left, right])
        .hears(left, AgentEvent::Cancelled {})
        .does(ctrl_c());
    assert_eq!(talk.effects, [Effect::Cancel { run: right }]);
    talk.hears(right, AgentEvent::Cancelled {}).does(ctrl_c());
    assert_eq!(talk.app.page, Page::Chat);
}

#[test]
fn the_evidence_is_selected_on_both_sides_and_opened() {
    let (mut talk, runs) = Talk::asked();
    talk.begins(runs);
    talk.does(Message::Click(Target::Beside(Spot::Citation { side: 1, hit: 1 })));
    assert_eq!(talk.app.beside.column, 1);
    for side in 0..SIDES {
        assert_eq!(talk.app.side(side).unwrap().evidence, Some(1));
    }
    talk.does(Message::Click(Target::Beside(Spot::Evidence(1))));
    assert_eq!(talk.app.overlay, Some(Overlay::Pair { hit: 1, top: 0 }));
    talk.presses(KeyCode::Esc).presses(KeyCode::Char('9'));
    assert_eq!(
        talk.app.notice.clone().unwrap().text,
        "There is no evidence 9: this question has 2."
    );
}

#[test]
fn answers_of_before_are_opened_again_and_asked_again_with_what_they_went_on_from() {
    let (mut talk, runs) = Talk::asked();
    talk.begins(runs);
    for run in runs {
        talk.hears(run, AgentEvent::Cancelled {});
    }
    talk.presses(KeyCode::Esc);
    talk.app.focus = Focus::Composer;
    talk.types("and on v3?").presses(KeyCode::Enter);
    match talk.effects.as_slice() {
        [Effect::Ask { question, .. }] => assert_eq!(question.before.len(), 1, "both sides are one question"),
        other => panic!("{other:?}"),
    }
    talk.app.selected = Some(1);
    talk.app.beside.runs = None;
    talk.presses(KeyCode::F(4));
    assert_eq!(talk.app.beside.runs, Some(runs));
    assert_eq!(talk.app.beside.column, 1);
    assert_eq!(talk.app.beside.question.text(), "What is a TWAP?");
    talk.presses(KeyCode::Char('R'));
    match talk.effects.as_slice() {
        [Effect::AskBeside { question, .. }] => {
            assert!(question.before.is_empty(), "it was the first");
            assert_eq!(question.freshness, crate::agent::event::Freshness::Fresh);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_asked_of_a_blank_line() {
    let mut talk = Talk::with("openai:m");
    talk.presses(KeyCode::F(4)).presses(KeyCode::Enter);
    assert!(talk.effects.is_empty());
    assert_eq!(
        talk.app.notice.clone().unwrap().text,
        "Nothing was asked: write a question, then press Enter."
    );
    talk.presses(KeyCode::Esc);
    assert_eq!(talk.app.page, Page::Chat);
}

//! Conversations with the application: what the user does, what the agent says, what comes of it.

use super::*;
use crate::agent::event::{Hit, Kept, LONGEST_QUESTION, Outcome, Phase, RunId, Setup, Stage, VERSION};

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
    assert!(matches!(
        talk.app.entries[0].exchange.phase,
        Phase::Failed { retryable: true, .. }
    ));
    talk.presses(Command::Retry);
    assert!(matches!(talk.effects.as_slice(), [Effect::Ask { question, .. }] if question.text == "one"));
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
fn a_question_can_be_asked_past_the_kept_answer_from_the_draft_and_again() {
    let mut talk = Talk::default();
    let freshness = |talk: &Talk| match talk.effects.as_slice() {
        [Effect::Ask { question, .. }] => (question.text.clone(), question.freshness),
        other => panic!("{other:?}"),
    };
    talk.asks("one");
    assert_eq!(freshness(&talk), ("one".to_owned(), Freshness::Kept));
    talk.types("two").presses(Command::AskFresh);
    assert_eq!(freshness(&talk), ("two".to_owned(), Freshness::Fresh));
    assert!(talk.app.composer.is_blank());
    let run = talk.app.entries[1].run;
    talk.hears(run, AgentEvent::Cancelled {})
        .presses(Command::AskFresh);
    assert_eq!(freshness(&talk), ("two".to_owned(), Freshness::Fresh));
}

#[test]
fn cache_lookups_are_counted_from_events() {
    let mut talk = Talk::default();
    let run = talk.asks("one");
    let lookup = |tier| AgentEvent::Cache {
        key: "k".into(),
        kind: Kept::Vector,
        tier,
        age_ms: None,
        saved_ms: tier.map(|_| 6.5),
        saved_tokens: tier.map(|_| 1_300),
    };
    talk.hears(run, lookup(None))
        .hears(run, lookup(Some(crate::agent::event::Tier::Memory)));
    assert_eq!((talk.app.cache.hits(), talk.app.cache.asked()), (1, 2));
    assert_eq!(
        (talk.app.cache.saved_us, talk.app.cache.saved_tokens),
        (6_500, 1_300)
    );
}

#[test]
fn a_question_knows_the_one_before_it_that_was_about_something() {
    let mut talk = Talk::default();
    let after = |talk: &Talk| match talk.effects.as_slice() {
        [Effect::Ask { question, .. }] => question.before.last().map(|turn| turn.question.clone()),
        other => panic!("{other:?}"),
    };
    let first = talk.asks("What is a TWAP?");
    assert_eq!(after(&talk), None);
    let thanks = talk.asks("thanks");
    assert_eq!(after(&talk).as_deref(), Some("What is a TWAP?"));
    let conversed = AgentEvent::Answered {
        outcome: Outcome::Conversed,
        citations: Vec::new(),
        usage: None,
        note: None,
    };
    talk.hears(thanks, conversed);
    let read = "What is a TWAP (time-weighted average price)?";
    talk.hears(
        first,
        AgentEvent::Read {
            text: read.into(),
            by: None,
        },
    );
    let last = talk.asks("and on v3?");
    assert_eq!(after(&talk).as_deref(), Some(read), "small talk is passed over");
    talk.hears(last, AgentEvent::Cancelled {}).presses(Command::Retry);
    assert_eq!(
        after(&talk).as_deref(),
        Some(read),
        "asked again it goes on from the same"
    );
}

//! Conversations with the comparison: what the user presses, what is asked for, what stands selected.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::fixture::{self, PAIRS};
use super::*;
use crate::app::{App, Effect, Focus, Gauges, Message, Overlay, Page, Target};
use crate::retrieval::comparison::Lab;

struct Talk {
    app: App,
    lab: Arc<Lab>,
    effects: Vec<Effect>,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            app: App::default(),
            lab: fixture::lab(PAIRS),
            effects: Vec::new(),
        }
    }
}

impl Talk {
    /// The view on a query, with two columns of four hits each.
    fn on(query: &str) -> Self {
        let mut talk = Self::default();
        talk.app.compare.retrievers = ["hybrid(k=4)", "lexical(k=4)"]
            .map(|spec| spec.parse().unwrap())
            .to_vec();
        talk.types(query).presses(KeyCode::F(3));
        talk
    }

    fn types(&mut self, text: &str) -> &mut Self {
        self.does(Message::Paste(text.to_owned()))
    }

    fn presses(&mut self, code: KeyCode) -> &mut Self {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        match self.app.message_of(key) {
            Some(message) => self.does(message),
            None => self,
        }
    }

    fn writes(&mut self, keys: &str) -> &mut Self {
        for letter in keys.chars() {
            self.presses(KeyCode::Char(letter));
        }
        self
    }

    /// Takes a message in and serves what it asks for.
    fn does(&mut self, message: Message) -> &mut Self {
        self.effects = self.app.update(message);
        for effect in self.effects.clone() {
            if let Some(compared) = fixture::serve(&self.lab, &effect) {
                self.app.update(Message::Compared(compared));
            }
        }
        self
    }

    fn selected(&self) -> &str {
        self.app.compare.document.as_deref().unwrap_or_default()
    }

    fn specs(&self) -> Vec<String> {
        let labels = self.app.compare.retrievers.iter();
        labels.map(Retriever::label).collect()
    }

    fn notice(&self) -> &str {
        self.app.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }

    /// Identifiers of a column's documents, those that are gone in brackets.
    fn listed(&self, column: usize) -> Vec<String> {
        let found = self.app.compare.found.as_ref().unwrap();
        let places = found.places(column).into_iter();
        places
            .map(|place| {
                let id = &found.comparison.rows[place.row].id;
                if place.gone { format!("({id})") } else { id.clone() }
            })
            .collect()
    }
}

const QUERY: &str = "who bought the votes and a cover for my trade";

#[test]
fn a_key_opens_the_draft_side_by_side_and_escape_goes_back_to_it() {
    let mut talk = Talk::on(QUERY);
    assert!(matches!(
        talk.effects.as_slice(),
        [Effect::Compare { ticket: 1, query, retrievers }] if query == QUERY && retrievers.len() == 2
    ));
    assert_eq!(talk.app.page, Page::Compare);
    assert_eq!(talk.app.compare.progress, Progress::Idle);
    assert_eq!(talk.selected(), talk.listed(0)[0]);
    talk.presses(KeyCode::Esc);
    assert_eq!(talk.app.page, Page::Chat);
    assert_eq!(talk.app.composer.text(), QUERY, "the draft is still there");
}

#[test]
fn from_the_chat_the_selected_question_is_compared() {
    let mut talk = Talk::default();
    talk.types("what is slippage")
        .presses(KeyCode::Enter)
        .types("a draft");
    talk.app.focus = Focus::Chat;
    talk.presses(KeyCode::Char('c'));
    assert!(
        matches!(talk.effects.as_slice(), [Effect::Compare { query, .. }] if query == "what is slippage")
    );
}

#[test]
fn without_a_question_the_query_is_written_first() {
    let mut talk = Talk::default();
    talk.presses(KeyCode::F(3));
    assert!(talk.effects.is_empty());
    assert!(matches!(talk.app.compare.typing, Typing::Query));
    talk.presses(KeyCode::Enter);
    assert_eq!(
        talk.notice(),
        "Nothing was asked: write a query, then press Enter."
    );
    talk.writes("slippage").presses(KeyCode::Enter);
    assert!(matches!(talk.effects.as_slice(), [Effect::Compare { query, .. }] if query == "slippage"));
    assert!(matches!(talk.app.compare.typing, Typing::Nothing));
}

#[test]
fn a_query_is_compared_once_when_the_typing_pauses_and_not_at_every_key() {
    let mut talk = Talk::on(QUERY);
    talk.presses(KeyCode::Char('/')).writes(" no");
    assert!(talk.effects.is_empty());
    let pause = talk.app.wakes_in().unwrap();
    talk.does(Message::Woke);
    assert!(talk.effects.is_empty(), "too early");
    talk.does(Message::Tick(pause.as_secs_f64() * 1e3))
        .does(Message::Woke);
    assert!(
        matches!(talk.effects.as_slice(), [Effect::Compare { query, .. }] if *query == format!("{QUERY} no"))
    );
    assert_eq!(talk.app.wakes_in(), None, "nothing is left to wait for");
    talk.does(Message::Woke);
    assert!(talk.effects.is_empty());
}

#[test]
fn what_a_server_would_embed_waits_for_enter() {
    let mut talk = Talk::on(QUERY);
    talk.does(Message::Gauges(Gauges {
        embedder: "openai:text-embedding-3-small".into(),
        ..Gauges::default()
    }));
    talk.presses(KeyCode::Char('/')).writes("x");
    assert_eq!(talk.app.wakes_in(), None);
    talk.app.compare.retrievers = ["lexical", "lexical(k1=2)"]
        .map(|spec| spec.parse().unwrap())
        .to_vec();
    talk.writes("y");
    assert!(talk.app.wakes_in().is_some(), "words cost nothing");
}

#[test]
fn the_selection_moves_along_the_ranks_and_stays_on_a_document_through_the_columns() {
    let mut talk = Talk::on(QUERY);
    // By meaning against by words: they share little.
    talk.presses(KeyCode::Char('m'));
    let first = talk.listed(0);
    talk.presses(KeyCode::Home).presses(KeyCode::Down);
    assert_eq!(talk.selected(), first[1]);
    talk.presses(KeyCode::Right);
    assert_eq!((talk.app.compare.column, talk.selected()), (1, first[1].as_str()));
    talk.presses(KeyCode::End);
    assert_eq!(
        format!("({})", talk.selected()),
        *talk.listed(1).last().unwrap(),
        "the last is one that only A shows"
    );
    talk.presses(KeyCode::Home);
    assert_eq!(talk.selected(), talk.listed(1)[0]);
    talk.presses(KeyCode::Tab);
    assert_eq!(talk.app.compare.column, 0, "columns are a ring");
}

#[test]
fn documents_that_the_reference_shows_and_a_column_does_not_stand_below_its_own() {
    let mut talk = Talk::on(QUERY);
    talk.presses(KeyCode::Char('m'));
    let (reference, column) = (talk.listed(0), talk.listed(1));
    assert_eq!(reference.len(), 4);
    let gone: Vec<&String> = column.iter().filter(|id| id.starts_with('(')).collect();
    assert!(!gone.is_empty());
    assert_eq!(column.len(), 4 + gone.len());
    for id in &reference {
        assert!(column.contains(id) || column.contains(&format!("({id})")), "{id}");
    }
}

#[test]
fn a_changed_weight_ranks_the_same_query_again_at_once() {
    let mut talk = Talk::on(QUERY);
    let before = talk.listed(0);
    for _ in 0..14 {
        talk.presses(KeyCode::Char('-'));
    }
    assert_eq!(talk.specs()[0], "hybrid(w=0,k=4)");
    assert!(matches!(talk.effects.as_slice(), [Effect::Compare { query, .. }] if query == QUERY));
    let words = talk.listed(0);
    assert_ne!(words, before);
    assert_eq!(words, talk.listed(1), "without meaning it ranks by words");
    talk.presses(KeyCode::Char('+'));
    assert_eq!(talk.specs()[0], "hybrid(w=0.05,k=4)");
    talk.presses(KeyCode::Right).presses(KeyCode::Char('+'));
    assert_eq!(talk.specs()[1], "lexical(k1=1.3,k=4)");
}

#[test]
fn a_dense_column_has_nothing_to_weigh_and_says_so() {
    let mut talk = Talk::on(QUERY);
    talk.presses(KeyCode::Char('m'));
    assert_eq!(talk.specs()[0], "dense(k=4)");
    talk.presses(KeyCode::Char('+'));
    assert_eq!(
        talk.notice(),
        "A dense retriever has nothing to weigh: choose a hybrid, rrf or lexical column."
    );
    assert!(talk.effects.is_empty());
}

#[test]
fn columns_are_added_swapped_and_removed_within_two_to_four() {
    let mut talk = Talk::on(QUERY);
    talk.presses(KeyCode::Char('a'));
    assert_eq!(talk.specs(), ["hybrid(k=4)", "dense(k=4)", "lexical(k=4)"]);
    assert_eq!(talk.app.compare.column, 1);
    talk.presses(KeyCode::Char('<'));
    assert_eq!(talk.specs(), ["dense(k=4)", "hybrid(k=4)", "lexical(k=4)"]);
    assert_eq!(talk.app.compare.column, 0, "the selection goes along");
    talk.presses(KeyCode::Char('<'));
    assert!(talk.effects.is_empty(), "there is nothing to the left");
    talk.presses(KeyCode::Char('a')).presses(KeyCode::Char('a'));
    assert_eq!(talk.specs().len(), 4);
    assert_eq!(
        talk.notice(),
        "There are 4 columns, which is all there can be: x removes one."
    );
    talk.presses(KeyCode::Char('x')).presses(KeyCode::Char('x'));
    assert_eq!(talk.specs().len(), 2);
    talk.presses(KeyCode::Char('x'));
    assert_eq!(talk.specs().len(), 2);
    assert_eq!(talk.notice(), "A comparison has at least 2 columns: a adds one.");
}

#[test]
fn a_retriever_is_written_by_hand_and_one_that_is_none_stays_to_be_mended() {
    let mut talk = Talk::on(QUERY);
    talk.presses(KeyCode::Char('e'));
    let Typing::Spec(spec) = &talk.app.compare.typing else {
        panic!("{:?}", talk.app.compare.typing)
    };
    assert_eq!(spec.text(), "hybrid(w=0.7,k1=1.2,b=0.75,unit=all,k=4)");
    talk.writes("x").presses(KeyCode::Enter);
    assert!(
        talk.notice().contains("do not close at its end"),
        "{}",
        talk.notice()
    );
    assert!(matches!(talk.app.compare.typing, Typing::Spec(_)));
    talk.presses(KeyCode::Backspace)
        .presses(KeyCode::Backspace)
        .presses(KeyCode::Backspace)
        .writes("2)")
        .presses(KeyCode::Enter);
    assert_eq!(talk.specs()[0], "hybrid(k=2)");
    assert_eq!(talk.listed(0).len(), 2);
    talk.presses(KeyCode::Char('e'))
        .writes("junk")
        .presses(KeyCode::Esc);
    assert_eq!(talk.specs()[0], "hybrid(k=2)", "Esc changes nothing");
    assert_eq!(talk.app.page, Page::Compare);
}

#[test]
fn a_preset_takes_the_place_of_the_columns() {
    let mut talk = Talk::on(QUERY);
    talk.presses(KeyCode::Char('s'));
    assert_eq!(talk.app.overlay, Some(Overlay::Presets { at: 0 }));
    talk.presses(KeyCode::Down).presses(KeyCode::Enter);
    assert_eq!(talk.specs(), ["hybrid", "rrf"]);
    assert_eq!(talk.app.overlay, None);
    assert!(matches!(talk.effects.as_slice(), [Effect::Compare { .. }]));
}

#[test]
fn a_pinned_document_stays_pinned_until_it_is_pinned_again() {
    let mut talk = Talk::on(QUERY);
    let id = talk.selected().to_owned();
    talk.presses(KeyCode::Char('p')).presses(KeyCode::Down);
    assert!(talk.app.compare.is_pinned(&id));
    assert!(!talk.app.compare.is_pinned(talk.selected()));
    talk.presses(KeyCode::Up).presses(KeyCode::Char(' '));
    assert!(!talk.app.compare.is_pinned(&id));
}

#[test]
fn the_whole_set_up_is_copied_as_one_command_line() {
    let mut talk = Talk::on("-what's slippage?");
    talk.presses(KeyCode::Char('y'));
    let expected = concat!(
        "defi-qa compare --retriever 'hybrid(w=0.7,k1=1.2,b=0.75,unit=all,k=4)' ",
        r"--retriever 'lexical(k1=1.2,b=0.75,unit=all,k=4)' -- '-what'\''s slippage?'"
    );
    assert_eq!(
        talk.effects,
        [Effect::Copy {
            text: expected.to_owned()
        }]
    );
}

#[test]
fn enter_opens_the_pair_and_brackets_go_along_the_ranks() {
    let mut talk = Talk::on(QUERY);
    talk.presses(KeyCode::Enter);
    assert_eq!(talk.app.overlay, Some(Overlay::Compared { top: 0 }));
    talk.presses(KeyCode::Char(']'));
    assert_eq!(talk.selected(), talk.listed(0)[1]);
    assert_eq!(talk.app.overlay, Some(Overlay::Compared { top: 0 }));
    talk.presses(KeyCode::Esc);
    assert_eq!((talk.app.overlay, talk.app.page), (None, Page::Compare));
}

#[test]
fn only_the_newest_comparison_is_shown() {
    let mut talk = Talk::on(QUERY);
    let old = talk.effects[0].clone();
    talk.presses(KeyCode::Char(']'));
    let shown = talk.listed(0);
    let late = fixture::serve(&talk.lab, &old).unwrap();
    talk.does(Message::Compared(late));
    assert_eq!(talk.listed(0), shown);
    assert_eq!(shown.len(), 5);
}

#[test]
fn a_comparison_that_fails_says_why_and_the_set_up_can_be_mended() {
    let mut talk = Talk::on(QUERY);
    talk.app.compare.retrievers[1] = "dense(embedder=openai:m)".parse().unwrap();
    talk.presses(KeyCode::Char('+'));
    assert!(
        matches!(&talk.app.compare.progress, Progress::Failed(why) if why.starts_with("there is no index of the corpus by openai:m")),
        "{:?}",
        talk.app.compare.progress
    );
    talk.presses(KeyCode::Right).presses(KeyCode::Char('x'));
    assert_eq!(talk.specs().len(), 2);
    talk.presses(KeyCode::Char('m'));
    talk.app.compare.retrievers[1] = "lexical".parse().unwrap();
    talk.presses(KeyCode::Char('u'));
    assert_eq!(talk.app.compare.progress, Progress::Idle);
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let mut talk = Talk::on(QUERY);
    let spot = Spot::Document { column: 1, row: 2 };
    talk.does(Message::Click(Target::Compare(spot)));
    assert_eq!(
        (talk.app.compare.column, talk.app.compare.selected_row()),
        (1, Some(2))
    );
    assert_eq!(talk.app.overlay, None);
    talk.does(Message::Click(Target::Compare(spot)));
    assert_eq!(talk.app.overlay, Some(Overlay::Compared { top: 0 }));
    talk.does(Message::Click(Target::Compare(Spot::Head(0))));
    assert_eq!(talk.app.overlay, None, "a click beside it closes it");
    talk.does(Message::Click(Target::Compare(Spot::Head(0))));
    assert_eq!(talk.app.compare.column, 0);
    talk.does(Message::Scroll {
        over: Target::Compare(Spot::Page),
        lines: 3,
    });
    assert_ne!(talk.app.compare.selected_row(), Some(2));
}

#[test]
fn a_paste_goes_into_the_query_on_one_line() {
    let mut talk = Talk::on("one");
    talk.types(" two\nthree");
    assert_eq!(talk.app.compare.query.text(), "one two three");
    assert_eq!(talk.app.composer.text(), "one");
}

#[test]
fn a_query_that_is_too_long_is_refused() {
    let mut talk = Talk::default();
    talk.types(&"x".repeat(9_000)).presses(KeyCode::F(3));
    assert!(talk.effects.is_empty());
    assert_eq!(
        talk.notice(),
        "The query has 9000 characters and at most 8000 can be compared: shorten it."
    );
}

#[test]
fn a_recording_is_not_compared() {
    let mut talk = Talk {
        app: App::replaying(Vec::new(), 1.0),
        ..Talk::default()
    };
    talk.presses(KeyCode::F(3));
    assert!(talk.effects.is_empty());
    assert_eq!(talk.app.page, Page::Chat);
    assert_eq!(
        talk.notice(),
        "This is a recording, which answers nothing: q ends it, then defi-qa asks."
    );
}

#[test]
fn the_judged_queries_are_ranked_listed_opened_and_come_back_to() {
    let mut talk = Talk::default();
    let columns: Vec<Retriever> = ["hybrid(k=4)", "lexical(k=4)"]
        .map(|spec| spec.parse().unwrap())
        .to_vec();
    let first = talk.app.with_set("set.jsonl".to_owned(), columns.clone());
    let asked = Effect::RankSet {
        ticket: 1,
        retrievers: columns,
    };
    assert_eq!(first, [asked]);
    let row = |id: &str, query: &str| Disputed {
        id: id.to_owned(),
        query: query.to_owned(),
        ..Disputed::default()
    };
    let rows = vec![row("a", "who bought the votes"), row("b", "what is slippage")];
    let ranked = |ticket| {
        Message::Ranked(Ranked {
            ticket,
            result: Ok(rows.clone()),
        })
    };
    talk.does(ranked(7));
    assert!(
        talk.app.compare.set.as_ref().unwrap().rows.is_empty(),
        "an older one"
    );
    talk.does(ranked(1))
        .presses(KeyCode::Down)
        .presses(KeyCode::Enter);
    assert_eq!(talk.app.overlay, None);
    assert_eq!(talk.app.compare.query.text(), "what is slippage");
    talk.presses(KeyCode::Esc);
    assert_eq!(
        talk.app.overlay,
        Some(Overlay::Queries { at: 1 }),
        "back where it was"
    );
    assert!(talk.effects.is_empty(), "nothing has changed");
    talk.does(Message::Click(Target::Compare(Spot::Judged(0))));
    assert_eq!(talk.app.compare.query.text(), "who bought the votes");
    // Another set-up is ranked anew when the list is looked at.
    talk.presses(KeyCode::Char('+')).presses(KeyCode::Esc);
    assert!(
        matches!(talk.effects[..], [Effect::RankSet { ticket: 2, .. }]),
        "{:?}",
        talk.effects
    );
    talk.presses(KeyCode::Esc).presses(KeyCode::Esc);
    assert_eq!(talk.app.page, Page::Chat);
}

#[test]
fn without_a_judged_set_the_key_says_how_one_is_opened() {
    let mut talk = Talk::on("what is slippage");
    talk.presses(KeyCode::Char('d'));
    assert_eq!(
        talk.app.notice.clone().unwrap().text,
        "No judged queries are open: start with defi-qa compare --set FILE."
    );
}

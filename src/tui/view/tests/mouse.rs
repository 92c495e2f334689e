//! Clicks mean what the eye sees under them.

use super::fixtures::{self, QUESTION, answer, answered, token};
use super::{Talk, rows};
use crate::app::{Focus, Message, Overlay, Target};

fn talk() -> Talk {
    let mut talk = Talk::on(120, 40);
    let run = talk.asks(QUESTION);
    talk.finds(run, QUESTION, fixtures::hits());
    for piece in answer() {
        talk.hears(run, 15.0, token(piece));
    }
    talk.hears(run, 20.0, answered(None));
    talk
}

/// Clicks on the first cell of a text on the screen, `shift` columns on.
fn clicks(talk: &mut Talk, text: &str, shift: u16) -> Option<Target> {
    let rows = rows(talk.draws());
    let (y, x) = rows
        .iter()
        .enumerate()
        .find_map(|(y, row)| Some((y, crate::text::width(&row[..row.find(text)?]))))
        .unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{}", rows.join("\n")));
    let target = talk
        .regions
        .at(u16::try_from(x).unwrap() + shift, u16::try_from(y).unwrap());
    if let Some(target) = target {
        talk.app.update(Message::Click(target));
    }
    target
}

#[test]
fn a_click_on_a_citation_selects_its_evidence() {
    let mut talk = talk();
    let hit = clicks(&mut talk, "[3].", 1);
    assert_eq!(hit, Some(Target::Citation { entry: 0, number: 3 }));
    assert_eq!(talk.app.current().unwrap().evidence, Some(2));
    // `[1, 2]` is two citations.
    assert_eq!(
        clicks(&mut talk, "[1, 2]", 4),
        Some(Target::Citation { entry: 0, number: 2 })
    );
    assert_eq!(
        clicks(&mut talk, "[1, 2]", 1),
        Some(Target::Citation { entry: 0, number: 1 })
    );
}

#[test]
fn a_click_on_an_evidence_row_selects_it_and_a_second_one_opens_it() {
    let mut talk = talk();
    assert_eq!(
        clicks(&mut talk, "How does concentrated", 0),
        Some(Target::Evidence(2))
    );
    assert_eq!(talk.app.focus, Focus::Evidence);
    clicks(&mut talk, "How does concentrated", 0);
    assert_eq!(talk.app.overlay, Some(Overlay::Pair { hit: 2, top: 0 }));
    assert_eq!(clicks(&mut talk, "Sources", 0), Some(Target::Overlay));
}

#[test]
fn a_click_in_the_draft_puts_the_cursor_there() {
    let mut talk = talk();
    talk.types("one two");
    assert_eq!(
        clicks(&mut talk, "one two", 4),
        Some(Target::Composer { row: 0, column: 4 })
    );
    talk.types("and ");
    assert_eq!(talk.app.composer.text(), "one and two");
}

#[test]
fn the_line_where_nothing_is_belongs_to_its_pane() {
    let mut talk = talk();
    talk.draws();
    assert_eq!(talk.regions.at(10, 30), Some(Target::Chat));
    assert_eq!(talk.regions.at(119, 1), Some(Target::Side));
    assert_eq!(talk.regions.at(0, 39), None);
}

#[test]
fn a_click_on_the_bar_of_a_recording_goes_there() {
    let moments = (0..100_u32).map(|number| crate::app::Moment {
        at_ms: f64::from(number) * 100.0,
        what: if number == 0 {
            crate::app::Happening::Asked {
                run: crate::agent::event::RunId(1),
                question: QUESTION.to_owned(),
            }
        } else {
            crate::app::Happening::Gauges(Box::default())
        },
    });
    let mut talk = Talk::on(120, 40);
    talk.app = crate::app::App::replaying(moments.collect(), 1.0);
    let events = |talk: &Talk| talk.app.replay.as_ref().unwrap().events().0;
    // The bar of twenty columns stands behind the first time.
    for (column, taken) in [(9, 50), (4, 25), (0, 0), (12, 65), (19, 100)] {
        let target = clicks(&mut talk, "0:0", 5 + column);
        assert_eq!(target, Some(Target::Tape { column, columns: 20 }));
        assert_eq!(events(&talk), taken);
        let playing = talk.app.replay.as_ref().unwrap().playing();
        assert_eq!(playing, taken < 100, "it plays on from there");
    }
}

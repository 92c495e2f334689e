//! A comparison in a recording looks as it did.

use crossterm::event::KeyCode;

use super::super::compare::Bench;
use super::*;
use crate::app::Page;

#[test]
fn a_replay_shows_every_comparison_as_it_was_shown_live() {
    for (width, height) in SIZES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        let mut bench = Bench::on(width, height);
        let beginning = bench.talk.app.beginning();
        let mut recorder = Recorder::create(&path, 0.0, beginning, Redactor::default()).unwrap();
        let mut live = Vec::new();
        // More weight, another method, a hit more, a column fewer.
        for (step, key) in ['1', '+', 'm', ']', 'x'].into_iter().enumerate() {
            bench.presses(&[KeyCode::Char(key)]);
            let found = bench.talk.app.compare.found.clone().unwrap();
            recorder.compared(step as f64 * 100.0, &found);
            live.push(bench.talk.draws().clone());
        }
        recorder.finish().unwrap();
        let recording = Recording::read(File::open(&path).unwrap(), "r.jsonl").unwrap();
        assert_eq!(recording.damage.sentences(), Vec::<String>::new());
        let mut again = shown(&recording, (width, height));
        press(&mut again, Transport::On);
        for (step, live) in live.iter().enumerate() {
            press(&mut again, Transport::On);
            same("compared", step, live, again.draws());
        }
        // Back past the first of them, the chat is there again.
        press(&mut again, Transport::First);
        assert_eq!(again.app.page, Page::Chat);
        press(&mut again, Transport::NextRun);
        assert_eq!(again.app.page, Page::Compare);
        same("found again", 0, &live[0], again.draws());
    }
}

#[test]
fn a_comparison_of_a_recording_is_looked_at_and_left_and_not_changed() {
    let mut bench = Bench::on(120, 40);
    let found = bench.talk.app.compare.found.clone().unwrap();
    let moment = crate::app::Moment {
        at_ms: 0.0,
        what: crate::app::Happening::Compared(Box::new(found)),
    };
    let talk = &mut bench.talk;
    talk.app = App::replaying(vec![moment], 1.0);
    press(talk, Transport::Last);
    talk.presses(KeyCode::Char('2'));
    assert_eq!(talk.app.compare.column, 1);
    talk.presses(KeyCode::Char('m'));
    assert!(
        talk.app
            .notice
            .as_ref()
            .unwrap()
            .text
            .starts_with("This is a recording")
    );
    talk.presses(KeyCode::Esc);
    assert_eq!(talk.app.page, Page::Chat);
    talk.presses(KeyCode::F(3));
    assert_eq!(talk.app.page, Page::Compare);
}

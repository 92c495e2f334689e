//! What keys and time do to a tape.

use super::*;

#[test]
fn keys_move_the_tape_and_ask_nothing() {
    let mut session = run(
        1,
        100.0,
        QUESTION,
        found_then(vec![(500.0, AgentEvent::Cancelled {})]),
    );
    session.extend(run(
        2,
        2_000.0,
        "hello",
        vec![(0.0, fixtures::started("hello")), (9.0, AgentEvent::Cancelled {})],
    ));
    let (_, recording) = lived(session, fixtures::ready(), (120, 40));
    let all = recording.moments.len();
    let mut talk = shown(&recording, (120, 40));
    let runs = |talk: &Talk| talk.app.replay.as_ref().unwrap().runs();
    let taken = |talk: &Talk| talk.app.replay.as_ref().unwrap().events().0;
    talk.app.update(Message::Tick(0.0));
    assert_eq!(runs(&talk), (0, 2));
    talk.presses(KeyCode::Char('n'));
    assert_eq!((runs(&talk), talk.app.entries.len()), ((1, 2), 1));
    talk.presses(KeyCode::Char('n'));
    assert_eq!((runs(&talk), talk.app.entries.len()), ((2, 2), 2));
    talk.presses(KeyCode::Char('p'));
    assert_eq!((runs(&talk), talk.app.entries.len()), ((1, 2), 1));
    talk.presses(KeyCode::End);
    assert_eq!(taken(&talk), all);
    // At the end, the space bar begins again.
    talk.presses(KeyCode::Char(' '));
    assert!(talk.app.replay.as_ref().unwrap().playing());
    assert_eq!((taken(&talk), talk.app.entries.len()), (0, 0));
    talk.presses(KeyCode::Char(' '));
    talk.app.update(Message::Tick(9_000.0));
    assert_eq!(taken(&talk), 0);
    talk.presses(KeyCode::Right)
        .presses(KeyCode::Right)
        .presses(KeyCode::Left);
    assert_eq!(taken(&talk), 1);
    talk.presses(KeyCode::Home);
    assert_eq!(taken(&talk), 0);
    talk.presses(KeyCode::Char('+'));
    assert_eq!(talk.app.replay.as_ref().unwrap().speed(), 2.0);
    // Nothing that is typed is asked.
    talk.presses(KeyCode::End);
    for key in [
        KeyCode::Char('x'),
        KeyCode::Char('r'),
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::F(9),
    ] {
        assert_eq!(talk.key(KeyEvent::new(key, KeyModifiers::NONE)), []);
    }
    talk.types("What is TVL?");
    assert!(talk.app.composer.is_blank());
    assert_eq!(talk.app.entries.len(), 2);
    let q = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    assert_eq!(talk.key(q), [Effect::Quit]);
}

#[test]
fn a_long_pause_between_questions_is_cut_and_a_long_wait_within_one_is_not() {
    let hour = 3_600_000.0;
    let mut session = run(
        1,
        100.0,
        QUESTION,
        vec![(0.0, fixtures::started(QUESTION)), (60_000.0, failed())],
    );
    session.extend(run(
        2,
        hour,
        "hello",
        vec![(0.0, fixtures::started("hello")), (1.0, AgentEvent::Cancelled {})],
    ));
    let (_, recording) = lived(session, fixtures::ready(), (120, 40));
    let talk = shown(&recording, (120, 40));
    let (_, length) = talk.app.replay.as_ref().unwrap().position_ms();
    assert_eq!(length, 60.0 + 60_000.0 + 2_000.0 + 1.0);
}

#[test]
fn a_tape_that_stands_still_wakes_nobody() {
    let (_, recording) = lived(
        run(1, 100.0, QUESTION, found_then(vec![(500.0, token("By"))])),
        fixtures::online(),
        (120, 40),
    );
    let mut talk = shown(&recording, (120, 40));
    talk.app.update(Message::Tick(0.0));
    talk.draws();
    assert!(talk.app.wakes_in().is_some());
    press(&mut talk, Transport::Pause);
    assert_eq!(talk.app.wakes_in(), None);
    // The run that has no end in the recording goes on for ever, but not on the screen.
    press(&mut talk, Transport::Last);
    assert_eq!((talk.app.running(), talk.app.wakes_in()), (1, None));
}

#[test]
fn a_run_without_an_end_ends_where_the_next_recording_begins() {
    let (_, recording) = lived(
        run(1, 100.0, QUESTION, found_then(vec![(500.0, token("By"))])),
        fixtures::online(),
        (120, 40),
    );
    let both = recording.clone().then(recording);
    let mut talk = shown(&both, (120, 40));
    press(&mut talk, Transport::Last);
    assert_eq!((talk.app.entries.len(), talk.app.running()), (2, 1));
    let screen = talk.screen();
    assert!(
        screen.contains("the recording ends before the answer does"),
        "{screen}"
    );
}

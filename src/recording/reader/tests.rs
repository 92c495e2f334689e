use serde_json::{Value, json};

use super::*;
use crate::agent::event::Exchange;

const STARTED: &str = r#"{"v":1,"run":1,"at_ms":0.5,"event":"started","question":"What is TVL?","setup":{"chat":"extractive","embedder":"e","retriever":"hybrid","dataset":"d","pairs":3,"offline":true}}"#;

fn token(run: u64, at_ms: f64, text: &str) -> String {
    json!({"v": 1, "run": run, "at_ms": at_ms, "event": "token", "text": text}).to_string()
}

fn timed(t_ms: f64, line: &str) -> String {
    let mut line: Value = serde_json::from_str(line).unwrap();
    line["t_ms"] = json!(t_ms);
    line.to_string()
}

fn header(t_ms: f64) -> String {
    json!({"v": 1, "event": "recording", "t_ms": t_ms, "program": "defi-qa 9", "began": "2026-11-23T20:10:36Z",
        "gauges": {"chat": "extractive", "knowledge": "ready"}, "cache": {"disk": 2}})
    .to_string()
}

fn asked(t_ms: f64, run: u64) -> String {
    json!({"v": 1, "event": "asked", "t_ms": t_ms, "run": run, "question": "What is TVL?"}).to_string()
}

fn read(text: impl AsRef<[u8]>) -> Recording {
    Recording::read(text.as_ref(), "r.jsonl").unwrap()
}

fn of(lines: &[String]) -> Recording {
    read(lines.join("\n") + "\n")
}

fn refused(text: impl AsRef<[u8]>) -> String {
    Recording::read(text.as_ref(), "r.jsonl").unwrap_err().to_string()
}

/// The times of what was read.
fn times(recording: &Recording) -> Vec<f64> {
    recording.moments.iter().map(|moment| moment.at_ms).collect()
}

/// The answers by run, as the events tell them.
fn answers(recording: &Recording) -> Vec<(u64, String)> {
    let mut runs: Vec<(RunId, Exchange)> = Vec::new();
    for moment in &recording.moments {
        match &moment.what {
            Happening::Asked { run, question } => runs.push((*run, Exchange::asked(question))),
            Happening::Event(event) => {
                let (_, exchange) = runs.iter_mut().find(|(run, _)| *run == event.run).unwrap();
                exchange.apply(event);
            }
            _ => {}
        }
    }
    runs.into_iter()
        .map(|(run, exchange)| (run.0, exchange.answer))
        .collect()
}

#[test]
fn a_recording_says_who_made_it_and_what_the_panels_showed_then() {
    let recording = of(&[
        header(40.0),
        asked(50.0, 7),
        timed(51.0, &STARTED.replace(r#""run":1"#, r#""run":7"#)),
        timed(60.0, &token(7, 9.0, "Value")),
    ]);
    assert_eq!(recording.damage, Damage::default());
    let title = recording.title.clone().unwrap();
    assert_eq!((title.program.as_str(), title.note), ("defi-qa 9", None));
    let Happening::Began(state) = &recording.moments[0].what else {
        panic!("{:?}", recording.moments[0]);
    };
    assert_eq!(state.gauges.told.knowledge, Loading::Ready);
    assert_eq!(state.cache.disk, 2);
    assert_eq!(times(&recording), [40.0, 50.0, 51.0, 60.0]);
    assert_eq!(answers(&recording), [(1, "Value".to_owned())]);
}

#[test]
fn what_ask_prints_as_events_is_a_recording_and_two_of_them_follow_each_other() {
    let one = [STARTED.to_owned(), token(1, 10.0, "Value")];
    let recording = of(&[&one[..], &one[..]].concat());
    assert_eq!(recording.title, None);
    assert_eq!(
        answers(&recording),
        [(1, "Value".to_owned()), (2, "Value".to_owned())]
    );
    // Beginning, question, start, token; then the same after a pause.
    assert_eq!(
        times(&recording),
        [0.0, 0.0, 0.5, 10.0, 2010.0, 2010.0, 2010.5, 2020.0]
    );
    let Happening::Began(state) = &recording.moments[0].what else {
        panic!("{:?}", recording.moments[0]);
    };
    assert_eq!((state.gauges.told.pairs, state.gauges.told.offline), (3, true));
}

#[test]
fn recordings_in_one_file_are_the_same_as_recordings_behind_each_other() {
    let one = [
        header(5.0),
        asked(9.0, 4),
        timed(9.5, &STARTED.replace(r#""run":1"#, r#""run":4"#)),
    ];
    let in_one = of(&[&one[..], &one[..]].concat());
    assert_eq!(times(&in_one), [5.0, 9.0, 9.5, 2009.5, 2013.5, 2014.0]);
    assert_eq!(in_one, of(&one).then(of(&one)));
}

#[test]
fn a_torn_last_line_is_told_and_the_rest_plays() {
    let whole = [STARTED.to_owned(), token(1, 1.0, "Val"), token(1, 2.0, "ue")].join("\n");
    for cut in 1..=10 {
        let recording = read(&whole[..whole.len() - cut]);
        assert_eq!(answers(&recording), [(1, "Val".to_owned())]);
        assert_eq!(recording.damage.torn, Some(3));
        assert_eq!(
            recording.damage.sentences(),
            ["Line 3, the last one, is torn: what stands before it plays."]
        );
    }
    // A whole line that only lacks its end is no loss.
    assert_eq!(read(&whole).damage, Damage::default());
}

#[test]
fn a_broken_line_in_the_middle_is_named_and_skipped() {
    let lines: [&[u8]; 7] = [
        STARTED.as_bytes(),
        b"{\"v\":1,\"run\":1,\"at_ms\":1.0,\"event\":\"tok",
        b"\xff\xfe\x00",
        b"[1,2]",
        b"{\"v\":1,\"run\":9,\"at_ms\":1.0,\"event\":\"token\",\"text\":\"?\"}",
        b"",
        b"{\"v\":1,\"run\":1,\"at_ms\":2.0,\"event\":\"token\",\"text\":\"Value\"}",
    ];
    let recording = read([&lines.join(&b'\n')[..], b"\n"].concat());
    assert_eq!(answers(&recording), [(1, "Value".to_owned())]);
    assert_eq!(recording.damage.broken_lines, 4);
    let said = recording.damage.sentences();
    assert_eq!(said[0], "Line 2 was skipped: EOF while parsing a string.");
    assert!(said[1].starts_with("Line 3 was skipped: "), "{said:?}");
    assert_eq!(said[3], "Line 5 was skipped: run 9 has no beginning.");
}

#[test]
fn many_broken_lines_are_counted_and_the_first_named() {
    let recording = read(format!("{STARTED}\n{}", "nonsense\n".repeat(100)));
    let said = recording.damage.sentences();
    assert_eq!(said.len(), MOST_NAMED + 1);
    assert_eq!(said.last().unwrap(), "92 more lines were skipped.");
}

#[test]
fn what_only_a_later_version_knows_is_skipped_and_counted() {
    let recording = of(&[
        STARTED.replace("\"offline\":true", "\"offline\":true,\"mood\":\"good\""),
        json!({"v": 1, "run": 1, "at_ms": 1.0, "event": "pondered", "about": "life"}).to_string(),
        json!({"v": 2, "event": "token", "pieces": []}).to_string(),
        json!({"v": 1, "event": "telemetry"}).to_string(),
        token(1, 3.0, "Value"),
    ]);
    assert_eq!(answers(&recording), [(1, "Value".to_owned())]);
    // An event of a run needs a run, whatever its name.
    assert_eq!((recording.damage.unknown, recording.damage.broken_lines), (2, 1));
    assert_eq!(
        recording.damage.sentences().last().unwrap(),
        "2 events are unknown to this version and were skipped."
    );
}

#[test]
fn times_that_go_back_or_nowhere_stay_in_order() {
    let recording = of(&[
        header(100.0),
        asked(-5.0, 1),
        timed(1e300, STARTED),
        timed(3.0, &token(1, -1e300, "Value")),
    ]);
    assert_eq!(times(&recording), [100.0, 100.0, LATEST_MS, LATEST_MS]);
}

#[test]
fn what_is_no_recording_is_refused_with_its_reason() {
    assert_eq!(
        refused(""),
        "r.jsonl holds nothing to play: make a recording with `defi-qa ask --record FILE QUESTION`"
    );
    let said = refused("# A title\n\nand text\n");
    assert!(
        said.starts_with("r.jsonl holds nothing to play (Line 1 was skipped: expected value):"),
        "{said}"
    );
    assert!(refused(header(0.0)).starts_with("r.jsonl holds nothing to play:"));
}

#[test]
fn a_line_without_an_end_does_not_fill_the_memory() {
    let endless = std::io::repeat(b'x').take(LONGEST_LINE as u64 + 1);
    let after = format!("\n{STARTED}\n");
    let recording = Recording::read(endless.chain(after.as_bytes()), "r.jsonl").unwrap();
    assert_eq!(
        recording.damage.broken,
        [(1, "it is longer than 16 MiB".to_owned())]
    );
    assert_eq!(answers(&recording).len(), 1);
}

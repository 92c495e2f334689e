//! Several processes, one after the other, at once, and killed.

use std::io::{BufRead as _, BufReader};

use super::*;

/// The cache tier that served the question's vector, as the event stream tells it.
fn tier_of(output: &Output) -> Option<String> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|event| event["event"] == "cache")
        .unwrap()["tier"]
        .as_str()
        .map(str::to_owned)
}

#[test]
fn a_question_asked_by_an_earlier_process_is_served_from_disk() {
    let home = Home::new();
    let ask = ["--offline", "ask", "--events", "What is impermanent loss?"];
    let first = home.run(&ask);
    assert_eq!((code(&first), tier_of(&first)), (0, None), "{}", stderr(&first));
    let second = home.run(&ask);
    assert_eq!((code(&second), tier_of(&second)), (0, Some("disk".to_owned())));
    // The vector was there, so nobody waited for the model.
    assert!(
        !stdout(&second).contains("the embedding model"),
        "{}",
        stdout(&second)
    );
    assert_eq!(home.store().entries().unwrap(), 1);
}

#[test]
fn two_processes_that_write_at_once_lose_nothing() {
    let home = Home::new();
    let files = ["a", "b"].map(|prefix| {
        let file = home.path(&format!("{prefix}.jsonl"));
        exported(&file, prefix, 3_000);
        file
    });
    let importing = files.each_ref().map(|file| {
        home.program(&["cache", "import", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    });
    for mut process in importing {
        assert!(process.wait().unwrap().success());
    }
    let store = home.store();
    assert_eq!(store.entries().unwrap(), 6_000);
    assert_eq!(
        stdout(&home.run(&["cache", "verify"])),
        "6000 rows whole, 0 bad\n"
    );
}

#[test]
fn a_killed_process_loses_no_vector_that_it_said_was_stored() {
    let mut in_mid_run = 0;
    for until in [1, 3, 6] {
        let home = Home::new();
        let file = home.path("many.jsonl");
        exported(&file, "a", 5_000);
        let mut process = home
            .program(&["cache", "import", file.to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let acknowledged = |line: Option<std::io::Result<String>>| -> Option<u64> {
            line?.unwrap().split(' ').next()?.parse().ok()
        };
        let mut stored = 0;
        for _ in 0..until {
            stored = acknowledged(lines.next()).unwrap();
        }
        // SIGKILL: nothing of the process runs any more.
        process.kill().unwrap();
        process.wait().unwrap();
        while let Some(more) = acknowledged(lines.next()) {
            stored = more;
        }
        let store = home.store();
        let kept = store.entries().unwrap();
        assert!(kept >= stored, "{stored} were acknowledged and {kept} are there");
        assert!(store.damage().unwrap().is_empty());
        let verified = home.run(&["cache", "verify"]);
        assert_eq!(stdout(&verified), format!("{kept} rows whole, 0 bad\n"));
        in_mid_run += usize::from(kept < 5_000);
    }
    assert!(in_mid_run > 0, "every import had ended before it was killed");
}

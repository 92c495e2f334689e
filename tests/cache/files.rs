//! `defi-qa cache`: what it prints, what it exits with, what it leaves behind.

use super::*;

#[test]
fn what_one_machine_exports_another_imports() {
    let (here, there) = (Home::new(), Home::new());
    let rows: Vec<Row> = (0..1_200).map(|n| row(&n.to_string())).collect();
    here.store().put(&rows).unwrap();
    let file = here.path("vectors.jsonl");
    let output = here.run(&["cache", "export", file.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output), format!("{}: 1200 rows\n", file.display()));
    let output = there.run(&["cache", "import", file.to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "500 rows stored\n1000 rows stored\n1200 rows stored\n"
    );
    let again = there.path("again.jsonl");
    there.run(&["cache", "export", again.to_str().unwrap()]);
    assert_eq!(std::fs::read(file).unwrap(), std::fs::read(again).unwrap());
}

#[test]
fn bad_rows_of_a_file_are_named_and_the_rest_comes_in() {
    let home = Home::new();
    let file = home.path("vectors.jsonl");
    exported(&file, "a", 10);
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[4] = lines[4].replace("\"dimension\":384", "\"dimension\":385");
    std::fs::write(&file, format!("{}\n", lines.join("\n"))).unwrap();
    let output = home.run(&["cache", "import", file.to_str().unwrap()]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).contains("skipped line 5: its checksum is not that of its content"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("the export was changed since it was written"));
    assert_eq!(home.store().entries().unwrap(), 9);
}

#[test]
fn a_pickle_that_names_a_class_is_refused_in_one_sentence() {
    let home = Home::new();
    let file = home.path("evil.embeddings");
    std::fs::write(&file, b"\x80\x04cposix\nsystem\n(X\x04\0\0\0truetR.").unwrap();
    let output = home.run(&["cache", "import", file.to_str().unwrap()]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        stderr(&output),
        format!(
            "defi-qa: importing {}: the file names a class or a function (GLOBAL at byte 2), which could run code: it is \
             refused\n",
            file.display()
        )
    );
}

#[test]
fn a_flipped_byte_in_the_file_is_found_and_repaired() {
    let home = Home::new();
    let rows: Vec<Row> = (0..20).map(|n| row(&n.to_string())).collect();
    home.store().put(&rows).unwrap();
    assert_eq!(code(&home.run(&["cache", "verify"])), 0);
    // All is in the one file now: the last connection that closed has moved the log into it.
    let mut bytes = std::fs::read(home.database()).unwrap();
    let numbers: Vec<u8> = rows[7]
        .vector()
        .unwrap()
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let at = bytes
        .windows(numbers.len())
        .position(|window| window == numbers)
        .unwrap();
    bytes[at + 100] ^= 1;
    std::fs::write(home.database(), bytes).unwrap();

    let output = home.run(&["cache", "verify"]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        stdout(&output),
        format!(
            "{}: its checksum is not that of its content\n19 rows whole, 1 bad\n",
            rows[7].key
        )
    );
    let output = home.run(&["cache", "verify", "--repair"]);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).ends_with("19 rows whole, 1 bad, deleted\n"));
    assert_eq!(stdout(&home.run(&["cache", "verify"])), "19 rows whole, 0 bad\n");
}

#[test]
fn what_is_there_is_counted_and_cleared_by_model() {
    let home = Home::new();
    let other = Row {
        model: "other".to_owned(),
        ..row("b")
    };
    home.store().put([&row("a"), &other]).unwrap();
    let stats = object(&home.run(&["cache", "stats", "--json"]));
    assert_eq!(stats["disk"]["entries"], 2);
    assert_eq!(stats["disk"]["models"][1]["model"], MODEL);
    assert_eq!(stats["disk"]["models"][1]["bytes"], 4 * DIMENSION);
    assert!(stats.get("redis").is_none());
    let table = stdout(&home.run(&["cache", "stats"]));
    assert!(
        table.contains("test-model") && table.contains("redis  not configured"),
        "{table}"
    );
    assert_eq!(
        stdout(&home.run(&["cache", "clear", "--model", "other"])),
        "1 rows deleted\n"
    );
    assert_eq!(stdout(&home.run(&["cache", "clear"])), "1 rows deleted\n");
    assert_eq!(
        object(&home.run(&["cache", "stats", "--json"]))["disk"]["entries"],
        0
    );
}

#[test]
fn a_file_that_is_no_database_is_moved_aside_and_a_newer_one_left_alone() {
    let home = Home::new();
    std::fs::create_dir_all(home.database().parent().unwrap()).unwrap();
    std::fs::write(home.database(), "this is no database".repeat(50)).unwrap();
    let output = home.run(&["cache", "stats"]);
    assert_eq!(code(&output), 0);
    assert!(stderr(&output).contains("was no database"), "{}", stderr(&output));

    let newer = rusqlite::Connection::open(home.database()).unwrap();
    newer.pragma_update(None, "user_version", 7).unwrap();
    drop(newer);
    let output = home.run(&["cache", "stats"]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).contains("has schema 7 and this version knows up to 2"),
        "{}",
        stderr(&output)
    );
    // An answer does not need it.
    assert_eq!(code(&home.run(&["ask", "What is impermanent loss?"])), 0);
}

#[test]
fn a_file_with_a_broken_page_costs_no_answer_and_is_told() {
    let home = Home::new();
    let rows: Vec<Row> = (0..200).map(|n| row(&n.to_string())).collect();
    home.store().put(&rows).unwrap();
    let mut bytes = std::fs::read(home.database()).unwrap();
    // The first page says what the file is; every other one is broken.
    bytes[4_096..].fill(0xff);
    std::fs::write(home.database(), bytes).unwrap();
    let output = home.run(&["ask", "--events", "What is impermanent loss?"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let output = home.run(&["cache", "verify"]);
    assert_eq!(code(&output), 1);
    let said = stdout(&output);
    assert!(
        said.contains("The file itself is damaged") && said.contains("0 rows whole"),
        "{said}"
    );
}

//! Data sets from the command line, and sets of one's own.

use super::*;

#[test]
fn the_bundled_set_keeps_its_house_style() {
    let output = run(&["dataset", "validate", "--strict"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).contains(" 0 errors"), "{}", stdout(&output));
}

#[test]
fn the_counts_of_the_bundled_set_cover_every_topic() {
    let stats = object(&run(&["dataset", "stats", "--json"]));
    assert!(stats["pairs"].as_u64().unwrap() >= 120);
    assert_eq!(stats["topics"].as_array().unwrap().len(), 27);
    assert_eq!(stats["pairs"], stats["pairs_with_sources"]);
}

#[test]
fn a_faulty_set_is_listed_fault_by_fault() {
    let path = file(
        "faulty.json",
        "[{\"id\":\"a\",\"question\":\"What?\",\"answer\":\"So.\"},\n {\"id\":\"a\",\"question\":\"Why?\",\"answer\":\"\"}]",
    );
    let output = run(&["dataset", "validate", path.to_str().unwrap()]);
    assert_eq!(code(&output), 1);
    let text = stdout(&output);
    assert!(
        text.contains("faulty.json") && text.contains("answer") && text.contains("id"),
        "{text}"
    );
}

#[test]
fn a_set_of_ones_own_is_indexed_and_asked() {
    let rows = "id,question,answer\n1,What colour is the house token?,The house token is green and has eight decimals.\n2,Who signs for the treasury?,Three of five elected stewards sign for the treasury.\n";
    let path = file("own.csv", rows);
    let found = object(&run(&[
        "--dataset",
        path.to_str().unwrap(),
        "ask",
        "--json",
        "who signs for the treasury",
    ]));
    assert_eq!(found["outcome"], "answered");
    assert_eq!(found["citations"], serde_json::json!(["2"]));
}

#[test]
fn the_vectors_of_a_set_are_the_same_bytes_each_time() {
    let path = file(
        "index.json",
        "[{\"id\":\"a\",\"question\":\"What is a pool?\",\"answer\":\"A shared reserve.\"}]",
    );
    let bytes = |name: &str| {
        let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let output = run(&[
            "--dataset",
            path.to_str().unwrap(),
            "index",
            "-o",
            out.to_str().unwrap(),
        ]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        std::fs::read(out).unwrap()
    };
    assert_eq!(bytes("one.bin"), bytes("two.bin"));
}

#[test]
fn a_set_of_ones_own_is_embedded_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("house.json");
    std::fs::write(
        &path,
        "[{\"id\":\"a\",\"question\":\"Who keeps the pool?\",\"answer\":\"The house keeps it.\"}]",
    )
    .unwrap();
    let stored = || -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(folder.path().join("cache/defi-qa/vectors")) else {
            return Vec::new();
        };
        let files = entries.map(|entry| entry.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|ending| ending == "bin"))
            .collect()
    };
    let ask = || {
        let output = program()
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .args([
                "--dataset",
                path.to_str().unwrap(),
                "search",
                "--json",
                "who keeps the pool",
            ])
            .output()
            .unwrap();
        object(&output)["hits"].clone()
    };
    let first = ask();
    let [file] = stored().try_into().unwrap();
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(ask()[0]["id"], first[0]["id"]);
    assert_eq!(
        std::fs::metadata(&file).unwrap().modified().unwrap(),
        written,
        "nothing was embedded again"
    );
    std::fs::write(&file, "torn").unwrap();
    assert_eq!(
        ask()[0]["id"],
        first[0]["id"],
        "a torn file costs time, not the answer"
    );
}

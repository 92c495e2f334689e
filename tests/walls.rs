//! The walls of the house: who may know of what. A wall that nobody checks is a drawing of a wall.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking and reports by printing"
)]

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of a file without comments and without its tests, which may know more.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Fails with every file below `within` (and outside `except`) that names one of the words.
fn nobody_says(words: &[&str], within: &[&str], except: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut breaches = Vec::new();
    let mut read = 0;
    for path in sources(&root) {
        let name = path
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        let inside = |places: &[&str]| places.iter().any(|place| name.starts_with(place));
        if (within.is_empty() || inside(within)) && !inside(except) {
            read += 1;
            let code = code(&path);
            breaches.extend(
                words
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|word| format!("{name}: {word}")),
            );
        }
    }
    assert!(read > 0, "no file below {within:?}: the wall stands nowhere");
    assert!(breaches.is_empty(), "through the wall: {breaches:#?}");
}

#[test]
fn only_the_screen_knows_ratatui() {
    nobody_says(&["ratatui"], &[], &["tui/", "app/"]);
}

#[test]
fn only_the_provider_knows_the_client() {
    nobody_says(&["async_openai", "reqwest"], &[], &["provider/"]);
}

#[test]
fn only_the_tiers_know_their_servers_and_files() {
    nobody_says(
        &["redis::", "use redis"],
        &[],
        &["cache/redis/", "cache/tiers/", "cache/mod.rs"],
    );
    nobody_says(
        &["rusqlite"],
        &[],
        &["cache/disk/", "cache/tiers/tests.rs", "session/", "sqlite/"],
    );
}

#[test]
fn the_cache_knows_nothing_of_ours() {
    let ours = [
        "crate::agent",
        "crate::config",
        "crate::dataset",
        "crate::embedding",
        "crate::provider",
        "crate::text",
    ];
    nobody_says(&ours, &["cache/"], &[]);
}

#[test]
fn what_is_pure_knows_no_runtime() {
    nobody_says(
        &["tokio", "std::thread", "std::fs", "std::net", "Instant::now"],
        &[
            "app/",
            "agent/graph.rs",
            "agent/judge.rs",
            "agent/classify.rs",
            "retrieval/dense.rs",
            "retrieval/lexical.rs",
            "retrieval/fusion.rs",
            "retrieval/terms.rs",
            "retrieval/background.rs",
            "retrieval/comparison/",
        ],
        &[],
    );
}

#[test]
fn a_recording_is_the_events_and_the_model_and_nothing_else() {
    nobody_says(
        &[
            "crate::cli",
            "crate::tui",
            "crate::provider",
            "crate::embedding",
            "crate::retrieval",
            "crate::session",
            "tokio",
        ],
        &["recording/"],
        &[],
    );
    // The replayed screen is compared with the live one where the screens are tested.
    nobody_says(
        &["crate::recording"],
        &["app/", "tui/", "agent/"],
        &["tui/view/tests/replay"],
    );
}

#[test]
fn the_sessions_keep_events_and_know_nothing_of_who_makes_or_shows_them() {
    // A session must be readable and exportable without a model, a network or a screen. It knows the events that it
    // folds, the text rules of its exports, the database file and the clock; of the recordings only how an instant is
    // written, so that the same moment reads alike in both; tokio for the one reply that a writer is waited for by.
    let rest = [
        "crate::agent::{",
        "crate::agent::Agent",
        "crate::app",
        "crate::cache",
        "crate::cli",
        "crate::config",
        "crate::dataset",
        "crate::embedding",
        "crate::provider",
        "crate::retrieval",
        "crate::tui",
        "recording::{",
        "recording::R",
        "recording::reader",
        "recording::writer",
    ];
    nobody_says(&rest, &["session/"], &[]);
    nobody_says(
        &["tokio"],
        &["session/"],
        // Their readers in tests wait as well.
        &["session/keeper.rs", "session/writer.rs", "session/tests.rs"],
    );
    // And what makes or shows an exchange does not know that it is kept: the command line hands the events over.
    nobody_says(
        &["crate::session"],
        &[
            "agent/",
            "cache/",
            "config/",
            "dataset/",
            "embedding/",
            "provider/",
            "recording/",
            "retrieval/",
            "sqlite/",
            "text/",
        ],
        &[],
    );
}

#[test]
fn effects_flow_down_and_events_flow_up() {
    let up = ["crate::cli", "crate::tui", "crate::app"];
    nobody_says(
        &up,
        &[
            "agent/",
            "retrieval/",
            "embedding/",
            "dataset/",
            "cache/",
            "provider/",
            "config/",
        ],
        &[],
    );
    nobody_says(&["crate::cli", "crate::tui"], &["app/"], &[]);
    nobody_says(
        &[
            "crate::cli",
            "crate::provider",
            "crate::embedding",
            "crate::dataset",
        ],
        &["tui/", "app/"],
        // A corpus for tests.
        &["app/compare/fixture.rs"],
    );
    nobody_says(
        &["crate::agent"],
        &[
            "retrieval/",
            "embedding/",
            "dataset/",
            "cache/",
            "provider/",
            "config/",
        ],
        &[],
    );
    nobody_says(
        &["crate::retrieval"],
        &["embedding/", "dataset/", "cache/", "provider/"],
        &[],
    );
    nobody_says(
        &["crate::dataset", "crate::embedding", "crate::config"],
        &["cache/", "provider/"],
        &[],
    );
}

#[test]
fn the_application_knows_of_retrieval_what_a_comparison_shows() {
    // Values without a corpus: what a set-up is and what was found. Whatever searches stays behind an effect.
    let shown = [
        "crate::retrieval::comparison",
        "crate::retrieval::Method",
        "crate::retrieval::Unit",
    ];
    let tests = [
        "app/compare/fixture.rs",
        "app/compare/tests.rs",
        "tui/view/tests/",
    ];
    nobody_says(&["Workbench", "comparison::Lab"], &["tui/", "app/"], &tests);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in [root.join("tui"), root.join("app")]
        .iter()
        .flat_map(|folder| sources(folder))
    {
        let mut code = code(&path);
        if path.ends_with("app/compare/fixture.rs")
            || path.components().any(|part| part.as_os_str() == "tests")
        {
            continue;
        }
        for allowed in shown {
            code = code.replace(allowed, "");
        }
        assert!(!code.contains("crate::retrieval"), "{}", path.display());
    }
}

#[test]
fn the_application_reads_of_the_agent_its_events_only() {
    for words in [
        ["agent::{", "agent::Agent"],
        ["agent::graph", "agent::judge"],
        ["agent::Knowledge", "agent::classify"],
    ] {
        nobody_says(&words, &["app/"], &[]);
    }
}

#[test]
fn nothing_opens_a_socket_but_the_provider() {
    // The shared tier of the cache does as well, inside the crate that the wall above keeps there.
    nobody_says(
        &["TcpStream", "UdpSocket", "TcpListener", "UnixStream"],
        &[],
        &["provider/", "server/"],
    );
}

//! From the start of the process to the first frame on its terminal, and to the end of the first answer.
//!
//! `cargo bench --bench start`
//!
//! Each iteration starts the real program: in a pseudo-terminal, until the frame is whole (the end of its synchronised
//! update; the terminal is a pipe here, and a real one adds the time that it takes to paint), or as `ask`. Both with the
//! bundled set and with the first 120 pairs of it as a set of the user's own: a start must not grow with what is known.
//! Nor with what was asked: once `cargo bench --bench sessions` has made its store, a start beside a copy of it is measured.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use defi_qa::dataset::Dataset;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// Ends the first frame: the end of a synchronised update.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// A home of its own, so that the caches are those of the bench, and in it a set of the first pairs of the bundled one.
fn home_with_a_small_set() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("small.jsonl");
    let pairs = Dataset::bundled().unwrap().pairs;
    let lines = pairs
        .iter()
        .take(120)
        .map(|pair| serde_json::to_string(pair).unwrap() + "\n");
    std::fs::write(&path, lines.collect::<String>()).unwrap();
    (home, path)
}

/// Asks something else each time: the vector of a question that was asked before is found in the cache.
fn first_answer(home: &Path, set: Option<&Path>, number: u64) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_defi-qa"));
    command
        .env_clear()
        .env("HOME", home)
        .args(["ask", "--json"])
        .arg(format!("What is impermanent loss after {number} days?"));
    if let Some(set) = set {
        command.arg("--dataset").arg(set);
    }
    let start = Instant::now();
    let output = command.output().unwrap();
    let took = start.elapsed();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    took
}

fn first_frame(home: &Path, set: Option<&Path>) -> Duration {
    let pty = native_pty_system()
        .openpty(PtySize {
            rows: 40,
            cols: 120,
            ..PtySize::default()
        })
        .unwrap();
    let mut reader = pty.master.try_clone_reader().unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_defi-qa"));
    command.env_clear();
    command.env("HOME", home);
    if let Some(set) = set {
        command.arg("--dataset");
        command.arg(set);
    }
    command.env("TERM", "xterm-256color");
    let start = Instant::now();
    let mut child = pty.slave.spawn_command(command).unwrap();
    let mut seen = Vec::new();
    let mut chunk = [0; 65_536];
    while !seen.windows(FRAME_END.len()).any(|window| window == FRAME_END) {
        let count = reader.read(&mut chunk).unwrap();
        assert!(
            count > 0,
            "the program ended before its first frame: {}",
            String::from_utf8_lossy(&seen)
        );
        seen.extend_from_slice(&chunk[..count]);
    }
    let took = start.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    took
}

fn benches(criterion: &mut Criterion) {
    let (home, small) = home_with_a_small_set();
    let bundled = Dataset::bundled().unwrap().pairs.len();
    let mut group = criterion.benchmark_group("start");
    group.sample_size(30).measurement_time(Duration::from_secs(10));
    for (pairs, set) in [(120, Some(small.as_path())), (bundled, None)] {
        // The first start with a set of one's own embeds it; what is measured is every start after that.
        let mut asked = 0;
        first_answer(home.path(), set, asked);
        group.bench_function(BenchmarkId::new("first frame, pairs", pairs), |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| first_frame(home.path(), set)).sum());
        });
        group.bench_function(BenchmarkId::new("first answer, pairs", pairs), |bencher| {
            let mut ask = |_| {
                asked += 1;
                first_answer(home.path(), set, asked)
            };
            bencher.iter_custom(|iterations| (0..iterations).map(&mut ask).sum());
        });
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sessions-bench/sessions.sqlite");
    if kept.exists() {
        let state = home.path().join(".local/state/defi-qa");
        std::fs::create_dir_all(&state).unwrap();
        std::fs::copy(&kept, state.join("sessions.sqlite")).unwrap();
        group.bench_function("first frame, 100,000 exchanges kept", |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| first_frame(home.path(), None)).sum());
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);

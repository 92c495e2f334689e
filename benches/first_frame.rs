//! From the start of the process to the first frame on its terminal.
//!
//! `cargo bench --bench first_frame`
//!
//! Each iteration starts the real program in a pseudo-terminal and reads until the frame is whole (the end of its
//! synchronised update). The terminal is a pipe here: a real one adds the time that it takes to paint.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::io::Read as _;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// Ends the first frame: the end of a synchronised update.
const FRAME_END: &[u8] = b"\x1b[?2026l";

fn first_frame() -> Duration {
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
    command.env("HOME", std::env::temp_dir());
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
    let mut group = criterion.benchmark_group("start");
    group.sample_size(30).measurement_time(Duration::from_secs(10));
    group.bench_function("process start to first frame", |bencher| {
        bencher.iter_custom(|iterations| (0..iterations).map(|_| first_frame()).sum());
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);

//! The rates of the decline rule on labelled questions: how often it declines what is in scope, how often it answers
//! what is not.
//!
//! `cargo test --release --test scope -- --nocapture` prints the table that the README quotes. Every other question of a
//! style belongs to the half that the rule was chosen on; the bounds below are held on the other half only.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking and reports by printing"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Highest share of in-scope questions declined, and of out-of-scope questions answered, on the held-out half.
const WRONGLY_DECLINED: f64 = 0.05;
const WRONGLY_ANSWERED: f64 = 0.10;

#[derive(Default)]
struct Count {
    wrong: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, wrong: bool) {
        self.all += 1;
        self.wrong += usize::from(wrong);
    }

    fn rate(&self) -> f64 {
        self.wrong as f64 / self.all as f64
    }
}

#[test]
fn the_decline_rule_holds_its_rates_on_questions_that_it_was_not_chosen_on() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/eval/scope.jsonl");
    let labelled: Vec<Value> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let output = Command::new(env!("CARGO_BIN_EXE_defi-qa"))
        .env_clear()
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(["ask", "--batch"])
        .arg(&path)
        .output()
        .unwrap();
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        answers.len(),
        labelled.len(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut styles: BTreeMap<String, Count> = BTreeMap::new();
    // [half][declined, answered]
    let mut halves: [[Count; 2]; 2] = Default::default();
    for (label, answer) in labelled.iter().zip(&answers) {
        assert_eq!(label["id"], answer["id"]);
        let inside = label["label"] == "in";
        let style = format!(
            "{} {}",
            label["label"].as_str().unwrap(),
            label["style"].as_str().unwrap()
        );
        let number = seen.entry(style.clone()).or_default();
        let half = *number % 2;
        *number += 1;
        let answered = answer["outcome"] == "answered";
        let wrong = answered != inside;
        halves[half][usize::from(!inside)].add(wrong);
        styles.entry(style).or_default().add(wrong);
        if wrong {
            println!("wrong: {} ({})", label["question"], label["label"]);
        }
    }
    println!("\n{:24}{:>8}{:>8}", "style", "wrong", "of");
    for (style, count) in &styles {
        println!("{style:24}{:>8}{:>8}", count.wrong, count.all);
    }
    for (name, half) in [("chosen on", &halves[0]), ("held out", &halves[1])] {
        println!(
            "{name}: wrongly declined {:.1} % of {}, wrongly answered {:.1} % of {}",
            100.0 * half[0].rate(),
            half[0].all,
            100.0 * half[1].rate(),
            half[1].all
        );
    }
    assert!(
        halves[1][0].rate() <= WRONGLY_DECLINED,
        "wrongly declined: {:.3}",
        halves[1][0].rate()
    );
    assert!(
        halves[1][1].rate() <= WRONGLY_ANSWERED,
        "wrongly answered: {:.3}",
        halves[1][1].rate()
    );
}

//! What the embedded model learned from, `data/training`: it must be about pairs that exist, and must know nothing of the questions
//! that the model is measured with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

/// The share of words in common (Jaccard) from which two questions count as the same one.
const ALIKE: f64 = 0.7;

fn data(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(folder)
}

fn training() -> BTreeMap<String, Vec<String>> {
    let files = fs::read_dir(data("training")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let texts = paths.map(|path| fs::read(path).unwrap());
    let topics = texts.map(|text| serde_json::from_slice::<BTreeMap<String, Vec<String>>>(&text).unwrap());
    topics.flatten().collect()
}

fn measured() -> Vec<String> {
    let sets = ["development.jsonl", "follow_ups.jsonl"];
    let texts = sets.map(|set| fs::read_to_string(data("eval").join(set)).unwrap());
    let lines = texts.iter().flat_map(|text| text.lines());
    lines
        .map(|line| {
            let judged: serde_json::Value = serde_json::from_str(line).unwrap();
            judged["question"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn words(text: &str) -> HashSet<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|sign: char| !sign.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn it_is_about_pairs_that_exist_and_asks_nothing_twice() {
    let mut known = HashMap::new();
    for file in fs::read_dir(data("knowledge")).unwrap() {
        let set: Vec<serde_json::Value> =
            serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
        for pair in set {
            let own = pair["aliases"]
                .as_array()
                .unwrap()
                .iter()
                .chain([&pair["question"]]);
            let own: Vec<String> = own.map(|text| text.as_str().unwrap().to_owned()).collect();
            known.insert(pair["id"].as_str().unwrap().to_owned(), own);
        }
    }
    let mut seen = HashSet::new();
    for (id, questions) in training() {
        let own = known.get(&id).unwrap_or_else(|| panic!("no pair is called {id}"));
        for question in questions {
            assert!(
                question.is_ascii() && !question.trim().is_empty(),
                "{id}: {question}"
            );
            assert!(!own.contains(&question), "{id} has it as an alias: {question}");
            assert!(
                seen.insert(question.clone()),
                "{id} is not the only one with: {question}"
            );
        }
    }
    assert!(seen.len() > 30_000, "{} questions", seen.len());
}

#[test]
fn it_resembles_no_question_that_it_is_measured_with() {
    let learned: Vec<(String, HashSet<String>)> = training()
        .into_values()
        .flatten()
        .map(|text| (text.clone(), words(&text)))
        .collect();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, (_, words)) in learned.iter().enumerate() {
        for word in words {
            places.entry(word).or_default().push(place);
        }
    }
    let measured = measured();
    assert!(measured.len() > 550, "{} questions", measured.len());
    for question in measured {
        let words = words(&question);
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for place in words
            .iter()
            .filter_map(|word| places.get(word.as_str()))
            .flatten()
        {
            *shared.entry(*place).or_default() += 1;
        }
        for (place, shared) in shared {
            let (text, own) = &learned[place];
            let all = own.len() + words.len() - shared;
            // Not printed which one: whoever repairs this must not learn a held-out question by it.
            assert!(
                (shared as f64) < ALIKE * all as f64,
                "the training question is asked in data/eval too: {text}"
            );
        }
    }
}

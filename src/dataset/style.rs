//! The form that the bundled set keeps, so that answers quote well on any terminal and lead to their sources.

use std::collections::HashSet;
use std::path::Path;

use super::validate::{Report, Severity};
use super::{Dataset, Pair, stats};

/// Words of an answer: long enough to explain, short enough to quote whole.
const ANSWER_WORDS: std::ops::RangeInclusive<usize> = 60..=180;
const ALIASES: std::ops::RangeInclusive<usize> = 3..=6;
const LONGEST_ID: usize = 60;
/// Marks of Markdown that plain prose does not need. A single `*` is a product.
const MARKDOWN: [&str; 6] = ["**", "__", "`", "](", "](http", "\n#"];

pub(super) fn check(dataset: &Dataset, report: &mut Report<'_>) {
    for (index, pair) in dataset.pairs.iter().enumerate() {
        let mut fault =
            |field: &'static str, message: String| report.add(index, Severity::Error, field, message);
        topic(dataset, index, pair, &mut fault);
        if !pair.question.trim_end().ends_with('?') {
            fault(
                "question",
                "does not end with a question mark; ask it as a question".into(),
            );
        }
        let words = stats::words(&pair.answer);
        if !ANSWER_WORDS.contains(&words) {
            fault("answer", format!("has {words} words; write 60 to 180"));
        }
        plain("question", &[&pair.question], &mut fault);
        plain("answer", &[&pair.answer], &mut fault);
        plain("aliases", &pair.aliases.iter().collect::<Vec<_>>(), &mut fault);
        plain("sources", &pair.sources.iter().collect::<Vec<_>>(), &mut fault);
        aliases(pair, &mut fault);
        if pair.sources.iter().all(|source| source.trim().is_empty()) {
            fault("sources", "is empty; name what a reader can look up".into());
        }
        if let Some(date) = pair.as_of.as_ref().filter(|date| !is_year_and_month(date)) {
            fault("as_of", format!("is \"{date}\"; write year and month as 2025-06"));
        }
        if pair.level.is_none() {
            fault(
                "level",
                "is missing; use one of basic, intermediate, expert".into(),
            );
        }
    }
}

/// A pair's topic is the name of its file and the start of its id.
fn topic(dataset: &Dataset, index: usize, pair: &Pair, fault: &mut impl FnMut(&'static str, String)) {
    let Some(topic) = &pair.topic else {
        fault("topic", "is missing; name the topic".into());
        return;
    };
    let stem = dataset
        .origin(index)
        .and_then(|origin| Path::new(origin.file.as_ref()).file_stem()?.to_str());
    if let Some(stem) = stem.filter(|stem| stem != topic) {
        fault(
            "topic",
            format!("is \"{topic}\" in a file named {stem}; move the pair or correct the topic"),
        );
    }
    let slug = pair
        .id
        .strip_prefix(topic.as_str())
        .and_then(|rest| rest.strip_prefix('-'));
    let well_formed = slug.is_some_and(|slug| {
        let words = || slug.split('-');
        words().all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
    });
    if !well_formed || pair.id.len() > LONGEST_ID {
        fault(
            "id",
            format!(
                "is not `{topic}-` and a slug in lower-case letters, digits and hyphens of at most {LONGEST_ID} \
                 characters in all; rename it"
            ),
        );
    }
}

/// At most one finding of each kind a field: the writer looks at the field anyway.
fn plain(field: &'static str, texts: &[&String], fault: &mut impl FnMut(&'static str, String)) {
    let strange = |character: &char| !matches!(character, ' '..='~' | '\n');
    if let Some(character) = texts.iter().find_map(|text| text.chars().find(strange)) {
        fault(
            field,
            format!(
                "holds '{}', which is not ASCII; write it in plain letters and signs",
                character.escape_default()
            ),
        );
    }
    let mark = MARKDOWN
        .iter()
        .find(|mark| texts.iter().any(|text| text.contains(**mark)));
    if let Some(mark) = mark {
        fault(
            field,
            format!(
                "holds `{}`, which is Markdown; write plain prose",
                mark.escape_default()
            ),
        );
    }
    let listed = |text: &&&String| {
        text.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with("- ") || line.starts_with("* ") || line.starts_with("# ")
        })
    };
    if texts.iter().find(listed).is_some() {
        fault(
            field,
            "holds a list or a heading, which is Markdown; write plain prose".into(),
        );
    }
}

fn aliases(pair: &Pair, fault: &mut impl FnMut(&'static str, String)) {
    if !ALIASES.contains(&pair.aliases.len()) {
        fault(
            "aliases",
            format!("has {} items; write 3 to 6", pair.aliases.len()),
        );
    }
    let fold = |text: &str| {
        text.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase()
    };
    let mut seen = HashSet::from([fold(&pair.question)]);
    for alias in &pair.aliases {
        if alias.trim().is_empty() {
            fault("aliases", "holds an empty item; remove it".into());
        } else if !seen.insert(fold(alias)) {
            fault(
                "aliases",
                format!("says \"{alias}\" twice (the question counts too); word each one differently"),
            );
        }
    }
}

fn is_year_and_month(date: &str) -> bool {
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    date.split_once('-').is_some_and(|(year, month)| {
        digits(year, 4) && digits(month, 2) && month.parse().is_ok_and(|month: u8| (1..=12).contains(&month))
    })
}

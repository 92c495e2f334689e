//! What a set holds, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Dataset, Level};

/// Counts over a set. Words are runs of text between white space.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stats {
    pub pairs: usize,
    /// Pairs by topic, in the order of the topics' first pairs; pairs without a topic are not in it.
    pub topics: Vec<(String, usize)>,
    /// Pairs by level; pairs without a level are not in it.
    pub levels: BTreeMap<Level, usize>,
    /// Words of all answers together.
    pub answer_words: usize,
    pub shortest_answer_words: usize,
    pub longest_answer_words: usize,
    pub aliases: usize,
    pub sources: usize,
    /// Pairs that name at least one source.
    pub pairs_with_sources: usize,
    /// Pairs whose facts can age.
    pub pairs_with_as_of: usize,
    /// Example calculations.
    pub worked: usize,
}

/// Counts a set.
pub fn stats(dataset: &Dataset) -> Stats {
    let mut stats = Stats {
        pairs: dataset.pairs.len(),
        ..Stats::default()
    };
    let lengths = || dataset.pairs.iter().map(|pair| words(&pair.answer));
    stats.answer_words = lengths().sum();
    stats.shortest_answer_words = lengths().min().unwrap_or(0);
    stats.longest_answer_words = lengths().max().unwrap_or(0);
    for pair in &dataset.pairs {
        if let Some(topic) = &pair.topic {
            match stats.topics.iter_mut().find(|(name, _)| name == topic) {
                Some((_, count)) => *count += 1,
                None => stats.topics.push((topic.clone(), 1)),
            }
        }
        if let Some(level) = pair.level {
            *stats.levels.entry(level).or_default() += 1;
        }
        stats.aliases += pair.aliases.len();
        stats.sources += pair.sources.len();
        stats.pairs_with_sources += usize::from(!pair.sources.is_empty());
        stats.pairs_with_as_of += usize::from(pair.as_of.is_some());
        stats.worked += pair.worked.len();
    }
    stats
}

/// Runs of text between white space.
pub(super) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[cfg(test)]
mod tests {
    use super::super::Pair;
    use super::*;

    #[test]
    fn a_set_is_counted_by_topic_and_level() {
        let pair = |topic: &str, level, answer: &str| Pair {
            topic: Some(topic.into()),
            level: Some(level),
            answer: answer.into(),
            sources: vec!["EIP-20".into()],
            ..Pair::default()
        };
        let counted = stats(&Dataset::new(
            "test",
            vec![
                pair("lending", Level::Basic, "one two three"),
                pair("amm", Level::Basic, "one"),
                pair("lending", Level::Expert, "one two"),
                Pair::default(),
            ],
        ));
        assert_eq!(counted.pairs, 4);
        assert_eq!(counted.topics, [("lending".to_owned(), 2), ("amm".to_owned(), 1)]);
        assert_eq!(
            counted.levels,
            BTreeMap::from([(Level::Basic, 2), (Level::Expert, 1)])
        );
        assert_eq!((counted.answer_words, counted.longest_answer_words), (6, 3));
        assert_eq!((counted.sources, counted.pairs_with_sources), (3, 3));
    }
}

//! More ways of asking for what a pair of the bundled set answers: one file a topic under `data/phrasings`, by the id of
//! the pair.
//!
//! People who do not know the term of art describe the thing. Expanding what is searched by questions that it answers is
//! known as doc2query (R. Nogueira, W. Yang, J. Lin, K. Cho, "Document expansion by query prediction", 2019). They are
//! searched and never shown, and only the indexes that are computed ahead of time hold them, so that a start does not
//! read them.

use std::collections::BTreeMap;

use super::bundled::PHRASINGS;
use super::{Dataset, Pair};

/// The phrasings of the bundled set, by the id of the pair.
#[derive(Clone, Debug, Default)]
pub struct Phrasings(BTreeMap<String, Vec<String>>);

impl Phrasings {
    /// Those inside the program.
    ///
    /// # Errors
    /// When a file that was built in is broken, which a test rules out.
    pub fn bundled() -> Result<Self, serde_json::Error> {
        let mut all = BTreeMap::new();
        for text in PHRASINGS {
            all.extend(serde_json::from_str::<BTreeMap<String, Vec<String>>>(text)?);
        }
        Ok(Self(all))
    }

    /// Those of a pair.
    pub fn of(&self, pair: &Pair) -> &[String] {
        self.0.get(&pair.id).map_or(&[], Vec::as_slice)
    }

    /// The words of each pair that the lexical retriever indexes, its phrasings among them.
    pub fn indexed_texts(&self, dataset: &Dataset) -> Vec<String> {
        let text = |pair: &Pair| {
            let mut text = super::pair::indexed_text(pair);
            for phrasing in self.of(pair) {
                text.push('\n');
                text.push_str(phrasing);
            }
            text
        };
        dataset.pairs.iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_phrasing_is_of_a_pair_and_said_once() {
        let (dataset, phrasings) = (Dataset::bundled().unwrap(), Phrasings::bundled().unwrap());
        for (id, texts) in &phrasings.0 {
            let pair = dataset
                .find(id)
                .unwrap_or_else(|| panic!("no pair is named {id}"));
            let mut said: HashSet<String> = HashSet::new();
            for text in pair.aliases.iter().chain([&pair.question]).chain(texts) {
                assert!(said.insert(text.to_lowercase()), "{id}: said twice: {text}");
            }
            for text in texts {
                let plain = text.is_ascii() && text.trim() == text && !text.contains('\n');
                assert!(plain && (8..=220).contains(&text.len()), "{id}: {text}");
            }
        }
    }

    #[test]
    fn the_phrasings_of_a_pair_are_searched_behind_its_own_words() {
        let dataset = Dataset::new(
            "test",
            vec![Pair {
                id: "a".into(),
                question: "What is IL?".into(),
                ..Pair::default()
            }],
        );
        let phrasings =
            Phrasings([("a".to_owned(), vec!["why do I have less than before".to_owned()])].into());
        assert_eq!(
            phrasings.indexed_texts(&dataset),
            ["What is IL?\n\nwhy do I have less than before"]
        );
    }
}

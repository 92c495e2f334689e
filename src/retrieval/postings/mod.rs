//! The inverted index: which texts hold a term, and how often.

mod file;
mod vocabulary;

pub use file::WordsError;

use foldhash::{HashMap, HashMapExt as _};
use rayon::prelude::*;

use super::terms::{Word, surfaces, word};
use vocabulary::Vocabulary;

/// Texts of a part at least: below that, joining the parts costs more than it saves.
const FEWEST: usize = 128;

/// Terms of a corpus and the texts that hold them. Terms are numbered in their alphabetical order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Postings {
    terms: Vocabulary,
    /// Where the entries of each term begin, and last where they end.
    starts: Vec<u32>,
    /// The entries of one term stand together, by ascending text.
    entries: Vec<Posting>,
    /// Terms of each text.
    lengths: Vec<u32>,
    average_length: f32,
}

/// A text that holds a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    pub(super) text: u32,
    pub(super) frequency: u32,
}

impl Postings {
    /// Indexes texts, a part of them on each core.
    pub(super) fn build<T: AsRef<str> + Sync>(texts: &[T]) -> Self {
        let part = texts.len().div_ceil(rayon::current_num_threads()).max(FEWEST);
        let parts: Vec<Draft> = texts.par_chunks(part).map(Draft::of).collect();
        parts
            .into_iter()
            .reduce(Draft::joined)
            .unwrap_or_default()
            .finished()
    }

    fn new(terms: Vocabulary, starts: Vec<u32>, entries: Vec<Posting>, lengths: Vec<u32>) -> Self {
        let total: f64 = lengths.iter().map(|length| f64::from(*length)).sum();
        Self {
            average_length: (total / lengths.len().max(1) as f64) as f32,
            terms,
            starts,
            entries,
            lengths,
        }
    }

    /// Number of texts.
    pub(super) fn texts(&self) -> usize {
        self.lengths.len()
    }

    /// The number of a term, when the corpus has it.
    pub(super) fn number(&self, term: &str) -> Option<usize> {
        self.terms.number(term)
    }

    /// The texts that hold a term, ascending.
    pub(super) fn of(&self, term: usize) -> &[Posting] {
        let at = |index: usize| self.starts.get(index).map(|start| *start as usize);
        let range = at(term).zip(at(term + 1));
        range
            .and_then(|(start, end)| self.entries.get(start..end))
            .unwrap_or_default()
    }

    /// Whether a text holds a term.
    pub(super) fn holds(&self, term: usize, text: usize) -> bool {
        self.of(term)
            .binary_search_by_key(&text, |posting| posting.text as usize)
            .is_ok()
    }

    /// Terms of a text, over the mean of all texts.
    pub(super) fn relative_length(&self, text: usize) -> f32 {
        self.lengths.get(text).copied().unwrap_or(0) as f32 / self.average_length.max(1.0)
    }
}

/// An index under construction.
#[derive(Debug, Default)]
struct Draft {
    terms: HashMap<String, usize>,
    postings: Vec<Vec<Posting>>,
    lengths: Vec<u32>,
}

impl Draft {
    fn of<T: AsRef<str>>(texts: &[T]) -> Self {
        let mut index = Self::default();
        // A corpus repeats its words, and folding and stemming one costs more than looking it up: each spelling is taken
        // apart once. What is kept are the numbers of its terms and how many words it counts as.
        let mut spellings: HashMap<&str, (Vec<usize>, u32)> = HashMap::new();
        for (number, text) in (0_u32..).zip(texts) {
            let mut length = 0;
            for surface in surfaces(text.as_ref()) {
                let (terms, parts) = spellings.entry(surface).or_insert_with(|| {
                    let word = word(surface);
                    let terms = word.iter().flat_map(Word::terms);
                    // A compound is another spelling of its parts and makes a text no longer; a stop word counts nothing.
                    let parts = word.as_ref().map_or(0, |word| word.parts.len() as u32);
                    (terms.map(|term| index.number(term)).collect(), parts)
                });
                for term in terms {
                    index.count(*term, number);
                }
                length += *parts;
            }
            index.lengths.push(length);
        }
        index
    }

    /// The number of a term, a new one for a new term.
    fn number(&mut self, term: &str) -> usize {
        match self.terms.get(term) {
            Some(number) => *number,
            None => {
                self.terms.insert(term.to_owned(), self.postings.len());
                self.postings.push(Vec::new());
                self.postings.len() - 1
            }
        }
    }

    fn count(&mut self, term: usize, text: u32) {
        let Some(postings) = self.postings.get_mut(term) else {
            return;
        };
        match postings.last_mut().filter(|posting| posting.text == text) {
            Some(posting) => posting.frequency += 1,
            None => postings.push(Posting { text, frequency: 1 }),
        }
    }

    /// This index and that of the texts after its own, as if both had been built as one.
    fn joined(mut self, after: Self) -> Self {
        let texts = self.lengths.len() as u32;
        self.lengths.extend(after.lengths);
        for (term, of_term) in in_order(after.terms).into_iter().zip(after.postings) {
            let number = self.number(&term);
            let moved = of_term.into_iter().map(|posting| Posting {
                text: posting.text + texts,
                ..posting
            });
            if let Some(postings) = self.postings.get_mut(number) {
                postings.extend(moved);
            }
        }
        self
    }

    fn finished(self) -> Postings {
        let mut terms: Vec<(String, usize)> = self.terms.into_iter().collect();
        terms.sort_unstable();
        let mut starts = vec![0];
        let mut entries = Vec::with_capacity(self.postings.iter().map(Vec::len).sum());
        for (_, draft) in &terms {
            entries.extend(self.postings.get(*draft).into_iter().flatten());
            starts.push(entries.len() as u32);
        }
        let terms = Vocabulary::of(terms.iter().map(|(term, _)| term.as_str()));
        Postings::new(terms, starts, entries, self.lengths)
    }
}

/// Terms by the numbers of a draft.
fn in_order(terms: HashMap<String, usize>) -> Vec<String> {
    let mut terms: Vec<(String, usize)> = terms.into_iter().collect();
    terms.sort_unstable_by_key(|(_, number)| *number);
    terms.into_iter().map(|(term, _)| term).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_knows_its_texts_and_how_often_each_holds_it() {
        let postings = Postings::build(&["pool pool fee", "gas", "fee"]);
        let of = |term: &str| {
            let of = postings.of(postings.number(term).unwrap());
            of.iter()
                .map(|posting| (posting.text, posting.frequency))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("pool"), [(0, 2)]);
        assert_eq!(of("fee"), [(0, 1), (2, 1)]);
        assert_eq!(postings.number("hail"), None);
        assert!(postings.holds(postings.number("gas").unwrap(), 1));
        assert!(!postings.holds(postings.number("gas").unwrap(), 2));
        assert_eq!(postings.of(99), []);
        assert!((postings.relative_length(0) - 3.0 / (5.0 / 3.0)).abs() < 1e-6);
    }

    #[test]
    fn an_index_built_in_parts_is_the_index_built_as_one() {
        let texts: Vec<String> = (0..50)
            .map(|number| {
                format!(
                    "pool {} of term{} and ERC-{}",
                    number % 7,
                    number % 13,
                    number % 5 + 20
                )
            })
            .collect();
        let whole = Draft::of(&texts).finished();
        for part in [17, 49, 1] {
            let parts = texts.chunks(part).map(Draft::of);
            assert_eq!(parts.reduce(Draft::joined).unwrap().finished(), whole);
        }
    }
}

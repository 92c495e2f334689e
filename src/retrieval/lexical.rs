//! BM25 over an inverted index.
//!
//! S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", Foundations and Trends in
//! Information Retrieval 3(4), 2009, with the idf of Lucene, `ln(1 + (N - df + 0.5) / (df + 0.5))`, which is never
//! negative.

use super::hits::{LexicalHit, LexicalSearch};
use super::postings::{Postings, WordsError};
use super::terms::{Word, words};

/// The parameters of BM25.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bm25 {
    /// Saturation of a term's frequency: 0 counts a term once however often a text has it.
    pub k1: f32,
    /// How much a long text is discounted, 0 to 1.
    pub b: f32,
}

impl Default for Bm25 {
    /// The customary values (Robertson and Zaragoza give 1.2 to 2 and 0.5 to 0.8).
    fn default() -> Self {
        Self { k1: 1.2, b: 0.75 }
    }
}

/// Texts that can be searched by their words.
#[derive(Clone, Debug, Default)]
pub struct LexicalIndex {
    postings: Postings,
}

/// A word of the query, looked up.
struct QueryWord<'a> {
    surface: &'a str,
    parts: Vec<Lookup>,
    compound: Option<Lookup>,
}

#[derive(Clone, Copy)]
struct Lookup {
    /// Number of the term, when the corpus has it.
    term: Option<usize>,
    idf: f32,
}

impl LexicalIndex {
    /// Indexes texts, a part of them on each core; a hit's `index` is the place of its text.
    pub fn build<T: AsRef<str> + Sync>(texts: &[T]) -> Self {
        Self {
            postings: Postings::build(texts),
        }
    }

    /// The index as the bytes of a file, the same for the same texts; `None` when it is too large for one.
    pub fn encode<T: AsRef<str>>(&self, texts: &[T]) -> Option<Vec<u8>> {
        self.postings.encode(texts)
    }

    /// The index in such a file.
    ///
    /// # Errors
    /// When the file is damaged, of another version, or was not made from exactly these texts.
    pub fn decode<T: AsRef<str>>(bytes: &[u8], texts: &[T]) -> Result<Self, WordsError> {
        let postings = Postings::decode(bytes, texts)?;
        Ok(Self { postings })
    }

    /// The index in such bytes that are part of the program, unchecked but for its form.
    ///
    /// # Errors
    /// When it is of another version or damaged.
    pub fn decode_trusted(bytes: &[u8]) -> Result<Self, WordsError> {
        let postings = Postings::decode_trusted(bytes)?;
        Ok(Self { postings })
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.postings.texts()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `k` texts of the highest score. A query without content words finds nothing.
    pub fn search(&self, query: &str, k: usize) -> LexicalSearch {
        self.search_with(Bm25::default(), query, k)
    }

    /// [`Self::search`] with other parameters than the customary ones.
    pub fn search_with(&self, bm25: Bm25, query: &str, k: usize) -> LexicalSearch {
        let query = self.look_up(query);
        let mut scores = vec![0.0_f32; self.len()];
        let mut best_word = vec![0.0_f32; self.len()];
        for word in &query {
            self.add_word(bm25, word, &mut scores, &mut best_word);
        }
        let score = |index: usize| scores.get(index).copied().unwrap_or(0.0);
        let mut order: Vec<usize> = (0..scores.len()).filter(|index| score(*index) > 0.0).collect();
        let matching = order.len();
        let better =
            |left: &usize, right: &usize| score(*right).total_cmp(&score(*left)).then(left.cmp(right));
        if k < order.len() {
            order.select_nth_unstable_by(k, better);
            order.truncate(k);
        }
        order.sort_unstable_by(better);

        let hits = order.into_iter().zip(1..).map(|(index, rank)| LexicalHit {
            index,
            score: score(index),
            rank,
            terms: self.shared(&query, index),
            subject: false,
        });
        let unknown = query.iter().filter(|word| !word.is_known());
        LexicalSearch {
            hits: hits.collect(),
            matching,
            words: query.iter().map(|word| word.surface.to_owned()).collect(),
            unknown: unknown.map(|word| word.surface.to_owned()).collect(),
        }
    }

    /// Words of the query that a text holds, as the query spells them.
    pub fn shared_words(&self, query: &str, text: usize) -> Vec<String> {
        self.shared(&self.look_up(query), text)
    }

    /// Share, 0 to 1, of the query's words that a text holds, each word weighing its idf: a rare word that is missing
    /// counts for more than a common one. 0 for a query without content words.
    pub fn covered(&self, query: &str, text: usize) -> f32 {
        let query = self.look_up(query);
        let holds = |lookup: &Lookup| lookup.term.is_some_and(|term| self.postings.holds(term, text));
        let (mut held, mut all) = (0.0, 0.0);
        for word in &query {
            let lookups = || word.parts.iter().chain(&word.compound);
            let weight = lookups().map(|lookup| lookup.idf).fold(0.0, f32::max);
            all += weight;
            if lookups().any(holds) {
                held += weight;
            }
        }
        if all > 0.0 { held / all } else { 0.0 }
    }

    /// The query's words, each once: the second of two words with the same terms adds nothing.
    fn look_up<'a>(&self, query: &'a str) -> Vec<QueryWord<'a>> {
        let mut seen: Vec<Word<'a>> = Vec::new();
        for word in words(query) {
            if !seen.iter().any(|other| other.parts == word.parts) {
                seen.push(word);
            }
        }
        let look_up = |term: &String| {
            let term = self.postings.number(term);
            Lookup {
                term,
                idf: self.idf(term),
            }
        };
        let looked_up = seen.iter().map(|word| QueryWord {
            surface: word.surface,
            parts: word.parts.iter().map(look_up).collect(),
            compound: word.compound.as_ref().map(look_up),
        });
        looked_up.collect()
    }

    /// An unknown term has the idf of one that no text holds.
    fn idf(&self, term: Option<usize>) -> f32 {
        let holders = term.map_or(0, |term| self.postings.of(term).len()) as f32;
        let rest = self.len() as f32 - holders;
        (1.0 + (rest + 0.5) / (holders + 0.5)).ln()
    }

    /// Adds a word's BM25 to each text: the sum over its parts or its compound, whichever is more. Both spell the
    /// same thing, so adding both would count it twice. `scratch` is all zero before and after.
    fn add_word(&self, bm25: Bm25, word: &QueryWord<'_>, scores: &mut [f32], scratch: &mut [f32]) {
        for lookup in &word.parts {
            self.each_score(bm25, *lookup, |text, score| {
                if let Some(sum) = scratch.get_mut(text) {
                    *sum += score;
                }
            });
        }
        if let Some(lookup) = word.compound {
            self.each_score(bm25, lookup, |text, score| {
                if let Some(sum) = scratch.get_mut(text) {
                    *sum = sum.max(score);
                }
            });
        }
        for lookup in word.parts.iter().chain(&word.compound) {
            self.each_score(bm25, *lookup, |text, _| {
                if let (Some(score), Some(word)) = (scores.get_mut(text), scratch.get_mut(text)) {
                    *score += std::mem::take(word);
                }
            });
        }
    }

    fn each_score(&self, Bm25 { k1, b }: Bm25, lookup: Lookup, mut add: impl FnMut(usize, f32)) {
        let postings = lookup.term.map(|term| self.postings.of(term));
        for posting in postings.into_iter().flatten() {
            let text = posting.text as usize;
            let frequency = posting.frequency as f32;
            let relative = self.postings.relative_length(text);
            let score = lookup.idf * frequency * (k1 + 1.0) / (frequency + k1 * (1.0 - b + b * relative));
            add(text, score);
        }
    }

    /// The query's words that a text holds, a part of a word being enough.
    fn shared(&self, query: &[QueryWord<'_>], text: usize) -> Vec<String> {
        let holds = |lookup: &Lookup| lookup.term.is_some_and(|term| self.postings.holds(term, text));
        let shared = query
            .iter()
            .filter(|word| word.parts.iter().chain(&word.compound).any(holds));
        shared.map(|word| word.surface.to_owned()).collect()
    }
}

impl QueryWord<'_> {
    fn is_known(&self) -> bool {
        self.parts
            .iter()
            .chain(&self.compound)
            .any(|lookup| lookup.term.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 5] = [
        "What is impermanent loss? A pool loses against holding.",
        "What is ERC-4626? The tokenized vault standard.",
        "How does an ERC-20 approval work?",
        "A pool with x * y = k is a constant-product pool.",
        "What does veCRV vote on? Gauge weights.",
    ];

    fn found(query: &str) -> Vec<usize> {
        let search = LexicalIndex::build(&TEXTS).search(query, 10);
        search.hits.iter().map(|hit| hit.index).collect()
    }

    #[test]
    fn each_spelling_of_a_standard_finds_it_first() {
        for query in ["ERC-4626", "erc4626", "4626", "ERC 4626", "eip4626"] {
            assert_eq!(found(query).first(), Some(&1), "{query}");
        }
        assert_eq!(found("x*y=k"), [3]);
        assert_eq!(found("vecrv"), [4]);
        assert_eq!(found("constant product pools").first(), Some(&3));
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        let index = LexicalIndex::build(&["pool pool fee", "pool", "gas"]);
        let search = index.search("pool", 10);
        // N = 3, df = 2, average length 5/3.
        let idf = (1.0_f32 + 1.5 / 2.5).ln();
        let bm25 = |frequency: f32, length: f32| {
            idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length / (5.0 / 3.0)))
        };
        let scores: Vec<f32> = search.hits.iter().map(|hit| hit.score).collect();
        assert_eq!(
            search.hits.iter().map(|hit| hit.index).collect::<Vec<_>>(),
            [1, 0]
        );
        assert!((scores[0] - bm25(1.0, 1.0)).abs() < 1e-6);
        assert!((scores[1] - bm25(2.0, 3.0)).abs() < 1e-6);
    }

    #[test]
    fn a_compound_in_the_query_counts_as_its_parts_or_as_itself_and_not_as_both() {
        let index = LexicalIndex::build(&["erc 4626", "erc4626", "gas fee"]);
        let search = index.search("ERC-4626", 10);
        // Every text has two terms, so BM25 of one occurrence is the idf. Two texts hold each part, one the compound.
        let idf = |holders: f32| (1.0 + (3.0 - holders + 0.5) / (holders + 0.5)).ln();
        let found: Vec<(usize, f32)> = search.hits.iter().map(|hit| (hit.index, hit.score)).collect();
        assert_eq!(found.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 0]);
        assert!((found[0].1 - idf(1.0)).abs() < 1e-6);
        assert!((found[1].1 - 2.0 * idf(2.0)).abs() < 1e-6);
    }

    #[test]
    fn equal_scores_keep_the_order_of_the_texts() {
        let index = LexicalIndex::build(&["pool", "gas", "pool", "pool"]);
        let all: Vec<usize> = index
            .search("pool", 10)
            .hits
            .iter()
            .map(|hit| hit.index)
            .collect();
        assert_eq!(all, [0, 2, 3]);
        let two = index.search("pool", 2);
        assert_eq!(
            two.hits
                .iter()
                .map(|hit| (hit.index, hit.rank))
                .collect::<Vec<_>>(),
            [(0, 1), (2, 2)]
        );
        assert_eq!(two.matching, 3);
    }

    #[test]
    fn matched_terms_are_spelled_as_the_query_spells_them() {
        let search =
            LexicalIndex::build(&TEXTS).search("Which POOLS suffer Impermanent losses and hail?", 10);
        assert_eq!(search.hits[0].terms, ["POOLS", "Impermanent", "losses"]);
        assert_eq!(search.words, ["POOLS", "suffer", "Impermanent", "losses", "hail"]);
        assert_eq!(search.unknown, ["suffer", "hail"]);
        assert!((search.known() - 0.6).abs() < 1e-6);
    }

    #[test]
    fn a_rare_word_that_is_missing_takes_more_of_the_question_than_a_common_one() {
        let index = LexicalIndex::build(&["pool fee", "pool gas", "pool vote"]);
        let idf = |holders: f32| (1.0 + (3.0 - holders + 0.5) / (holders + 0.5)).ln();
        let share = index.covered("pool fees", 1);
        assert!((share - idf(3.0) / (idf(3.0) + idf(1.0))).abs() < 1e-6);
        assert_eq!(index.covered("pool fees", 0), 1.0);
        assert!(
            index.covered("pool hail", 0) < share,
            "an unknown word is the rarest"
        );
        assert_eq!(index.covered("what is the", 0), 0.0);
    }

    #[test]
    fn a_word_said_twice_counts_once() {
        let index = LexicalIndex::build(&TEXTS);
        assert_eq!(
            index.search("pool pools POOL", 10).hits,
            index.search("pool", 10).hits
        );
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(
            LexicalIndex::build(&TEXTS).search("", 10),
            LexicalSearch::default()
        );
        assert_eq!(LexicalIndex::build(&TEXTS).search("what is the", 10).known(), 0.0);
        assert_eq!(LexicalIndex::build::<String>(&[]).search("pool", 10).hits, []);
    }
}

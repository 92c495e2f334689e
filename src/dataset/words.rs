//! Which words carry meaning, and their stems: shared by the duplicate check and the lexical index.

use std::borrow::Cow;

use rust_stemmers::{Algorithm, Stemmer};

/// The stem of a lower-case English word by Porter2, the second Porter stemmer (M. Porter, "The English (Porter2)
/// stemming algorithm", 2001). A short word without a vowel loses its plural `s` too, which Porter2 keeps: `lps`,
/// `cdps` and `nfts` are how this field writes LP, CDP and NFT in the plural. A word of three letters or fewer is an
/// acronym more often than not and stays: Porter2 makes `apy` and `api` one.
pub(crate) fn stem(word: &str) -> Cow<'_, str> {
    let vowelless = !word.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    match word.strip_suffix('s') {
        Some(singular) if vowelless && (2..=5).contains(&singular.len()) && !singular.ends_with('s') => {
            Cow::Borrowed(singular)
        }
        // So do numbers and names with a number in them.
        _ if word.chars().nth(3).is_none() || word.bytes().any(|byte| byte.is_ascii_digit()) => {
            Cow::Borrowed(word)
        }
        _ => match british(word) {
            Some(british) => Cow::Owned(Stemmer::create(Algorithm::English).stem(&british).into_owned()),
            None => Stemmer::create(Algorithm::English).stem(word),
        },
    }
}

/// `tokenized` as `tokenised`: the two spellings are one word, and Porter2 gives them two stems.
fn british(word: &str) -> Option<String> {
    const ENDINGS: [&str; 9] = ["e", "es", "ed", "ing", "er", "ers", "ation", "ations", "able"];
    let at = word.rfind("iz").filter(|at| *at >= 3)?;
    let ending = word.get(at + 2..)?;
    ENDINGS
        .contains(&ending)
        .then(|| format!("{}is{ending}", word.get(..at).unwrap_or(word)))
}

/// Whether a lower-case word only holds a question together ("what", "does", "the") or asks for an answer
/// ("explain", "tell"). "us" and "it" would be stop words elsewhere; "us" is a jurisdiction here and stays.
pub(crate) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// Sorted, for the binary search.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "arent", "as", "at",
    "be", "because", "been", "before", "being", "between", "both", "but", "by", "can", "cant", "could",
    "describe", "did", "didnt", "do", "does", "doesnt", "doing", "don", "done", "dont", "each", "explain",
    "few", "for", "from", "further", "get", "give", "had", "has", "have", "having", "he", "her", "here",
    "hers", "him", "his", "how", "i", "if", "im", "in", "into", "is", "isnt", "it", "its", "itself", "ive",
    "just", "let", "like", "may", "me", "might", "more", "most", "must", "my", "no", "nor", "not", "now",
    "of", "off", "on", "once", "one", "only", "or", "other", "our", "ours", "out", "over", "own", "please",
    "same", "shall", "she", "should", "so", "some", "such", "tell", "than", "that", "the", "their", "theirs",
    "them", "then", "there", "these", "they", "this", "those", "through", "to", "too", "under", "until",
    "up", "very", "was", "wasnt", "we", "were", "what", "when", "where", "which", "while", "who", "whom",
    "whose", "why", "will", "with", "wont", "would", "you", "your", "yours",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_words_are_sorted_so_that_the_search_finds_each() {
        assert!(STOP_WORDS.is_sorted());
        assert!(STOP_WORDS.iter().all(|word| is_stop_word(word)));
        assert!(!is_stop_word("us"));
    }

    #[test]
    fn a_plural_has_the_stem_of_its_singular() {
        for (plural, singular) in [
            ("lps", "lp"),
            ("cdps", "cdp"),
            ("nfts", "nft"),
            ("amms", "amm"),
            ("daos", "dao"),
            ("pools", "pool"),
            ("liquidations", "liquidation"),
            ("oracles", "oracle"),
        ] {
            assert_eq!(stem(plural), stem(singular), "{plural}");
        }
        assert_eq!(stem("tokenized"), stem("tokenised"));
        assert_eq!(stem("utilization"), stem("utilisation"));
        assert_eq!(stem("size"), "size");
        assert_eq!(stem("horizon"), "horizon");
        assert_eq!(stem("xss"), "xss");
        assert_ne!(stem("apy"), stem("api"));
    }
}

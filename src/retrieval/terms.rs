//! From text to index terms, for English with the signs of this field.
//!
//! A *word* is what a reader sees as one: `ERC-4626`, `veCRV`, `x*y=k`, `Aave's`. It has *parts* (`erc`, `4626`) and,
//! when there are several, a *compound* (`erc4626`), so that each way of writing it finds the others. Letters are
//! folded (case, accents, width) and stemmed.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::dataset::{is_stop_word, stem};

/// One word of a text that carries meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// As the text spells it.
    pub(super) surface: &'a str,
    /// Terms of its parts, at least one.
    pub(super) parts: Vec<String>,
    /// The parts written as one, when there are several.
    pub(super) compound: Option<String>,
}

impl Word<'_> {
    /// Every term under which the word is indexed.
    pub(super) fn terms(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().chain(&self.compound).map(String::as_str)
    }
}

/// The words of a text without stop words, in its order.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    surfaces(text).filter_map(word).collect()
}

/// The words of a text that another text holds as well, as this one spells them; each once.
pub(super) fn shared_surfaces(query: &str, text: &str) -> Vec<String> {
    let asked = words(query);
    let is_asked = |term: &str| asked.iter().any(|word| word.terms().any(|other| other == term));
    let mut shared: Vec<String> = Vec::new();
    for word in words(text) {
        if word.terms().any(is_asked) && !shared.iter().any(|other| other == word.surface) {
            shared.push(word.surface.to_owned());
        }
    }
    shared
}

/// The words of a text as they are written, stop words included.
pub(super) fn surfaces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (surface, after) = next_surface(rest)?;
        rest = after;
        Some(surface)
    })
}

/// The next run of text that is one word, and what follows it.
fn next_surface(text: &str) -> Option<(&str, &str)> {
    let text = text.get(start_of_letters(text)?..)?;
    let mut end = 0;
    loop {
        let rest = text.get(end..)?;
        let run = letters(rest);
        let symbol = rest.get(..run)?;
        end += run;
        let Some(glue) = glue(symbol, text.get(end..)?) else {
            return Some((text.get(..end)?, text.get(end..)?));
        };
        end += glue;
    }
}

/// Where the first letter stands. Bytes are looked at as long as they are ASCII, which nearly all of an English text
/// is: the words of the bundled set are found at every start.
fn start_of_letters(text: &str) -> Option<usize> {
    let at = text
        .bytes()
        .position(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())?;
    let rest = text.get(at..)?;
    Some(at + rest.find(is_letter)?)
}

/// Length of the run of letters at the front of a text.
fn letters(text: &str) -> usize {
    let ascii = text.bytes().position(|byte| !byte.is_ascii_alphanumeric());
    match ascii.and_then(|end| Some((end, text.get(end..)?))) {
        None => text.len(),
        Some((end, rest)) if rest.starts_with(|next: char| next.is_ascii()) => end,
        Some((end, rest)) => end + rest.find(|character| !is_letter(character)).unwrap_or(rest.len()),
    }
}

/// Length of the signs that join the letters before them to the letters after them, if they do: a hyphen, a point or
/// an operator between letters. Spaces around an operator join as well when both sides are symbols of a formula:
/// `x * y = k` is one word as `x*y=k` is.
fn glue(before: &str, rest: &str) -> Option<usize> {
    let mut characters = rest.chars();
    let sign = characters.next()?;
    if sign == ' ' && rest.as_bytes().get(1).is_some_and(u8::is_ascii_alphanumeric) {
        // Between two words of prose, which is where most of the time went.
        return None;
    }
    if JOINING.contains(sign) {
        return characters.next().is_some_and(is_letter).then(|| sign.len_utf8());
    }
    let operator = rest.trim_start_matches(' ');
    let sign = operator.chars().next().filter(|sign| OPERATORS.contains(*sign))?;
    let after = operator.get(sign.len_utf8()..)?.trim_start_matches(' ');
    let symbol = after.get(..letters(after))?;
    (is_symbol(before) && is_symbol(symbol)).then(|| rest.len() - after.len())
}

/// Signs that join when they stand between two letters without a space. An apostrophe is folded away later. A slash
/// and a plus separate: `APR/APY` are two words that happen to share a line.
const JOINING: &str = "-_.'\u{2019}*=^\u{2010}\u{2011}\u{d7}&";
/// Operators that may have spaces around them.
const OPERATORS: &str = "*=^\u{d7}\u{b7}";

/// Whether letters can be a symbol of a formula: one or two characters.
fn is_symbol(letters: &str) -> bool {
    !letters.is_empty() && letters.chars().nth(2).is_none()
}

fn is_letter(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

/// The word of a surface; `None` for a stop word.
pub(super) fn word(surface: &str) -> Option<Word<'_>> {
    let folded = fold(surface);
    let folded = folded.strip_suffix("'s").unwrap_or(&folded).replace('\'', "");
    let pieces: Vec<&str> = pieces(&folded);
    let joined = pieces.concat();
    if is_stop_word(&joined) {
        return None;
    }
    let compound = (pieces.len() > 1).then(|| stem(&joined).into_owned());
    let mut parts: Vec<String> = pieces
        .into_iter()
        .filter(|piece| compound.is_none() || !is_stop_word(piece))
        .map(|piece| stem(piece).into_owned())
        .collect();
    if parts.is_empty() {
        parts.extend(compound.clone());
    }
    (!parts.is_empty()).then_some(Word {
        surface,
        parts,
        compound,
    })
}

/// A word without case, accents and width.
fn fold(surface: &str) -> String {
    if surface.is_ascii() {
        return surface.to_ascii_lowercase();
    }
    let decomposed = surface.nfkd().filter(|character| !is_combining_mark(*character));
    let folded = decomposed.flat_map(char::to_lowercase);
    folded
        .map(|character| if character == '\u{2019}' { '\'' } else { character })
        .collect()
}

/// Parts of a folded word: at its signs, and between the letters and the digits of a standard's name (`erc4626`).
/// A point between digits stays, so `0.5` and `v2.1` are one part each.
fn pieces(word: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut previous = None;
    let mut characters = word.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, character)| *character);
        let digit = |character: Option<char>| character.is_some_and(|character| character.is_ascii_digit());
        let decimal_point = character == '.' && digit(previous) && digit(next);
        if !character.is_alphanumeric() && !decimal_point {
            pieces.extend(word.get(start..at).filter(|piece| !piece.is_empty()));
            start = at + character.len_utf8();
        }
        previous = Some(character);
    }
    pieces.extend(word.get(start..).filter(|piece| !piece.is_empty()));
    pieces.into_iter().flat_map(split_standard).collect()
}

/// `erc4626` as `erc` and `4626`: two or more letters before two or more digits. `v3`, `l2` and `usdc` stay whole.
fn split_standard(piece: &str) -> impl Iterator<Item = &str> {
    let digits = piece
        .find(|character: char| character.is_ascii_digit())
        .unwrap_or(piece.len());
    let (letters, number) = piece.split_at(digits);
    let standard = letters.len() >= 2
        && number.len() >= 2
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    let (first, second) = if standard { (letters, number) } else { (piece, "") };
    [first, second].into_iter().filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        words(text)
            .iter()
            .flat_map(|word| word.terms().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    fn surfaces(text: &str) -> Vec<&str> {
        words(text).iter().map(|word| word.surface).collect()
    }

    #[test]
    fn a_standard_is_found_by_its_name_its_number_and_both_together() {
        assert_eq!(terms("ERC-4626"), ["erc", "4626", "erc4626"]);
        assert_eq!(terms("erc4626"), ["erc", "4626", "erc4626"]);
        assert_eq!(terms("ERC 4626"), ["erc", "4626"]);
        assert_eq!(terms("4626"), ["4626"]);
        assert_eq!(terms("EIP-1559"), ["eip", "1559", "eip1559"]);
    }

    #[test]
    fn names_of_tokens_and_versions_stay_whole() {
        assert_eq!(
            terms("veCRV stETH v3 L2 USDC APR"),
            ["vecrv", "steth", "v3", "l2", "usdc", "apr"]
        );
        assert_eq!(terms("v2.1 0.5"), ["v2.1", "0.5"]);
    }

    #[test]
    fn a_formula_is_one_word_with_and_without_spaces() {
        assert_eq!(terms("x*y=k"), ["x", "y", "k", "xyk"]);
        assert_eq!(terms("x * y = k, where"), ["x", "y", "k", "xyk"]);
        assert_eq!(surfaces("so x * y = k holds"), ["x * y = k", "holds"]);
        assert_eq!(surfaces("price = reserve"), ["price", "reserve"]);
    }

    #[test]
    fn compounds_are_found_by_their_parts_and_as_one() {
        assert_eq!(
            terms("constant-product"),
            ["constant", "product", "constantproduct"]
        );
        assert_eq!(terms("proof-of-stake"), ["proof", "stake", "proofofstak"]);
        assert_eq!(terms("APR/APY"), ["apr", "apy"]);
    }

    #[test]
    fn plurals_possessives_and_accents_are_folded() {
        assert_eq!(terms("LPs"), terms("LP"));
        assert_eq!(terms("Aave's"), terms("Aave"));
        assert_eq!(terms("Aave\u{2019}s"), terms("Aave"));
        assert_eq!(terms("caf\u{e9}"), terms("cafe\u{301}"));
        assert_eq!(terms("\u{ff35}\u{ff33}\u{ff24}"), terms("USD"));
    }

    #[test]
    fn stop_words_and_signs_alone_leave_nothing() {
        assert_eq!(terms("What is the of a?"), Vec::<String>::new());
        assert_eq!(terms("--- ?! \u{1f600} = *"), Vec::<String>::new());
        assert_eq!(terms("don't"), Vec::<String>::new());
        assert_eq!(terms(""), Vec::<String>::new());
    }
}

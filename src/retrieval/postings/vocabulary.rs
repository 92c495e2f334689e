//! The terms of a corpus in one block of text: nothing is allocated a term, and a stored one is read as it is.

use serde::{Deserialize, Serialize};

/// Terms in ascending order, each with its place as its number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Vocabulary {
    /// All terms, one behind the other.
    block: String,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Vocabulary {
    /// Terms that are in ascending order, each once.
    pub(super) fn of<'a>(terms: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for term in terms {
            all.block.push_str(term);
            all.ends.push(all.block.len() as u32);
        }
        all
    }

    /// Number of terms.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number of a term, if it is there.
    pub(super) fn number(&self, term: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.term(middle)?.cmp(term) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn term(&self, number: usize) -> Option<&str> {
        let start = match number.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.block.get(start..*self.ends.get(number)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_has_its_place_as_its_number_and_no_other_has_one() {
        let terms = ["amm", "fee", "feed", "pool"];
        let all = Vocabulary::of(terms.into_iter());
        for (number, term) in terms.iter().enumerate() {
            assert_eq!(all.number(term), Some(number));
        }
        for other in ["", "am", "fe", "fees", "pools", "zk"] {
            assert_eq!(all.number(other), None, "{other}");
        }
        assert_eq!(Vocabulary::default().number("fee"), None);
    }
}

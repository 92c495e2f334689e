//! Comparisons worth a key of their own.

use super::retriever::{Parameter, Retriever};
use crate::retrieval::{Method, Unit};

/// A set of retrievers that shows one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Methods,
    Fusions,
    Weights,
    Units,
    Bm25,
}

impl Preset {
    pub const ALL: [Self; 5] = [
        Self::Methods,
        Self::Fusions,
        Self::Weights,
        Self::Units,
        Self::Bm25,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Methods => "methods",
            Self::Fusions => "fusions",
            Self::Weights => "weights",
            Self::Units => "units",
            Self::Bm25 => "bm25",
        }
    }

    /// What it shows, for a list to choose from.
    pub fn shows(self) -> &'static str {
        match self {
            Self::Methods => "what meaning finds, what words find, and both",
            Self::Fusions => "scaled scores against ranks alone",
            Self::Weights => "fusion that leans on words, on neither, on meaning",
            Self::Units => "the question alone, with the answer, with its other wordings",
            // The defaults of Anserini: https://github.com/castorini/anserini, `SearchArgs`.
            Self::Bm25 => "BM25 as it is customary, and as Anserini sets it",
        }
    }

    /// Its retrievers, the reference first.
    pub fn retrievers(self) -> Vec<Retriever> {
        let set = |method, values: &[(Parameter, f32)]| {
            let mut retriever = Retriever::new(method);
            for (parameter, value) in values {
                retriever.set(*parameter, *value);
            }
            retriever
        };
        match self {
            Self::Methods => [Method::Hybrid, Method::Dense, Method::Lexical]
                .map(Retriever::new)
                .to_vec(),
            Self::Fusions => [Method::Hybrid, Method::Rrf].map(Retriever::new).to_vec(),
            Self::Weights => [0.3, 0.5, 0.7]
                .map(|weight| set(Method::Hybrid, &[(Parameter::Weight, weight)]))
                .to_vec(),
            Self::Units => Unit::ALL
                .map(|unit| Retriever::new(Method::Hybrid).with_unit(unit))
                .to_vec(),
            Self::Bm25 => vec![
                Retriever::new(Method::Lexical),
                set(Method::Lexical, &[(Parameter::K1, 0.9), (Parameter::B, 0.4)]),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrieval::comparison::COLUMNS;

    #[test]
    fn every_preset_is_a_comparison_of_different_retrievers() {
        for preset in Preset::ALL {
            let retrievers = preset.retrievers();
            assert!(COLUMNS.contains(&retrievers.len()), "{}", preset.name());
            for (place, retriever) in retrievers.iter().enumerate() {
                assert!(!retrievers[..place].contains(retriever), "{}", preset.name());
            }
        }
    }
}

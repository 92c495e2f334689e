//! The ways to rank, by the names of the command line.

use std::fmt;
use std::str::FromStr;

/// How pairs are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// Cosine and BM25, each scaled to 0..1 over the candidates, weighed against each other.
    #[default]
    Hybrid,
    /// Cosine of the vectors alone.
    Dense,
    /// BM25 alone.
    Lexical,
    /// Reciprocal rank fusion of both.
    Rrf,
}

/// A name that is no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no retriever {0:?}; use one of hybrid, dense, lexical, rrf")]
pub struct UnknownMethod(String);

impl Method {
    pub const ALL: [Self; 4] = [Self::Hybrid, Self::Dense, Self::Lexical, Self::Rrf];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Dense => "dense",
            Self::Lexical => "lexical",
            Self::Rrf => "rrf",
        }
    }

    /// Whether the question's vector is needed.
    pub fn needs_vector(self) -> bool {
        self != Self::Lexical
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL
            .into_iter()
            .find(|method| method.name().eq_ignore_ascii_case(name.trim()));
        found.ok_or_else(|| UnknownMethod(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_read_by_the_name_that_it_prints() {
        for method in Method::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        assert_eq!(" RRF ".parse(), Ok(Method::Rrf));
        assert_eq!(
            "bm25".parse::<Method>().unwrap_err().to_string(),
            "there is no retriever \"bm25\"; use one of hybrid, dense, lexical, rrf"
        );
    }
}

//! A retrieved pair with the scores that put it where it stands.

use serde::{Deserialize, Serialize};

/// One ranked pair. Scores are similarities, never probabilities: nothing here says how likely an answer is right.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Rank in the fused list, from 1.
    pub rank: usize,
    pub id: String,
    pub question: String,
    pub answer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Year and month to which the answer's facts hold, when they can age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// The fused score that ranks the list; its scale depends on the method (0 to 1 for the min-max fusion).
    pub score: f64,
    /// Share, in percent, of the corpus's own unrelated pairs whose cosine is below this hit's cosine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dense: Option<DenseScore>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lexical: Option<LexicalScore>,
}

impl Hit {
    /// The percentile as every reader shows it: one decimal, rounded down, since 100.0 is for what lies above all others.
    pub fn shown_percentile(&self) -> Option<String> {
        let percent = self.percentile?;
        Some(format!("{:.1}", (percent * 10.0 + 1e-6).floor() / 10.0))
    }
}

/// How the dense retriever saw the pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DenseScore {
    /// Raw cosine with the nearest text of the pair, -1 to 1.
    pub score: f64,
    /// Rank among all pairs, from 1.
    pub rank: usize,
    /// Which text of the pair that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
}

/// A text of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nearest {
    Question,
    Alias,
    Answer,
    #[serde(other)]
    Unknown,
}

impl Nearest {
    /// The name as it stands in an event line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Alias => "alias",
            Self::Answer => "answer",
            Self::Unknown => "unknown",
        }
    }
}

/// How the lexical retriever saw the pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LexicalScore {
    /// BM25 score, 0 and up.
    pub score: f64,
    /// Rank among the pairs that share a term with the query, from 1.
    pub rank: usize,
    /// The words of the query that the pair shares, as the query spells them.
    pub terms: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_hundred_only_above_all_others() {
        let shown = |percentile| {
            Hit {
                percentile,
                ..Hit::default()
            }
            .shown_percentile()
        };
        assert_eq!(shown(Some(99.96)).as_deref(), Some("99.9"));
        assert_eq!(shown(Some(100.0)).as_deref(), Some("100.0"));
        assert_eq!(shown(Some(98.3)).as_deref(), Some("98.3"));
        assert_eq!(shown(None), None);
    }
}

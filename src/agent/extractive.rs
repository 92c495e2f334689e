//! The answerer that needs no key and no network: the best pairs, quoted and cited.

use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::answerer::{Answerer, Piece};
use super::classify::Talk;
use super::error::AgentError;
use super::event::Hit;

/// A pair beside the best one is quoted too when its cosine is at most this much lower: closer pairs mostly answer the
/// same question from another side, farther ones are another subject.
const ALSO_WITHIN: f64 = 0.12;
/// How many such pairs are quoted.
const ALSO_AT_MOST: usize = 2;

/// Quotes the best pairs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extractive;

impl Answerer for Extractive {
    fn name(&self) -> String {
        "extractive".to_owned()
    }

    fn answer(&self, _question: &str, hits: &[Hit]) -> BoxStream<'static, Result<Piece, AgentError>> {
        pieces(quote(hits))
    }

    fn converse(
        &self,
        _question: &str,
        talk: Talk,
        pairs: usize,
    ) -> BoxStream<'static, Result<Piece, AgentError>> {
        pieces(vec![small_talk(talk, pairs)])
    }
}

fn pieces(texts: Vec<String>) -> BoxStream<'static, Result<Piece, AgentError>> {
    let end = Piece::End {
        usage: None,
        cut: None,
    };
    let all: Vec<_> = texts.into_iter().map(Piece::Text).chain([end]).map(Ok).collect();
    futures::stream::iter(all).boxed()
}

/// The answer, in the pieces in which it is made: the best pair whole, then the first sentence of those beside it.
fn quote(hits: &[Hit]) -> Vec<String> {
    let Some(best) = hits.first() else {
        return Vec::new();
    };
    let mut pieces = vec![format!("{} [1]", best.answer.trim())];
    if let Some(as_of) = &best.as_of {
        pieces.push(format!("\n\n*Facts as of {as_of}.*"));
    }
    let cosine = |hit: &Hit| hit.dense.map(|dense| dense.score);
    let beside: Vec<_> = hits
        .iter()
        .enumerate()
        .skip(1)
        .filter(
            |(_, hit)| matches!((cosine(hit), cosine(best)), (Some(c), Some(top)) if c >= top - ALSO_WITHIN),
        )
        .take(ALSO_AT_MOST)
        .collect();
    if !beside.is_empty() {
        pieces.push("\n\n**See also**\n".to_owned());
        for (index, hit) in beside {
            pieces.push(format!(
                "\n- **{}** {} [{}]",
                hit.question.trim(),
                first_sentence(&hit.answer),
                index + 1
            ));
        }
    }
    pieces
}

/// The text up to the end of its first sentence.
fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    for (at, _) in text.match_indices(['.', '?', '!']) {
        let (head, tail) = text.split_at(at + 1);
        let ends = tail.is_empty()
            || (tail.starts_with(char::is_whitespace)
                && tail
                    .trim_start()
                    .starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || c == '"'));
        let last_word = head
            .rsplit(char::is_whitespace)
            .next()
            .unwrap_or("")
            .trim_start_matches('(');
        let abbreviated =
            ["e.g.", "i.e.", "vs.", "approx.", "etc.", "No.", "U.S.", "Inc."].contains(&last_word);
        if ends && !abbreviated {
            return head;
        }
    }
    text
}

fn small_talk(talk: Talk, pairs: usize) -> String {
    // None are known while they load, and a greeting does not wait for them.
    let pairs = if pairs == 0 {
        "my".to_owned()
    } else {
        pairs.to_string()
    };
    match talk {
        Talk::Greeting => format!(
            "Hello. Ask me a DeFi question: I look it up in {pairs} sourced pairs and show the evidence beside the answer."
        ),
        Talk::Thanks => "You are welcome.".to_owned(),
        Talk::About => format!(
            "I answer DeFi questions from {pairs} sourced question-and-answer pairs. I find the nearest ones by meaning and by \
             words, quote the best with numbered citations, and show every score beside the answer. When nothing is near \
             enough I say so. I know no live prices and give no investment advice.\n\nTry *What is impermanent loss?* or \
             *How does a liquidation on Aave work?*"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::DenseScore;
    use super::*;

    fn hit(rank: usize, answer: &str, cosine: f64) -> Hit {
        Hit {
            rank,
            id: format!("pair-{rank}"),
            question: format!("Question {rank}?"),
            answer: answer.to_owned(),
            dense: Some(DenseScore {
                score: cosine,
                rank,
                nearest: None,
            }),
            ..Hit::default()
        }
    }

    #[test]
    fn the_best_pair_is_quoted_whole_and_its_neighbours_by_their_first_sentence() {
        let hits = [
            hit(1, "First. And more.", 0.80),
            hit(2, "Second, e.g. this. And more.", 0.75),
            hit(3, "Far away.", 0.40),
        ];
        assert_eq!(
            quote(&hits).concat(),
            "First. And more. [1]\n\n**See also**\n\n- **Question 2?** Second, e.g. this. [2]"
        );
    }

    #[test]
    fn facts_that_age_say_their_date() {
        let mut aging = hit(1, "A law.", 0.8);
        aging.as_of = Some("2025-06".into());
        assert_eq!(quote(&[aging]).concat(), "A law. [1]\n\n*Facts as of 2025-06.*");
    }

    #[test]
    fn a_sentence_ends_at_its_end_and_not_at_a_number_or_an_abbreviation() {
        assert_eq!(
            first_sentence("A loss of 5.7 % at 2x. Next."),
            "A loss of 5.7 % at 2x."
        );
        assert_eq!(
            first_sentence("Pools (e.g. Uniswap v2) move. Next"),
            "Pools (e.g. Uniswap v2) move."
        );
        assert_eq!(first_sentence("no end"), "no end");
        assert_eq!(first_sentence(""), "");
    }

    #[test]
    fn without_evidence_nothing_is_said() {
        assert!(quote(&[]).is_empty());
    }
}

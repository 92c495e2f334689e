//! What is sent, and in what portions: a plan without a clock or a socket.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::VecDeque;

use crate::provider::{MAX_INPUTS, estimated_tokens};

/// The longest text that OpenAI's models take (<https://platform.openai.com/docs/guides/embeddings>); many others cut
/// longer ones themselves.
pub(super) const LONGEST_TOKENS: u64 = 8_191;

/// Tokens that one request may hold in all: OpenAI's limit, <https://platform.openai.com/docs/api-reference/embeddings>.
pub(super) const MOST_TOKENS: u64 = 300_000;

/// How large a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    pub(super) inputs: usize,
    /// Estimated.
    pub(super) tokens: u64,
}

impl Portion {
    /// The largest request of at most `inputs` texts, given the most that the endpoint's limits let one have.
    ///
    /// A request of half of a limit leaves room for a question in between, and for the error of the estimate: one that is
    /// as large as the whole limit would be refused for ever if the server counts a little more than we do.
    pub(super) fn within(inputs: usize, limit: Option<u64>) -> Self {
        Self {
            inputs: inputs.clamp(1, MAX_INPUTS),
            tokens: limit.map_or(MOST_TOKENS, |limit| (limit / 2).clamp(1, MOST_TOKENS)),
        }
    }
}

/// Texts that go in one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// Places in the plan's distinct texts.
    pub(super) places: Vec<usize>,
    /// Parallel to them: what is sent.
    pub(super) inputs: Vec<String>,
}

impl Batch {
    /// Two of half the size; `None` when there is one text or none.
    pub(super) fn halves(mut self) -> Option<[Self; 2]> {
        let half = self.places.len() / 2;
        if half == 0 {
            return None;
        }
        let right = Self {
            places: self.places.split_off(half),
            inputs: self.inputs.split_off(half),
        };
        Some([self, right])
    }
}

/// Every text once, in order, cut to what a model takes.
#[derive(Debug)]
pub(super) struct Plan {
    distinct: Vec<Distinct>,
    waiting: VecDeque<usize>,
    /// Texts that were too long, each counted once.
    pub(super) cut: usize,
    /// Indices of the texts that are blank, which have no meaning to embed and which servers refuse.
    pub(super) blank: Vec<usize>,
}

#[derive(Debug)]
struct Distinct {
    sent: String,
    tokens: u64,
    /// Indices of the texts that it stands for, ascending.
    indices: Vec<usize>,
}

impl Plan {
    pub(super) fn of(texts: &[String]) -> Self {
        let mut plan = Self {
            distinct: Vec::new(),
            waiting: VecDeque::new(),
            cut: 0,
            blank: Vec::new(),
        };
        let mut places: HashMap<Cow<'_, str>, usize> = HashMap::new();
        for (index, text) in texts.iter().enumerate() {
            if text.trim().is_empty() {
                plan.blank.push(index);
                continue;
            }
            let sent = shortened(text);
            let is_cut = sent.len() < text.len();
            let place = *places.entry(Cow::Borrowed(sent)).or_insert(plan.distinct.len());
            match plan.distinct.get_mut(place) {
                Some(known) => known.indices.push(index),
                None => {
                    plan.cut += usize::from(is_cut);
                    plan.waiting.push_back(place);
                    plan.distinct.push(Distinct {
                        sent: sent.to_owned(),
                        tokens: estimated_tokens(sent),
                        indices: vec![index],
                    });
                }
            }
        }
        plan
    }

    /// How many texts are sent in all.
    pub(super) fn len(&self) -> usize {
        self.distinct.len()
    }

    /// Indices of the texts that one place stands for.
    pub(super) fn indices(&self, place: usize) -> &[usize] {
        self.distinct.get(place).map_or(&[], |distinct| &distinct.indices)
    }

    /// The next texts, as many as a request may hold, in their order; one at least, while there are any.
    pub(super) fn next(&mut self, most: Portion) -> Option<Batch> {
        let mut batch = Batch::default();
        let mut tokens = 0;
        while let Some(place) = self.waiting.front().copied()
            && let Some(distinct) = self.distinct.get(place)
        {
            let full = batch.places.len() >= most.inputs || tokens + distinct.tokens > most.tokens;
            if full && !batch.places.is_empty() {
                break;
            }
            self.waiting.pop_front();
            tokens += distinct.tokens;
            batch.places.push(place);
            batch.inputs.push(distinct.sent.clone());
        }
        (!batch.places.is_empty()).then_some(batch)
    }
}

/// The start of a text that is within the longest, up to a character's end.
fn shortened(text: &str) -> &str {
    if estimated_tokens(text) <= LONGEST_TOKENS {
        return text;
    }
    // The estimate is monotone in the length, so the longest start is found by halving.
    let (mut fits, mut too_long) = (0, text.len());
    while too_long - fits > 1 {
        let middle = fits + (too_long - fits) / 2;
        let end = text.floor_char_boundary(middle);
        match text.get(..end) {
            Some(start) if estimated_tokens(start) <= LONGEST_TOKENS => fits = middle,
            _ => too_long = middle,
        }
    }
    text.get(..text.floor_char_boundary(fits)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: Portion = Portion {
        inputs: MAX_INPUTS,
        tokens: MOST_TOKENS,
    };

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_text_that_occurs_twice_is_sent_once_and_stands_for_both() {
        let mut plan = Plan::of(&texts(&["a", "b", "a", " "]));
        let batch = plan.next(ANY).unwrap();
        assert_eq!(batch.inputs, ["a", "b"]);
        assert_eq!((plan.indices(0), plan.indices(1)), (&[0, 2][..], &[1][..]));
        assert_eq!(plan.blank, [3]);
        assert_eq!(plan.next(ANY), None);
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_at_a_character_and_counted() {
        let long = "é".repeat(40_000);
        let mut plan = Plan::of(&[long.clone(), long.clone(), "short".to_owned()]);
        assert_eq!((plan.cut, plan.len()), (1, 2));
        let batch = plan.next(ANY).unwrap();
        let sent = &batch.inputs[0];
        assert!(long.starts_with(sent.as_str()));
        assert!(estimated_tokens(sent) <= LONGEST_TOKENS);
        assert!(
            estimated_tokens(&format!("{sent}é\u{e9}\u{e9}")) > LONGEST_TOKENS,
            "no shorter than needed"
        );
    }

    #[test]
    fn no_request_is_larger_than_the_limits_of_the_api() {
        let mut plan = Plan::of(&(0..5_000).map(|i| format!("text {i}")).collect::<Vec<_>>());
        let sizes: Vec<usize> = std::iter::from_fn(|| plan.next(ANY))
            .map(|batch| batch.inputs.len())
            .collect();
        assert_eq!(sizes, [2_048, 2_048, 904]);

        let mut plan = Plan::of(&(0..100).map(|i| format!("{i:08000}")).collect::<Vec<_>>());
        let sizes: Vec<usize> = std::iter::from_fn(|| plan.next(ANY))
            .map(|batch| batch.inputs.len())
            .collect();
        assert_eq!(sizes, [100], "2,002 tokens each");
        let mut plan = Plan::of(&(0..40).map(|i| format!("{i:032000}")).collect::<Vec<_>>());
        let sizes: Vec<usize> = std::iter::from_fn(|| plan.next(ANY))
            .map(|batch| batch.inputs.len())
            .collect();
        assert_eq!(sizes, [37, 3], "8,002 tokens each");
    }

    #[test]
    fn a_request_takes_half_of_a_narrow_limit_and_one_text_goes_alone_whatever_it_is() {
        assert_eq!(Portion::within(9_999, None), ANY);
        assert_eq!(
            Portion::within(0, Some(1_000)),
            Portion {
                inputs: 1,
                tokens: 500
            }
        );
        assert_eq!(Portion::within(5, Some(u64::MAX)).tokens, MOST_TOKENS);
        let mut plan = Plan::of(&texts(&["a long text of many words", "b"]));
        assert_eq!(plan.next(Portion::within(10, Some(2))).unwrap().inputs.len(), 1);
    }

    #[test]
    fn a_batch_is_halved_down_to_one_text() {
        let mut plan = Plan::of(&texts(&["a", "b", "c"]));
        let [left, right] = plan.next(ANY).unwrap().halves().unwrap();
        assert_eq!(
            (left.inputs, right.inputs.clone()),
            (texts(&["a"]), texts(&["b", "c"]))
        );
        assert_eq!(right.places, [1, 2]);
        let [one, _] = right.halves().unwrap();
        assert_eq!(one.halves(), None);
    }

    proptest! {
        #[test]
        fn every_text_that_is_not_blank_is_sent_exactly_once(
            texts in prop::collection::vec(".{0,12}", 0..40),
            inputs in 1..6_usize,
            tokens in 1..40_u64,
        ) {
            let mut plan = Plan::of(&texts);
            let mut sent: Vec<usize> = plan.blank.clone();
            while let Some(batch) = plan.next(Portion { inputs, tokens }) {
                prop_assert!(batch.inputs.len() <= inputs);
                for (place, input) in batch.places.iter().zip(&batch.inputs) {
                    for index in plan.indices(*place) {
                        prop_assert_eq!(&texts[*index], input);
                        sent.push(*index);
                    }
                }
            }
            sent.sort_unstable();
            prop_assert_eq!(sent, (0..texts.len()).collect::<Vec<_>>());
        }
    }
}

//! What an answer cost: the tokens that the server counted, times a price that the user configured.

use serde::{Deserialize, Serialize};

use super::Usage;

/// A price in US dollars per million tokens, 0 to a million, held in millionths of a dollar: every published price is
/// exact. One of these is a picodollar (1e-12 dollars) a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct UsdPerMillion(u64);

/// Why a number is no price.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is no price in dollars per million tokens: set it between 0 and 1000000")]
pub struct NotAPrice(f64);

impl TryFrom<f64> for UsdPerMillion {
    type Error = NotAPrice;

    fn try_from(usd: f64) -> Result<Self, NotAPrice> {
        if (0.0..=1e6).contains(&usd) {
            Ok(Self((usd * 1e6).round() as u64))
        } else {
            Err(NotAPrice(usd))
        }
    }
}

impl From<UsdPerMillion> for f64 {
    fn from(price: UsdPerMillion) -> Self {
        price.0 as f64 / 1e6
    }
}

/// What a model's tokens cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Of the question's tokens.
    pub input: UsdPerMillion,
    /// Of the answer's tokens.
    pub output: UsdPerMillion,
    /// The month that the price was looked up in, `YYYY-MM`.
    pub as_of: String,
}

/// What one answer cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cost {
    Known {
        /// US dollars.
        usd: f64,
        /// [`Price::as_of`] of the price that it was reckoned with.
        price_as_of: String,
    },
    /// In a few words why not.
    Unknown { unknown: String },
}

impl Cost {
    /// `prompt_tokens` x input price + `completion_tokens` x output price, summed in whole picodollars. `model` is
    /// named when it has no price.
    pub(super) fn of(usage: Usage, price: Option<&Price>, model: &str) -> Self {
        let Some(price) = price else {
            return Self::Unknown {
                unknown: format!("no price of {model} is configured"),
            };
        };
        // Neither product can overflow: a price is below 2^40. Nor can their sum.
        let part = |tokens: u64, price: UsdPerMillion| u128::from(tokens) * u128::from(price.0);
        let picodollars =
            part(usage.prompt_tokens, price.input) + part(usage.completion_tokens, price.output);
        Self::Known {
            usd: picodollars as f64 / 1e12,
            price_as_of: price.as_of.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(prompt_tokens: u64, completion_tokens: u64) -> Usage {
        Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
        }
    }

    fn price(input: f64, output: f64) -> Price {
        Price {
            input: input.try_into().unwrap(),
            output: output.try_into().unwrap(),
            as_of: "2025-06".into(),
        }
    }

    fn usd(usage: Usage, price: &Price) -> f64 {
        match Cost::of(usage, Some(price), "m") {
            Cost::Known { usd, price_as_of } => {
                assert_eq!(price_as_of, "2025-06");
                usd
            }
            Cost::Unknown { unknown } => panic!("{unknown}"),
        }
    }

    #[test]
    fn a_worked_example() {
        // 1204 x 0.15 / 1e6 = 0.0001806 and 96 x 0.60 / 1e6 = 0.0000576.
        assert_eq!(usd(usage(1_204, 96), &price(0.15, 0.60)), 0.000_238_2);
        assert_eq!(usd(usage(1_000_000, 1_000_000), &price(2.5, 10.0)), 12.5);
        assert_eq!(usd(usage(0, 0), &price(2.5, 10.0)), 0.0);
        assert_eq!(usd(usage(1, 0), &price(0.000_001, 0.0)), 1e-12);
    }

    #[test]
    fn many_small_answers_sum_up_exactly() {
        let price = price(0.1, 0.3);
        let one = usd(usage(3, 1), &price);
        assert_eq!(
            usd(usage(3_000_000_000, 1_000_000_000), &price),
            (one * 1e9).round()
        );
    }

    #[test]
    fn enormous_counts_do_not_overflow() {
        let most = usd(usage(u64::MAX, u64::MAX), &price(1e6, 1e6));
        assert_eq!(most, 2.0 * u64::MAX as f64);
    }

    #[test]
    fn without_a_price_the_cost_is_unknown_and_not_zero() {
        assert_eq!(
            serde_json::to_value(Cost::of(usage(7, 5), None, "gpt-4.1-mini")).unwrap(),
            serde_json::json!({"unknown": "no price of gpt-4.1-mini is configured"})
        );
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for wrong in [-0.01, 1_000_000.1, f64::NAN, f64::INFINITY] {
            assert!(UsdPerMillion::try_from(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            UsdPerMillion::try_from(-1.0).unwrap_err().to_string(),
            "-1 is no price in dollars per million tokens: set it between 0 and 1000000"
        );
    }
}

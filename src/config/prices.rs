//! What models cost, as the configuration file says it. No price is built in: one that is out of date is worse than none.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::file::ConfigError;

/// Prices by the name of the model.
pub type Prices = BTreeMap<String, ModelPrice>;

/// What one model's tokens cost, in US dollars per million.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPrice {
    /// Of the question.
    pub input: f64,
    /// Of the answer.
    pub output: f64,
    /// The month that it was looked up in, `YYYY-MM`.
    pub as_of: String,
}

/// The most that a million tokens may cost. Beyond, a price was given per token or in another currency.
const MOST: f64 = 1e6;

pub(super) fn check(prices: &Prices) -> Result<(), ConfigError> {
    for (model, price) in prices {
        let wrong = |field: &'static str, value: String, want: &'static str| ConfigError::Price {
            model: model.clone(),
            field,
            value,
            want,
        };
        for (field, value) in [("input", price.input), ("output", price.output)] {
            if !(0.0..=MOST).contains(&value) {
                let want = "dollars per million tokens, between 0 and 1000000";
                return Err(wrong(field, value.to_string(), want));
            }
        }
        if !is_month(&price.as_of) {
            let want = "the month that the price was looked up in, as \"2025-06\"";
            return Err(wrong("as_of", format!("{:?}", price.as_of), want));
        }
    }
    Ok(())
}

fn is_month(text: &str) -> bool {
    let Some((year, month)) = text.split_once('-') else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    year.len() == 4
        && digits(year)
        && month.len() == 2
        && digits(month)
        && (1..=12).contains(&month.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(toml: &str) -> Result<(), String> {
        let prices: Prices = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
        check(&prices).map_err(|error| error.to_string())
    }

    #[test]
    fn a_price_is_two_numbers_and_a_month() {
        let fine = "\"gpt-4.1-mini\" = { input = 0.4, output = 1.6, as_of = \"2025-06\" }\n\
                    local = { input = 0, output = 0, as_of = \"2025-12\" }";
        assert_eq!(checked(fine), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_model() {
        assert_eq!(
            checked("m = { input = -1, output = 0, as_of = \"2025-06\" }").unwrap_err(),
            "the `input` of \"m\" in [prices] is -1: set it to dollars per million tokens, between 0 and 1000000"
        );
        for month in ["2025-13", "2025-00", "2025-6", "25-06", "2025/06", "2025-+6", ""] {
            let said = checked(&format!("m = {{ input = 1, output = 1, as_of = \"{month}\" }}")).unwrap_err();
            assert_eq!(
                said,
                format!(
                    "the `as_of` of \"m\" in [prices] is {month:?}: set it to the month that the price was looked up in, as \"2025-06\""
                )
            );
        }
        assert!(checked("m = { input = nan, output = 1, as_of = \"2025-06\" }").is_err());
        assert!(
            checked("m = { input = 1, output = 1 }")
                .unwrap_err()
                .contains("as_of")
        );
    }
}

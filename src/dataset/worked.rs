//! Computes the example calculations of an answer again.

use super::{Pair, Worked};

/// What is wrong with the examples, one sentence part each.
pub(super) fn faults(pair: &Pair) -> Vec<String> {
    let mut faults = Vec::new();
    for example in &pair.worked {
        match value(&example.formula) {
            Err(reason) => faults.push(format!(
                "holds the formula \"{}\", which cannot be computed ({reason}); \
                 use only + - * / ^ ( ), sqrt ln exp abs min max and plain numbers",
                example.formula
            )),
            Ok(value) if !agrees(value, example.result) => faults.push(format!(
                "says that {} is {}, but it is {}; correct the one that is wrong",
                example.formula,
                example.result,
                nine_digits(value)
            )),
            Ok(_) => {}
        }
        if let Some(fault) = not_shown(pair, example) {
            faults.push(fault);
        }
    }
    faults
}

fn not_shown(pair: &Pair, example: &Worked) -> Option<String> {
    let shown = !example.shown.trim().is_empty() && pair.answer.contains(&example.shown);
    (!shown).then(|| {
        format!(
            "says that \"{}\" is shown, but the answer does not say so; copy the words from it",
            example.shown
        )
    })
}

/// The value of a formula.
fn value(formula: &str) -> Result<f64, String> {
    let value: f64 = exmex::eval_str(&for_the_parser(formula)).map_err(|error| error.to_string())?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err("the value is not a finite number".to_owned())
    }
}

/// The formula in the parser's terms. A sign that starts a formula, a bracket or an argument is written as a
/// subtraction from zero, because it binds weaker than a power (`-3^2` is -9) and the parser would square -3. A number
/// such as `1e6` is written out, because the parser knows `e` only as Euler's number.
fn for_the_parser(formula: &str) -> String {
    let mut text = String::with_capacity(formula.len() + 8);
    let mut starts = true;
    let mut rest = formula;
    while let Some(character) = rest.chars().next() {
        if let Some((number, after)) =
            scientific(rest).filter(|_| !text.ends_with(|last: char| last.is_alphanumeric()))
        {
            text.push_str(&number.to_string());
            rest = after;
            starts = false;
            continue;
        }
        if starts && matches!(character, '-' | '+') {
            text.push('0');
        }
        text.push(character);
        if !character.is_whitespace() {
            starts = matches!(character, '(' | ',');
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    text
}

/// The number in scientific notation at the start of a text, and what follows it.
fn scientific(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| {
        text.find(|character: char| !character.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let mantissa = text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let exponent = text.get(mantissa..)?.strip_prefix(['e', 'E'])?;
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let after = unsigned.get(digits(unsigned)..)?;
    let number = text.get(..text.len() - after.len())?;
    (mantissa > 0 && digits(unsigned) > 0)
        .then(|| number.parse().ok())
        .flatten()
        .map(|number| (number, after))
}

/// Whether a rounded result stands for the value: within half a unit of its last written digit, or within 0.1 %.
fn agrees(value: f64, result: f64) -> bool {
    let written = result.to_string();
    let decimals = written.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half_unit = 0.5 * 10_f64.powi(-i32::try_from(decimals).unwrap_or(i32::MAX));
    let difference = (value - result).abs();
    // A hair more, for a value that lies on the border in decimal and just off it in binary.
    difference <= half_unit * (1.0 + 1e-9) || difference <= 1e-3 * value.abs()
}

/// Nine significant digits, which is more than any example is written with.
fn nine_digits(value: f64) -> String {
    let whole_digits = value.abs().log10().floor().max(-30.0);
    let scale = 10_f64.powf(8.0 - whole_digits);
    if !scale.is_finite() || value == 0.0 {
        return value.to_string();
    }
    ((value * scale).round() / scale).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_function_computes_as_in_mathematics() {
        for (formula, expected) in [
            ("2*sqrt(2)/(1+2) - 1", -0.057_190_958),
            ("ln(2)", std::f64::consts::LN_2),
            ("exp(-0.3^2/2)", (-0.045_f64).exp()),
            ("-3^2", -9.0),
            ("2^-1", 0.5),
            ("abs(1-3)", 2.0),
            ("min(2, 3) + max(2, 3)", 5.0),
            ("(1+0.05/365)^365 - 1", 0.051_267_5),
            ("1e3/2 + 2.5e-1 - 1E2", 400.25),
            ("2*e^0", 2.0),
            ("10 - 2 - 3", 5.0),
            ("8/2/2", 2.0),
            ("min(-1, -2^2)", -4.0),
        ] {
            let value = value(formula).unwrap_or_else(|error| panic!("{formula}: {error}"));
            assert!((value - expected).abs() < 1e-6, "{formula} is {value}");
        }
    }

    #[test]
    fn a_formula_with_a_name_or_without_a_value_is_refused() {
        assert!(value("2*x").is_err());
        assert!(value("1/0").is_err());
        assert!(value("").is_err());
        assert!(value("ln(-1)").is_err());
    }

    #[test]
    fn a_result_may_be_rounded_at_its_last_digit_and_no_further() {
        assert!(agrees(2.4449, 2.4));
        assert!(!agrees(2.46, 2.4));
        assert!(agrees(999_600.0, 1_000_000.0), "0.1 % is allowed");
        assert!(!agrees(998_000.0, 1_000_000.0));
        assert!(agrees(0.5, 1.0), "half a unit of a whole number");
    }

    #[test]
    fn what_is_said_to_be_shown_must_stand_in_the_answer() {
        let pair = Pair {
            answer: "The loss is 5.7%.".into(),
            worked: vec![Worked {
                formula: "0.057".into(),
                result: 0.057,
                shown: "5.72%".into(),
            }],
            ..Pair::default()
        };
        assert_eq!(
            faults(&pair),
            ["says that \"5.72%\" is shown, but the answer does not say so; copy the words from it"]
        );
    }
}

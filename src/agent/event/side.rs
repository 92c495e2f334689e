//! Answers side by side: who answers on a side, as one copyable text, and what a run says of the side that it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::RunId;

/// How many answers stand beside each other.
pub const SIDES: usize = 2;

/// Signs that a side's text form may have: more than any model's name.
const LONGEST: usize = 200;

/// Which side of a comparison of answers a run is. Its sides have the same evidence, each answers from it by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The run of the first side, which every side names.
    pub of: RunId,
    /// Its place among the sides, from 0.
    pub place: usize,
    /// The text form of its [`SideSpec`].
    pub spec: String,
}

/// Who answers on a side, and how it is sampled. Its text form reproduces it: `extractive`, `gpt-4o-mini`,
/// `llama3:8b(temperature=0.2,max_tokens=300)`.
#[derive(Clone, Debug, PartialEq)]
pub enum SideSpec {
    /// The answerer that quotes the evidence.
    Extractive,
    /// A chat model; what is not said is as it is configured.
    Model {
        name: String,
        /// 0 to 2.
        temperature: Option<f32>,
        max_tokens: Option<u32>,
    },
}

/// Why a text names no side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SideError {
    #[error("no model is named: write one such as `gpt-4o-mini(temperature=0.2)`, or `extractive`")]
    Empty,
    #[error("the name of a side has more than {LONGEST} characters: shorten it")]
    TooLong,
    #[error("{0:?} has signs that stand in no model's name: use letters, digits and . _ : / @ + -")]
    Name(String),
    #[error("{0:?} has a parenthesis that is not closed: write it as in `gpt-4o-mini(temperature=0.2)`")]
    Open(String),
    #[error("{0:?} is no setting of a side: use temperature=0..2 and max_tokens=1..32768")]
    Setting(String),
    #[error("{0:?} is set twice: leave one out")]
    Twice(String),
    #[error("`extractive` quotes the evidence and has no settings: leave the parenthesis out")]
    Extractive,
}

impl SideSpec {
    /// The side of a model as it is configured.
    pub fn model(name: impl Into<String>) -> Self {
        Self::Model {
            name: name.into(),
            temperature: None,
            max_tokens: None,
        }
    }

    /// The same model at another temperature.
    #[must_use]
    pub fn at(self, wanted: f32) -> Self {
        match self {
            Self::Extractive => Self::Extractive,
            Self::Model { name, max_tokens, .. } => Self::Model {
                name,
                temperature: Some(wanted),
                max_tokens,
            },
        }
    }
}

impl FromStr for SideSpec {
    type Err = SideError;

    fn from_str(text: &str) -> Result<Self, SideError> {
        let text = text.trim();
        if text.chars().count() > LONGEST {
            return Err(SideError::TooLong);
        }
        let (name, settings) = match text.split_once('(') {
            None if text.contains(')') => return Err(SideError::Open(text.to_owned())),
            None => (text, None),
            Some((name, rest)) => {
                let settings = rest
                    .strip_suffix(')')
                    .ok_or_else(|| SideError::Open(text.to_owned()))?;
                (name.trim_end(), Some(settings))
            }
        };
        if name == "extractive" {
            return match settings {
                None => Ok(Self::Extractive),
                Some(_) => Err(SideError::Extractive),
            };
        }
        let name = name.strip_prefix("openai:").unwrap_or(name).trim();
        if name.is_empty() {
            return Err(SideError::Empty);
        }
        if !name
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || "._:/@+-".contains(sign))
        {
            return Err(SideError::Name(name.to_owned()));
        }
        let (mut temperature, mut max_tokens) = (None, None);
        for setting in settings.unwrap_or("").split(',').map(str::trim) {
            if setting.is_empty() && settings.is_none_or(|all| all.trim().is_empty()) {
                continue;
            }
            let wrong = || SideError::Setting(setting.to_owned());
            let (key, value) = setting.split_once('=').ok_or_else(wrong)?;
            let is_second = match key.trim() {
                "temperature" | "t" => {
                    let read: f32 = value.trim().parse().map_err(|_| wrong())?;
                    let read = Some(read).filter(|read| (0.0..=2.0).contains(read));
                    // Minus zero is in the range and would be written as such.
                    temperature.replace(read.ok_or_else(wrong)?.abs()).is_some()
                }
                "max_tokens" => {
                    let read: u32 = value.trim().parse().map_err(|_| wrong())?;
                    let read = Some(read).filter(|read| (1..=32_768).contains(read));
                    max_tokens.replace(read.ok_or_else(wrong)?).is_some()
                }
                _ => return Err(wrong()),
            };
            if is_second {
                return Err(SideError::Twice(key.trim().to_owned()));
            }
        }
        Ok(Self::Model {
            name: name.to_owned(),
            temperature,
            max_tokens,
        })
    }
}

impl fmt::Display for SideSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Model {
            name,
            temperature,
            max_tokens,
        } = self
        else {
            return f.write_str("extractive");
        };
        // A model of this name is told from the answerer by its prefix.
        if name == "extractive" {
            f.write_str("openai:")?;
        }
        f.write_str(name)?;
        let settings: Vec<String> = [
            temperature.map(|value| format!("temperature={value}")),
            max_tokens.map(|value| format!("max_tokens={value}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if settings.is_empty() {
            return Ok(());
        }
        write!(f, "({})", settings.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_side_is_read_and_written_as_one_text() {
        for (written, shown) in [
            ("extractive", "extractive"),
            ("gpt-4o-mini", "gpt-4o-mini"),
            ("openai:gpt-4o-mini", "gpt-4o-mini"),
            (" llama3:8b ( t = 0.20 ) ", "llama3:8b(temperature=0.2)"),
            (
                "m(max_tokens=300,temperature=0)",
                "m(temperature=0,max_tokens=300)",
            ),
            ("meta-llama/Llama-3.3-70B()", "meta-llama/Llama-3.3-70B"),
            ("openai:extractive", "openai:extractive"),
        ] {
            let read: SideSpec = written.parse().unwrap();
            assert_eq!(read.to_string(), shown, "{written}");
            assert_eq!(shown.parse::<SideSpec>().unwrap(), read, "{written}");
        }
    }

    #[test]
    fn what_is_no_side_is_refused_in_a_sentence() {
        for (written, why) in [
            ("", "no model is named"),
            ("openai:", "no model is named"),
            ("(temperature=1)", "no model is named"),
            ("m(temperature=1", "not closed"),
            ("m)", "not closed"),
            ("m(temperature=2.1)", "no setting of a side"),
            ("m(temperature=NaN)", "no setting of a side"),
            ("m(temperature=-0.1)", "no setting of a side"),
            ("m(max_tokens=0)", "no setting of a side"),
            ("m(top_p=1)", "no setting of a side"),
            ("m(temperature=1,)", "no setting of a side"),
            ("m(t=1,temperature=1)", "set twice"),
            ("extractive(temperature=1)", "has no settings"),
            ("a b", "stand in no model's name"),
            ("m\u{1b}[2J", "stand in no model's name"),
            ("m'; rm -rf", "stand in no model's name"),
        ] {
            let error = written.parse::<SideSpec>().unwrap_err().to_string();
            assert!(error.contains(why), "{written:?}: {error}");
        }
        let long = "m".repeat(20_000);
        assert_eq!(long.parse::<SideSpec>(), Err(SideError::TooLong));
    }

    proptest! {
        #[test]
        fn whatever_is_read_reads_the_same_again(text in "[a-z]{1,4}(\\([a-z_=0-9.,]{0,30}\\))?") {
            if let Ok(read) = text.parse::<SideSpec>() {
                prop_assert_eq!(read.to_string().parse::<SideSpec>().unwrap(), read);
            }
        }
    }
}

//! A retriever as one line that can be copied: `hybrid(w=0.7,k1=1.2,b=0.75,unit=all,embedder=local,k=10)`.
//!
//! ```text
//! retriever = method [ "(" [ part { "," part } ] ")" ]      method = hybrid | dense | lexical | rrf
//! part      = key "=" value                                 key    = w | k1 | b | rrf_k | unit | embedder | k
//! ```
//! White space around each of them is allowed. What is left out has the value of the program.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::retriever::{EmbedderName, Parameter, Retriever};
use crate::retrieval::{Method, Unit, UnknownMethod};

/// How it is written, for the error sentences.
const EXAMPLE: &str = "write it like hybrid(w=0.7,k=10)";

/// Why a text is no retriever.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpecError {
    #[error("{0}")]
    Method(#[from] UnknownMethod),
    #[error("the brackets of the retriever {0:?} do not close at its end; {EXAMPLE}")]
    Brackets(String),
    #[error("{0:?} in a retriever is no `name=value`; {EXAMPLE}")]
    Part(String),
    #[error("{method} has no parameter {key:?}; it has {known}")]
    Key {
        key: String,
        method: Method,
        known: String,
    },
    #[error("{0} is given twice in one retriever; give it once")]
    Twice(String),
    #[error("{key} must be a number from {least} to {most}, and {value:?} is not; {EXAMPLE}")]
    Number {
        key: &'static str,
        value: String,
        least: f32,
        most: f32,
    },
    #[error("there is no unit {0:?}; use one of question, question+answer, all")]
    Unit(String),
    #[error("there is no embedder {0:?}; use `local` or `openai:MODEL`")]
    Embedder(String),
}

impl SpecError {
    pub(super) fn embedder(name: &str) -> Self {
        Self::Embedder(cut(name))
    }
}

/// As much of a text as an error sentence repeats.
fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Retriever {
    /// The text form without what is as the program has it: `hybrid`, `hybrid(w=0.7)`. For headings; [`fmt::Display`]
    /// says everything.
    pub fn label(&self) -> String {
        let plain = Self::new(self.method());
        let parts = self
            .parts()
            .into_iter()
            .filter(|part| !plain.parts().contains(part));
        written(self.method(), &parts.collect::<Vec<_>>())
    }

    /// All parts that the method has, in the order in which they are written.
    fn parts(&self) -> Vec<(&'static str, String)> {
        let number = |parameter: Parameter| Some((parameter.name(), self.get(parameter)?.to_string()));
        let ranking = [Parameter::Weight, Parameter::RrfK, Parameter::K1, Parameter::B];
        let mut parts: Vec<_> = ranking.into_iter().filter_map(number).collect();
        parts.push(("unit", self.unit().name().to_owned()));
        let embedder = self.embedder().map(|name| ("embedder", name.to_string()));
        parts.extend(embedder);
        let top_k = self.given_top_k();
        parts.extend(top_k.map(|top_k| (Parameter::TopK.name(), top_k.to_string())));
        parts
    }

    fn read(&mut self, part: &str) -> Result<&'static str, SpecError> {
        let (key, value) = part.split_once('=').ok_or_else(|| SpecError::Part(cut(part)))?;
        let (key, value) = (key.trim(), value.trim());
        if let Some(parameter) = Parameter::ALL.into_iter().find(|known| known.name() == key)
            && parameter.is_of(self.method())
        {
            self.set(parameter, number(parameter, value)?);
            return Ok(parameter.name());
        }
        match key {
            "unit" => {
                let unit = Unit::ALL.into_iter().find(|unit| unit.name() == value);
                let unit = unit.ok_or_else(|| SpecError::Unit(cut(value)))?;
                *self = self.clone().with_unit(unit);
                Ok("unit")
            }
            "embedder" if self.method().needs_vector() => {
                *self = self.clone().with_embedder(value.parse()?);
                Ok("embedder")
            }
            _ => Err(SpecError::Key {
                key: cut(key),
                method: self.method(),
                known: self.keys(),
            }),
        }
    }

    fn keys(&self) -> String {
        let all = Parameter::ALL.into_iter();
        let numbers = all.filter(|parameter| parameter.is_of(self.method()));
        let mut keys: Vec<&str> = numbers.map(Parameter::name).collect();
        keys.push("unit");
        keys.extend(self.method().needs_vector().then_some("embedder"));
        keys.join(", ")
    }
}

fn number(parameter: Parameter, value: &str) -> Result<f32, SpecError> {
    let (least, most) = parameter.range();
    let is_whole = |number: &f32| parameter != Parameter::TopK || number.fract() == 0.0;
    let number = value.parse().ok();
    number
        .filter(|number| (least..=most).contains(number) && is_whole(number))
        .ok_or_else(|| SpecError::Number {
            key: parameter.name(),
            value: cut(value),
            least,
            most,
        })
}

fn written(method: Method, parts: &[(&'static str, String)]) -> String {
    if parts.is_empty() {
        return method.name().to_owned();
    }
    let parts: Vec<String> = parts
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!("{method}({})", parts.join(","))
}

impl fmt::Display for Retriever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&written(self.method(), &self.parts()))
    }
}

impl FromStr for Retriever {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        let (method, inside) = match text.split_once('(') {
            None => (text, ""),
            Some((method, rest)) => {
                let inside = rest
                    .strip_suffix(')')
                    .filter(|inside| !inside.contains(['(', ')']));
                (method, inside.ok_or_else(|| SpecError::Brackets(cut(text)))?)
            }
        };
        let method: Method = cut(method).parse()?;
        let mut retriever = Self::new(method);
        let mut given = Vec::new();
        let parts = inside.split(',').map(str::trim);
        for part in parts.filter(|_| !inside.trim().is_empty()) {
            let key = retriever.read(part)?;
            if given.contains(&key) {
                return Err(SpecError::Twice(key.to_owned()));
            }
            given.push(key);
        }
        Ok(retriever)
    }
}

impl Serialize for Retriever {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Retriever {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for EmbedderName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Retriever {
        text.parse().unwrap()
    }

    fn refused(text: &str) -> String {
        text.parse::<Retriever>().unwrap_err().to_string()
    }

    #[test]
    fn a_method_alone_has_the_parameters_of_the_program() {
        for method in Method::ALL {
            assert_eq!(read(method.name()), Retriever::new(method));
            assert_eq!(read(&format!(" {method} ( ) ")), Retriever::new(method));
            assert_eq!(Retriever::new(method).label(), method.name());
        }
    }

    #[test]
    fn the_text_form_says_everything_and_the_label_what_is_different() {
        let retriever = read("HYBRID( k=5, w = 0.6 , embedder=openai:m)");
        assert_eq!(
            retriever.to_string(),
            "hybrid(w=0.6,k1=1.2,b=0.75,unit=all,embedder=openai:m,k=5)"
        );
        assert_eq!(retriever.label(), "hybrid(w=0.6,embedder=openai:m,k=5)");
        assert_eq!(read("rrf").to_string(), "rrf(rrf_k=60,k1=1.2,b=0.75,unit=all)");
        assert_eq!(read("dense(unit=question)").to_string(), "dense(unit=question)");
        assert_eq!(
            read("lexical(unit=question+answer)").to_string(),
            "lexical(k1=1.2,b=0.75,unit=question+answer)"
        );
    }

    #[test]
    fn every_error_says_what_is_wrong_and_what_to_write() {
        for (text, sentence) in [
            (
                "",
                r#"there is no retriever ""; use one of hybrid, dense, lexical, rrf"#,
            ),
            (
                "hybrid(w=0.5",
                r#"the brackets of the retriever "hybrid(w=0.5" do not close at its end; write it like hybrid(w=0.7,k=10)"#,
            ),
            (
                "hybrid(w=0.5))",
                r#"the brackets of the retriever "hybrid(w=0.5))" do not close at its end; write it like hybrid(w=0.7,k=10)"#,
            ),
            (
                "hybrid(0.5)",
                r#""0.5" in a retriever is no `name=value`; write it like hybrid(w=0.7,k=10)"#,
            ),
            (
                "hybrid(w=0.5,)",
                r#""" in a retriever is no `name=value`; write it like hybrid(w=0.7,k=10)"#,
            ),
            (
                "dense(w=0.5)",
                r#"dense has no parameter "w"; it has k, unit, embedder"#,
            ),
            (
                "lexical(embedder=local)",
                r#"lexical has no parameter "embedder"; it has k1, b, k, unit"#,
            ),
            ("rrf(k=1,k=2)", "k is given twice in one retriever; give it once"),
            (
                "hybrid(w=1.5)",
                r#"w must be a number from 0 to 1, and "1.5" is not; write it like hybrid(w=0.7,k=10)"#,
            ),
            (
                "hybrid(w=NaN)",
                r#"w must be a number from 0 to 1, and "NaN" is not; write it like hybrid(w=0.7,k=10)"#,
            ),
            (
                "dense(k=2.5)",
                r#"k must be a number from 1 to 1000, and "2.5" is not; write it like hybrid(w=0.7,k=10)"#,
            ),
            (
                "dense(unit=title)",
                r#"there is no unit "title"; use one of question, question+answer, all"#,
            ),
            (
                "dense(embedder=me)",
                r#"there is no embedder "me"; use `local` or `openai:MODEL`"#,
            ),
        ] {
            assert_eq!(refused(text), sentence, "{text}");
        }
    }

    #[test]
    fn hostile_text_is_repeated_short_and_harmless() {
        for text in [
            "x".repeat(20_000),
            format!("hybrid({}=1)", "\u{202e}\x1b[2J".repeat(9_000)),
            format!("dense({})", "\u{7}".repeat(20_000)),
        ] {
            let sentence = refused(&text);
            assert!(sentence.len() < 700, "{}", sentence.len());
            assert!(!sentence.contains(['\x1b', '\u{7}', '\u{202e}']), "{sentence}");
        }
    }

    fn any_retriever() -> impl Strategy<Value = Retriever> {
        let embedder = proptest::option::of("local|openai:[a-zA-Z0-9/._:+-]{1,40}");
        let numbers = (0.0_f32..=1.0, 0.0_f32..=10.0, 0.0_f32..=1.0, 0.0_f32..=1_000.0);
        let top_k = proptest::option::of(1..=1_000_usize);
        (0..4_usize, 0..3_usize, embedder, numbers, top_k).prop_map(
            |(method, unit, embedder, (weight, k1, b, rrf_k), top_k)| {
                let mut retriever = Retriever::new(Method::ALL[method]).with_unit(Unit::ALL[unit]);
                if let Some(name) = embedder {
                    retriever = retriever.with_embedder(name.parse().unwrap());
                }
                retriever.set(Parameter::Weight, weight);
                retriever.set(Parameter::K1, k1);
                retriever.set(Parameter::B, b);
                retriever.set(Parameter::RrfK, rrf_k);
                if let Some(top_k) = top_k {
                    retriever.set(Parameter::TopK, top_k as f32);
                }
                retriever
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_the_same(retriever in any_retriever()) {
            prop_assert_eq!(retriever.to_string().parse::<Retriever>(), Ok(retriever.clone()));
            prop_assert_eq!(retriever.label().parse::<Retriever>(), Ok(retriever));
        }

        #[test]
        fn no_text_makes_reading_panic(text in "(hybrid|dense|rrf|.{0,4})[(]?[a-z0-9_=,. ()\u{0}-\u{ff}]{0,40}") {
            if let Ok(retriever) = text.parse::<Retriever>() {
                prop_assert_eq!(retriever.to_string().parse::<Retriever>(), Ok(retriever));
            }
        }
    }
}

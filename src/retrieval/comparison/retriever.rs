//! A retriever's whole set-up: how it ranks, by which vectors, over which texts, with which parameters, how deep.

use std::fmt;
use std::str::FromStr;

use super::spec::SpecError;
use crate::retrieval::fusion::{DENSE_WEIGHT, RRF_K};
use crate::retrieval::{Bm25, Fusion, Method, Unit};

/// Hits that are shown when nobody says how many.
const TOP_K: usize = 10;

/// Everything that a ranking depends on beside the query and the corpus. Its text form ([`fmt::Display`]) says all of it
/// and reads back as the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Retriever {
    method: Method,
    /// Who made the vectors; `None` for the embedder that is configured, and always for [`Method::Lexical`].
    embedder: Option<EmbedderName>,
    unit: Unit,
    weight: f32,
    bm25: Bm25,
    rrf_k: f32,
    /// `None` for as many as are configured.
    top_k: Option<usize>,
}

impl Default for Retriever {
    fn default() -> Self {
        Self::new(Method::default())
    }
}

impl Retriever {
    /// The method with the parameters of the program.
    pub fn new(method: Method) -> Self {
        Self {
            method,
            embedder: None,
            unit: Unit::default(),
            weight: DENSE_WEIGHT,
            bm25: Bm25::default(),
            rrf_k: RRF_K,
            top_k: None,
        }
    }

    pub fn method(&self) -> Method {
        self.method
    }

    /// Another method; what both have stays as it is.
    #[must_use]
    pub fn with_method(&self, method: Method) -> Self {
        let mut other = Self {
            unit: self.unit,
            ..Self::new(method)
        };
        if method.needs_vector() {
            other.embedder.clone_from(&self.embedder);
        }
        for parameter in Parameter::ALL {
            if let Some(value) = self.get(parameter) {
                other.set(parameter, value);
            }
        }
        other.top_k = self.top_k;
        other
    }

    /// Who makes the vectors; `None` for whoever is configured, and for a method that needs none.
    pub fn embedder(&self) -> Option<&EmbedderName> {
        self.embedder.as_ref()
    }

    /// With vectors of this embedder; changes nothing for a method that needs none.
    #[must_use]
    pub fn with_embedder(mut self, embedder: EmbedderName) -> Self {
        self.embedder = self.method.needs_vector().then_some(embedder);
        self
    }

    /// With this embedder where none was named.
    #[must_use]
    pub fn or_embedder(self, configured: &EmbedderName) -> Self {
        if self.embedder.is_none() {
            self.with_embedder(configured.clone())
        } else {
            self
        }
    }

    pub fn unit(&self) -> Unit {
        self.unit
    }

    #[must_use]
    pub fn with_unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// How many hits are shown, from 1; 10 when nobody said.
    pub fn top_k(&self) -> usize {
        self.top_k.unwrap_or(TOP_K)
    }

    /// How many hits it names itself.
    pub fn given_top_k(&self) -> Option<usize> {
        self.top_k
    }

    /// With so many hits where it names no number.
    #[must_use]
    pub fn or_top_k(mut self, configured: usize) -> Self {
        self.top_k = self.top_k.or(Some(configured));
        self
    }

    /// The parameters of its lexical search.
    pub fn bm25(&self) -> Bm25 {
        self.bm25
    }

    /// How its searches become one ranking.
    pub fn fusion(&self) -> Fusion {
        match self.method {
            Method::Hybrid => Fusion::Hybrid { weight: self.weight },
            Method::Dense => Fusion::Dense,
            Method::Lexical => Fusion::Lexical,
            Method::Rrf => Fusion::Rrf { k: self.rrf_k },
        }
    }

    /// A parameter's value; `None` when the method has no such parameter.
    pub fn get(&self, parameter: Parameter) -> Option<f32> {
        parameter.is_of(self.method).then_some(match parameter {
            Parameter::Weight => self.weight,
            Parameter::K1 => self.bm25.k1,
            Parameter::B => self.bm25.b,
            Parameter::RrfK => self.rrf_k,
            Parameter::TopK => self.top_k() as f32,
        })
    }

    /// Sets a parameter to the nearest value that it can have, to three decimals; nothing happens when the method has no
    /// such parameter or the value is no number.
    pub fn set(&mut self, parameter: Parameter, value: f32) {
        if !parameter.is_of(self.method) || value.is_nan() {
            return;
        }
        let (least, most) = parameter.range();
        let value = (value.clamp(least, most) * 1e3).round() / 1e3;
        match parameter {
            Parameter::Weight => self.weight = value,
            Parameter::K1 => self.bm25.k1 = value,
            Parameter::B => self.bm25.b = value,
            Parameter::RrfK => self.rrf_k = value,
            Parameter::TopK => self.top_k = Some(value.round() as usize),
        }
    }

    /// Moves a parameter by so many of its steps, up or down, as far as it goes.
    pub fn step(&mut self, parameter: Parameter, steps: i32) {
        if let Some(value) = self.get(parameter) {
            self.set(parameter, value + steps as f32 * parameter.a_step());
        }
    }

    /// The name of what the scores are.
    pub fn scale(&self) -> &'static str {
        match self.method {
            Method::Hybrid => "fused 0..1",
            Method::Dense => "cosine",
            Method::Lexical => "BM25",
            Method::Rrf => "sum of 1/(rrf_k+rank)",
        }
    }
}

/// A number that changes a ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// Weight of the cosines; BM25 has the rest.
    Weight,
    K1,
    B,
    /// What damps the first ranks in reciprocal rank fusion.
    RrfK,
    /// How many hits are shown.
    TopK,
}

impl Parameter {
    pub const ALL: [Self; 5] = [Self::Weight, Self::K1, Self::B, Self::RrfK, Self::TopK];

    /// The name in a retriever's text form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weight => "w",
            Self::K1 => "k1",
            Self::B => "b",
            Self::RrfK => "rrf_k",
            Self::TopK => "k",
        }
    }

    /// Whether a method has it.
    pub fn is_of(self, method: Method) -> bool {
        match self {
            Self::Weight => method == Method::Hybrid,
            Self::K1 | Self::B => method != Method::Dense,
            Self::RrfK => method == Method::Rrf,
            Self::TopK => true,
        }
    }

    /// The least and the greatest value.
    pub fn range(self) -> (f32, f32) {
        match self {
            Self::Weight | Self::B => (0.0, 1.0),
            Self::K1 => (0.0, 10.0),
            Self::RrfK => (0.0, 1_000.0),
            Self::TopK => (1.0, 1_000.0),
        }
    }

    /// By how much a key moves it.
    pub fn a_step(self) -> f32 {
        match self {
            Self::Weight | Self::B => 0.05,
            Self::K1 => 0.1,
            Self::RrfK => 5.0,
            Self::TopK => 1.0,
        }
    }
}

/// An embedder by the name of the command line: `local` or `openai:MODEL`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmbedderName(String);

/// Letters of a model's name at most.
const LONGEST_NAME: usize = 200;

impl EmbedderName {
    /// The model inside the program.
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmbedderName {
    type Err = SpecError;

    /// Refuses what would not read back from a retriever's text form: white space, control signs, brackets, commas, `=`.
    fn from_str(name: &str) -> Result<Self, SpecError> {
        let name = name.trim();
        let is_plain = |letter: char| letter.is_ascii_graphic() && !",()=".contains(letter);
        let model = name.strip_prefix("openai:");
        let is_named = model.is_some_and(|model| !model.is_empty() && model.chars().all(is_plain));
        if name == "local" || (is_named && name.len() <= LONGEST_NAME) {
            Ok(Self(name.to_owned()))
        } else {
            Err(SpecError::embedder(name))
        }
    }
}

impl fmt::Display for EmbedderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_moves_by_steps_and_stops_at_its_ends() {
        let mut hybrid = Retriever::new(Method::Hybrid);
        hybrid.step(Parameter::Weight, 3);
        assert_eq!(hybrid.get(Parameter::Weight), Some(0.85));
        hybrid.step(Parameter::Weight, 100);
        assert_eq!(hybrid.fusion(), Fusion::Hybrid { weight: 1.0 });
        hybrid.step(Parameter::TopK, -100);
        assert_eq!(hybrid.top_k(), 1);
        hybrid.set(Parameter::B, f32::NAN);
        assert_eq!(hybrid.get(Parameter::B), Some(0.75));
    }

    #[test]
    fn a_parameter_that_a_method_does_not_have_cannot_be_set() {
        let mut dense = Retriever::new(Method::Dense);
        dense.set(Parameter::Weight, 0.9);
        dense.step(Parameter::K1, 1);
        assert_eq!(dense, Retriever::new(Method::Dense));
        assert_eq!(dense.get(Parameter::RrfK), None);
    }

    #[test]
    fn another_method_keeps_what_both_have() {
        let mut hybrid = Retriever::new(Method::Hybrid)
            .with_unit(Unit::Question)
            .with_embedder(EmbedderName::local());
        hybrid.set(Parameter::K1, 0.9);
        hybrid.set(Parameter::Weight, 0.9);
        hybrid.set(Parameter::TopK, 5.0);
        let lexical = hybrid.with_method(Method::Lexical);
        assert_eq!(
            (lexical.bm25().k1, lexical.top_k(), lexical.unit()),
            (0.9, 5, Unit::Question)
        );
        assert_eq!(lexical.embedder(), None);
        let back = lexical.with_method(Method::Hybrid);
        assert_eq!(
            back.get(Parameter::Weight),
            Some(DENSE_WEIGHT),
            "words have no weight to keep"
        );
    }

    #[test]
    fn an_embedder_is_named_as_on_the_command_line() {
        for name in [
            "local",
            "openai:text-embedding-3-small",
            "openai:BAAI/bge-m3:latest",
        ] {
            assert_eq!(name.parse::<EmbedderName>().unwrap().as_str(), name);
        }
        for name in [
            "",
            "remote",
            "openai:",
            "openai:a,b",
            "openai:a b",
            "openai:\u{202e}x",
        ] {
            let error = name.parse::<EmbedderName>().unwrap_err().to_string();
            assert!(error.contains("use `local` or `openai:MODEL`"), "{error}");
        }
    }
}

//! A loaded model: texts in, unit vectors out.

use std::fs;
use std::path::Path;

use super::super::{EmbedError, ModelId, Vector};
use super::Tokenizer;
use super::graph::Graph;
use super::int8::Int8;

/// The file of the bundled model.
static BUNDLED: &[u8] = include_bytes!("../../../data/model/model.onnx");

/// What a model computes with.
pub(super) trait Network {
    /// Token ids of texts in, the mean over the tokens of the last hidden states of each text out.
    ///
    /// # Errors
    /// A reason to show.
    fn pooled(&self, ids: &[Vec<i32>]) -> Result<Vec<Vec<f32>>, String>;
}

pub(super) struct Model {
    id: ModelId,
    tokenizer: Tokenizer,
    network: Box<dyn Network>,
}

impl Model {
    pub(super) fn bundled(id: ModelId) -> Result<Self, String> {
        let network = rten::Model::load_static_slice(BUNDLED).map_err(|error| error.to_string())?;
        Self::new(id, network, Tokenizer::bundled()?)
    }

    pub(super) fn bundled_int8(id: ModelId) -> Result<Self, String> {
        Ok(Self {
            id,
            tokenizer: Tokenizer::bundled()?,
            network: Box::new(Int8::load(BUNDLED)?),
        })
    }

    pub(super) fn from_files(id: ModelId, model: &Path, tokenizer: &Path) -> Result<Self, String> {
        let network = fs::read(model).map_err(|error| error.to_string())?;
        let network = rten::Model::load(network).map_err(|error| error.to_string())?;
        let json =
            fs::read_to_string(tokenizer).map_err(|error| format!("{}: {error}", tokenizer.display()))?;
        Self::new(id, network, Tokenizer::from_json(&json)?)
    }

    fn new(id: ModelId, network: rten::Model, tokenizer: Tokenizer) -> Result<Self, String> {
        let network = Box::new(Graph::new(network, id.dimension)?);
        Ok(Self {
            id,
            tokenizer,
            network,
        })
    }

    /// Embeds texts in one run.
    pub(super) fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        let ids: Vec<Vec<i32>> = texts
            .iter()
            .map(|text| self.tokenizer.ids(text).map_err(EmbedError::Tokens))
            .collect::<Result<_, _>>()?;
        let means = self.network.pooled(&ids).map_err(EmbedError::Run)?;
        let vector = |raw| {
            Vector::normalised(raw, self.id.dimension).map_err(|fault| EmbedError::Vector {
                model: self.id.to_string(),
                fault,
            })
        };
        means.into_iter().map(vector).collect()
    }
}

/// Mean over the first `tokens` rows of `states` (tokens x dimension): the padding does not count.
pub(super) fn mean(states: &[f32], tokens: usize, dimension: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; dimension];
    for state in states.chunks_exact(dimension.max(1)).take(tokens) {
        for (sum, value) in sum.iter_mut().zip(state) {
            *sum += value;
        }
    }
    for sum in &mut sum {
        *sum /= tokens.max(1) as f32;
    }
    sum
}

//! The network itself: token ids in, pooled unit vectors out.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rten::{NodeId, RunOptions, ThreadPool, Value, ValueView};

use super::super::{EmbedError, ModelId, Vector};
use super::Tokenizer;

/// Threads of one run. More than two gain little on texts of this length, and the screen wants a core too.
const THREADS: usize = 2;

pub(super) struct Model {
    id: ModelId,
    tokenizer: Tokenizer,
    network: rten::Model,
    input_ids: NodeId,
    mask: NodeId,
    output: NodeId,
    pool: Arc<ThreadPool>,
}

impl Model {
    pub(super) fn bundled(id: ModelId) -> Result<Self, String> {
        let network = rten::Model::load_static_slice(include_bytes!("../../../data/model/model.onnx"));
        Self::new(
            id,
            network.map_err(|error| error.to_string())?,
            Tokenizer::bundled()?,
        )
    }

    pub(super) fn from_files(id: ModelId, model: &Path, tokenizer: &Path) -> Result<Self, String> {
        let network = fs::read(model).map_err(|error| error.to_string())?;
        let network = rten::Model::load(network).map_err(|error| error.to_string())?;
        let json =
            fs::read_to_string(tokenizer).map_err(|error| format!("{}: {error}", tokenizer.display()))?;
        Self::new(id, network, Tokenizer::from_json(&json)?)
    }

    fn new(id: ModelId, network: rten::Model, tokenizer: Tokenizer) -> Result<Self, String> {
        let node = |name: &str| {
            let found = network.find_node(name);
            found.ok_or_else(|| format!("it has no `{name}`, so it is a model of another form"))
        };
        let (input_ids, mask) = (node("input_ids")?, node("mask")?);
        let output = node("last_hidden_state")?;
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS));
        Ok(Self {
            id,
            tokenizer,
            network,
            input_ids,
            mask,
            output,
            pool: Arc::new(ThreadPool::with_num_threads(threads)),
        })
    }

    /// Embeds texts in one run, padded to the longest of them.
    pub(super) fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        let ids: Vec<Vec<i32>> = texts
            .iter()
            .map(|text| self.tokenizer.ids(text).map_err(EmbedError::Tokens))
            .collect::<Result<_, _>>()?;
        let length = ids.iter().map(Vec::len).max().unwrap_or(0);
        let mut tokens = vec![0_i32; texts.len() * length];
        let mut mask = tokens.clone();
        for (row, ids) in ids.iter().enumerate() {
            let place = row * length..row * length + ids.len();
            if let (Some(tokens), Some(mask)) = (tokens.get_mut(place.clone()), mask.get_mut(place)) {
                tokens.copy_from_slice(ids);
                mask.fill(1);
            }
        }
        let states = self.run([texts.len(), length], &tokens, &mask)?;
        let row = (length * self.id.dimension).max(1);
        ids.iter()
            .zip(states.chunks_exact(row))
            .map(|(ids, states)| {
                let raw = mean(states, ids.len(), self.id.dimension);
                Vector::normalised(raw, self.id.dimension).map_err(|fault| EmbedError::Vector {
                    model: self.id.to_string(),
                    fault,
                })
            })
            .collect()
    }

    /// Hidden states, batch x tokens x dimension.
    fn run(&self, shape: [usize; 2], tokens: &[i32], mask: &[i32]) -> Result<Vec<f32>, EmbedError> {
        let failed = |error: &dyn std::fmt::Display| EmbedError::Run(error.to_string());
        let tokens = ValueView::from_shape(shape, tokens).map_err(|error| failed(&error))?;
        let mask = ValueView::from_shape(shape, mask).map_err(|error| failed(&error))?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let outputs = self
            .network
            .run(
                vec![(self.input_ids, tokens.into()), (self.mask, mask.into())],
                &[self.output],
                Some(options),
            )
            .map_err(|error| failed(&error))?;
        let states = outputs.into_iter().next().ok_or_else(|| failed(&"no output"))?;
        let (found, states) = Value::into_shape_vec::<f32, 3>(states).map_err(|error| failed(&error))?;
        let [batch, length] = shape;
        if found != [batch, length, self.id.dimension] {
            let reason = format!(
                "the output has the shape {found:?} instead of {:?}",
                [batch, length, self.id.dimension]
            );
            return Err(EmbedError::Run(reason));
        }
        Ok(states)
    }
}

/// Mean over the first `tokens` rows of `states` (tokens x dimension): the padding does not count.
fn mean(states: &[f32], tokens: usize, dimension: usize) -> Vec<f32> {
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

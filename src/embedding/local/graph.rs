//! The network as its file describes it, run in f32.

use std::sync::Arc;

use rten::{NodeId, RunOptions, ThreadPool, Value, ValueView};

use super::model::{Network, mean};

/// Threads of one run. More than two gain little on texts of this length, and the screen wants a core too.
const THREADS: usize = 2;

pub(super) struct Graph {
    network: rten::Model,
    input_ids: NodeId,
    mask: NodeId,
    output: NodeId,
    dimension: usize,
    pool: Arc<ThreadPool>,
}

impl Graph {
    pub(super) fn new(network: rten::Model, dimension: usize) -> Result<Self, String> {
        let node = |name: &str| {
            let found = network.find_node(name);
            found.ok_or_else(|| format!("it has no `{name}`, so it is a model of another form"))
        };
        let (input_ids, mask) = (node("input_ids")?, node("mask")?);
        let output = node("last_hidden_state")?;
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS));
        Ok(Self {
            network,
            input_ids,
            mask,
            output,
            dimension,
            pool: Arc::new(ThreadPool::with_num_threads(threads)),
        })
    }

    /// Hidden states, batch x tokens x dimension.
    fn run(&self, shape: [usize; 2], tokens: &[i32], mask: &[i32]) -> Result<Vec<f32>, String> {
        let failed = |error: &dyn std::fmt::Display| error.to_string();
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
        let states = outputs.into_iter().next().ok_or("no output")?;
        let (found, states) = Value::into_shape_vec::<f32, 3>(states).map_err(|error| failed(&error))?;
        let [batch, length] = shape;
        let expected = [batch, length, self.dimension];
        if found != expected {
            return Err(format!(
                "the output has the shape {found:?} instead of {expected:?}"
            ));
        }
        Ok(states)
    }
}

impl Network for Graph {
    /// In one run, padded to the longest text.
    fn pooled(&self, ids: &[Vec<i32>]) -> Result<Vec<Vec<f32>>, String> {
        let length = ids.iter().map(Vec::len).max().unwrap_or(0);
        let mut tokens = vec![0_i32; ids.len() * length];
        let mut mask = tokens.clone();
        for (row, ids) in ids.iter().enumerate() {
            let place = row * length..row * length + ids.len();
            if let (Some(tokens), Some(mask)) = (tokens.get_mut(place.clone()), mask.get_mut(place)) {
                tokens.copy_from_slice(ids);
                mask.fill(1);
            }
        }
        let states = self.run([ids.len(), length], &tokens, &mask)?;
        let row = (length * self.dimension).max(1);
        let means = ids.iter().zip(states.chunks_exact(row));
        Ok(means
            .map(|(ids, states)| mean(states, ids.len(), self.dimension))
            .collect())
    }
}

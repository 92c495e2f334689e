//! The network with whole-number products: the same weights, three to four times the texts a second.
//!
//! A text goes through all layers on one thread, unpadded and without a mask, and texts run side by side: nothing waits
//! for another core, and what a text becomes does not depend on its neighbours. The four large products of a layer
//! multiply 8-bit rows by 8-bit weights ([`Linear`]); attention, normalisation and GELU stay in f32.
//!
//! Its vectors lie within a cosine of 0.99 to those of the f32 products, not on them, so they are a vector space of their
//! own: the model id says so, and the queries of a set are embedded as its documents were.

mod linear;
mod weights;

use rayon::prelude::*;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_simd::{SimdOp as _, SimdUnaryOp as _};
use rten_tensor::{NdTensorView, SliceRange};
use rten_vecmath::{Gelu, Normalize, NormalizeOptions, Softmax, Sum, SumSquareSub};

use super::model::Network;
use linear::{Linear, Multiplier, Rounded};
use weights::Weights;

/// Shape of all-MiniLM-L6-v2.
const HIDDEN: usize = 384;
const INNER: usize = 4 * HIDDEN;
const LAYERS: usize = 6;
const HEADS: usize = 12;
const HEAD: usize = HIDDEN / HEADS;

/// Added to a variance before its root, as the model was trained.
const EPSILON: f32 = 1e-12;

pub(super) struct Int8 {
    embedding: weights::Embedding,
    /// `positions x HIDDEN`.
    positions: Vec<f32>,
    first: Norm,
    layers: Vec<Layer>,
    multiplier: Multiplier,
    floats: GemmExecutor<f32>,
    pool: rayon::ThreadPool,
}

struct Layer {
    /// Query, key and value side by side.
    attend: Linear,
    mix: Linear,
    mixed: Norm,
    widen: Linear,
    narrow: Linear,
    out: Norm,
}

/// The learned part of a layer normalisation.
struct Norm {
    gain: Vec<f32>,
    shift: Vec<f32>,
}

/// Memory of one text, kept for the next.
#[derive(Default)]
struct Scratch {
    rounded: Rounded,
    attended: Vec<f32>,
    weights: Vec<f32>,
    head: Vec<f32>,
    mixed: Vec<f32>,
    wide: Vec<f32>,
}

impl Int8 {
    /// Reads the weights of the bundled model. Takes about 0.1 s: they are rounded again, from 4 bits in blocks to 8 bits a
    /// column.
    ///
    /// # Errors
    /// When a weight is missing or of another size.
    pub(super) fn load(onnx: &[u8]) -> Result<Self, String> {
        let mut weights = Weights::read(onnx)?;
        let multiplier = Multiplier::default();
        let linear = |weights: &mut Weights, name: &str, rows: usize, columns: usize| {
            let matrix = weights.matrix(name, rows, columns)?;
            let bias = weights.floats(&format!("{name}.b"), rows)?;
            Ok::<_, String>(Linear::new(&multiplier, &matrix, bias))
        };
        let norm = |weights: &mut Weights, name: &str| {
            Ok::<_, String>(Norm {
                gain: weights.floats(&format!("{name}.w"), HIDDEN)?,
                shift: weights.floats(&format!("{name}.b"), HIDDEN)?,
            })
        };
        let layers = (0..LAYERS).map(|layer| {
            let name = |part: &str| format!("l{layer}.{part}");
            Ok(Layer {
                attend: linear(&mut weights, &name("qkv"), 3 * HIDDEN, HIDDEN)?,
                mix: linear(&mut weights, &name("ao"), HIDDEN, HIDDEN)?,
                mixed: norm(&mut weights, &name("ln1"))?,
                widen: linear(&mut weights, &name("up"), INNER, HIDDEN)?,
                narrow: linear(&mut weights, &name("dn"), HIDDEN, INNER)?,
                out: norm(&mut weights, &name("ln2"))?,
            })
        });
        let layers = layers.collect::<Result<_, String>>()?;
        Ok(Self {
            layers,
            positions: weights.halves("pos")?,
            first: norm(&mut weights, "emb_ln")?,
            embedding: weights.embedding(HIDDEN)?,
            multiplier,
            floats: GemmExecutor::default(),
            pool: rayon::ThreadPoolBuilder::new()
                .build()
                .map_err(|error| error.to_string())?,
        })
    }

    /// The mean over the tokens of the last hidden states.
    fn embed(&self, ids: &[i32], scratch: &mut Scratch) -> Result<Vec<f32>, String> {
        let failed = |error: rten_gemm::GemmError| error.to_string();
        let mut states = vec![0.0; ids.len() * HIDDEN];
        let positions = self.positions.chunks_exact(HIDDEN);
        for ((state, id), position) in states.chunks_exact_mut(HIDDEN).zip(ids).zip(positions) {
            self.embedding.row(*id, state)?;
            for (number, position) in state.iter_mut().zip(position) {
                *number += position;
            }
        }
        self.first.apply(&mut states);
        let mut rounded = std::mem::take(&mut scratch.rounded);
        for layer in &self.layers {
            scratch.attended.resize(ids.len() * 3 * HIDDEN, 0.0);
            layer
                .attend
                .apply(&self.multiplier, &states, &mut rounded, &mut scratch.attended)
                .map_err(failed)?;
            self.attention(ids.len(), scratch).map_err(failed)?;
            layer
                .mix
                .add(&self.multiplier, &scratch.mixed, &mut rounded, &mut states)
                .map_err(failed)?;
            layer.mixed.apply(&mut states);
            scratch.wide.resize(ids.len() * INNER, 0.0);
            layer
                .widen
                .apply(&self.multiplier, &states, &mut rounded, &mut scratch.wide)
                .map_err(failed)?;
            Gelu {}.map_mut(&mut scratch.wide);
            layer
                .narrow
                .add(&self.multiplier, &scratch.wide, &mut rounded, &mut states)
                .map_err(failed)?;
            layer.out.apply(&mut states);
        }
        scratch.rounded = rounded;
        Ok(super::model::mean(&states, ids.len(), HIDDEN))
    }

    /// `softmax(Q K' / sqrt(HEAD)) V` of each head, from `attended` (tokens x 3 HIDDEN) to `mixed` (tokens x HIDDEN).
    fn attention(&self, tokens: usize, scratch: &mut Scratch) -> Result<(), rten_gemm::GemmError> {
        scratch.weights.resize(tokens * tokens, 0.0);
        scratch.head.resize(tokens * HEAD, 0.0);
        scratch.mixed.resize(tokens * HIDDEN, 0.0);
        let attended = NdTensorView::from_data([tokens, 3 * HIDDEN], &*scratch.attended);
        let part = |from: usize| attended.slice((.., SliceRange::from(from..from + HEAD)));
        for head in 0..HEADS {
            let at = head * HEAD;
            let (query, key, value) = (part(at), part(HIDDEN + at), part(2 * HIDDEN + at));
            let scaled = GemmOptions {
                alpha: 1.0 / (HEAD as f32).sqrt(),
                ..GemmOptions::default()
            };
            self.floats.gemm(
                &mut scratch.weights,
                GemmInputA::Unpacked(query),
                GemmInputB::Unpacked(key.transposed()),
                scaled,
            )?;
            for row in scratch.weights.chunks_exact_mut(tokens) {
                Softmax::new_mut(row).dispatch();
            }
            let weights = NdTensorView::from_data([tokens, tokens], &*scratch.weights);
            self.floats.gemm(
                &mut scratch.head,
                GemmInputA::Unpacked(weights),
                GemmInputB::Unpacked(value),
                GemmOptions::default(),
            )?;
            let rows = scratch.mixed.chunks_exact_mut(HIDDEN);
            for (mixed, head) in rows.zip(scratch.head.chunks_exact(HEAD)) {
                if let Some(place) = mixed.get_mut(at..at + HEAD) {
                    place.copy_from_slice(head);
                }
            }
        }
        Ok(())
    }
}

impl Network for Int8 {
    fn pooled(&self, ids: &[Vec<i32>]) -> Result<Vec<Vec<f32>>, String> {
        self.pool.install(|| {
            ids.par_iter()
                .map_init(Scratch::default, |scratch, ids| self.embed(ids, scratch))
                .collect()
        })
    }
}

impl Norm {
    /// `(x - mean) / sqrt(variance + EPSILON) * gain + shift` of each row.
    fn apply(&self, states: &mut [f32]) {
        for row in states.chunks_exact_mut(HIDDEN) {
            let mean = Sum::new(row).dispatch() / HIDDEN as f32;
            let variance = SumSquareSub::new(row, mean).dispatch() / HIDDEN as f32;
            let options = NormalizeOptions {
                pre_scale_bias: mean,
                scale: 1.0 / (variance + EPSILON).sqrt(),
                element_scale: Some(&self.gain),
                bias: 0.0,
                element_bias: Some(&self.shift),
            };
            Normalize::new_mut(row, options).dispatch();
        }
    }
}

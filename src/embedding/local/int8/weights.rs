//! The weights of the bundled model, as they lie in its file: matrices in blocks of 32 codes of 4 bits with one f16 scale.

use std::collections::HashMap;

use half::f16;
use rten_onnx::onnx::ModelProto;

/// Numbers that share a scale.
const BLOCK: usize = 32;

/// The code of zero.
const ZERO: f32 = 8.0;

/// Tensors of a file by their names.
pub(super) struct Weights(HashMap<String, Vec<u8>>);

/// A row for each token of the vocabulary, decoded when it is wanted.
pub(super) struct Embedding {
    codes: Vec<u8>,
    scales: Vec<f32>,
    width: usize,
}

impl Weights {
    pub(super) fn read(onnx: &[u8]) -> Result<Self, String> {
        let model = ModelProto::parse_buf(onnx).map_err(|error| error.to_string())?;
        let tensors = model.graph.map(|graph| graph.initializer).unwrap_or_default();
        let named = tensors
            .into_iter()
            .filter_map(|tensor| Some((tensor.name?, tensor.raw_data?.into_inner())));
        Ok(Self(named.collect()))
    }

    fn take(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let found = self.0.remove(name);
        found.ok_or_else(|| format!("it has no `{name}`, so it is a model of another form"))
    }

    /// So many f32 numbers.
    pub(super) fn floats(&mut self, name: &str, count: usize) -> Result<Vec<f32>, String> {
        let bytes = self.take(name)?;
        let (numbers, _) = bytes.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        sized(name, numbers, count)
    }

    /// The f16 numbers of a tensor.
    pub(super) fn halves(&mut self, name: &str) -> Result<Vec<f32>, String> {
        let bytes = self.take(name)?;
        let (numbers, _) = bytes.as_chunks::<2>();
        Ok(numbers
            .iter()
            .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
            .collect())
    }

    /// A matrix `rows x columns`, decoded: two neighbours a byte, the first in the low bits.
    pub(super) fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Vec<f32>, String> {
        let codes = sized(name, self.take(&format!("{name}.q"))?, rows * columns / 2)?;
        let scales = self.halves(&format!("{name}.s16"))?;
        let scales = sized(name, scales, rows * columns / BLOCK)?;
        let blocks = codes.chunks_exact(BLOCK / 2).zip(scales);
        let numbers = blocks.flat_map(|(codes, scale)| {
            codes
                .iter()
                .flat_map(move |code| [low(*code) * scale, high(*code) * scale])
        });
        Ok(numbers.collect())
    }

    /// The embedding of the tokens.
    pub(super) fn embedding(&mut self, width: usize) -> Result<Embedding, String> {
        let codes = self.take("emb.q")?;
        let scales = self.halves("emb.s")?;
        let scales = sized("emb.s", scales, codes.len() * 2 / BLOCK)?;
        Ok(Embedding { codes, scales, width })
    }
}

impl Embedding {
    /// Decodes the row of a token: the halves of a block lie in the low and in the high bits of its bytes.
    pub(super) fn row(&self, id: i32, row: &mut [f32]) -> Result<(), String> {
        let part = |of: usize| {
            let id = usize::try_from(id).ok()?;
            Some(id.checked_mul(of)?..id.checked_add(1)?.checked_mul(of)?)
        };
        let codes = part(self.width / 2).and_then(|range| self.codes.get(range));
        let scales = part(self.width / BLOCK).and_then(|range| self.scales.get(range));
        let (Some(codes), Some(scales)) = (codes, scales) else {
            return Err(format!("its vocabulary has no token {id}"));
        };
        let blocks = codes.chunks_exact(BLOCK / 2).zip(scales);
        for (block, (codes, scale)) in row.chunks_exact_mut(BLOCK).zip(blocks) {
            let (first, second) = block.split_at_mut(BLOCK / 2);
            for ((first, second), code) in first.iter_mut().zip(second).zip(codes) {
                *first = low(*code) * scale;
                *second = high(*code) * scale;
            }
        }
        Ok(())
    }
}

fn low(code: u8) -> f32 {
    f32::from(code & 15) - ZERO
}

fn high(code: u8) -> f32 {
    f32::from(code >> 4) - ZERO
}

fn sized<T>(name: &str, numbers: Vec<T>, count: usize) -> Result<Vec<T>, String> {
    if numbers.len() == count {
        Ok(numbers)
    } else {
        Err(format!(
            "`{name}` has {} numbers instead of {count}",
            numbers.len()
        ))
    }
}

//! `x W' + b` in whole numbers: each row of `x` and each row of `W` is rounded with a scale of its own.

use rten_gemm::{GemmError, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix, QuantParams};
use rten_tensor::NdTensorView;

/// The largest code of a weight: symmetric, so that nothing is subtracted for it.
const LARGEST: f32 = 127.0;

/// Codes of `x` are bytes around this.
const ZERO: u8 = 128;

/// `1.5 * 2^23`: a small f32 that this is added to has its nearest whole number in its lowest bits.
const ROUNDER: f32 = 12_582_912.0;

/// Multiplies bytes by signed bytes, with the instructions that the processor has.
pub(super) struct Multiplier {
    products: GemmExecutor<u8, i8, i32>,
    /// The largest code of `x`: half of a byte where the processor adds two products in 16 bits and cuts off what is over.
    largest: f32,
}

impl Default for Multiplier {
    fn default() -> Self {
        let products = GemmExecutor::default();
        let largest = if products.may_saturate() { 63.0 } else { 127.0 };
        Self { products, largest }
    }
}

/// Rows as bytes, and the sums of their products.
#[derive(Default)]
pub(super) struct Rounded {
    codes: Vec<u8>,
    scales: Vec<f32>,
    zeros: Vec<u8>,
    sums: Vec<i32>,
}

pub(super) struct Linear {
    packed: PackedBMatrix<i8>,
    /// What a code of each row of `W` is worth.
    scales: Vec<f32>,
    bias: Vec<f32>,
    columns: usize,
}

impl Linear {
    /// From a row-major matrix with a row for each number of `bias`.
    pub(super) fn new(multiplier: &Multiplier, matrix: &[f32], bias: Vec<f32>) -> Self {
        let rows = bias.len().max(1);
        let columns = matrix.len() / rows;
        let mut codes = vec![0_i8; rows * columns];
        let mut scales = vec![0.0; rows];
        let each = matrix.chunks_exact(columns.max(1));
        for ((row, codes), scale) in each.zip(codes.chunks_exact_mut(columns.max(1))).zip(&mut scales) {
            let largest = row.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
            if largest > 0.0 {
                *scale = largest / LARGEST;
                for (code, number) in codes.iter_mut().zip(row) {
                    *code = (number / *scale).round() as i8;
                }
            }
        }
        let matrix = NdTensorView::from_data([rows, columns], &*codes);
        Self {
            packed: multiplier.products.prepack_b(matrix.transposed()),
            scales,
            bias,
            columns,
        }
    }

    /// Writes `x W' + b` to `out`.
    pub(super) fn apply(
        &self,
        multiplier: &Multiplier,
        x: &[f32],
        rounded: &mut Rounded,
        out: &mut [f32],
    ) -> Result<(), GemmError> {
        self.multiply(multiplier, x, rounded)?;
        self.each_row(rounded, out, |out, product| *out = product);
        Ok(())
    }

    /// Adds `x W' + b` to `out`.
    pub(super) fn add(
        &self,
        multiplier: &Multiplier,
        x: &[f32],
        rounded: &mut Rounded,
        out: &mut [f32],
    ) -> Result<(), GemmError> {
        self.multiply(multiplier, x, rounded)?;
        self.each_row(rounded, out, |out, product| *out += product);
        Ok(())
    }

    fn multiply(&self, multiplier: &Multiplier, x: &[f32], rounded: &mut Rounded) -> Result<(), GemmError> {
        let rows = x.len() / self.columns.max(1);
        rounded.codes.resize(x.len(), 0);
        rounded.scales.resize(rows, 0.0);
        rounded.zeros.resize(rows, ZERO);
        rounded.sums.resize(rows * self.bias.len(), 0);
        let Rounded {
            codes,
            scales,
            zeros,
            sums,
        } = rounded;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let each = x
                    .chunks_exact(self.columns)
                    .zip(codes.chunks_exact_mut(self.columns));
                for ((row, codes), scale) in each.zip(&mut *scales) {
                    *scale = round(row, codes, multiplier.largest);
                }
            },
        );
        multiplier.products.gemm(
            sums,
            GemmInputA::Unpacked(NdTensorView::from_data([rows, self.columns], &**codes)),
            GemmInputB::Packed(&self.packed),
            GemmOptions {
                a_quant: Some(QuantParams { zero_point: zeros }),
                ..GemmOptions::default()
            },
        )
    }

    /// Gives each place of `out` its product as a number.
    #[inline(always)]
    fn each_row(&self, rounded: &Rounded, out: &mut [f32], put: impl Fn(&mut f32, f32)) {
        let width = self.bias.len().max(1);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let rows = out.chunks_exact_mut(width).zip(rounded.sums.chunks_exact(width));
                for ((out, sums), scale) in rows.zip(&rounded.scales) {
                    let columns = self.scales.iter().zip(&self.bias);
                    for ((out, sum), (weight, bias)) in out.iter_mut().zip(sums).zip(columns) {
                        put(out, *sum as f32 * (scale * weight) + bias);
                    }
                }
            },
        );
    }
}

/// Rounds a row to codes around [`ZERO`] and returns what a code is worth.
#[inline(always)]
fn round(row: &[f32], codes: &mut [u8], largest: f32) -> f32 {
    // In lanes: one running maximum would be a chain that no instruction set shortens.
    let mut lanes = [0.0_f32; 16];
    let chunks = row.chunks_exact(lanes.len());
    let rest = chunks
        .remainder()
        .iter()
        .fold(0.0_f32, |most, number| most.max(number.abs()));
    for chunk in chunks {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *lane = lane.max(number.abs());
        }
    }
    let most = lanes.iter().fold(rest, |most, lane| most.max(*lane));
    let steps = if most > 0.0 { largest / most } else { 0.0 };
    for (code, number) in codes.iter_mut().zip(row) {
        let bits = (number * steps + ROUNDER).to_bits();
        *code = (bits as u8).wrapping_add(ZERO);
    }
    most / largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_that_of_the_numbers_within_their_rounding() {
        let numbers = |seed: usize, count: usize| -> Vec<f32> {
            (0..count)
                .map(|place| (((place * 7_919 + seed) % 2_003) as f32 / 1_001.0) - 1.0)
                .collect()
        };
        let (rows, columns, tokens) = (48, 64, 5);
        let (matrix, bias, x) = (
            numbers(1, rows * columns),
            numbers(2, rows),
            numbers(3, tokens * columns),
        );
        let multiplier = Multiplier::default();
        let linear = Linear::new(&multiplier, &matrix, bias.clone());
        let mut out = vec![0.0; tokens * rows];
        linear
            .apply(&multiplier, &x, &mut Rounded::default(), &mut out)
            .unwrap();
        for (token, out) in x.chunks_exact(columns).zip(out.chunks_exact(rows)) {
            for ((row, bias), out) in matrix.chunks_exact(columns).zip(&bias).zip(out) {
                let exact: f32 = token.iter().zip(row).map(|(a, b)| a * b).sum::<f32>() + bias;
                // Half a step of both factors, over 64 terms that partly cancel.
                assert!((exact - out).abs() < 0.15, "{exact} and {out}");
            }
        }
        let before = out.clone();
        linear
            .add(&multiplier, &x, &mut Rounded::default(), &mut out)
            .unwrap();
        for (before, after) in before.iter().zip(&out) {
            assert!((2.0 * before - after).abs() < 1e-5);
        }
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest_code_and_zeros_stay_zeros() {
        let mut codes = [0; 4];
        assert!((round(&[1.0, -1.0, 0.5, 0.0], &mut codes, 127.0) - 1.0 / 127.0).abs() < 1e-9);
        assert_eq!(codes, [255, 1, 192, 128]);
        assert_eq!(round(&[0.0; 4], &mut codes, 127.0), 0.0);
        assert_eq!(codes, [ZERO; 4]);
    }
}

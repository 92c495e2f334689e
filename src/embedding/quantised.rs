//! Many unit vectors in one block of bytes: each number a whole one from -127 to 127, each row with a scale of its own.
//!
//! A row of 384 numbers takes 388 bytes, and is searched as it lies in the file: nothing is decoded, copied or allocated
//! at a start. The rounding moves a number by at most half a step, `max|x| / 254`, and so a cosine by about
//! `step / sqrt(12)`: 0.0005 for the bundled vectors, below the digits that are shown.

use std::borrow::Cow;

use rayon::prelude::*;

use super::Matrix;

/// The largest code: symmetric, so that a vector and its opposite have opposite codes.
const LARGEST: f32 = 127.0;

/// The largest number of a query in a first pass: `127 * 2,047 * dimension` fits into an i32 up to 8,260 dimensions.
const FINEST: f32 = 2_047.0;

/// Rows that one core takes at a time.
const PART: usize = 2_048;

/// Unit vectors of one size, row-major, quantised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantised {
    /// `rows x dimension` codes: the bytes of i8.
    codes: Cow<'static, [u8]>,
    /// What a code of each row is worth.
    scales: Vec<f32>,
    dimension: usize,
}

impl Quantised {
    /// Rounds every row, a part of them on each core.
    pub fn of(matrix: &Matrix) -> Self {
        let dimension = matrix.dimension();
        let scale_of = |row: &[f32]| {
            let largest = row
                .iter()
                .fold(0.0_f32, |largest, number| largest.max(number.abs()));
            largest / LARGEST
        };
        let mut codes = vec![0; matrix.len() * dimension];
        let mut scales = vec![0.0; matrix.len()];
        let rows = codes.par_chunks_exact_mut(dimension.max(1)).zip(&mut scales);
        rows.enumerate().for_each(|(index, (codes, scale))| {
            let row = matrix.row(index).unwrap_or_default();
            *scale = scale_of(row);
            for (code, number) in codes.iter_mut().zip(row) {
                *code = ((number / *scale).round() as i8).cast_unsigned();
            }
        });
        Self {
            codes: codes.into(),
            scales,
            dimension,
        }
    }

    /// Rows as they were written; `None` when the sizes do not fit each other.
    pub(crate) fn from_parts(
        codes: impl Into<Cow<'static, [u8]>>,
        scales: Vec<f32>,
        dimension: usize,
    ) -> Option<Self> {
        let codes = codes.into();
        (scales.len().checked_mul(dimension)? == codes.len()).then_some(Self {
            codes,
            scales,
            dimension,
        })
    }

    /// The codes, row after row, and the scale of each row.
    pub(crate) fn parts(&self) -> (&[u8], &[f32]) {
        (&self.codes, &self.scales)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Numbers in a row; 0 for no rows.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Cuts off the rows from `at` on; all that are there when it has fewer.
    #[must_use = "it holds the rows that were cut off"]
    pub fn split_off(&mut self, at: usize) -> Self {
        let at = at.min(self.len());
        let codes = match &mut self.codes {
            Cow::Borrowed(codes) => {
                let (kept, cut) = codes.split_at(at * self.dimension);
                *codes = kept;
                Cow::Borrowed(cut)
            }
            Cow::Owned(codes) => Cow::Owned(codes.split_off(at * self.dimension)),
        };
        Self {
            codes,
            scales: self.scales.split_off(at),
            dimension: self.dimension,
        }
    }

    /// The dot product of a vector with every row; nothing for a vector of another size.
    pub fn scores(&self, query: &[f32]) -> Vec<f32> {
        if query.len() != self.dimension || self.is_empty() {
            return Vec::new();
        }
        let mut scores = vec![0.0; self.len()];
        let rows = self.codes.chunks_exact(self.dimension).zip(&self.scales);
        // Which instructions the processor has is asked once a search; the loop inside is compiled once for each set. A
        // loop, since what a collecting iterator calls would be compiled for the least of them.
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (score, (codes, scale)) in scores.iter_mut().zip(rows) {
                    *score = scale * dot(codes, query);
                }
            },
        );
        scores
    }

    /// About what [`Self::scores`] gives, for a first pass over many rows: the query is rounded to whole numbers too, which
    /// moves a cosine by less than the rounding of the rows does, and large sets are read by all cores.
    pub fn coarse_scores(&self, query: &[f32]) -> Vec<f32> {
        if query.len() != self.dimension || self.is_empty() {
            return Vec::new();
        }
        let largest = query
            .iter()
            .fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let step = largest / FINEST;
        if step == 0.0 {
            return vec![0.0; self.len()];
        }
        let query: Vec<i16> = query
            .iter()
            .map(|number| (number / step).round() as i16)
            .collect();
        let some = |(codes, scales): (&[u8], &[f32])| -> Vec<f32> {
            let sums = whole_dots(codes, &query);
            sums.iter()
                .zip(scales)
                .map(|(sum, scale)| scale * step * *sum as f32)
                .collect()
        };
        let codes = self.codes.par_chunks(PART * self.dimension);
        let parts: Vec<Vec<f32>> = codes.zip(self.scales.par_chunks(PART)).map(some).collect();
        parts.concat()
    }

    /// The rows as they are meant, each at most half a step from what it was made from and scaled to length 1 again.
    pub fn to_matrix(&self) -> Matrix {
        let mut numbers = Vec::with_capacity(self.codes.len());
        for codes in self.codes.chunks_exact(self.dimension.max(1)) {
            let row = codes.iter().map(|code| f32::from(code.cast_signed()));
            let norm = row.clone().map(|number| number * number).sum::<f32>().sqrt();
            numbers.extend(row.map(|number| number / norm.max(f32::MIN_POSITIVE)));
        }
        Matrix::from_unit(numbers, self.dimension).unwrap_or_default()
    }
}

/// Partial sums of one dot product: four AVX2 registers, enough to hide the latency of an addition.
pub(crate) const LANES: usize = 32;

/// Sum of code times number. The order of the additions is fixed and no multiply-add is fused, so every processor
/// computes the same bits.
#[inline(always)]
fn dot(codes: &[u8], query: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (code_blocks, code_tail) = codes.as_chunks::<LANES>();
    let (query_blocks, query_tail) = query.as_chunks::<LANES>();
    for (codes, query) in code_blocks.iter().zip(query_blocks) {
        for lane in 0..LANES {
            sums[lane] += f32::from(codes[lane].cast_signed()) * query[lane];
        }
    }
    let tail: f32 = code_tail
        .iter()
        .zip(query_tail)
        .map(|(code, number)| f32::from(code.cast_signed()) * number)
        .sum();
    sum_of_lanes(sums) + tail
}

/// Sum of the partial sums, halves added to halves: as few additions after each other as can be.
#[inline(always)]
pub(crate) fn sum_of_lanes(mut sums: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// Sums of code times number of each row, in whole numbers: any order of the additions gives the same.
fn whole_dots(codes: &[u8], query: &[i16]) -> Vec<i32> {
    let rows = codes.chunks_exact(query.len().max(1));
    let mut sums = vec![0; rows.len()];
    // The compiler does not find the one instruction that multiplies 16 pairs and adds neighbours.
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        pulp::Simd::vectorize(
            simd,
            #[inline(always)]
            || {
                for (sum, codes) in sums.iter_mut().zip(rows) {
                    *sum = avx2_dot(simd, codes, query);
                }
            },
        );
        return sums;
    }
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (sum, codes) in sums.iter_mut().zip(rows) {
                *sum = whole_dot(codes, query);
            }
        },
    );
    sums
}

/// Sum of code times number.
#[inline(always)]
fn whole_dot(codes: &[u8], query: &[i16]) -> i32 {
    let products = codes.iter().zip(query);
    products
        .map(|(code, number)| i32::from(code.cast_signed()) * i32::from(*number))
        .fold(0, i32::wrapping_add)
}

/// [`whole_dot`] with the instructions of AVX2, 64 pairs at a time.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx2_dot(simd: pulp::x86::V3, codes: &[u8], query: &[i16]) -> i32 {
    use pulp::bytemuck::cast;
    let (code_blocks, code_tail) = codes.as_chunks::<64>();
    let (query_blocks, query_tail) = query.as_chunks::<64>();
    let mut sums = [cast([0_i32; 8]); 4];
    for (codes, query) in code_blocks.iter().zip(query_blocks) {
        let codes: [[u8; 16]; 4] = cast(*codes);
        let query: [[i16; 16]; 4] = cast(*query);
        for lane in 0..4 {
            let codes = simd.avx2._mm256_cvtepi8_epi16(cast(codes[lane]));
            let products = simd.avx2._mm256_madd_epi16(codes, cast(query[lane]));
            sums[lane] = simd.avx2._mm256_add_epi32(sums[lane], products);
        }
    }
    let [a, b, c, d] = sums;
    let sum = simd
        .avx2
        ._mm256_add_epi32(simd.avx2._mm256_add_epi32(a, b), simd.avx2._mm256_add_epi32(c, d));
    let sum: [i32; 8] = cast(sum);
    sum.iter().sum::<i32>() + whole_dot(code_tail, query_tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Vector;
    use proptest::prelude::*;

    fn matrix(rows: &[Vec<f32>]) -> Matrix {
        let rows = rows
            .iter()
            .map(|row| Vector::normalised(row.clone(), row.len()).unwrap());
        Matrix::of(&rows.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn rows_are_cut_off_whether_they_are_owned_or_part_of_the_program() {
        let mut owned = Quantised::of(&matrix(&[vec![3.0, 4.0], vec![0.0, 1.0], vec![-1.0, 0.0]]));
        let (codes, scales) = owned.parts();
        assert_eq!(codes, [95, 127, 0, 127, 129, 0]);
        static CODES: [u8; 6] = [95, 127, 0, 127, 129, 0];
        let mut borrowed = Quantised::from_parts(CODES.as_slice(), scales.to_vec(), 2).unwrap();
        assert_eq!(owned, borrowed);
        assert_eq!(owned.split_off(1), borrowed.split_off(1));
        assert_eq!((owned.len(), borrowed.len()), (1, 1));
        assert_eq!(borrowed.split_off(9).len(), 0);
        assert_eq!(Quantised::from_parts(CODES.as_slice(), vec![1.0; 2], 2), None);
    }

    #[test]
    fn a_vector_of_another_size_has_no_scores() {
        let rows = Quantised::of(&matrix(&[vec![3.0, 4.0]]));
        assert_eq!(rows.scores(&[1.0, 0.0, 0.0]), Vec::<f32>::new());
        assert_eq!(Quantised::default().scores(&[]), Vec::<f32>::new());
        assert_eq!(rows.coarse_scores(&[1.0, 0.0, 0.0]), Vec::<f32>::new());
        assert_eq!(rows.coarse_scores(&[0.0, 0.0]), [0.0]);
    }

    proptest! {
        #[test]
        fn the_instructions_of_the_processor_give_the_same_whole_sums(
            pairs in proptest::collection::vec((any::<u8>(), -2_047_i16..=2_047), 1..200)
        ) {
            let (codes, query): (Vec<u8>, Vec<i16>) = pairs.into_iter().unzip();
            prop_assert_eq!(whole_dots(&codes, &query), [whole_dot(&codes, &query)]);
        }

        #[test]
        fn a_score_is_within_the_rounding_of_the_cosine(
            rows in proptest::collection::vec(proptest::collection::vec(-1.0_f32..1.0, 70), 1..20)
        ) {
            prop_assume!(rows.iter().all(|row| row.iter().any(|number| number.abs() > 0.1)));
            let exact = matrix(&rows);
            let query = exact.row(0).unwrap().to_vec();
            let coarse = Quantised::of(&exact).coarse_scores(&query);
            let scores = Quantised::of(&exact).scores(&query);
            for (coarse, score) in coarse.iter().zip(&scores) {
                prop_assert!((coarse - score).abs() < 0.005, "{coarse} {score}");
            }
            let decoded = Quantised::of(&exact).to_matrix();
            for ((row, decoded), score) in exact.rows().zip(decoded.rows()).zip(scores) {
                let cosine = |row: &[f32]| row.iter().zip(&query).map(|(left, right)| left * right).sum::<f32>();
                prop_assert!((cosine(row) - score).abs() < 0.01, "{} {score}", cosine(row));
                prop_assert!((cosine(decoded) - score).abs() < 0.01);
            }
        }
    }
}

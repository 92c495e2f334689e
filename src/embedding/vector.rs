//! A vector that can be trusted: finite, of length 1, of the size that its model promises.

use std::sync::Arc;

/// A unit vector in f32. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector(Arc<[f32]>);

/// Why numbers are not a vector of a model.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum VectorFault {
    #[error("it has {found} numbers and should have {expected}")]
    Size { found: usize, expected: usize },
    #[error("number {} is not finite", index + 1)]
    NotFinite { index: usize },
    #[error("it has no length and so no direction")]
    Zero,
    #[error("its length is {norm} and should be 1")]
    NotUnit { norm: f32 },
}

/// How far the length of a stored vector may be from 1: f32 rounding of a normalised row stays below 1e-6, a base64 or
/// f16 detour below 1e-3.
const UNIT_TOLERANCE: f32 = 1e-3;

impl Vector {
    /// Scales raw numbers to length 1.
    pub fn normalised(raw: Vec<f32>, dimension: usize) -> Result<Self, VectorFault> {
        Self::scaled(raw.into(), dimension)
    }

    /// Scales raw numbers to length 1, where they are if nobody else holds them.
    pub(super) fn scaled(mut raw: Arc<[f32]>, dimension: usize) -> Result<Self, VectorFault> {
        let norm = checked_norm(&raw, dimension)?;
        match Arc::get_mut(&mut raw) {
            Some(numbers) => numbers.iter_mut().for_each(|number| *number /= norm),
            None => raw = raw.iter().map(|number| number / norm).collect(),
        }
        Ok(Self(raw))
    }

    /// Takes numbers that are said to be of length 1, after a look.
    pub fn from_unit(numbers: impl Into<Arc<[f32]>>, dimension: usize) -> Result<Self, VectorFault> {
        let numbers = numbers.into();
        checked_unit(&numbers, dimension)?;
        Ok(Self(numbers))
    }

    /// Copies the row of a matrix, which holds unit vectors only.
    pub(super) fn of_row(row: &[f32]) -> Self {
        Self(row.into())
    }

    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    pub fn dimension(&self) -> usize {
        self.0.len()
    }

    /// The numbers, shared.
    pub fn into_shared(self) -> Arc<[f32]> {
        self.0
    }
}

/// Whether the numbers are a unit vector of this size.
pub(super) fn checked_unit(numbers: &[f32], dimension: usize) -> Result<(), VectorFault> {
    // Good rows are nearly all there are, and tens of thousands of them are looked at before the first answer: their sum
    // of squares in f32, several lanes at once, is near enough. A number that is not finite makes the sum so.
    let mut sums = [0.0_f32; 16];
    let (blocks, tail) = numbers.as_chunks::<16>();
    for block in blocks {
        for (sum, number) in sums.iter_mut().zip(block) {
            *sum += number * number;
        }
    }
    let squares = sums.iter().sum::<f32>() + tail.iter().map(|number| number * number).sum::<f32>();
    if numbers.len() == dimension && (squares.sqrt() - 1.0).abs() <= UNIT_TOLERANCE {
        return Ok(());
    }
    // What is wrong with it, exactly.
    let norm = checked_norm(numbers, dimension)?;
    if (norm - 1.0).abs() > UNIT_TOLERANCE {
        return Err(VectorFault::NotUnit { norm });
    }
    Ok(())
}

/// The Euclidean length, when the numbers have the right size, are finite and not all zero. Summed in f64, where the
/// square of the largest f32 still fits.
fn checked_norm(numbers: &[f32], dimension: usize) -> Result<f32, VectorFault> {
    if numbers.len() != dimension {
        return Err(VectorFault::Size {
            found: numbers.len(),
            expected: dimension,
        });
    }
    // Eight sums beside each other: ten thousand vectors that came at once are all looked at, and one sum would wait for
    // itself at each number. A number that is not finite makes the sum so, since the square of the largest one fits.
    let mut sums = [0.0_f64; 8];
    let (blocks, tail) = numbers.as_chunks::<8>();
    for block in blocks {
        for (sum, number) in sums.iter_mut().zip(block) {
            *sum += f64::from(*number).powi(2);
        }
    }
    let squares =
        sums.iter().sum::<f64>() + tail.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>();
    let not_finite = || numbers.iter().position(|number| !number.is_finite());
    if let Some(index) = (!squares.is_finite()).then(not_finite).flatten() {
        return Err(VectorFault::NotFinite { index });
    }
    let norm = squares.sqrt() as f32;
    if norm < f32::MIN_POSITIVE || !norm.is_finite() {
        return Err(VectorFault::Zero);
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_numbers_are_scaled_to_length_one() {
        let vector = Vector::normalised(vec![3.0, 4.0], 2).unwrap();
        assert_eq!(vector.as_slice(), [0.6, 0.8]);
    }

    #[test]
    fn numbers_that_somebody_else_holds_stay_as_they_are() {
        let raw: Arc<[f32]> = Arc::from([3.0, 4.0]);
        let vector = Vector::scaled(Arc::clone(&raw), 2).unwrap();
        assert_eq!((vector.as_slice(), &*raw), (&[0.6, 0.8][..], &[3.0, 4.0][..]));
    }

    #[test]
    fn what_is_not_a_vector_of_the_model_is_refused() {
        let refuse = |numbers: Vec<f32>| Vector::normalised(numbers, 2).unwrap_err();
        assert_eq!(
            refuse(vec![1.0]),
            VectorFault::Size {
                found: 1,
                expected: 2
            }
        );
        assert_eq!(refuse(vec![1.0, f32::NAN]), VectorFault::NotFinite { index: 1 });
        assert_eq!(
            refuse(vec![f32::INFINITY, 1.0]),
            VectorFault::NotFinite { index: 0 }
        );
        assert_eq!(refuse(vec![0.0, 0.0]), VectorFault::Zero);
        assert_eq!(
            Vector::from_unit(vec![3.0, 4.0], 2).unwrap_err(),
            VectorFault::NotUnit { norm: 5.0 }
        );
    }
}

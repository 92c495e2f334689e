//! Many vectors in one block of memory.

use super::vector::{Vector, VectorFault, checked_unit};

/// Unit vectors of one size, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// `rows x dimension` numbers.
    numbers: Vec<f32>,
    dimension: usize,
}

impl Matrix {
    /// Copies vectors into one block; `None` when their sizes differ.
    pub fn of(vectors: &[Vector]) -> Option<Self> {
        let dimension = vectors.first().map_or(0, Vector::dimension);
        Self::of_rows(vectors.iter().map(Vector::as_slice), dimension)
    }

    /// Takes numbers that are said to be rows of length 1, after a look at each.
    ///
    /// # Errors
    /// The first row that is none, from 0, and why.
    pub(super) fn from_unit(numbers: Vec<f32>, dimension: usize) -> Result<Self, (usize, VectorFault)> {
        for (index, row) in numbers.chunks(dimension.max(1)).enumerate() {
            checked_unit(row, dimension).map_err(|fault| (index, fault))?;
        }
        Ok(Self { numbers, dimension })
    }

    /// Copies rows of unit vectors into one block; `None` when one has another size.
    pub(super) fn of_rows<'a>(rows: impl IntoIterator<Item = &'a [f32]>, dimension: usize) -> Option<Self> {
        let mut numbers = Vec::new();
        for row in rows {
            numbers.extend_from_slice((row.len() == dimension).then_some(row)?);
        }
        Some(Self { numbers, dimension })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.dimension).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Numbers in a row; 0 for a matrix of nothing.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// All numbers, row after row.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The numbers of a row.
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        let start = index.checked_mul(self.dimension)?;
        self.numbers.get(start..start.checked_add(self.dimension)?)
    }

    /// All rows, in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.numbers.chunks_exact(self.dimension.max(1))
    }

    /// Cuts off the rows from `at` on; all that are there when it has fewer.
    #[must_use = "it holds the rows that were cut off"]
    pub fn split_off(&mut self, at: usize) -> Self {
        let at = at.saturating_mul(self.dimension).min(self.numbers.len());
        Self {
            numbers: self.numbers.split_off(at),
            dimension: self.dimension,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(numbers: &[f32]) -> Vector {
        Vector::normalised(numbers.to_vec(), numbers.len()).unwrap()
    }

    #[test]
    fn rows_are_those_of_the_vectors() {
        let mut matrix =
            Matrix::of(&[vector(&[3.0, 4.0]), vector(&[0.0, 1.0]), vector(&[1.0, 0.0])]).unwrap();
        assert_eq!((matrix.len(), matrix.dimension()), (3, 2));
        assert_eq!(matrix.row(0), Some([0.6, 0.8].as_slice()));
        assert_eq!(matrix.row(3), None);
        let rest = matrix.split_off(1);
        assert_eq!((matrix.len(), rest.len()), (1, 2));
        assert_eq!(rest.rows().next(), Some([0.0, 1.0].as_slice()));
        assert_eq!(matrix.split_off(9).len(), 0);
        assert_eq!(Matrix::of(&[]).unwrap().rows().count(), 0);
    }

    #[test]
    fn vectors_of_two_sizes_make_no_matrix() {
        assert_eq!(Matrix::of(&[vector(&[1.0]), vector(&[1.0, 1.0])]), None);
    }

    #[test]
    fn the_first_row_that_is_no_unit_vector_is_named() {
        assert_eq!(
            Matrix::from_unit(vec![1.0, 0.0, 0.0, 0.0], 2),
            Err((1, VectorFault::Zero))
        );
        let short = Matrix::from_unit(vec![1.0, 0.0, 1.0], 2).unwrap_err();
        assert_eq!(short.0, 1);
    }
}

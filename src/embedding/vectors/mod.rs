//! Vectors kept in a file, each under the hash of exactly what it was made from.
//!
//! A row is used only for a text whose hash it carries, so an edited pair is embedded again and two models never mix.
//! A file that is damaged costs time, not answers: pass `None` to [`reconcile`].

mod file;

pub use file::{ContentHash, VectorFile, VectorFileError, content_hash, encode, save};

use super::{Matrix, ModelId, Vector};

/// What is known of a set's vectors and what must be embedded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconciled {
    /// Rows of the texts that have one, in the order of the texts.
    known: Matrix,
    /// Indices of the texts without a vector, ascending.
    pub missing: Vec<usize>,
}

impl Reconciled {
    /// The vector of each text that has one, in the order of the texts.
    pub fn into_vectors(self) -> Vec<Option<Vector>> {
        let all = self.known.len() + self.missing.len();
        let mut missing = self.missing.iter().peekable();
        let mut known = self.known.rows();
        let vector = |index| match missing.next_if(|missing| **missing == index) {
            Some(_) => None,
            None => Some(Vector::of_row(known.next()?)),
        };
        (0..all).map(vector).collect()
    }

    /// All vectors in the order of the texts, once the missing ones are there in the order of `missing`; `None` when
    /// their number or their size differs.
    pub fn complete(self, embedded: &[Vector]) -> Option<Matrix> {
        if embedded.len() != self.missing.len() {
            return None;
        }
        if embedded.is_empty() {
            return Some(self.known);
        }
        let embedded = Matrix::of(embedded)?;
        let all = self.known.len() + embedded.len();
        let mut fresh = self.missing.iter().zip(embedded.rows()).peekable();
        let mut known = self.known.rows();
        let rows = (0..all).map(|index| match fresh.next_if(|(missing, _)| **missing == index) {
            Some((_, row)) => Some(row),
            None => known.next(),
        });
        Matrix::of_rows(rows.collect::<Option<Vec<&[f32]>>>()?, embedded.dimension())
    }
}

/// Looks every text up in the file, by what it says and by the model.
pub fn reconcile(model: &ModelId, texts: &[String], file: Option<VectorFile>) -> Reconciled {
    let nothing = || (Matrix::default(), (0..texts.len()).collect());
    let (known, missing) = file.map_or_else(nothing, |file| file.rows_of(model, texts));
    Reconciled { known, missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> ModelId {
        ModelId {
            name: "test-model".into(),
            dimension: 2,
        }
    }

    fn texts() -> Vec<String> {
        vec!["one".into(), "two".into(), "three".into()]
    }

    fn rows() -> Vec<Vector> {
        [[1.0, 0.0], [-1.0, 0.0], [0.0, -1.0]]
            .iter()
            .map(|row| Vector::normalised(row.to_vec(), 2).unwrap())
            .collect()
    }

    fn bytes() -> Vec<u8> {
        encode(&model(), &texts(), &Matrix::of(&rows()).unwrap()).unwrap()
    }

    #[test]
    fn a_set_that_did_not_change_needs_no_model() {
        let file = VectorFile::parse(&bytes(), "v").unwrap();
        let reconciled = reconcile(&model(), &texts(), Some(file.clone()));
        assert_eq!(reconciled.missing, Vec::<usize>::new());
        assert_eq!(reconciled.complete(&[]), Matrix::of(&rows()));
    }

    #[test]
    fn an_edited_text_and_another_model_are_embedded_again() {
        let file = VectorFile::parse(&bytes(), "v").unwrap();
        let edited: Vec<String> = vec!["two".into(), "one!".into(), "new".into(), "one".into()];
        let reconciled = reconcile(&model(), &edited, Some(file.clone()));
        assert_eq!(reconciled.missing, [1, 2]);
        let fresh = rows()[2].clone();
        let all = reconciled.complete(&[fresh.clone(), fresh.clone()]);
        let expected = [rows()[1].clone(), fresh.clone(), fresh, rows()[0].clone()];
        assert_eq!(all, Matrix::of(&expected));

        let other_name = ModelId {
            name: "other".into(),
            ..model()
        };
        let other_size = ModelId {
            dimension: 3,
            ..model()
        };
        for other in [other_name, other_size] {
            assert_eq!(reconcile(&other, &texts(), Some(file.clone())).missing, [0, 1, 2]);
        }
        assert_eq!(reconcile(&model(), &texts(), None).missing, [0, 1, 2]);
    }

    #[test]
    fn a_completion_of_another_number_is_refused() {
        assert_eq!(reconcile(&model(), &texts(), None).complete(&rows()[..2]), None);
    }
}

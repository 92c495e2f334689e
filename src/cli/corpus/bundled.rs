//! The set inside the program, with its vectors and words.

use super::{dataset, embedded_texts, references};
use crate::cli::Failure;
use crate::dataset::Dataset;
use crate::embedding::vectors::VectorFile;
use crate::retrieval::bundle::{Bundle, BundledTexts};
use crate::retrieval::{Corpus, LexicalIndex, Views};

/// Vectors of the bundled set, computed ahead of time by the command in CONTRIBUTING.md.
static VECTORS: &[u8] = include_bytes!("../../../data/vectors/minilm-l6-defi-q4.bin");

/// The word index of the bundled set, made by the same command.
const WORDS: &[u8] = include_bytes!("../../../data/words/bundled.bin");

/// Everything of the bundled set that has a vector of the model inside the program.
pub(in crate::cli) fn bundled_texts(dataset: &Dataset) -> Result<BundledTexts, Failure> {
    let (texts, _) = embedded_texts(dataset)?;
    let owners = Views::owners(dataset).collect();
    Ok(BundledTexts { owners, texts })
}

/// The corpus inside the program. Nothing of it is checked here that a test has checked.
pub(super) fn corpus() -> Result<Corpus, Failure> {
    let indexes = || {
        let vectors = Bundle::read(VECTORS).map_err(|error| Failure::other(error.to_string()))?;
        Ok::<_, Failure>((words()?, vectors))
    };
    let (dataset, indexes) = rayon::join(|| dataset(None), indexes);
    let (words, vectors) = indexes?;
    let corpus = Corpus::of_bundle(dataset?, words, vectors, references()?);
    corpus.ok_or_else(|| {
        Failure::other("the indexes inside the program are not those of its data: install it again")
    })
}

/// The word index of the bundled set, whoever embeds it.
pub(super) fn words() -> Result<LexicalIndex, Failure> {
    LexicalIndex::decode_trusted(WORDS).map_err(|error| Failure::other(error.to_string()))
}

/// The bundled vectors, by their texts.
pub(super) fn file() -> Option<VectorFile> {
    let bundle = Bundle::read(VECTORS).ok()?;
    let texts = bundled_texts(&dataset(None).ok()?).ok()?.texts;
    VectorFile::of(bundle.model(), &texts, bundle.to_matrix())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::indexed_texts;
    use crate::embedding::LocalEmbedder;
    use crate::retrieval::{Outside, Scale};

    const REBUILD: &str = "rebuild the indexes as CONTRIBUTING.md says";

    #[test]
    fn the_bundled_vectors_are_those_of_the_bundled_texts() {
        let of = bundled_texts(&dataset(None).unwrap()).unwrap();
        let bundle = Bundle::read(VECTORS).unwrap();
        assert!(Bundle::is_whole(VECTORS) && bundle.is_of(&of), "{REBUILD}");
        assert_eq!(*bundle.model(), LocalEmbedder::bundled_id());
        assert!(corpus().is_ok());
    }

    #[test]
    fn the_scale_of_the_bundled_model_is_one_to_one() {
        let mut rows = Bundle::read(VECTORS).unwrap().to_matrix();
        let references = references().unwrap();
        let rows = rows.split_off(rows.len() - references.len());
        let reference = Outside::build(references, rows).unwrap().background();
        let (median, high) = (
            reference.quantile(50.0).unwrap(),
            reference.quantile(99.0).unwrap(),
        );
        let scale = Scale::of(&reference);
        for cosine in [0.0, 0.5, 1.0] {
            let scaled = scale.apply(cosine);
            assert!(
                (scaled - cosine).abs() < 0.03,
                "{cosine} becomes {scaled}: {median} and {high} are the ends"
            );
        }
    }

    #[test]
    fn the_bundled_word_index_is_that_of_the_bundled_texts() {
        let texts = indexed_texts(&dataset(None).unwrap());
        let built = LexicalIndex::build(&texts).encode(&texts);
        assert!(built.as_deref() == Some(WORDS), "{REBUILD}");
    }
}

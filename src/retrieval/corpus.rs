//! A data set with its indexes: everything that a question is answered from.

use std::sync::OnceLock;

use crate::dataset::{Dataset, OutsideQuestion, Pair, indexed_texts};
use crate::embedding::vectors::Reconciled;
use crate::embedding::{EmbedError, Embedder, Matrix, Vector};

use super::bundle::{Bundle, Unpacked};
use super::spelling::{LazySpelling, Spelling, is_well_known};
use super::subject;
use super::{
    Background, Bm25, Corrected, DenseHit, DenseIndex, Fusion, LexicalIndex, LexicalSearch, Outside, Ranked,
    Scale, Unit, View, Views, fuse,
};

/// Texts that one request to an embedder holds, so that progress can be told and a stop loses little.
const BATCH: usize = 32;

/// Immutable once built; share it behind an `Arc`.
#[derive(Debug)]
pub struct Corpus {
    pub dataset: Dataset,
    /// Empty for a corpus without vectors.
    pub dense: DenseIndex,
    pub lexical: LexicalIndex,
    /// Empty for a corpus of fewer than two vectors.
    pub background: Background,
    /// What is not answered; empty unless it was given.
    pub outside: Outside,
    /// From the cosines of the model to those that the decline rule was chosen with.
    pub scale: Scale,
    /// What each row of `dense` was made from.
    views: Vec<View>,
    /// The words of the units that are less than everything, indexed when they are first asked for.
    questions: OnceLock<LexicalIndex>,
    questions_and_answers: OnceLock<LexicalIndex>,
    spelling: LazySpelling,
}

/// Why vectors do not make a corpus of a data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorpusError {
    #[error("the data set \"{name}\" has {texts} texts and came with {vectors} vectors; embed it again")]
    Unequal {
        name: String,
        texts: usize,
        vectors: usize,
    },
}

impl Corpus {
    /// Indexes a data set with the vector of the text `i` of its [`Views`] in the row `i`.
    pub fn build(dataset: Dataset, vectors: Matrix) -> Result<Self, CorpusError> {
        Self::lexical_only(dataset).with_vectors(vectors)
    }

    /// Adds the vectors to a corpus without: that of the text `i` of its data set's [`Views`] in the row `i`.
    pub fn with_vectors(self, vectors: Matrix) -> Result<Self, CorpusError> {
        let owners: Vec<usize> = Views::owners(&self.dataset).map(|(pair, _)| pair).collect();
        let unequal = CorpusError::Unequal {
            name: self.dataset.name.clone(),
            texts: owners.len(),
            vectors: vectors.len(),
        };
        let dense = DenseIndex::of_pairs(vectors, owners).ok_or(unequal)?;
        let background = Background::sample(&dense);
        Ok(Self {
            dense,
            background,
            ..self
        })
    }

    /// The bundled set with what was made of it ahead of time; `None` when they do not belong together.
    pub fn of_bundle(
        dataset: Dataset,
        lexical: LexicalIndex,
        bundle: Bundle,
        questions: Vec<OutsideQuestion>,
    ) -> Option<Self> {
        let Unpacked {
            dense,
            views,
            background,
            outside,
        } = bundle.unpack()?;
        let last = dense.owner(dense.len().checked_sub(1)?)?;
        (last + 1 == dataset.pairs.len() && lexical.len() == dataset.pairs.len()).then_some(())?;
        Some(Self {
            dense,
            views,
            background,
            outside: Outside::build(questions, outside)?,
            ..Self::with_words(dataset, lexical)
        })
    }

    /// Indexes a data set without vectors, for a start before the model is there or a life without one.
    pub fn lexical_only(dataset: Dataset) -> Self {
        let lexical = LexicalIndex::build(&indexed_texts(&dataset));
        Self::with_words(dataset, lexical)
    }

    /// A corpus without vectors of a data set whose [`indexed_texts`] are indexed already.
    pub fn with_words(dataset: Dataset, lexical: LexicalIndex) -> Self {
        Self {
            dense: DenseIndex::default(),
            lexical,
            background: Background::default(),
            outside: Outside::default(),
            scale: Scale::default(),
            views: Views::owners(&dataset).map(|(_, view)| view).collect(),
            dataset,
            questions: OnceLock::new(),
            questions_and_answers: OnceLock::new(),
            spelling: LazySpelling::default(),
        }
    }

    /// Which text of its pair a dense hit is nearest to.
    pub fn view(&self, hit: &DenseHit) -> Option<View> {
        self.views.get(hit.row).copied()
    }

    /// Every pair by its nearest text of a unit, best first; nothing for a vector of another size.
    pub fn search_vectors(&self, unit: Unit, query: &Vector) -> Vec<DenseHit> {
        let has = |row: usize| self.views.get(row).is_some_and(|view| unit.has(*view));
        self.dense.search_among(query, self.len(), has)
    }

    /// Every pair whose texts of a unit share a word with the query, best first.
    pub fn search_words(&self, unit: Unit, bm25: Bm25, query: &str) -> LexicalSearch {
        let index = match unit {
            Unit::Question => &self.questions,
            Unit::QuestionAnswer => &self.questions_and_answers,
            Unit::All => return self.with_subjects(query, self.lexical.search_with(bm25, query, self.len())),
        };
        let index = index.get_or_init(|| {
            let pairs = self.dataset.pairs.iter();
            let texts: Vec<String> = pairs.map(|pair| unit.words(pair)).collect();
            LexicalIndex::build(&texts)
        });
        self.with_subjects(query, index.search_with(bm25, query, self.len()))
    }

    /// Marks the pairs that ask for just the thing that the query asks the meaning of.
    fn with_subjects(&self, query: &str, mut found: LexicalSearch) -> LexicalSearch {
        if let Some(asked) = subject::of_query(query) {
            for hit in &mut found.hits {
                let pair = self.dataset.pairs.get(hit.index);
                hit.subject = pair.is_some_and(|pair| subject::of_pair(pair).any(|subject| subject == asked));
            }
        }
        found
    }

    /// A question with its misspellings put right by the words of this corpus. The first one with a word that the corpus does
    /// not use counts its words, which takes tens of milliseconds.
    pub fn corrected(&self, question: &str) -> Corrected {
        if is_well_known(question, &self.dataset.pairs) {
            return Corrected {
                text: question.to_owned(),
                changes: Vec::new(),
            };
        }
        self.spelling().correct(question)
    }

    /// Does what the first misspelled question would wait for.
    pub fn count_words(&self) {
        self.spelling().prepare();
    }

    fn spelling(&self) -> &Spelling {
        self.spelling.get(&self.dataset.pairs)
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.dataset.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.dataset.pairs.is_empty()
    }

    /// The pair of a hit.
    pub fn pair(&self, hit: &Ranked) -> Option<&Pair> {
        self.dataset.pairs.get(hit.index)
    }

    /// Orders the candidates of both searches; see [`fuse`].
    pub fn rank(
        &self,
        fusion: impl Into<Fusion>,
        dense: &[DenseHit],
        lexical: &LexicalSearch,
        k: usize,
    ) -> Vec<Ranked> {
        fuse(fusion.into(), dense, &lexical.hits, k)
    }

    /// Percentile of a hit's cosine in the background; `None` when the dense search did not see the pair.
    pub fn percentile(&self, hit: &Ranked) -> Option<f64> {
        self.background.percentile(hit.dense?.score)
    }
}

/// Embeds the texts that have no vector yet, a batch at a time; `progress` hears how many of them are done. Texts
/// are taken shortest first over the whole set, so that a batch pads little.
pub async fn embed_missing(
    embedder: &dyn Embedder,
    texts: &[String],
    reconciled: Reconciled,
    mut progress: impl FnMut(usize),
) -> Result<Matrix, EmbedError> {
    let missing = &reconciled.missing;
    let length = |place: &usize| {
        missing
            .get(*place)
            .and_then(|index| texts.get(*index))
            .map_or(0, String::len)
    };
    let mut order: Vec<usize> = (0..missing.len()).collect();
    order.sort_by_key(length);
    let mut embedded: Vec<Option<Vector>> = vec![None; missing.len()];
    let mut done = 0;
    for batch in order.chunks(BATCH) {
        let batch_texts = batch
            .iter()
            .filter_map(|place| texts.get(*missing.get(*place)?).cloned())
            .collect();
        let vectors = embedder.embed(batch_texts).await?;
        done += vectors.len();
        for (place, vector) in batch.iter().zip(vectors) {
            if let Some(slot) = embedded.get_mut(*place) {
                *slot = Some(vector);
            }
        }
        progress(done);
    }
    let embedded: Option<Vec<Vector>> = embedded.into_iter().collect();
    let complete = embedded.and_then(|embedded| reconciled.complete(&embedded));
    complete.ok_or_else(|| EmbedError::Run("it returned fewer vectors than texts".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::vectors::{self, VectorFile, reconcile};
    use crate::embedding::{ModelId, Readiness};
    use crate::retrieval::Method;
    use futures::future::BoxFuture;
    use std::sync::{Arc, Mutex};
    use tokio::sync::watch;

    #[test]
    fn what_is_not_looked_at_for_slips_has_none() {
        let dataset = Dataset::bundled().unwrap();
        let corpus = Corpus::lexical_only(dataset);
        let judged = include_str!("../../data/eval/development.jsonl");
        let questions = judged.lines().map(|line| {
            let judged: serde_json::Value = serde_json::from_str(line).unwrap();
            judged["question"].as_str().unwrap().to_owned()
        });
        let (mut skipped, mut all) = (0, 0);
        for question in questions {
            all += 1;
            if is_well_known(&question, &corpus.dataset.pairs) {
                skipped += 1;
                let changes = corpus.spelling().correct(&question).changes;
                assert_eq!(changes, [], "{question}");
            }
        }
        assert!(skipped * 2 > all, "{skipped} of {all}");
    }

    /// Embeds a text as the counts of three words and writes down what it was asked.
    #[derive(Debug)]
    struct Counting {
        id: ModelId,
        asked: Arc<Mutex<Vec<Vec<String>>>>,
        answers: usize,
    }

    impl Counting {
        fn new() -> Self {
            Self {
                id: ModelId {
                    name: "counting".into(),
                    dimension: 4,
                },
                asked: Arc::default(),
                answers: usize::MAX,
            }
        }
    }

    fn counted(text: &str) -> Vector {
        let count = |word: &str| text.to_lowercase().matches(word).count() as f32;
        Vector::normalised(vec![count("pool"), count("vote"), count("bridge"), 0.1], 4).unwrap()
    }

    impl Embedder for Counting {
        fn model_id(&self) -> &ModelId {
            &self.id
        }

        fn readiness(&self) -> watch::Receiver<Readiness> {
            watch::channel(Readiness::Ready { load_ms: 0.0 }).1
        }

        fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Vec<Vector>, EmbedError>> {
            let vectors = texts
                .iter()
                .take(self.answers)
                .map(|text| counted(text))
                .collect();
            self.asked.lock().unwrap().push(texts);
            Box::pin(async { Ok(vectors) })
        }
    }

    fn dataset() -> Dataset {
        let pair = |id: &str, question: &str, answer: &str| Pair {
            id: id.into(),
            question: question.into(),
            answer: answer.into(),
            ..Pair::default()
        };
        Dataset::new(
            "test",
            vec![
                pair("amm", "What is a pool?", "A pool holds two tokens."),
                pair("dao", "Who may vote?", "Holders vote with their tokens."),
                pair("bridge", "What does a bridge lock?", "A bridge locks tokens."),
            ],
        )
    }

    async fn corpus() -> Corpus {
        let dataset = dataset();
        let texts = Views::of(&dataset).texts;
        let embedder = Counting::new();
        let nothing_known = reconcile(embedder.model_id(), &texts, None);
        let vectors = embed_missing(&embedder, &texts, nothing_known, |_| ())
            .await
            .unwrap();
        Corpus::build(dataset, vectors).unwrap()
    }

    #[tokio::test]
    async fn a_question_goes_through_both_searches_to_one_ranking() {
        let corpus = corpus().await;
        let question = "vote on a pool of tokens";
        let lexical = corpus.lexical.search(question, 10);
        let dense = corpus.dense.search(&counted("vote vote pool"), 10);
        let ranked = corpus.rank(Method::Hybrid, &dense, &lexical, 2);
        assert_eq!(ranked.len(), 2);
        assert_eq!(corpus.pair(&ranked[0]).map(|pair| pair.id.as_str()), Some("dao"));
        assert_eq!(ranked[0].lexical.as_ref().unwrap().terms, ["vote", "tokens"]);
        assert_eq!(ranked[0].dense.unwrap().rank, 1);
        assert_eq!(corpus.percentile(&ranked[0]), Some(100.0));
    }

    #[tokio::test]
    async fn without_vectors_words_still_find() {
        let corpus = Corpus::lexical_only(dataset());
        assert!(corpus.dense.is_empty());
        let lexical = corpus.lexical.search("bridges", 10);
        let dense = corpus.dense.search(&counted("bridge"), 10);
        let ranked = corpus.rank(Method::Hybrid, &dense, &lexical, 10);
        assert_eq!(ranked.iter().map(|hit| hit.index).collect::<Vec<_>>(), [2]);
        assert_eq!(corpus.percentile(&ranked[0]), None);
    }

    #[test]
    fn vectors_that_do_not_fit_the_pairs_are_refused() {
        let error = Corpus::build(dataset(), Matrix::of(&[counted("pool")]).unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the data set \"test\" has 6 texts and came with 1 vectors; embed it again"
        );
    }

    #[tokio::test]
    async fn only_what_the_file_does_not_know_is_embedded() {
        let mut dataset = dataset();
        let embedder = Counting::new();
        let texts = Views::of(&dataset).texts;
        let all: Vec<Vector> = texts.iter().map(|text| counted(text)).collect();
        let bytes = vectors::encode(embedder.model_id(), &texts, &Matrix::of(&all).unwrap()).unwrap();
        let file = VectorFile::parse(&bytes, "v").unwrap();

        dataset.pairs[1].answer = "Whoever locks tokens may vote.".into();
        let texts = Views::of(&dataset).texts;
        let known = reconcile(embedder.model_id(), &texts, Some(file));
        let vectors = embed_missing(&embedder, &texts, known, |_| ()).await.unwrap();
        assert_eq!(*embedder.asked.lock().unwrap(), [[texts[3].clone()]]);
        // What half precision made of the others.
        let halves = |numbers: &[f32]| {
            numbers
                .iter()
                .map(|number| half::f16::from_f32(*number).to_f32())
                .collect()
        };
        let expected: Vec<Vec<f32>> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| match index {
                3 => counted(text).as_slice().to_vec(),
                _ => halves(counted(text).as_slice()),
            })
            .collect();
        assert_eq!(vectors.rows().collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn a_large_set_goes_in_batches_and_tells_its_progress() {
        let embedder = Counting::new();
        let texts: Vec<String> = (0..70).map(|number| "pool ".repeat(70 - number)).collect();
        let nothing_known = reconcile(embedder.model_id(), &texts, None);
        let mut progress = Vec::new();
        let vectors = embed_missing(&embedder, &texts, nothing_known, |done| progress.push(done))
            .await
            .unwrap();
        assert_eq!(progress, [32, 64, 70]);
        assert_eq!(
            vectors,
            Matrix::of(&texts.iter().map(|text| counted(text)).collect::<Vec<_>>()).unwrap()
        );
        assert_eq!(
            embedder.asked.lock().unwrap()[0][0],
            texts[69],
            "the shortest first"
        );
    }

    #[tokio::test]
    async fn an_embedder_that_answers_too_little_is_an_error() {
        let embedder = Counting {
            answers: 1,
            ..Counting::new()
        };
        let texts = Views::of(&dataset()).texts;
        let nothing_known = reconcile(embedder.model_id(), &texts, None);
        let result = embed_missing(&embedder, &texts, nothing_known, |_| ()).await;
        assert_eq!(
            result,
            Err(EmbedError::Run("it returned fewer vectors than texts".into()))
        );
    }
}

//! The search nodes: both searches at once, their fusion.

use std::sync::Arc;

use super::embed::{By, Embedded};
use super::emitter::{Emitter, StageClock};
use super::error::AgentError;
use super::event::{AgentEvent, DenseScore, Hit, LexicalScore, Nearest, Stage};
use super::follow_up::Reading;
use super::judge::Signals;
use super::marks::Marks;
use super::run::Agent;
use crate::retrieval::{Corpus, DenseHit, LexicalSearch, Method, OutsideHit, Ranked, View};

/// How many of what is nearest to the question are looked at to see in whose company it is.
const COMPANY: usize = 10;

/// How many of the best pairs by words are looked at for the one that holds most of the question.
const COVERING: usize = 3;

/// A set of fewer pairs is small: it has few words and few neighbours for any question.
const SMALL: usize = 300;

/// What the search found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    pub(super) signals: Signals,
    /// What is to be said about how it was searched.
    pub(super) note: Option<String>,
}

/// What the dense search found.
#[derive(Debug, Default)]
struct Dense {
    hits: Vec<DenseHit>,
    outside: Vec<OutsideHit>,
    /// The corpus whose vectors were searched; `None`: none were.
    space: Option<Arc<Corpus>>,
    note: Option<String>,
}

impl Agent {
    /// The search: the question as it is read, both retrievers at once, then the fusion.
    pub(super) async fn retrieve(
        &self,
        emitter: &Emitter,
        question: &str,
        reading: Option<&Reading>,
    ) -> Result<Found, AgentError> {
        let asked = question;
        let whole = reading.map_or(asked, |reading| &reading.text);
        let question = &self.rewrite(emitter, whole).await?;
        if question != asked {
            emitter
                .say(AgentEvent::Read {
                    text: question.clone(),
                    by: reading.map(|reading| reading.by.clone()),
                })
                .await;
        }
        let (found, lexical) =
            tokio::try_join!(self.dense(emitter, question), self.lexical(emitter, question))?;
        let Dense {
            hits: dense,
            outside,
            space,
            note,
        } = found;
        let clock = emitter.begin(Stage::Fuse).await;
        let known = self.knowledge.get(Stage::Fuse).await?;
        // Words rank alone when no vectors were searched, whatever the method.
        let (corpus, retriever, by_words) = match space {
            Some(corpus) => (corpus, self.retriever.clone(), None),
            None => {
                let by_words = covered(&known, question, &lexical);
                (known, self.retriever.with_method(Method::Lexical), Some(by_words))
            }
        };
        let ranked = corpus.rank(retriever.fusion(), &dense, &lexical, self.top_k);
        let hits: Vec<Hit> = ranked.iter().filter_map(|ranked| hit(&corpus, ranked)).collect();
        let signals = Signals {
            cosine: dense.first().map(|hit| f64::from(corpus.scale.apply(hit.score))),
            covered: by_words.flatten(),
            known: f64::from(lexical.known()),
            company: company(&dense, &outside),
            outside: match by_words {
                Some(_) => corpus.outside.nearest_by_words(question),
                None => outside.first().map(|hit| OutsideHit {
                    score: corpus.scale.apply(hit.score),
                    ..*hit
                }),
            },
            marks: Marks::of(question),
            subject: lexical.hits.iter().any(|hit| hit.subject),
            scaled: by_words.is_none() && !corpus.scale.is_default(),
        };
        let signals = if corpus.len() < SMALL {
            signals.of_a_small_set()
        } else {
            signals
        };
        clock
            .end(Some(format!("{}, {} hits", retriever.label(), hits.len())))
            .await;
        Ok(Found { hits, signals, note })
    }

    /// The question as the searches read it: with its misspellings put right. What is shown and answered stays as it was
    /// asked.
    async fn rewrite(&self, emitter: &Emitter, question: &str) -> Result<String, AgentError> {
        let mut clock = emitter.begin(Stage::Rewrite).await;
        let corpus = match self.corpus(&mut clock, Stage::Rewrite).await {
            Ok(corpus) => corpus,
            Err(error) => return Err(clock.failed(error).await),
        };
        let asked = question.to_owned();
        // The first one counts the words of the corpus.
        let corrected = match tokio::task::spawn_blocking(move || corpus.corrected(&asked)).await {
            Ok(corrected) => corrected,
            Err(error) => {
                let error = AgentError::lasting(Stage::Rewrite, error.to_string());
                return Err(clock.failed(error).await);
            }
        };
        let changes = corrected.changes.iter();
        let changes: Vec<String> = changes.map(|(from, to)| format!("{from} read as {to}")).collect();
        clock.end((!changes.is_empty()).then(|| changes.join(", "))).await;
        Ok(corrected.text)
    }

    /// The dense search; without a vector of the question it finds nothing and says so.
    async fn dense(&self, emitter: &Emitter, question: &str) -> Result<Dense, AgentError> {
        let Embedded { by, note } = self.embed(emitter, question).await?;
        let mut clock = emitter.begin(Stage::Dense).await;
        let (vector, space) = match by {
            By::Configured(vector) => match self.corpus(&mut clock, Stage::Dense).await {
                Ok(corpus) => (vector, corpus),
                Err(error) => return Err(clock.failed(error).await),
            },
            By::Standby(vector, corpus) => (vector, corpus),
            By::Nobody => {
                clock.end(Some("not searched".to_owned())).await;
                return Ok(Dense {
                    note,
                    ..Dense::default()
                });
            }
        };
        let hits = space.search_vectors(self.retriever.unit(), &vector);
        let outside = space.outside.nearest(&vector, COMPANY);
        clock.end(Some(format!("{} vectors", space.dense.len()))).await;
        Ok(Dense {
            hits,
            outside,
            space: Some(space),
            note,
        })
    }

    async fn lexical(&self, emitter: &Emitter, question: &str) -> Result<LexicalSearch, AgentError> {
        let mut clock = emitter.begin(Stage::Lexical).await;
        let corpus = match self.corpus(&mut clock, Stage::Lexical).await {
            Ok(corpus) => corpus,
            Err(error) => return Err(clock.failed(error).await),
        };
        // Every pair is a candidate of both searches: see `retrieval::fuse`.
        let found = corpus.search_words(self.retriever.unit(), self.retriever.bm25(), question);
        clock
            .end(Some(format!("{} pairs share a word", found.matching)))
            .await;
        Ok(found)
    }

    pub(super) async fn corpus(
        &self,
        clock: &mut StageClock,
        stage: Stage,
    ) -> Result<Arc<Corpus>, AgentError> {
        if self.knowledge.is_loading() {
            clock
                .wait("the data set to load", self.knowledge.get(stage))
                .await
        } else {
            self.knowledge.get(stage).await
        }
    }
}

/// The most of the question that one of the best pairs by words holds; `None` when no pair shares a word with it.
fn covered(corpus: &Corpus, question: &str, found: &LexicalSearch) -> Option<f64> {
    let best = found.hits.iter().take(COVERING);
    let shares = best.map(|hit| f64::from(corpus.lexical.covered(question, hit.index)));
    shares.max_by(f64::total_cmp)
}

/// Share of pairs among what is nearest to the question, pairs and references outside the field taken together.
fn company(dense: &[DenseHit], outside: &[OutsideHit]) -> f64 {
    let mut pairs = dense.iter().map(|hit| hit.score).peekable();
    let mut references = outside.iter().map(|hit| hit.score).peekable();
    let (mut inside, mut taken) = (0, 0);
    while taken < COMPANY {
        match (pairs.peek(), references.peek()) {
            (Some(pair), Some(reference)) if pair < reference => drop(references.next()),
            (Some(_), _) => {
                pairs.next();
                inside += 1;
            }
            (None, Some(_)) => drop(references.next()),
            (None, None) => break,
        }
        taken += 1;
    }
    if taken == 0 {
        0.0
    } else {
        f64::from(inside) / taken as f64
    }
}

/// A ranked pair as the readers see it.
fn hit(corpus: &Corpus, ranked: &Ranked) -> Option<Hit> {
    let pair = corpus.pair(ranked)?;
    Some(Hit {
        rank: ranked.rank,
        id: pair.id.clone(),
        question: pair.question.clone(),
        answer: pair.answer.clone(),
        topic: pair.topic.clone(),
        sources: pair.sources.clone(),
        as_of: pair.as_of.clone(),
        score: f64::from(ranked.score),
        percentile: corpus.percentile(ranked),
        dense: ranked.dense.map(|dense| DenseScore {
            score: f64::from(dense.score),
            rank: dense.rank,
            nearest: corpus.view(&dense).map(|view| match view {
                View::Question => Nearest::Question,
                View::Alias => Nearest::Alias,
                View::Answer => Nearest::Answer,
            }),
        }),
        lexical: ranked.lexical.as_ref().map(|lexical| LexicalScore {
            score: f64::from(lexical.score),
            rank: lexical.rank,
            terms: lexical.terms.clone(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::OutsideKind;

    #[test]
    fn the_company_of_a_question_is_counted_over_the_ten_nearest() {
        let pairs = |scores: &[f32]| -> Vec<DenseHit> {
            let hit = |score: &f32| DenseHit {
                index: 0,
                score: *score,
                row: 0,
                mean: *score,
                rank: 1,
            };
            scores.iter().map(hit).collect()
        };
        let references = |scores: &[f32]| -> Vec<OutsideHit> {
            let kind = OutsideKind::Trap;
            scores
                .iter()
                .map(|score| OutsideHit { score: *score, kind })
                .collect()
        };
        assert_eq!(company(&pairs(&[0.9, 0.5]), &references(&[0.8, 0.7])), 0.5);
        assert_eq!(company(&pairs(&[0.9; 20]), &references(&[0.95, 0.8])), 0.9);
        assert_eq!(company(&pairs(&[0.9; 3]), &[]), 1.0);
        assert_eq!(company(&[], &references(&[0.1; 10])), 0.0);
        assert_eq!(company(&[], &[]), 0.0);
    }
}

//! One query on the bench: what the searches found is kept, so that a changed parameter costs only what depends on it.
//!
//! A weight, the `k` of reciprocal rank fusion, the depth: ranked again from the kept candidates. `k1`, `b`, the unit: searched
//! again. Nothing is ever embedded again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::COLUMNS;
use super::error::CompareError;
use super::joined::{Cell, Column, Comparison, Row, StageTime, Times};
use super::lab::{Lab, Query};
use super::retriever::{EmbedderName, Retriever};
use crate::retrieval::fusion::order;
use crate::retrieval::terms::shared_surfaces;
use crate::retrieval::{Bm25, DenseHit, LexicalSearch, Method, Unit};

/// A query, its lab, and what was found.
#[derive(Debug)]
pub struct Workbench {
    lab: Arc<Lab>,
    query: Query,
    dense: Vec<Kept<(EmbedderName, Unit), Vec<DenseHit>>>,
    lexical: Vec<Kept<(Unit, Bm25), LexicalSearch>>,
}

/// What a search found and how long it took.
#[derive(Debug)]
struct Kept<K, V> {
    of: K,
    found: Arc<V>,
    ms: f64,
    /// Whether the comparison under way has asked for it.
    used: bool,
}

/// Everything that a column ranks, best first.
struct Ranking {
    retriever: Retriever,
    times: Times,
    /// Index and score of each pair.
    pairs: Vec<(usize, f32)>,
    /// The rank of each of them, from 1.
    ranks: HashMap<usize, usize>,
}

impl Workbench {
    pub fn new(lab: Arc<Lab>, query: Query) -> Self {
        Self {
            lab,
            query,
            dense: Vec::new(),
            lexical: Vec::new(),
        }
    }

    pub fn lab(&self) -> &Arc<Lab> {
        &self.lab
    }

    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Gives the query a vector by one more embedder.
    pub fn add_vector(&mut self, by: EmbedderName, vector: crate::embedding::Vector, ms: f64) {
        self.dense.retain(|kept| kept.of.0 != by);
        self.query = self.query.clone().with_vector(by, vector, ms);
    }

    /// Ranks by two to four retrievers and joins what they found. `clock` reads a time that only grows.
    ///
    /// # Errors
    /// When there are too few or too many retrievers, or one has no vectors to search.
    pub fn compare(
        &mut self,
        retrievers: &[Retriever],
        clock: &dyn Fn() -> Duration,
    ) -> Result<Comparison, CompareError> {
        if !COLUMNS.contains(&retrievers.len()) {
            return Err(CompareError::Columns(retrievers.len()));
        }
        for kept in &mut self.dense {
            kept.used = false;
        }
        for kept in &mut self.lexical {
            kept.used = false;
        }
        let rankings = retrievers
            .iter()
            .map(|retriever| self.rank(retriever, clock))
            .collect::<Result<Vec<Ranking>, _>>()?;
        // What no column asks for any more goes: a parameter that is moved through its range would fill the memory.
        self.dense.retain(|kept| kept.used);
        self.lexical.retain(|kept| kept.used);
        Ok(self.joined(&rankings))
    }

    /// Index and score of the first `depth` pairs by one retriever, best first.
    ///
    /// # Errors
    /// When it has no vectors to search.
    pub fn ranking(
        &mut self,
        retriever: &Retriever,
        depth: usize,
    ) -> Result<Vec<(usize, f32)>, CompareError> {
        let mut pairs = self.rank(retriever, &|| Duration::ZERO)?.pairs;
        pairs.truncate(depth);
        Ok(pairs)
    }

    fn rank(&mut self, retriever: &Retriever, clock: &dyn Fn() -> Duration) -> Result<Ranking, CompareError> {
        let retriever = retriever.clone().or_embedder(self.lab.own_embedder());
        let top_k = retriever.top_k();
        let retriever = retriever.or_top_k(top_k);
        let mut times = Times::default();
        let dense = match retriever.embedder() {
            Some(embedder) => {
                let (found, time) = self.dense(embedder, retriever.unit(), clock)?;
                let ms = self.query.embed_ms(embedder).unwrap_or_default();
                let kept = time.kept;
                times.embed = Some(StageTime { ms, kept });
                times.dense = Some(time);
                Some(found)
            }
            None => None,
        };
        let lexical = (retriever.method() != Method::Dense).then(|| {
            let (found, time) = self.lexical(retriever.unit(), retriever.bm25(), clock);
            times.lexical = Some(time);
            found
        });
        let begun = clock();
        let dense = dense.as_ref().map_or(&[][..], |hits| hits.as_slice());
        let lexical = lexical.as_ref().map_or(&[][..], |search| search.hits.as_slice());
        let ordered = order(retriever.fusion(), dense, lexical);
        let pairs: Vec<(usize, f32)> = ordered
            .iter()
            .map(|candidate| (candidate.index, candidate.score))
            .collect();
        times.fuse = StageTime {
            ms: ms_since(begun, clock),
            kept: false,
        };
        Ok(Ranking {
            retriever,
            times,
            ranks: pairs
                .iter()
                .zip(1..)
                .map(|((index, _), rank)| (*index, rank))
                .collect(),
            pairs,
        })
    }

    fn dense(
        &mut self,
        embedder: &EmbedderName,
        unit: Unit,
        clock: &dyn Fn() -> Duration,
    ) -> Result<(Arc<Vec<DenseHit>>, StageTime), CompareError> {
        let of = (embedder.clone(), unit);
        if let Some(kept) = self.dense.iter_mut().find(|kept| kept.of == of) {
            return Ok(kept.again());
        }
        let begun = clock();
        let found = self.lab.dense(embedder, unit, &self.query)?;
        Ok(keep(&mut self.dense, of, found, ms_since(begun, clock)))
    }

    fn lexical(
        &mut self,
        unit: Unit,
        bm25: Bm25,
        clock: &dyn Fn() -> Duration,
    ) -> (Arc<LexicalSearch>, StageTime) {
        let of = (unit, bm25);
        if let Some(kept) = self.lexical.iter_mut().find(|kept| kept.of == of) {
            return kept.again();
        }
        let begun = clock();
        let found = self.lab.lexical(unit, bm25, &self.query);
        keep(&mut self.lexical, of, found, ms_since(begun, clock))
    }

    fn joined(&self, rankings: &[Ranking]) -> Comparison {
        let columns: Vec<Column> = rankings.iter().map(Ranking::column).collect();
        let mut order: Vec<usize> = Vec::new();
        for index in columns.iter().flat_map(Column::shown) {
            if !order.contains(&index) {
                order.push(index);
            }
        }
        let rows = order.iter().filter_map(|index| self.row(*index, rankings));
        let mut comparison = Comparison {
            query: self.query.text().to_owned(),
            rows: rows.collect(),
            columns,
        };
        let agreements: Vec<_> = (1..rankings.len())
            .map(|column| comparison.agreement(0, column))
            .collect();
        for (column, agreement) in comparison.columns.iter_mut().skip(1).zip(agreements) {
            column.agreement = agreement;
        }
        comparison
    }

    fn row(&self, index: usize, rankings: &[Ranking]) -> Option<Row> {
        let pair = self.lab.pair(index)?;
        let reference = rankings
            .first()
            .and_then(|ranking| ranking.ranks.get(&index))
            .copied();
        let cells = rankings.iter().enumerate();
        let cells: Vec<Option<Cell>> = cells
            .map(|(column, ranking)| ranking.cell(index, reference.filter(|_| column > 0)))
            .collect();
        let mut showing = (0..)
            .zip(&cells)
            .filter(|(_, cell)| cell.is_some_and(|cell| cell.shown));
        let first = showing.next().map(|(column, _)| column);
        Some(Row {
            index,
            id: pair.id.clone(),
            question: pair.question.clone(),
            terms: self.lab.shared_words(index, &self.query),
            spelled: shared_surfaces(self.query.text(), &pair.question),
            only: first.filter(|_| showing.next().is_none()),
            cells,
        })
    }
}

impl Ranking {
    fn column(&self) -> Column {
        let shown = self.pairs.iter().take(self.retriever.top_k());
        Column {
            scale: self.retriever.scale(),
            ranked: self.pairs.len(),
            agreement: None,
            times: self.times,
            shown: shown.copied().collect(),
            retriever: self.retriever.clone(),
        }
    }

    fn cell(&self, index: usize, reference: Option<usize>) -> Option<Cell> {
        let rank = *self.ranks.get(&index)?;
        let (_, score) = *self.pairs.get(rank - 1)?;
        Some(Cell {
            rank,
            shown: rank <= self.retriever.top_k(),
            score,
            margin: self.pairs.get(rank).map(|(_, next)| score - next),
            delta: reference.map(|reference| reference as i64 - rank as i64),
        })
    }
}

impl<K, V> Kept<K, V> {
    fn again(&mut self) -> (Arc<V>, StageTime) {
        self.used = true;
        let time = StageTime {
            ms: self.ms,
            kept: true,
        };
        (Arc::clone(&self.found), time)
    }
}

fn keep<K, V>(all: &mut Vec<Kept<K, V>>, of: K, found: V, ms: f64) -> (Arc<V>, StageTime) {
    let found = Arc::new(found);
    all.push(Kept {
        of,
        found: Arc::clone(&found),
        ms,
        used: true,
    });
    (found, StageTime { ms, kept: false })
}

fn ms_since(begun: Duration, clock: &dyn Fn() -> Duration) -> f64 {
    clock().saturating_sub(begun).as_secs_f64() * 1e3
}

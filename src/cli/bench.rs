//! Comparisons for the screen: one at a time, the newest wish only, whatever was found before kept.
//!
//! ```text
//! Effect::Compare ─► wishes (watch: the newest) ─► task: embed a new query, search what is new, rank ─► told (watch)
//! ```

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::disputed::{self, Judged};
use super::parts::Plan;
use super::{Failure, lab};
use crate::agent::Agent;
use crate::agent::event::{Hit, Stage};
use crate::app::compare::{Compared, Disputed, Found, Ranked};
use crate::config::Config;
use crate::retrieval::Corpus;
use crate::retrieval::comparison::{Comparison, EmbedderName, Lab, Query, Retriever, Workbench};
use crate::text;

/// What the screen wants compared.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) ticket: u64,
    pub(super) of: Wished,
    pub(super) retrievers: Vec<Retriever>,
}

/// On what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wished {
    Query(String),
    /// Every query of the judged set.
    Set,
}

/// What comes of comparisons, the newest only.
type Heard = watch::Receiver<Option<Compared>>;
/// What comes of a judged set.
type HeardOfSet = watch::Receiver<Option<Ranked>>;

/// Starts the task that serves wishes until nobody can wish any more. Must be called within a tokio runtime.
pub(super) fn start(
    config: Config,
    agent: Arc<Agent>,
    judged: Option<Judged>,
) -> (watch::Sender<Option<Wish>>, Heard, HeardOfSet) {
    let (wishes, wished) = watch::channel(None);
    let (told, heard) = watch::channel(None);
    let (told_of_set, heard_of_set) = watch::channel(None);
    let laboratory = Laboratory::new(config, agent, judged);
    tokio::spawn(serve(laboratory, wished, told, told_of_set));
    (wishes, heard, heard_of_set)
}

/// What was found.
enum Outcome {
    Compared(Box<Found>),
    Ranked(Vec<Disputed>),
}

async fn serve(
    mut laboratory: Laboratory,
    mut wished: watch::Receiver<Option<Wish>>,
    told: watch::Sender<Option<Compared>>,
    told_of_set: watch::Sender<Option<Ranked>>,
) {
    while wished.changed().await.is_ok() {
        let Some(wish) = wished.borrow_and_update().clone() else {
            continue;
        };
        let (ticket, asked) = (wish.ticket, wish.of.clone());
        let mut newer = false;
        let result = {
            let comparing = laboratory.serve(wish);
            tokio::pin!(comparing);
            loop {
                tokio::select! {
                    biased;
                    result = &mut comparing => break Some(result),
                    changed = wished.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        newer = true;
                        // Another query is not waited behind this one's embedding. The same one by other retrievers is:
                        // what is being found serves it too.
                        if wished.borrow().as_ref().is_none_or(|wish| wish.of != asked) {
                            break None;
                        }
                    }
                }
            }
        };
        match (result, &asked) {
            (Some(Ok(Outcome::Compared(found))), _) => {
                let result = Ok(found);
                told.send_replace(Some(Compared { ticket, result }));
            }
            (Some(Ok(Outcome::Ranked(rows))), _) => {
                let result = Ok(rows);
                told_of_set.send_replace(Some(Ranked { ticket, result }));
            }
            (Some(Err(failure)), Wished::Query(_)) => {
                let result = Err(failure.message);
                told.send_replace(Some(Compared { ticket, result }));
            }
            (Some(Err(failure)), Wished::Set) => {
                let result = Err(failure.message);
                told_of_set.send_replace(Some(Ranked { ticket, result }));
            }
            (None, _) => {}
        }
        if newer {
            wished.mark_changed();
        }
    }
}

/// What comparisons are made with, and what is kept from one to the next.
struct Laboratory {
    config: Config,
    /// The agent of the screen, whose embedder is the configured one.
    agent: Arc<Agent>,
    /// Those of other embedders that a retriever named.
    others: Vec<(EmbedderName, Agent)>,
    lab: Option<Arc<Lab>>,
    kept: Option<Kept>,
    /// The judged set, when the screen was opened on one.
    judged: Option<Judged>,
}

/// The query of the last comparison with everything that was found for it.
struct Kept {
    /// As it was written.
    asked: String,
    read_as: Vec<(String, String)>,
    /// Embedders by which it has a vector.
    embedded: Vec<EmbedderName>,
    bench: Workbench,
}

impl Laboratory {
    fn new(config: Config, agent: Arc<Agent>, judged: Option<Judged>) -> Self {
        Self {
            config,
            agent,
            others: Vec::new(),
            lab: None,
            kept: None,
            judged,
        }
    }

    async fn serve(&mut self, wish: Wish) -> Result<Outcome, Failure> {
        let own = lab::configured(&self.config)?;
        let mut needed: Vec<EmbedderName> = Vec::new();
        for retriever in &wish.retrievers {
            let retriever = retriever.clone().or_embedder(&own);
            let name = retriever.embedder().filter(|name| !needed.contains(name));
            needed.extend(name.cloned());
        }
        for name in needed.iter().filter(|name| **name != own) {
            self.open(name).await?;
        }
        let lab = self.lab(&own).await?;
        match wish.of {
            Wished::Query(query) => {
                let found = self.compare(lab, query, wish.retrievers, needed).await?;
                Ok(Outcome::Compared(Box::new(found)))
            }
            Wished::Set => Ok(Outcome::Ranked(self.rank(&lab, &wish.retrievers, &needed).await?)),
        }
    }

    /// Every judged query by every retriever, the most disputed first.
    async fn rank(
        &self,
        lab: &Arc<Lab>,
        retrievers: &[Retriever],
        needed: &[EmbedderName],
    ) -> Result<Vec<Disputed>, Failure> {
        let Some(judged) = &self.judged else {
            return Err(Failure::usage(
                "no judged set is open: start with compare --set FILE",
            ));
        };
        let checked = judged.set.check_against(&lab.corpus().dataset);
        checked.map_err(|error| Failure::usage(error.to_string()))?;
        let mut rows = Vec::new();
        for judged in judged.queries() {
            let mut kept = read(Arc::clone(lab), judged.question.clone()).await?;
            for name in needed {
                let query = kept.bench.query().text().to_owned();
                let vector = lab::vector(self.agent_of(name), &query).await?;
                kept.bench.add_vector(name.clone(), vector, 0.0);
            }
            let columns = retrievers.to_vec();
            let row = tokio::task::spawn_blocking(move || disputed::row(kept.bench, &judged, &columns));
            rows.push(row.await.map_err(|_| {
                Failure::other("ranking a query crashed, which is a fault of this program")
            })??);
        }
        rows.sort_by(|left, right| right.disagreement.total_cmp(&left.disagreement));
        Ok(rows)
    }

    fn agent_of(&self, name: &EmbedderName) -> &Agent {
        let other = self.others.iter().find(|(other, _)| other == name);
        other.map_or(&*self.agent, |(_, agent)| agent)
    }

    async fn compare(
        &mut self,
        lab: Arc<Lab>,
        query: String,
        retrievers: Vec<Retriever>,
        needed: Vec<EmbedderName>,
    ) -> Result<Found, Failure> {
        let mut kept = match self.kept.take() {
            Some(kept) if kept.asked == query && Arc::ptr_eq(kept.bench.lab(), &lab) => kept,
            _ => read(Arc::clone(&lab), query).await?,
        };
        for name in needed {
            if !kept.embedded.contains(&name) {
                let agent = self.agent_of(&name);
                let query = kept.bench.query().text().to_owned();
                let begun = Instant::now();
                let vector = lab::vector(agent, &query).await?;
                let ms = begun.elapsed().as_secs_f64() * 1e3;
                kept.bench.add_vector(name.clone(), vector, ms);
                kept.embedded.push(name);
            }
        }
        let asked = kept.asked.clone();
        let columns = retrievers.clone();
        // A search through a large corpus would hold the screen up.
        let compared = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let comparison = kept.bench.compare(&columns, &|| begun.elapsed());
            (kept, comparison)
        });
        let (kept, comparison) = compared.await.map_err(|_| {
            Failure::other("the comparison crashed, which is a fault of this program: compare again")
        })?;
        let comparison = comparison.map_err(|error| Failure::usage(error.to_string()));
        let read_as = kept.read_as.clone();
        self.kept = Some(kept);
        let comparison = comparison?;
        Ok(Found {
            asked,
            retrievers,
            pairs: pairs(lab.corpus(), &comparison),
            comparison,
            read_as,
        })
    }

    /// Has the vectors of an embedder that is not the configured one loaded.
    async fn open(&mut self, name: &EmbedderName) -> Result<(), Failure> {
        if self.others.iter().any(|(other, _)| other == name) {
            return Ok(());
        }
        let config = lab::embedded_by(&self.config, name)?;
        // Reads a file.
        let plan = tokio::task::spawn_blocking(move || Plan::of(&config)).await;
        let plan = plan.map_err(|_| Failure::other(format!("loading the vectors of {name} crashed")))?;
        let agent = Agent {
            // Its vectors go where the others are.
            cache: Arc::clone(&self.agent.cache),
            ..plan?.start()
        };
        self.others.push((name.clone(), agent));
        self.lab = None;
        Ok(())
    }

    async fn lab(&mut self, own: &EmbedderName) -> Result<Arc<Lab>, Failure> {
        if let Some(lab) = &self.lab {
            return Ok(Arc::clone(lab));
        }
        let mut lab = Lab::new(corpus(&self.agent).await?, own.clone());
        for (name, agent) in &self.others {
            lab = lab
                .with_corpus(name.clone(), corpus(agent).await?)
                .map_err(|error| Failure::usage(error.to_string()))?;
        }
        let lab = Arc::new(lab);
        self.lab = Some(Arc::clone(&lab));
        Ok(lab)
    }
}

async fn corpus(agent: &Agent) -> Result<Arc<Corpus>, Failure> {
    let corpus = agent.knowledge.get(Stage::Dense).await;
    corpus.map_err(|error| Failure::other(error.message))
}

/// A query as the searches read it, without vectors.
async fn read(lab: Arc<Lab>, asked: String) -> Result<Kept, Failure> {
    let corpus = Arc::clone(lab.corpus());
    let written = text::sanitize(&asked).trim().to_owned();
    // The first one counts the words of the corpus.
    let corrected = tokio::task::spawn_blocking(move || corpus.corrected(&written)).await;
    let corrected = corrected
        .map_err(|_| Failure::other("reading the query crashed, which is a fault of this program"))?;
    let query = Query::new(corrected.text).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Kept {
        asked,
        read_as: corrected.changes,
        embedded: Vec::new(),
        bench: Workbench::new(lab, query),
    })
}

/// The pair of each row in full.
pub(super) fn pairs(corpus: &Corpus, comparison: &Comparison) -> Vec<Hit> {
    let pair = |index: usize| corpus.dataset.pairs.get(index);
    let rows = comparison.rows.iter();
    rows.map(|row| match pair(row.index) {
        None => Hit::default(),
        Some(pair) => Hit {
            id: pair.id.clone(),
            question: pair.question.clone(),
            answer: pair.answer.clone(),
            topic: pair.topic.clone(),
            sources: pair.sources.clone(),
            as_of: pair.as_of.clone(),
            ..Hit::default()
        },
    })
    .collect()
}

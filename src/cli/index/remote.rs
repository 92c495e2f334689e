//! Vectors of a model behind an endpoint: each request's are on disk before the next one goes, so whatever ends the
//! program costs what was in flight and no more.

use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::progress::{cost, grouped, line};
use super::shared;
use crate::cache::{DiskError, PAIR, Redis, Row, Store, Wanted};
use crate::cli::args::Index;
use crate::cli::parts::{FLUSH, stored_vectors};
use crate::cli::{Exit, Failure, corpus, embedder};
use crate::config::Config;
use crate::dataset::Dataset;
use crate::embedding::remote::{Embedded, FailedText, Progress, known, learn_dimension};
use crate::embedding::vectors;
use crate::embedding::{Embedder as _, Matrix, ModelId, RemoteEmbedder, Vector};
use crate::provider::Priority;
use crate::retrieval::{View, Views};
use crate::text;

/// How often the line of progress is drawn.
const DRAWN: Duration = Duration::from_millis(250);

/// Of the texts that failed, so many are listed.
const LISTED: usize = 20;

/// How it ended: 4 when a text has no vector.
pub(super) fn run(config: &Config, what: &Index, model: &str, dataset: &Dataset) -> Result<Exit, Failure> {
    let (texts, _) = corpus::embedded_texts(dataset)?;
    let path = corpus::remote_path(config.dataset.value.as_deref(), model);
    let mut store = open_store()?;
    crate::cli::runtime()?.block_on(async {
        let embedder = embedder_of(config, model, path.as_deref(), &texts).await?;
        let id = embedder.model_id().clone();
        let mut vectors = corpus::known_vectors(&id, &texts, path.as_deref(), Some(&store)).vectors;
        let redis = shared::connected(config).await?;
        if let Some(redis) = &redis {
            take_shared(redis, &id, &texts, &mut vectors, &mut store).await?;
        }
        let missing = missing(&vectors);
        let to_send: Vec<String> = missing
            .iter()
            .filter_map(|index| texts.get(*index).cloned())
            .collect();
        let price = config
            .price_per_million
            .value
            .or_else(|| known(model)?.price_per_million);
        let embedded = embed(&embedder, &to_send, &mut store, redis.as_ref(), price).await?;
        if let Some(redis) = &redis {
            // What does not get there in time is on disk here.
            let _ = tokio::time::timeout(FLUSH, redis.flush()).await;
        }
        let Some(embedded) = embedded else {
            writeln!(
                stderr(),
                "stopped: what was embedded is kept, the same command goes on from there"
            )?;
            return Ok(Exit::Interrupted);
        };
        let new = embedded.vectors.iter().flatten().count();
        for (index, vector) in missing.iter().zip(embedded.vectors) {
            if let Some(slot) = vectors.get_mut(*index) {
                *slot = vector;
            }
        }
        for target in what.output.as_deref().into_iter().chain(path.as_deref()) {
            save(target, &id, &texts, &vectors)?;
        }
        let all = vectors.iter().flatten().count();
        let target = what.output.as_deref().or(path.as_deref());
        let target = target.map_or_else(|| "the cache".to_owned(), |path| path.display().to_string());
        writeln!(stdout(), "{target}: {all} vectors of {id}")?;
        writeln!(
            stdout(),
            "{} of them are new ({} tokens, {}), {} were known",
            grouped(new),
            grouped(embedded.tokens),
            cost(embedded.tokens, price),
            grouped(texts.len() - missing.len()),
        )?;
        if embedded.cut > 0 {
            writeln!(
                stderr(),
                "{} texts were longer than the model takes and were cut",
                embedded.cut
            )?;
        }
        if embedded.failed.is_empty() {
            return Ok(Exit::Success);
        }
        list(&embedded.failed, &missing, dataset)?;
        Ok(Exit::Provider)
    })
}

/// The places of the texts without a vector.
fn missing(vectors: &[Option<Vector>]) -> Vec<usize> {
    let missing = (0..).zip(vectors).filter(|(_, vector)| vector.is_none());
    missing.map(|(index, _)| index).collect()
}

/// Takes over what the shared tier has of the missing vectors, onto the disk as well: the tier may go away.
async fn take_shared(
    redis: &Redis,
    model: &ModelId,
    texts: &[String],
    vectors: &mut [Option<Vector>],
    store: &mut Store,
) -> Result<(), Failure> {
    let found = shared::rows(redis, model, texts, &missing(vectors)).await;
    if found.is_empty() {
        return Ok(());
    }
    store.put(found.iter().map(|(_, row)| row))?;
    writeln!(
        stdout(),
        "{} vectors are of the shared cache",
        grouped(found.len())
    )?;
    for (place, row) in found {
        let numbers = row.vector().cloned();
        if let (Some(slot), Some(numbers)) = (vectors.get_mut(place), numbers) {
            *slot = Vector::from_unit(numbers, model.dimension).ok();
        }
    }
    Ok(())
}

/// The cache in which every finished request is kept.
fn open_store() -> Result<Store, Failure> {
    let path = stored_vectors().ok_or_else(|| {
        Failure::other("there is no folder for the vectors of an endpoint: set HOME or XDG_CACHE_HOME")
    })?;
    Store::open(&path).map_err(|error| Failure::other(error.to_string()))
}

/// The embedder, whose vectors are asked for one text when their size is not known otherwise.
async fn embedder_of(
    config: &Config,
    model: &str,
    path: Option<&Path>,
    texts: &[String],
) -> Result<RemoteEmbedder, Failure> {
    let dimension = match embedder::dimension(config, model, path) {
        Some(dimension) => dimension,
        None if config.offline.value => return Err(offline(model)),
        None => {
            let client = embedder::client(config, model)?;
            let text = texts.first().map_or("ready", String::as_str);
            let learnt = learn_dimension(&client, text).await;
            learnt.map_err(|error| Failure::provider(error.to_string()))?
        }
    };
    embedder::remote(config, model, dimension)
}

fn offline(model: &str) -> Failure {
    Failure::usage(format!(
        "indexing with openai:{model} needs the network, which --offline forbids: drop one of them, or use `--embedder local`"
    ))
}

/// Embeds what is missing; `None` when the user stopped it.
async fn embed(
    embedder: &RemoteEmbedder,
    texts: &[String],
    store: &mut Store,
    redis: Option<&Redis>,
    price: Option<f64>,
) -> Result<Option<Embedded>, Failure> {
    if texts.is_empty() {
        return Ok(Some(Embedded::default()));
    }
    let client = embedder
        .client()
        .map_err(|_| offline(embedder.model_id().name.trim_start_matches("openai:")))?;
    let now = Cell::new(Progress::default());
    // The disk is written on this thread, which serves no socket.
    let keep = async |fresh: Vec<(usize, Vector)>, progress| {
        now.set(progress);
        let rows = checkpoint(store, embedder.model_id(), texts, fresh)?;
        if let Some(redis) = redis {
            for row in rows {
                redis.put(row).await;
            }
        }
        Ok::<(), DiskError>(())
    };
    let embedding = embedder.embed_all(texts, Priority::Index, keep);
    let drawing = async {
        let (begun, mut ticks) = (Instant::now(), interval(DRAWN));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let line = line(now.get(), begun.elapsed(), price, &client.gate().limits());
            // Progress is a courtesy; a stderr that cannot be written to stops nothing.
            let _ = write!(
                stderr(),
                "\r{}\x1b[K",
                text::truncate(&text::sanitize_line(&line), room())
            );
        }
    };
    let show = stderr().is_terminal();
    let ended = tokio::select! {
        biased;
        embedded = embedding => Some(embedded),
        Ok(()) = tokio::signal::ctrl_c() => None,
        () = drawing, if show => None,
    };
    if show {
        let _ = writeln!(stderr());
    }
    ended
        .transpose()
        .map_err(|error| Failure::other(error.to_string()))
}

/// Columns for the line of progress: one that wraps cannot be written over.
fn room() -> usize {
    crossterm::terminal::size().map_or(79, |(columns, _)| usize::from(columns).saturating_sub(1))
}

/// Writes the vectors of one request in one transaction; returns their rows.
fn checkpoint(
    store: &mut Store,
    model: &ModelId,
    texts: &[String],
    fresh: Vec<(usize, Vector)>,
) -> Result<Vec<Row>, DiskError> {
    let row = |(index, vector): (usize, Vector)| {
        let wanted = Wanted::new(&model.name, model.dimension, PAIR, texts.get(index)?);
        // It has just been scaled to length 1, so it is a row.
        Row::now(wanted.key, wanted.model, model.dimension, vector.into_shared()).ok()
    };
    let rows: Vec<Row> = fresh.into_iter().filter_map(row).collect();
    if !rows.is_empty() {
        store.put(&rows)?;
    }
    Ok(rows)
}

/// Writes the texts that have a vector, and their vectors.
fn save(path: &Path, model: &ModelId, texts: &[String], known: &[Option<Vector>]) -> Result<(), Failure> {
    let with_vector = texts.iter().zip(known);
    let with_vector = with_vector.filter_map(|(text, vector)| Some((text.clone(), vector.clone()?)));
    let (texts, known): (Vec<String>, Vec<Vector>) = with_vector.unzip();
    let matrix = Matrix::of(&known).unwrap_or_default();
    vectors::save(path, model, &texts, &matrix).map_err(|error| Failure::other(error.to_string()))
}

/// Names the texts without a vector, by the pair that they belong to. `sent` are the places of the texts that were sent.
fn list(failed: &[FailedText], sent: &[usize], dataset: &Dataset) -> Result<(), Failure> {
    let owners: Vec<(usize, View)> = Views::owners(dataset).collect();
    let mut err = stderr();
    for failed in failed.iter().take(LISTED) {
        let place = sent.get(failed.index).copied().unwrap_or(failed.index);
        let owner = owners.get(place);
        let pair = owner.and_then(|(pair, _)| dataset.pairs.get(*pair));
        let named = match owner.zip(pair) {
            Some(((_, View::Question), pair)) => format!("the question of {}", pair.id),
            Some(((_, View::Alias), pair)) => format!("an alias of {}", pair.id),
            Some(((_, View::Answer), pair)) => format!("the answer of {}", pair.id),
            None => "a reference question of the program".to_owned(),
        };
        let line = format!("{named} has no vector: {}", failed.why);
        writeln!(err, "defi-qa: {}", text::sanitize_line(&line))?;
    }
    if failed.len() > LISTED {
        writeln!(err, "defi-qa: and {} more texts", failed.len() - LISTED)?;
    }
    writeln!(
        err,
        "defi-qa: {} texts have no vector; the others are kept, the same command sends only what is missing",
        failed.len()
    )?;
    Ok(())
}

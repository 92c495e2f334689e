//! `search`: the ranked evidence without an answer.

use std::io::{Write as _, stderr, stdout};

use serde::Serialize;
use tokio::sync::mpsc;

use super::args::Search;
use super::parts::{self, Plan};
use super::print::{argument_or_stdin, evidence};
use super::{Exit, Failure, lab};
use crate::agent::event::{Exchange, Hit, RunId, StageRow};
use crate::config::Config;
use crate::retrieval::comparison::Retriever;
use crate::text;

#[derive(Debug, Serialize)]
struct Found<'a> {
    query: &'a str,
    retriever: &'a str,
    hits: &'a [Hit],
    stages: &'a [StageRow],
    /// Whose vector of the query was searched with.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

pub(super) fn run(config: &Config, what: &Search) -> Result<Exit, Failure> {
    let query = argument_or_stdin(&what.query, "query")?;
    let asked = what.retriever.as_ref();
    let config = match asked.and_then(Retriever::embedder) {
        Some(embedder) => &lab::embedded_by(config, embedder)?,
        None => config,
    };
    super::runtime()?.block_on(async {
        let mut agent = Plan::of(config)?.start();
        if let Some(retriever) = asked {
            agent.top_k = retriever.given_top_k().unwrap_or(agent.top_k);
            agent.retriever = retriever.clone();
        }
        if let Some(k) = what.k {
            agent.top_k = usize::try_from(k).unwrap_or(usize::MAX);
        }
        let (events, mut inbox) = mpsc::channel(64);
        let mut exchange = Exchange::asked(query.clone());
        let searching = agent.search(RunId(1), query.clone(), events);
        let reading = async {
            while let Some(event) = inbox.recv().await {
                exchange.apply(&event);
            }
        };
        let (hits, ()) = tokio::join!(searching, reading);
        parts::flush(&agent.cache).await;
        let hits = hits.map_err(|error| Failure::other(format!("{} failed: {error}", error.stage.name())))?;
        let mut out = stdout().lock();
        if what.json {
            let found = Found {
                query: &exchange.question,
                retriever: &agent.retriever.label(),
                hits: &hits,
                stages: &exchange.stages,
                embedder: exchange.embedder.as_deref(),
                note: exchange.note.as_deref(),
            };
            serde_json::to_writer(&mut out, &found).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else if hits.is_empty() {
            writeln!(out, "No pair shares a word or a meaning with this query.")?;
        } else {
            write!(out, "{}", evidence(&hits))?;
        }
        if let Some(note) = exchange.note.as_deref().filter(|_| !what.json) {
            writeln!(stderr(), "Note: {}.", text::sanitize_line(note))?;
        }
        Ok(Exit::Success)
    })
}

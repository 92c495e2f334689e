//! defi-qa: ask a DeFi question in the terminal, watch the answer stream in beside its evidence.
//!
//! Two rules shape everything. It works at once, with no key and no network (embedded model, embedded data, extractive
//! answers). And everything observable is one stream of [`agent::event`]s, so the screen, the JSON, a recording and the
//! tests cannot disagree.
//!
//! # The house
//! ```text
//! src/
//! ├── main.rs      flags -> one command; one sentence for what went wrong; the exit code of the contract
//! ├── config/      defaults < file < environment < flags; says where each value came from
//! ├── cli/         WHAT CAN BE ASKED OF IT: one file a command; builds the parts and hands them over
//! ├── app/         WHAT IS TRUE: the pure model; message in, effects out. No tokio, no I/O, no clock
//! ├── tui/         WHAT IS SEEN: the loop, the terminal, frame pacing, markdown, view/ (one pane, one file, one render)
//! ├── agent/       FROM A QUESTION TO AN ANSWER: the graph of nodes, the events, the answerers, the decline rule
//! ├── retrieval/   FROM TEXT TO RANKED PAIRS: dense, lexical, fusion, what a cosine is worth here
//! ├── dataset/     WHAT IS KNOWN: question-and-answer pairs, loaders, validation, the bundled set
//! ├── embedding/   FROM TEXT TO VECTORS: the Embedder trait, the model inside the program, models of a server, vectors in a file
//! │   └── local/int8/  the bundled network with whole-number products, for sets of thousands of texts: a vector space of its own
//! ├── cache/       WHAT WAS SEEN BEFORE: vectors and answers by what they were made from; memory, then Redis, then SQLite
//! ├── provider/    THE ONLY DOOR TO THE NETWORK: an OpenAI-compatible client that names every fault; limiter, retries, breaker
//! ├── recording/   WHAT HAPPENED, IN A FILE: the event stream with its timing as JSON lines; written line by line, read with care
//! ├── session/     WHAT IS KEPT: every question with its answer and evidence in SQLite, found again, exported
//! ├── sqlite/      a database file that several processes share: opened, brought to its schema, moved aside when broken
//! └── text/        text from outside made safe for a terminal, and measured as the terminal measures it
//! ```
//!
//! # The flow
//! ```text
//! key ─► keymap ─► Message ─► App::update ─► Effect::Ask ─► task: Agent::ask
//!                    ▲                                          │
//!                    ├── Message::Agent(Event) ◄── bounded mpsc ┤
//!                    └── Message::Gauges ◄── watch (loading, cache, limits) ◄┘
//! App ─► tui::view::draw ─► frame, only when something changed, at most one every 16 ms
//!
//! parse ─► classify ─┬────────────────┬─► rewrite ─┬─► embed ─► dense ─┐
//!                    ├─► follow-up ───┘            └─► lexical ────────┴─► fuse ─► judge ─┬─► answer
//!                    └─► converse                                                         └─► decline       any node ─► error
//! ```
//!
//! # Who may know whom
//! Effects flow down and events flow up; `tests/walls.rs` checks it. ratatui is known to `tui` and `app` only,
//! async-openai to `provider` only; `app`, the graph, the rules and the searches know no runtime.
//!
//! # Where this departs from the first drawing of the house, and why
//! - `recording/` is a room of its own and no part of the sessions: the application and `ask` write one without a database,
//!   a replay needs neither a database nor any other part of the program but the pure model.
//! - `text/` is a room of its own: the agent, the command line and the panes all need the same sanitiser.
//! - A pair has one vector for each of its texts, not one for all of them: see `retrieval/views.rs` for the figures.
//! - The vectors of the bundled set are bytes and searched where they lie in the program, those of a user's set are stored in half
//!   precision: either moves a cosine by less than its shown digits.
//! - The words of a set are indexed ahead of time too, and what a test has checked is not checked at every start: a start must not
//!   grow with what is known.
//! - The question is rewritten before it is searched: a follow-up is made one that stands by itself, by the chat model or by a
//!   stated rule (`follow_up`), and misspellings are put right (`rewrite`). `read` is an event, so that every reader shows what
//!   was searched and who reads it so.
//! - Two answers side by side are two runs that tell one search: a reader of either needs no other.
//! - The embedded model is all-MiniLM-L6-v2 trained further on this set (`data/model/README.md`), and the fusion gives its cosines 0.7: what ranked
//!   worst were questions that describe a thing without its name. A pair is as near as its four nearest texts: see `retrieval/fusion.rs`.
//! - Keys are read on a thread of their own and not by crossterm's `EventStream`, which can spin on a lost terminal.
//! - The shared cache tier keeps its one connection itself and not by redis' connection manager, which lets a caller wait
//!   while it connects again.
//! - The screen knows the values of a comparison (`retrieval::comparison`), and nothing that searches: what is compared is no run of
//!   the agent. It has one event of its own, `compared`, which `compare --events`, a recording and a replay share.
//! - `waiting` is an event of its own, so that a recording shows what a run waited for.

/// Keeps the pages that it has: tens of megabytes of vectors come and go with every batch of an index, and the system's
/// allocator gives each back and faults it in again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod agent;
pub mod app;
pub mod cache;
pub mod cli;
mod clock;
pub mod config;
pub mod dataset;
pub mod embedding;
pub mod provider;
pub mod recording;
pub mod retrieval;
pub mod session;
mod sqlite;
pub mod text;
pub mod tui;
mod whole_file;

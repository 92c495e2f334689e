//! `replay`: recorded runs again, from a file and nothing else.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::path::Path;

use tokio::sync::{mpsc, watch};

use super::args::Replay;
use super::ask::{below, complain, object};
use super::print::Report;
use super::{Exit, Failure, chat};
use crate::agent::event::{Exchange, RunId};
use crate::app::{App, CUT, Effect, Gauges, Happening, Message};
use crate::config::Config;
use crate::recording::{ReadError, Recording};
use crate::text;
use crate::tui::{Feeds, Runner, Screen, terminal};

pub(super) fn run(config: &Config, what: &Replay) -> Result<Exit, Failure> {
    let recording = read(what)?;
    let prints = what.json || what.events || what.text || !stdout().is_terminal();
    if !prints {
        return show(config, what, recording);
    }
    for sentence in recording.damage.sentences() {
        writeln!(stderr(), "defi-qa: {}", text::sanitize_line(&sentence))?;
    }
    if what.events {
        events(&recording)?;
    } else {
        for exchange in exchanges(&recording) {
            if what.json {
                object(&Report::of(&exchange, None))?;
            } else {
                plain(&exchange)?;
            }
        }
    }
    Ok(Exit::Success)
}

/// Plays a recording in the application.
fn show(config: &Config, what: &Replay, recording: Recording) -> Result<Exit, Failure> {
    terminal::install_panic_hook();
    let mut app = App::replaying(recording.moments, what.speed);
    if what.instant {
        app.play_all();
    }
    let damage = recording.damage.sentences();
    if !damage.is_empty() {
        app.update(Message::Trouble(damage.join(" ")));
    }
    let other = |error: terminal::TerminalError| Failure::other(error.to_string());
    super::runtime()?.block_on(async {
        let mut screen = Screen::open(app, chat::theme(config), config.mouse.value).map_err(other)?;
        // Nobody ever says anything: what happens is on the tape.
        let (_events, events) = mpsc::channel(1);
        let (_gauges, gauges) = watch::channel(Gauges::default());
        let (_compared, compared) = watch::channel(None);
        let feeds = Feeds {
            events,
            gauges,
            compared,
        };
        let ended = screen.run(feeds, &mut Nobody).await;
        ended.map(chat::exit).map_err(other)
    })
}

/// There is nobody to ask.
struct Nobody;

impl Runner for Nobody {
    fn run(&mut self, _: Effect, _: &App) -> Option<Message> {
        None
    }

    fn hears(&mut self, _: &Message, _: &App) -> Option<Message> {
        None
    }
}

fn read(what: &Replay) -> Result<Recording, Failure> {
    let mut whole: Option<Recording> = None;
    for path in &what.files {
        let next = open(path)?;
        whole = Some(match whole {
            Some(before) => before.then(next),
            None => next,
        });
    }
    whole.ok_or_else(|| Failure::usage("nothing was named: give a recording"))
}

fn open(path: &Path) -> Result<Recording, Failure> {
    let refused = |error: ReadError| match &error {
        ReadError::Io { .. } => Failure::other(error.to_string()),
        ReadError::TooLong { .. } | ReadError::Nothing { .. } => Failure::usage(error.to_string()),
    };
    if path == Path::new("-") {
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "the recording `-` reads standard input, which is a terminal here: pipe one in",
            ));
        }
        return Recording::read(std::io::stdin().lock(), "standard input").map_err(refused);
    }
    let name = path.display().to_string();
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::usage(format!("the recording {name} could not be opened: {error}")))?;
    Recording::read(file, &name).map_err(refused)
}

/// The events as the runs said them.
fn events(recording: &Recording) -> Result<(), Failure> {
    let mut out = stdout().lock();
    for moment in &recording.moments {
        if let Happening::Event(event) = &moment.what {
            serde_json::to_writer(&mut out, event).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(())
}

/// The questions in the order in which they were asked, with what came of them.
fn exchanges(recording: &Recording) -> Vec<Exchange> {
    let mut runs: Vec<(RunId, Exchange)> = Vec::new();
    for moment in &recording.moments {
        match &moment.what {
            Happening::Asked { run, question } => runs.push((*run, Exchange::asked(question))),
            Happening::Event(event) => {
                let run = runs.iter_mut().rev().find(|(run, _)| *run == event.run);
                if let Some((_, exchange)) = run {
                    exchange.apply(event);
                }
            }
            Happening::Began(_) | Happening::Gauges(_) => {}
        }
    }
    let ended = |(_, mut exchange): (RunId, Exchange)| {
        exchange.break_off(CUT);
        exchange
    };
    runs.into_iter().map(ended).collect()
}

fn plain(exchange: &Exchange) -> Result<(), Failure> {
    let mut out = stdout().lock();
    writeln!(out, "> {}\n", text::sanitize_line(&exchange.question))?;
    let answer = text::sanitize(&exchange.answer);
    if !answer.trim().is_empty() {
        writeln!(out, "{}", answer.trim_end())?;
    }
    out.flush()?;
    drop(out);
    below(exchange)?;
    writeln!(stdout())?;
    complain(exchange)
}

//! `replay`: recorded runs again, from a file and nothing else.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::path::Path;

use tokio::sync::{mpsc, watch};

use super::args::Replay;
use super::ask::{below, complain, object};
use super::print::Report;
use super::{Exit, Failure, chat, compare};
use crate::agent::event::{Exchange, RunId};
use crate::app::compare::Found;
use crate::app::{App, CUT, Effect, Gauges, Happening, Message};
use crate::config::Config;
use crate::recording::{ReadError, Recording, compared_line};
use crate::text;
use crate::tui::{Feeds, Runner, Screen, terminal};

/// The recordings of `--demo`, by file: `data/recordings/README.md` says how each was made.
const SHIPPED: [(&str, &str); 3] = [
    ("model.jsonl", include_str!("../../data/recordings/model.jsonl")),
    ("faults.jsonl", include_str!("../../data/recordings/faults.jsonl")),
    (
        "retrievers.jsonl",
        include_str!("../../data/recordings/retrievers.jsonl"),
    ),
];

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
        for note in recording.notes.iter().filter(|_| !what.json) {
            writeln!(stdout(), "# {}\n", text::sanitize_line(note))?;
        }
        for shown in shown(&recording) {
            match (shown, what.json) {
                (Shown::Exchange(exchange), true) => object(&Report::of(&exchange, None))?,
                (Shown::Exchange(exchange), false) => plain(&exchange)?,
                (Shown::Comparison(found), true) => object(&compare::Report::of(found))?,
                (Shown::Comparison(found), false) => {
                    writeln!(stdout(), "{}", compare::text(found, None))?;
                }
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
        let (_ranked, ranked) = watch::channel(None);
        let (_, sessions) = mpsc::unbounded_channel();
        let feeds = Feeds {
            sessions,
            events,
            gauges,
            compared,
            ranked,
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
    let named = what.files.iter().map(|path| open(path));
    let shipped = SHIPPED.iter().filter(|_| what.demo);
    let shipped =
        shipped.map(|(name, text)| Recording::read(text.as_bytes(), name).map_err(|error| refused(&error)));
    let mut recordings = named.chain(shipped);
    let first = recordings
        .next()
        .unwrap_or_else(|| Err(Failure::usage("nothing was named: give a recording or --demo")))?;
    recordings.try_fold(first, |before, next| Ok(before.then(next?)))
}

fn refused(error: &ReadError) -> Failure {
    match error {
        ReadError::Io { .. } => Failure::other(error.to_string()),
        ReadError::TooLong { .. } | ReadError::Nothing { .. } => Failure::usage(error.to_string()),
    }
}

fn open(path: &Path) -> Result<Recording, Failure> {
    if path == Path::new("-") {
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "the recording `-` reads standard input, which is a terminal here: pipe one in",
            ));
        }
        return Recording::read(std::io::stdin().lock(), "standard input").map_err(|error| refused(&error));
    }
    let name = path.display().to_string();
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::usage(format!("the recording {name} could not be opened: {error}")))?;
    Recording::read(file, &name).map_err(|error| refused(&error))
}

/// The events as the runs said them, and what was compared.
fn events(recording: &Recording) -> Result<(), Failure> {
    let mut out = stdout().lock();
    for moment in &recording.moments {
        match &moment.what {
            Happening::Event(event) => {
                serde_json::to_writer(&mut out, event).map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
            Happening::Compared(found) => writeln!(out, "{}", compared_line(moment.at_ms, found))?,
            Happening::Began(_) | Happening::Asked { .. } | Happening::Gauges(_) => {}
        }
    }
    out.flush()?;
    Ok(())
}

/// What a recording shows.
enum Shown<'a> {
    /// A question with what came of it.
    Exchange(Box<Exchange>),
    Comparison(&'a Found),
}

/// Questions and comparisons in the order in which they were asked and made.
fn shown(recording: &Recording) -> Vec<Shown<'_>> {
    let mut runs: HashMap<RunId, Exchange> = HashMap::new();
    for moment in &recording.moments {
        match &moment.what {
            Happening::Asked { run, question } => {
                runs.insert(*run, Exchange::asked(question));
            }
            Happening::Event(event) => {
                if let Some(exchange) = runs.get_mut(&event.run) {
                    exchange.apply(event);
                }
            }
            Happening::Began(_) | Happening::Gauges(_) | Happening::Compared(_) => {}
        }
    }
    let order = recording.moments.iter().filter_map(|moment| match &moment.what {
        Happening::Asked { run, .. } => {
            let mut exchange = runs.remove(run)?;
            exchange.break_off(CUT);
            Some(Shown::Exchange(Box::new(exchange)))
        }
        Happening::Compared(found) => Some(Shown::Comparison(found)),
        Happening::Began(_) | Happening::Event(_) | Happening::Gauges(_) => None,
    });
    order.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::event::{AgentEvent, BreakerPhase, LimitOrigin, Phase};

    fn exchanges(recording: &Recording) -> Vec<Exchange> {
        let shown = shown(recording).into_iter();
        shown
            .filter_map(|shown| match shown {
                Shown::Exchange(exchange) => Some(*exchange),
                Shown::Comparison(_) => None,
            })
            .collect()
    }

    /// What is in the program under this name: its notes, its events, what came of its questions.
    fn shipped(name: &str) -> (Recording, Vec<AgentEvent>, Vec<Exchange>) {
        let (_, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name).unwrap();
        let recording = Recording::read(text.as_bytes(), name).unwrap();
        assert_eq!(recording.damage.sentences(), Vec::<String>::new());
        let said = |moment: &crate::app::Moment| match &moment.what {
            Happening::Event(event) => Some(event.what.clone()),
            _ => None,
        };
        let events = recording.moments.iter().filter_map(said).collect();
        let exchanges = exchanges(&recording);
        assert!(
            exchanges
                .iter()
                .all(|exchange| exchange.phase != Phase::Queued && exchange.question.len() > 9)
        );
        (recording, events, exchanges)
    }

    #[test]
    fn the_run_of_a_real_model_shows_its_limits() {
        let (recording, events, exchanges) = shipped("model.jsonl");
        assert!(
            recording.notes[0].starts_with("A real run:"),
            "{:?}",
            recording.notes
        );
        assert!(exchanges[0].setup.chat.contains("gemma"));
        assert!(exchanges[0].usage.unwrap().completion_tokens > 50);
        let tokens = events
            .iter()
            .filter(|what| matches!(what, AgentEvent::Token { .. }));
        assert!(tokens.count() > 100);
        let limited = |moment: &crate::app::Moment| match &moment.what {
            Happening::Gauges(gauges) => gauges
                .limits
                .as_deref()
                .and_then(|limits| limits.requests)
                .is_some_and(|limit| {
                    limit.origin == Some(LimitOrigin::Configured) && limit.remaining < limit.limit
                }),
            _ => false,
        };
        assert!(recording.moments.iter().any(limited));
    }

    #[test]
    fn the_run_of_faults_has_a_429_a_second_try_an_open_circuit_and_quoted_evidence() {
        let (recording, events, exchanges) = shipped("faults.jsonl");
        assert!(
            recording.notes[0].starts_with("A made run:"),
            "{:?}",
            recording.notes
        );
        let retried =
            |what: &AgentEvent| matches!(what, AgentEvent::Retry { why, .. } if why.contains("429"));
        assert!(events.iter().any(retried));
        let open = |moment: &crate::app::Moment| {
            matches!(&moment.what, Happening::Gauges(gauges)
                if gauges.limits.as_deref().is_some_and(|limits| limits.breaker == Some(BreakerPhase::Open)))
        };
        assert!(recording.moments.iter().any(open));
        assert!(matches!(exchanges[1].phase, Phase::Failed { .. }));
        let note = exchanges[2].note.as_deref().unwrap();
        assert!(note.ends_with("quoted from the evidence instead"), "{note}");
    }

    #[test]
    fn one_question_is_compared_by_several_sets_of_retrievers() {
        let (recording, _, exchanges) = shipped("retrievers.jsonl");
        let compared: Vec<&Found> = shown(&recording)
            .into_iter()
            .filter_map(|shown| match shown {
                Shown::Comparison(found) => Some(found),
                Shown::Exchange(_) => None,
            })
            .collect();
        assert!(compared.len() >= 4, "{}", compared.len());
        assert_eq!(exchanges.len(), 1);
        assert!(compared.iter().all(|found| found.asked == exchanges[0].question));
        let methods: Vec<&str> = compared[0]
            .retrievers
            .iter()
            .map(|retriever| retriever.method().name())
            .collect();
        assert_eq!(methods, ["hybrid", "dense", "lexical"]);
        assert!(
            compared
                .windows(2)
                .all(|two| two[0].retrievers != two[1].retrievers)
        );
    }

    #[test]
    fn the_demonstration_plays_all_of_them_behind_each_other() {
        let what = Replay {
            files: Vec::new(),
            demo: true,
            speed: 1.0,
            instant: false,
            json: false,
            events: false,
            text: false,
        };
        let all = read(&what).unwrap();
        assert_eq!((all.notes.len(), exchanges(&all).len()), (3, 7));
        assert_eq!(all.damage.sentences(), Vec::<String>::new());
    }
}

//! Reads recordings: by this version, by older and by later ones, whole or torn.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

use serde::de::DeserializeOwned;

use super::line::{ASKED, Asked, COMPARED, GAUGES, Gauged, Head, Header, RECORDING};
use crate::agent::event::{AgentEvent, Event, RunId, Setup, VERSION};
use crate::app::{Beginning, Gauges, Happening, Loading, Moment};

/// More bytes are no recording of anything that was looked at. A day of questions takes about a hundredth of it.
const MOST_BYTES: u64 = 1 << 29;
/// The longest line: a thousand retrieved pairs take a tenth of it.
const LONGEST_LINE: usize = 16 << 20;
/// Broken lines that are named one by one.
const MOST_NAMED: usize = 8;
/// Milliseconds between two recordings that follow each other: long enough to see what came of the first.
const BETWEEN_MS: f64 = 2_000.0;
/// No moment is farther away (31 years): what counts down must not overflow.
const LATEST_MS: f64 = 1e12;

/// What could be read, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// What somebody wrote about it into its first line, a sentence or two for each recording in it.
    pub notes: Vec<String>,
    pub moments: Vec<Moment>,
    pub damage: Damage,
}

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// The last line, from 1, when it stops in its middle: the program was killed while it wrote.
    pub torn: Option<u64>,
    /// The first of the lines that are no events, from 1, each with the reason.
    pub broken: Vec<(u64, String)>,
    /// How many there are.
    pub broken_lines: u64,
    /// Lines whose name or version only a later program knows.
    pub unknown: u64,
}

impl Damage {
    /// A sentence for each kind; empty when all was read.
    pub fn sentences(&self) -> Vec<String> {
        let mut said: Vec<String> = self
            .broken
            .iter()
            .map(|(line, why)| format!("Line {line} was skipped: {why}."))
            .collect();
        if let more @ 1.. = self.broken_lines.saturating_sub(self.broken.len() as u64) {
            said.push(format!("{more} more lines were skipped."));
        }
        if let Some(line) = self.torn {
            said.push(format!(
                "Line {line}, the last one, is torn: what stands before it plays."
            ));
        }
        match self.unknown {
            0 => {}
            1 => said.push("One event is unknown to this version and was skipped.".to_owned()),
            n => said.push(format!(
                "{n} events are unknown to this version and were skipped."
            )),
        }
        said
    }
}

/// Why nothing plays.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("reading the recording {name} failed: {error}")]
    Io { name: String, error: io::Error },
    #[error("{name} is longer than {} MiB and no recording of this program: name another file", MOST_BYTES >> 20)]
    TooLong { name: String },
    #[error("{name} holds nothing to play{}: make a recording with `defi-qa ask --record FILE QUESTION`", because(.first))]
    Nothing {
        name: String,
        /// What the first sentence about its damage says.
        first: Option<String>,
    },
}

fn because(first: &Option<String>) -> String {
    first.as_deref().map_or(String::new(), |first| {
        format!(" ({})", first.trim_end_matches('.'))
    })
}

impl Recording {
    /// Reads a recording to its end; `name` is what errors call it.
    ///
    /// # Errors
    /// When it cannot be read, or nothing in it can be played.
    pub fn read(source: impl Read, name: &str) -> Result<Self, ReadError> {
        let failed = |error| ReadError::Io {
            name: name.to_owned(),
            error,
        };
        let mut lines = BufReader::new(source.take(MOST_BYTES + 1));
        let (mut reading, mut line, mut bytes) = (Reading::default(), Vec::new(), 0);
        loop {
            line.clear();
            let read = lines.read_until(b'\n', &mut line).map_err(failed)?;
            bytes += read as u64;
            if read == 0 {
                break;
            }
            if bytes > MOST_BYTES {
                return Err(ReadError::TooLong {
                    name: name.to_owned(),
                });
            }
            reading.line(&line);
        }
        let recording = reading.recording;
        let runs = |moment: &Moment| matches!(moment.what, Happening::Asked { .. } | Happening::Compared(_));
        if !recording.moments.iter().any(runs) {
            return Err(ReadError::Nothing {
                name: name.to_owned(),
                first: recording.damage.sentences().into_iter().next(),
            });
        }
        Ok(recording)
    }

    /// The same with another recording behind it.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        let highest = self.moments.iter().filter_map(run_of).max().unwrap_or(RunId(0));
        let first = next.moments.first().map_or(0.0, |moment| moment.at_ms);
        let shift = self
            .moments
            .last()
            .map_or(0.0, |moment| moment.at_ms + BETWEEN_MS)
            - first;
        self.moments.extend(next.moments.into_iter().map(|mut moment| {
            moment.at_ms = (moment.at_ms + shift).min(LATEST_MS);
            match &mut moment.what {
                Happening::Asked { run, .. } => run.0 = run.0.saturating_add(highest.0),
                Happening::Event(event) => event.run.0 = event.run.0.saturating_add(highest.0),
                Happening::Began(_) | Happening::Gauges(_) | Happening::Compared(_) => {}
            }
            moment
        }));
        self.notes.extend(next.notes);
        self.damage.torn = self.damage.torn.or(next.damage.torn);
        self.damage.broken.extend(next.damage.broken);
        self.damage.broken_lines += next.damage.broken_lines;
        self.damage.unknown += next.damage.unknown;
        self
    }
}

fn run_of(moment: &Moment) -> Option<RunId> {
    match &moment.what {
        Happening::Asked { run, .. } => Some(*run),
        Happening::Event(event) => Some(event.run),
        Happening::Began(_) | Happening::Gauges(_) | Happening::Compared(_) => None,
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    recording: Recording,
    line: u64,
    /// The runs of the file under the numbers that they have here: where recordings follow each other, numbers repeat.
    runs: HashMap<RunId, Run>,
    /// The highest number given.
    highest: u64,
    /// What is added to the times of the recording that is read, so that they follow the one before it.
    shift_ms: f64,
    /// The time of the newest moment.
    newest_ms: f64,
}

/// A run of the file.
struct Run {
    number: RunId,
    /// Whether its `started` has been read.
    started: bool,
    /// Its start, for lines without a time of their own.
    start_ms: f64,
}

/// What a line came to.
enum Outcome {
    Taken,
    Unknown,
    Broken(String),
}

impl Reading {
    fn line(&mut self, line: &[u8]) {
        self.line += 1;
        let whole = line.ends_with(b"\n");
        let text = line.trim_ascii();
        if text.is_empty() {
            return;
        }
        let outcome = if text.len() > LONGEST_LINE {
            Outcome::Broken("it is longer than 16 MiB".to_owned())
        } else {
            self.take(text)
        };
        let damage = &mut self.recording.damage;
        match outcome {
            Outcome::Taken => {}
            Outcome::Unknown => damage.unknown += 1,
            Outcome::Broken(_) if !whole => damage.torn = Some(self.line),
            Outcome::Broken(why) => {
                damage.broken_lines += 1;
                if damage.broken.len() < MOST_NAMED {
                    damage.broken.push((self.line, why));
                }
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> Outcome {
        let head: Head = match parsed(line) {
            Ok(head) => head,
            Err(why) => return Outcome::Broken(why),
        };
        if head.v != u64::from(VERSION) {
            return Outcome::Unknown;
        }
        let taken = match head.event.as_str() {
            RECORDING => parsed(line).map(|header| self.began(header, head.t_ms)),
            ASKED => parsed(line).map(|asked| self.asked(asked, head.t_ms)),
            GAUGES => parsed(line).map(|told: Gauged| {
                let at_ms = self.time(head.t_ms, 0.0);
                self.push(at_ms, Happening::Gauges(told.gauges));
            }),
            COMPARED => parsed(line).map(|found| {
                let at_ms = self.time(head.t_ms, self.newest_ms);
                self.push(at_ms, Happening::Compared(found));
            }),
            _ => match parsed::<Event>(line) {
                Ok(event) if event.what == AgentEvent::Unknown => return Outcome::Unknown,
                Ok(event) => return self.event(event, head.t_ms),
                Err(why) => Err(why),
            },
        };
        taken.map_or_else(Outcome::Broken, |()| Outcome::Taken)
    }

    fn began(&mut self, header: Header, t_ms: Option<f64>) {
        self.recording.notes.extend(header.note);
        if !self.recording.moments.is_empty() {
            self.shift_ms = self.newest_ms + BETWEEN_MS - t_ms.unwrap_or(0.0);
        }
        self.runs.clear();
        let at_ms = self.time(t_ms, 0.0);
        self.push(at_ms, Happening::Began(Box::new(header.state)));
    }

    fn asked(&mut self, asked: Asked, t_ms: Option<f64>) {
        let at_ms = self.time(t_ms, 0.0);
        self.begin(asked.run, asked.question, at_ms);
    }

    /// A run of the file begins under the next number.
    fn begin(&mut self, run: RunId, question: String, at_ms: f64) {
        self.highest += 1;
        let number = RunId(self.highest);
        self.runs.insert(
            run,
            Run {
                number,
                started: false,
                start_ms: at_ms,
            },
        );
        self.push(
            at_ms,
            Happening::Asked {
                run: number,
                question,
            },
        );
    }

    fn event(&mut self, mut event: Event, t_ms: Option<f64>) -> Outcome {
        event.at_ms = event.at_ms.clamp(0.0, LATEST_MS);
        if let AgentEvent::Started { question, setup } = &event.what
            && self.runs.get(&event.run).is_none_or(|run| run.started)
        {
            // The question itself is not there: the file is older, or what `ask --events` printed.
            // A later side of an answer that is compared goes on beside the first one.
            let is_beside = setup
                .side
                .as_ref()
                .is_some_and(|side| side.place > 0 && self.runs.contains_key(&side.of));
            let gap = if is_beside || self.recording.moments.is_empty() {
                0.0
            } else {
                BETWEEN_MS
            };
            let at_ms = self.time(t_ms, self.newest_ms + gap);
            if !is_beside {
                self.push(at_ms, Happening::Began(Box::new(set_up(setup))));
            }
            self.begin(event.run, question.clone(), at_ms);
        }
        let Some(run) = self.runs.get_mut(&event.run) else {
            return Outcome::Broken(format!("run {} has no beginning", event.run));
        };
        run.started |= matches!(event.what, AgentEvent::Started { .. });
        event.run = run.number;
        let otherwise = run.start_ms + event.at_ms;
        let at_ms = self.time(t_ms, otherwise);
        self.push(at_ms, Happening::Event(Box::new(event)));
        Outcome::Taken
    }

    /// The time of a line on one clock for all recordings. It never goes back.
    fn time(&self, t_ms: Option<f64>, otherwise: f64) -> f64 {
        let at_ms = t_ms.map_or(otherwise, |t_ms| t_ms + self.shift_ms);
        at_ms.clamp(self.newest_ms, LATEST_MS)
    }

    fn push(&mut self, at_ms: f64, what: Happening) {
        self.newest_ms = at_ms;
        self.recording.moments.push(Moment { at_ms, what });
    }
}

/// What the panels knew, as far as a run's set-up tells it.
pub(super) fn set_up(setup: &Setup) -> Beginning {
    Beginning::from(Gauges {
        chat: setup.chat.clone(),
        embedder: setup.embedder.clone(),
        offline: setup.offline,
        dataset: setup.dataset.clone(),
        knowledge: Loading::Ready,
        model: Loading::Ready,
        pairs: setup.pairs,
        ..Gauges::default()
    })
}

/// A line as JSON, or in a few words why not.
fn parsed<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        let said = error.to_string();
        // The line within the line is always the first.
        said.rsplit_once(" at line ")
            .map_or(said.as_str(), |(said, _)| said)
            .to_owned()
    })
}

#[cfg(test)]
mod tests;

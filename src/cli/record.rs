//! Keeps what happens, with its timing: `ask` on a [`Tape`] with a clock of its own, the application on a [`Deck`] that
//! hears what the screen does.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::time::Instant;

use super::Failure;
use super::loads::Loads;
use crate::agent::event::{Event, RunId};
use crate::app::{App, Beginning, Gauges, Message, Recorded};
use crate::config::Config;
use crate::recording::{RecordError, Recorder, timestamp};
use crate::text::Redactor;

/// A recording of runs that no screen shows.
pub(super) struct Tape {
    recorder: Recorder,
    start: Instant,
    loads: Loads,
    /// What the panels were told last.
    told: Gauges,
}

impl Tape {
    /// Begins a recording in a new file.
    ///
    /// # Errors
    /// When the file is there already or cannot be made.
    pub(super) fn create(path: &Path, config: &Config, loads: Loads) -> Result<Self, Failure> {
        let told = loads.gauges();
        let recorder = Recorder::create(path, 0.0, Beginning::from(told.clone()), redactor(config));
        let recorder = recorder.map_err(|error| refused(&error))?;
        Ok(Self {
            recorder,
            start: Instant::now(),
            loads,
            told,
        })
    }

    /// A question was asked.
    pub(super) fn asked(&mut self, run: RunId, question: &str) {
        let now = self.now_ms();
        self.recorder.asked(now, run, question);
    }

    /// A run said something.
    pub(super) fn event(&mut self, event: &Event) {
        let now = self.now_ms();
        let gauges = self.loads.gauges();
        if gauges != self.told {
            self.recorder.gauges(now, &gauges);
            self.told = gauges;
        }
        self.recorder.event(now, event);
    }

    /// Ends it.
    ///
    /// # Errors
    /// When not everything could be written.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.recorder.finish() {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::other(error.to_string())),
        }
    }

    fn now_ms(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1e3
    }
}

/// The recording of the application, which comes and goes at a key.
pub(super) struct Deck {
    recorder: Option<Recorder>,
    redactor: Redactor,
}

impl Deck {
    /// Without a recording yet.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            recorder: None,
            redactor: redactor(config),
        }
    }

    /// Begins a recording in a new file; the answer tells the application.
    ///
    /// # Errors
    /// When the file is there already or cannot be made.
    pub(super) fn begin(&mut self, path: &Path, app: &App) -> Result<Message, Failure> {
        let recorder = Recorder::create(path, app.now_ms, app.beginning(), self.redactor.clone());
        self.recorder = Some(recorder.map_err(|error| refused(&error))?);
        Ok(Message::Recording(Recorded::To(shown(path))))
    }

    /// Ends the recording that goes on, else begins one in the platform's folder for a program's data.
    pub(super) fn toggle(&mut self, app: &App) -> Message {
        if let Some(recorder) = self.recorder.take() {
            return Message::Recording(ended(recorder));
        }
        let Some(path) = next_file() else {
            return Message::Trouble(
                "This platform names no folder for data: start the program with --record FILE.".to_owned(),
            );
        };
        self.begin(&path, app)
            .unwrap_or_else(|failure| Message::Trouble(format!("Nothing is recorded: {failure}.")))
    }

    /// A question was asked.
    pub(super) fn asked(&mut self, run: RunId, question: &str, app: &App) {
        if let Some(recorder) = &mut self.recorder {
            recorder.asked(app.now_ms, run, question);
        }
    }

    /// The application takes something in; the answer tells it when the recording has broken off.
    pub(super) fn hears(&mut self, message: &Message, app: &App) -> Option<Message> {
        let recorder = self.recorder.as_mut()?;
        match message {
            Message::Agent(event) => recorder.event(app.now_ms, event),
            Message::Gauges(gauges) => recorder.gauges(app.now_ms, gauges),
            Message::Compared(compared) if app.compare.awaits(compared) => {
                if let Ok(found) = &compared.result {
                    recorder.compared(app.now_ms, found);
                }
            }
            _ => {}
        }
        if !recorder.is_broken() {
            return None;
        }
        let recorder = self.recorder.take()?;
        Some(Message::Recording(ended(recorder)))
    }

    /// Ends the recording that goes on, if there is one.
    ///
    /// # Errors
    /// When not everything could be written.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        match self.recorder.take().map(Recorder::finish) {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(Failure::other(error.to_string())),
        }
    }
}

fn ended(recorder: Recorder) -> Recorded {
    let path = shown(recorder.path());
    match recorder.finish() {
        Ok(lines) => Recorded::Ended { path, lines },
        Err(error) => Recorded::Broken(error.to_string()),
    }
}

/// Where a recording goes that the user gave no name.
fn next_file() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "defi-qa")?;
    // A colon is no sign for a file's name everywhere.
    let name = timestamp(SystemTime::now()).replace(':', "-");
    let folder = folders.data_local_dir().join("recordings");
    Some(folder.join(name).with_extension("jsonl"))
}

/// A path as a status line has room for it.
fn shown(path: &Path) -> String {
    let below_home = directories::BaseDirs::new()
        .and_then(|base| path.strip_prefix(base.home_dir()).ok().map(Path::to_owned));
    match below_home {
        Some(below) => Path::new("~").join(below).display().to_string(),
        None => path.display().to_string(),
    }
}

/// What takes secrets out of whatever is written: those of the configuration, and what looks like one.
pub(super) fn redactor(config: &Config) -> Redactor {
    let known = [&config.api_key.value, &config.redis_url.value];
    let known = known.into_iter().flatten();
    Redactor::knowing(known.map(|secret| secret.reveal().to_owned()))
}

pub(super) fn refused(error: &RecordError) -> Failure {
    match error {
        RecordError::Exists(_) | RecordError::Create { .. } => Failure::usage(error.to_string()),
        RecordError::Write { .. } => Failure::other(error.to_string()),
    }
}

//! Writes a recording: every line is in the file before the next one is made, so that a killed program leaves whole lines.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::SystemTime;

use super::date::timestamp;
use super::line::{Header, Line, round};
use crate::agent::event::{AgentEvent, Event, RunId};
use crate::app::compare::Found;
use crate::app::{Beginning, Gauges};
use crate::text::{Flow, Redactor};

/// Lines that may wait for a slow disk before the recording is given up. The screen never waits for it.
const WAITING: usize = 16_384;

/// Why there is no recording, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the recording {} was not begun since that file is there already: name another one or delete it", .0.display())]
    Exists(PathBuf),
    #[error("the recording {} could not be begun ({error}): name another place", .path.display())]
    Create { path: PathBuf, error: io::Error },
    #[error("the recording {} stops after {lines} lines ({error}): what is in it plays", .path.display())]
    Write {
        path: PathBuf,
        lines: u64,
        error: io::Error,
    },
}

/// A recording that is being written, by a thread that alone has the file.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    to: SyncSender<Vec<u8>>,
    writing: JoinHandle<Written>,
    /// Runs whose question is in the recording, each with its text; what others say has no beginning there.
    runs: HashMap<RunId, Flow>,
    redactor: Redactor,
    broken: bool,
}

/// Lines that are in the file, and why there are no more.
#[derive(Debug)]
struct Written {
    lines: u64,
    error: Option<io::Error>,
}

impl Recorder {
    /// Begins a recording in a new file that only its owner can read, at `t_ms` of the caller's clock. What
    /// `redactor` knows does not get into it, whatever a user writes or a server says.
    ///
    /// # Errors
    /// When the file is there already or cannot be made.
    pub fn create(path: &Path, t_ms: f64, state: Beginning, redactor: Redactor) -> Result<Self, RecordError> {
        let file = create(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => RecordError::Exists(path.to_owned()),
            _ => RecordError::Create {
                path: path.to_owned(),
                error,
            },
        })?;
        let (to, lines) = sync_channel(WAITING);
        let writing = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || write(file, &lines))
            .map_err(|error| RecordError::Create {
                path: path.to_owned(),
                error,
            })?;
        let mut recorder = Self {
            path: path.to_owned(),
            to,
            writing,
            runs: HashMap::new(),
            redactor,
            broken: false,
        };
        let header = Header {
            program: concat!("defi-qa ", env!("CARGO_PKG_VERSION")).to_owned(),
            began: timestamp(SystemTime::now()),
            note: None,
            state,
        };
        recorder.line(&Line::header(round(t_ms), &header));
        Ok(recorder)
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A question was asked.
    pub fn asked(&mut self, t_ms: f64, run: RunId, question: &str) {
        self.runs.insert(run, Flow::default());
        self.line(&Line::asked(round(t_ms), run, question));
    }

    /// The panels were told something.
    pub fn gauges(&mut self, t_ms: f64, gauges: &Gauges) {
        self.line(&Line::gauges(round(t_ms), gauges));
    }

    /// A run said something. That of a run whose question is not in the recording is left out.
    pub fn event(&mut self, t_ms: f64, event: &Event) {
        let t_ms = round(t_ms);
        let token = |text: String| Event {
            what: AgentEvent::Token { text },
            ..event.clone()
        };
        let Some(flow) = self.runs.get_mut(&event.run) else {
            return;
        };
        if let AgentEvent::Token { text } = &event.what {
            let event = token(flow.push(text, &self.redactor));
            self.line(&Line::Event { t_ms, event: &event });
            return;
        }
        if event.what.ends_run() {
            // A secret that is none was held back.
            let rest = flow.end(&self.redactor);
            if !rest.is_empty() {
                let event = token(rest);
                self.line(&Line::Event { t_ms, event: &event });
            }
        }
        self.line(&Line::Event { t_ms, event });
    }

    /// A comparison ended.
    pub fn compared(&mut self, t_ms: f64, found: &Found) {
        self.line(&Line::compared(round(t_ms), found));
    }

    /// Whether the recording has been given up: [`finish`](Self::finish) says why.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Ends the recording; gives the number of its lines.
    ///
    /// # Errors
    /// When not everything could be written.
    pub fn finish(self) -> Result<u64, RecordError> {
        drop(self.to);
        let crashed = |_| Written {
            lines: 0,
            error: Some(io::Error::other("its writer crashed")),
        };
        let written = self.writing.join().unwrap_or_else(crashed);
        let late = self.broken.then(|| io::Error::other("the disk did not keep up"));
        match written.error.or(late) {
            None => Ok(written.lines),
            Some(error) => Err(RecordError::Write {
                path: self.path,
                lines: written.lines,
                error,
            }),
        }
    }

    fn line(&mut self, line: &Line<'_>) {
        if self.broken {
            return;
        }
        let sent = serde_json::to_string(line).ok().map(|text| {
            let mut text = self.redactor.clean_json(text).into_bytes();
            text.push(b'\n');
            self.to.try_send(text)
        });
        // A line that is missing would make what follows it untrue.
        self.broken = !matches!(sent, Some(Ok(())));
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// The file is not buffered: a line that was written is the kernel's, and a killed program does not take it along.
fn write(mut file: File, lines: &Receiver<Vec<u8>>) -> Written {
    let mut written = Written {
        lines: 0,
        error: None,
    };
    while let Ok(line) = lines.recv() {
        if let Err(error) = file.write_all(&line) {
            written.error = Some(error);
            break;
        }
        written.lines += 1;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::event::{AgentEvent, VERSION};
    use crate::app::Happening;
    use crate::recording::Recording;

    fn event(run: u64, what: AgentEvent) -> Event {
        Event {
            v: VERSION,
            run: RunId(run),
            at_ms: 1.0,
            what,
        }
    }

    fn says(text: &str) -> AgentEvent {
        AgentEvent::Token { text: text.into() }
    }

    struct Recorded {
        _folder: tempfile::TempDir,
        path: PathBuf,
        recorder: Recorder,
    }

    fn recorder(secrets: &[&str]) -> Recorded {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/r.jsonl");
        let secrets = Redactor::knowing(secrets.iter().map(|secret| (*secret).to_owned()));
        Recorded {
            recorder: Recorder::create(&path, 3.0, Beginning::default(), secrets).unwrap(),
            path,
            _folder: folder,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let Recorded {
            mut recorder,
            path,
            _folder,
        } = recorder(&[]);
        let hostile = "\u{1b}[2J\u{202e}\"\n\u{2028}\u{0}";
        recorder.asked(4.000_4, RunId(2), hostile);
        let gauges = Gauges {
            pairs: 7,
            ..Gauges::default()
        };
        recorder.gauges(5.0, &gauges);
        recorder.event(6.0, &event(2, says(hostile)));
        recorder.event(7.0, &event(2, AgentEvent::Cancelled {}));
        assert_eq!(recorder.finish().unwrap(), 5);
        let recording = Recording::read(File::open(&path).unwrap(), "r").unwrap();
        let mut what = recording.moments.into_iter();
        let mut next = || what.next().map(|moment| (moment.at_ms, moment.what)).unwrap();
        assert!(matches!(next(), (3.0, Happening::Began(_))));
        let question = hostile.to_owned();
        assert_eq!(
            next(),
            (
                4.0,
                Happening::Asked {
                    run: RunId(1),
                    question
                }
            )
        );
        assert_eq!(next(), (5.0, Happening::Gauges(Box::new(gauges))));
        assert_eq!(next(), (6.0, Happening::Event(Box::new(event(1, says(hostile))))));
        assert_eq!(
            next(),
            (
                7.0,
                Happening::Event(Box::new(event(1, AgentEvent::Cancelled {})))
            )
        );
    }

    #[test]
    fn a_secret_that_a_server_repeats_is_not_written() {
        let key = "sk-\"quoted\"-key";
        let Recorded {
            mut recorder,
            path,
            _folder,
        } = recorder(&[key, "short"]);
        recorder.asked(4.0, RunId(1), "a short question");
        let failed = AgentEvent::Failed {
            stage: crate::agent::event::Stage::Answer,
            message: format!("the server says: no such key: {key}"),
            retryable: false,
        };
        recorder.event(5.0, &event(1, failed));
        recorder.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("no such key: [redacted]\""), "{text}");
        assert!(text.contains("a short question"), "{text}");
    }

    #[test]
    fn what_looks_like_a_key_is_not_written_in_however_many_pieces_it_comes() {
        let Recorded {
            mut recorder,
            path,
            _folder,
        } = recorder(&[]);
        recorder.asked(4.0, RunId(1), "mine is\nsk-0123456789abcdef0");
        for piece in ["So it is sk-0123", "456789abcdef0. Not sk-", "learn"] {
            recorder.event(5.0, &event(1, says(piece)));
        }
        recorder.event(6.0, &event(1, AgentEvent::Cancelled {}));
        recorder.finish().unwrap();
        let recording = Recording::read(File::open(&path).unwrap(), "r").unwrap();
        let mut said = String::new();
        for moment in recording.moments {
            match moment.what {
                Happening::Asked { question, .. } => assert_eq!(question, "mine is\n[redacted]"),
                Happening::Event(event) => {
                    if let AgentEvent::Token { text } = event.what {
                        said.push_str(&text);
                    }
                }
                Happening::Began(_) | Happening::Gauges(_) | Happening::Compared(_) => {}
            }
        }
        assert_eq!(said, "So it is [redacted]. Not sk-learn");
    }

    #[test]
    fn what_a_run_says_that_began_before_is_left_out() {
        let Recorded {
            mut recorder,
            _folder,
            ..
        } = recorder(&[]);
        recorder.event(4.0, &event(1, says("the end of an answer")));
        recorder.asked(5.0, RunId(2), "q");
        recorder.event(6.0, &event(2, says("an answer")));
        assert_eq!(recorder.finish().unwrap(), 3);
    }

    #[test]
    fn every_line_is_there_though_the_recorder_is_never_ended() {
        let Recorded {
            mut recorder,
            path,
            _folder,
        } = recorder(&[]);
        recorder.asked(4.0, RunId(1), "q");
        // A killed program ends nothing in good order.
        std::mem::forget(recorder);
        let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
        let patience = std::time::Instant::now();
        while lines() < 2 {
            assert!(patience.elapsed().as_secs() < 10, "the line never came");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_file_that_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        std::fs::write(&path, "mine").unwrap();
        let refused = Recorder::create(&path, 0.0, Beginning::default(), Redactor::default()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "the recording {} was not begun since that file is there already: name another one or delete it",
                path.display()
            )
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_ends_the_recording_and_says_so() {
        let (to, lines) = sync_channel(4);
        to.send(vec![b'x'; 100]).unwrap();
        drop(to);
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let written = write(full, &lines);
        assert_eq!(written.lines, 0);
        assert_eq!(written.error.unwrap().kind(), io::ErrorKind::StorageFull);
    }
}

//! The lines of a recording.

use serde::{Deserialize, Serialize};

use crate::agent::event::{Event, RunId, VERSION};
use crate::app::compare::Found;
use crate::app::{Beginning, Gauges};

/// The names of the lines that are not of a run.
pub(super) const RECORDING: &str = "recording";
pub(super) const ASKED: &str = "asked";
pub(super) const GAUGES: &str = "gauges";
pub(super) const COMPARED: &str = "compared";

/// What every line says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) v: u64,
    pub(super) event: String,
    /// Absent in what `ask --events` prints.
    #[serde(default)]
    pub(super) t_ms: Option<f64>,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// Who wrote it, with its version.
    #[serde(default)]
    pub(super) program: String,
    /// When it was begun.
    #[serde(default)]
    pub(super) began: String,
    /// What somebody wrote about it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    #[serde(flatten)]
    pub(super) state: Beginning,
}

/// A question that was asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) run: RunId,
    pub(super) question: String,
}

/// What the panels were told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told<G> {
    pub(super) gauges: G,
}

/// What was told, owned when it is read.
pub(super) type Gauged = Told<Box<Gauges>>;

/// A line to write.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Line<'a> {
    /// A line of the recording's own.
    Own(Own<'a>),
    /// A line of a run, which brings its version and its name.
    Event {
        t_ms: f64,
        #[serde(flatten)]
        event: &'a Event,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Own<'a> {
    v: u8,
    event: &'static str,
    t_ms: f64,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum What<'a> {
    Header(&'a Header),
    Asked(Asked),
    Gauges(Told<&'a Gauges>),
    Compared(&'a Found),
}

impl<'a> Line<'a> {
    fn own(t_ms: f64, event: &'static str, what: What<'a>) -> Self {
        Self::Own(Own {
            v: VERSION,
            event,
            t_ms,
            what,
        })
    }

    pub(super) fn header(t_ms: f64, header: &'a Header) -> Self {
        Self::own(t_ms, RECORDING, What::Header(header))
    }

    pub(super) fn asked(t_ms: f64, run: RunId, question: &str) -> Self {
        let question = question.to_owned();
        Self::own(t_ms, ASKED, What::Asked(Asked { run, question }))
    }

    pub(super) fn gauges(t_ms: f64, gauges: &'a Gauges) -> Self {
        Self::own(t_ms, GAUGES, What::Gauges(Told { gauges }))
    }

    pub(super) fn compared(t_ms: f64, found: &'a Found) -> Self {
        Self::own(t_ms, COMPARED, What::Compared(found))
    }
}

/// The line of a comparison, as `compare --events` prints it: it was found at `t_ms`.
pub fn compared_line(t_ms: f64, found: &Found) -> String {
    // Our own plain values always have a JSON text.
    serde_json::to_string(&Line::compared(round(t_ms), found)).unwrap_or_default()
}

/// Microseconds are enough, and keep the lines short.
pub(super) fn round(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}

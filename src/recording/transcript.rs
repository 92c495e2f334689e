//! A recording of what happened while nobody recorded: from events that were kept with their times.

use super::line::{Header, Line};
use super::reader::set_up;
use crate::agent::event::{Event, RunId, Setup};

/// Lines of a recording, put in the order of their times.
#[derive(Debug)]
pub struct Transcript {
    header: String,
    lines: Vec<(f64, String)>,
}

impl Transcript {
    /// One that begins at a moment (`2026-11-23T20:10:36Z`) with this set-up; `note` says what it is.
    pub fn new(began: &str, note: &str, setup: &Setup) -> Self {
        let header = Header {
            program: concat!("defi-qa ", env!("CARGO_PKG_VERSION")).to_owned(),
            began: began.to_owned(),
            note: Some(note.to_owned()),
            state: set_up(setup),
        };
        Self {
            header: json(&Line::header(0.0, &header)),
            lines: Vec::new(),
        }
    }

    /// The panels were told another set-up.
    pub fn changed(&mut self, t_ms: f64, setup: &Setup) {
        let line = json(&Line::gauges(t_ms, &set_up(setup).gauges.told));
        self.lines.push((t_ms, line));
    }

    /// A question was asked.
    pub fn asked(&mut self, t_ms: f64, run: RunId, question: &str) {
        self.lines.push((t_ms, json(&Line::asked(t_ms, run, question))));
    }

    /// A run said something.
    pub fn event(&mut self, t_ms: f64, event: &Event) {
        self.lines.push((t_ms, json(&Line::Event { t_ms, event })));
    }

    /// The recording.
    pub fn text(mut self) -> String {
        // Stable: what has one time stays in the order in which it was said.
        self.lines.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let lines = self.lines.iter().map(|(_, line)| line.as_str());
        std::iter::once(self.header.as_str())
            .chain(lines)
            .flat_map(|line| [line, "\n"])
            .collect()
    }
}

/// Our own plain values always have a JSON text.
fn json(line: &Line<'_>) -> String {
    serde_json::to_string(line).unwrap_or_default()
}

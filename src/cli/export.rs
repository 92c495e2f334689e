//! A session on its way out: as a document, an object or a recording, for the command line and for the application.

use std::path::PathBuf;

use super::Failure;
use super::args::Format;
use crate::app::sessions as picker;
use crate::recording::Transcript;
use crate::session::export::{Exported, markdown};
use crate::session::{Kept, Run, Summary, Utc};

/// The session in this form.
pub(super) fn text(format: Format, session: &Summary, runs: Vec<Run>) -> Result<String, Failure> {
    let kept = |runs: Vec<Run>| -> Vec<Kept> { runs.into_iter().map(|run| run.kept).collect() };
    match format {
        Format::Markdown => Ok(markdown(session, &kept(runs))),
        Format::Json => {
            let object = serde_json::to_string_pretty(&Exported::of(session, &kept(runs)));
            Ok(object.map_err(std::io::Error::from)? + "\n")
        }
        Format::Recording => recording(session, &runs),
    }
}

/// The runs at the distances that they had, as `replay` plays them.
fn recording(session: &Summary, runs: &[Run]) -> Result<String, Failure> {
    let Some(first) = runs.first() else {
        return Err(Failure::usage(format!(
            "session {} has no exchange that a recording could play: export it as a document",
            session.id
        )));
    };
    let mut setup = &first.kept.exchange.setup;
    let mut transcript = Transcript::new(&Utc(first.kept.asked_ms).to_string(), &note(session, runs), setup);
    let mut start_ms = 0.0_f64;
    for run in runs {
        let exchange = &run.kept.exchange;
        // A clock that was set back must not change the order.
        start_ms = start_ms.max(run.kept.asked_ms.saturating_sub(first.kept.asked_ms) as f64);
        if exchange.setup != *setup {
            setup = &exchange.setup;
            transcript.changed(start_ms, setup);
        }
        if let Some(event) = run.events.first() {
            transcript.asked(start_ms, event.run, &exchange.question);
        }
        for event in &run.events {
            transcript.event(start_ms + event.at_ms, event);
        }
    }
    Ok(transcript.text())
}

/// What the recording says of itself.
fn note(session: &Summary, runs: &[Run]) -> String {
    let untimed = runs.iter().filter(|run| !run.as_said).count();
    let said = format!("Session {} of defi-qa, exported.", session.id);
    match untimed {
        0 => said,
        untimed if untimed == runs.len() => {
            format!("{said} It was kept without the times of its words: each answer comes in two pieces.")
        }
        untimed => format!(
            "{said} {untimed} of its {} exchanges were kept without the times of their words: each of those answers comes in \
             two pieces.",
            runs.len()
        ),
    }
}

/// What the application asked for, done on the thread of the store.
pub(super) fn export(what: picker::Export, session: &Summary, runs: Vec<Run>) -> picker::Told {
    let (format, ending) = match what.format {
        picker::Format::Markdown => (Format::Markdown, "md"),
        picker::Format::Json => (Format::Json, "json"),
        picker::Format::Recording => (Format::Recording, "jsonl"),
    };
    let done = text(format, session, runs).and_then(|text| match what.to {
        picker::Destination::Clipboard => Ok(picker::Told::Copied { text }),
        picker::Destination::File => {
            let path = free_file(session, ending);
            crate::whole_file::write(&path, text.as_bytes()).map_err(|error| {
                Failure::other(format!("writing the export {} failed ({error})", path.display()))
            })?;
            Ok(picker::Told::Exported {
                path: path.display().to_string(),
            })
        }
    });
    done.unwrap_or_else(|failure| picker::Told::Trouble(format!("Nothing was exported: {failure}.")))
}

/// Where the application exports to: a file in the working folder, which nobody named and so takes no other's place.
fn free_file(session: &Summary, ending: &str) -> PathBuf {
    let folder = std::env::current_dir().unwrap_or_default();
    let stem = format!("defi-qa-session-{}", session.id);
    let numbered = (2..1_000).map(|number| format!("{stem}-{number}.{ending}"));
    let names = std::iter::once(format!("{stem}.{ending}")).chain(numbered);
    let free = names.map(|name| folder.join(name)).find(|path| !path.exists());
    free.unwrap_or_else(|| folder.join(format!("{stem}.{ending}")))
}

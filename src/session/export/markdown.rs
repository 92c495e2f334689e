//! A session as a Markdown document: each answer with its citations, below it the numbered pairs that they cite.

use crate::agent::event::{Exchange, Hit, Outcome, Phase};
use crate::session::{Kept, Summary, Utc};
use crate::text;

/// The document.
pub fn markdown(summary: &Summary, kept: &[Kept]) -> String {
    let mut document = format!("# {}\n\n", plain(summary.title()));
    document.push_str(&format!(
        "Session {} of defi-qa, {} UTC to {} UTC.\n",
        summary.id,
        Utc(summary.created_ms).minute(),
        Utc(summary.updated_ms).minute()
    ));
    for kept in kept {
        document.push_str(&exchange(kept));
    }
    document
}

fn exchange(kept: &Kept) -> String {
    let exchange = &kept.exchange;
    let mut section = format!("\n## {}\n\n", plain(&exchange.question));
    section.push_str(&format!(
        "*{} UTC · {}*\n\n",
        Utc(kept.asked_ms).minute(),
        plain(&facts(exchange))
    ));
    let answer = text::sanitize(&exchange.answer);
    if !answer.trim().is_empty() {
        section.push_str(&demoted(answer.trim()));
        section.push_str("\n\n");
    }
    if let Some(end) = end(exchange) {
        section.push_str(&format!("> {}\n\n", plain(&end)));
    }
    if !exchange.hits.is_empty() {
        section.push_str("### Sources\n\n");
        for (index, hit) in exchange.hits.iter().enumerate() {
            section.push_str(&source(index + 1, hit, exchange.citations.contains(&hit.id)));
        }
    }
    section.truncate(section.trim_end().len());
    section.push('\n');
    section
}

/// Who answered, how it ended and what it used.
fn facts(exchange: &Exchange) -> String {
    let outcome = exchange.outcome().unwrap_or(Outcome::Failed);
    let mut facts = vec![exchange.setup.chat.clone(), outcome.name().to_owned()];
    if let Some(sampling) = exchange.setup.sampling {
        facts.extend(sampling.temperature.map(|degree| format!("temperature {degree}")));
        facts.extend(sampling.max_tokens.map(|most| format!("at most {most} tokens")));
    }
    if let Some(usage) = exchange.usage {
        facts.push(format!(
            "{} tokens in, {} out",
            usage.prompt_tokens, usage.completion_tokens
        ));
    }
    facts.retain(|fact| !fact.is_empty());
    facts.join(" · ")
}

/// Why the text is not a complete answer.
fn end(exchange: &Exchange) -> Option<String> {
    match &exchange.phase {
        Phase::Failed { stage, message, .. } => Some(format!("{} failed: {message}", stage.name())),
        Phase::Cancelled => Some("cancelled: the answer is incomplete".to_owned()),
        _ => exchange.note.clone(),
    }
}

fn source(number: usize, hit: &Hit, cited: bool) -> String {
    let mut said = format!("{number}. **{}** (`{}`", plain(&hit.question), code(&hit.id));
    if let Some(dense) = hit.dense {
        said.push_str(&format!(", cosine {:.3}", dense.score));
    }
    if let Some(as_of) = &hit.as_of {
        said.push_str(&format!(", as of {}", plain(as_of)));
    }
    said.push_str(if cited { ", cited)\n" } else { ")\n" });
    for source in &hit.sources {
        said.push_str(&format!("   - {}\n", plain(source)));
    }
    said
}

/// One line of text that Markdown takes as it stands: no tag, no link, no emphasis comes up in it.
fn plain(said: &str) -> String {
    let mut plain = String::new();
    for c in text::sanitize_line(said).trim().chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~'
        ) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

fn code(said: &str) -> String {
    text::sanitize_line(said).replace('`', "'")
}

/// The answer, its headings two levels down: it stands in a section of the document.
fn demoted(answer: &str) -> String {
    let mut fenced = false;
    let lines = answer.lines().map(|line| {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            fenced = !fenced;
        }
        if !fenced && line.starts_with('#') {
            format!("##{line}")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

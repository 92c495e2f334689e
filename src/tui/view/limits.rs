//! What is known of an endpoint's limits and of who waits for them: figures with their origin, waits as countdowns.
//!
//! ```text
//! Limits ─────────────────── api.openai.com
//! requests ███▌ 498/500  reset 9 s
//! tokens   █··· 12345/200000  reset 58 s
//! reported 2 s ago
//! 1 in flight, 2 queued, next in 3 s
//! ↻ try 2 of 4 in 3 s: rate limited (429)
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::limit_bar::{self, Bar};
use super::section;
use crate::agent::event::{BreakerPhase, Limit, LimitOrigin, Limits, Phase, Stage, StageRow};
use crate::app::{App, Entry, LimitsNow};
use crate::text;
use crate::tui::theme::Theme;

/// A side panel of this height has rows for where the figures come from and for a limiter at rest.
const ROOMY: u16 = 20;
/// The same where two endpoints are asked.
const ROOMY_FOR_TWO: u16 = 30;
/// Columns beside the count from which on a reason is worth cutting.
const REASON_AT_LEAST: usize = 16;

/// One gate of the section: whose limits they are, and what is known of them.
pub(super) struct Group {
    /// From the longest to the shortest.
    titles: &'static [&'static str],
    /// Model and host, as the endpoint names them.
    asked: Option<(String, String)>,
    lines: Vec<Line<'static>>,
}

impl Group {
    /// Rows that it takes, its title included.
    pub(super) fn rows(&self) -> u16 {
        u16::try_from(self.lines.len()).map_or(u16::MAX, |lines| lines.saturating_add(1))
    }
}

/// Who is asked, and by which stages of a run.
#[derive(Clone, Copy)]
enum Of {
    Chat,
    Embedding,
}

impl Of {
    fn stages(self) -> &'static [Stage] {
        match self {
            Self::Chat => &[Stage::FollowUp, Stage::Answer, Stage::Converse],
            Self::Embedding => &[Stage::Embed],
        }
    }
}

/// The groups of the section, for a side panel of this size: the chat model's, and the embedder's where a server embeds.
pub(super) fn groups(app: &App, panel: Rect, theme: &Theme) -> Vec<Group> {
    let width = usize::from(panel.width);
    let asks = app.gauges.chat.starts_with("openai:") || app.limits.is_some();
    let Some(embedding) = app.embedding_limits_now() else {
        let lines = chat(app, panel.height >= ROOMY, width, theme);
        return vec![Group::of(&["Limits"], app.limits_now(), lines)];
    };
    let roomy = panel.height >= if asks { ROOMY_FOR_TWO } else { ROOMY };
    let mut groups = Vec::new();
    if asks {
        let lines = chat(app, roomy, width, theme);
        groups.push(Group::of(&["Limits"], app.limits_now(), lines));
    }
    let lines = if says_something(embedding.limits) {
        known(app, Of::Embedding, &embedding, roomy, width, theme)
    } else {
        let retry = retry(app, Of::Embedding, embedding.limits, width, theme);
        vec![retry.unwrap_or_else(|| silent(app, Of::Embedding, width, theme))]
    };
    // In a low panel beside another group it is worth its rows while it does something.
    let rests = embedding.limits.in_flight.unwrap_or(0) == 0 && embedding.limits.queued.unwrap_or(0) == 0;
    let closed = matches!(embedding.limits.breaker, None | Some(BreakerPhase::Closed));
    if !asks || panel.height >= ROOMY || !(rests && closed) {
        groups.push(Group::of(
            &["Embedding limits", "Embedding"],
            Some(embedding),
            lines,
        ));
    }
    groups
}

impl Group {
    fn of(titles: &'static [&'static str], now: Option<LimitsNow<'_>>, lines: Vec<Line<'static>>) -> Self {
        let named = |now: LimitsNow<'_>| {
            let clean = |name: &str| text::sanitize_line(name).into_owned();
            (clean(&now.limits.model), clean(&now.limits.endpoint))
        };
        Self {
            titles,
            asked: now.map(named),
            lines,
        }
    }
}

/// The lines of the chat model's group.
fn chat(app: &App, roomy: bool, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    match app.limits_now().filter(|now| says_something(now.limits)) {
        Some(now) => known(app, Of::Chat, &now, roomy, width, theme),
        None => {
            let retry = retry(app, Of::Chat, &Limits::default(), width, theme);
            vec![retry.unwrap_or_else(|| nothing_known(app, width, theme))]
        }
    }
}

fn known(
    app: &App,
    of: Of,
    now: &LimitsNow<'_>,
    roomy: bool,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let bars = [
        Bar::of("requests", now.limits.requests, now, theme),
        Bar::of("tokens", now.limits.tokens, now, theme),
    ];
    let mut lines = limit_bar::lines(&bars, width);
    if roomy {
        lines.extend(origin(now, width, theme));
    }
    lines.extend(traffic(now, roomy, width, theme));
    let retry = retry(app, of, now.limits, width, theme);
    if retry.is_none() {
        lines.extend(paused(now, width, theme));
    }
    lines.extend(retry);
    lines.extend(breaker(now, width, theme));
    lines
}

/// Draws a group below another one; what does not fit is cut.
pub(super) fn render(buffer: &mut Buffer, area: Rect, group: Group, theme: &Theme) {
    let room = |title: &str| usize::from(area.width).saturating_sub(title.len() + 4);
    let Some(shortest) = group.titles.last() else {
        return;
    };
    let (model, host) = group.asked.unwrap_or_default();
    let mut ways = Vec::new();
    if !model.is_empty() {
        ways.push(format!("{model} at {host}"));
        // Of the second group the model says more than the host, which is mostly that of the first.
        ways.extend((group.titles.len() > 1).then_some(model));
    }
    ways.push(host.clone());
    let fits = |said: &str| group.titles.iter().find(|title| text::width(said) <= room(title));
    let fitting = ways.into_iter().find_map(|said| Some((*fits(&said)?, said)));
    let (title, asked) =
        fitting.unwrap_or_else(|| (*shortest, text::truncate(&host, room(shortest)).into_owned()));
    let body = section::title(buffer, area, title, &asked, false, theme);
    section::lines(buffer, body, group.lines);
}

fn says_something(limits: &Limits) -> bool {
    limits.requests.is_some()
        || limits.tokens.is_some()
        || limits.in_flight.unwrap_or(0) > 0
        || limits.queued.unwrap_or(0) > 0
        || limits.paused_ms.is_some()
        || !matches!(limits.breaker, None | Some(BreakerPhase::Closed))
}

fn nothing_known(app: &App, width: usize, theme: &Theme) -> Line<'static> {
    let said = if !app.gauges.chat.starts_with("openai:") {
        [
            "none: answers are made on this machine",
            "none: answers are local",
        ]
    } else {
        return silent(app, Of::Chat, width, theme);
    };
    first(width, &said, theme.dim)
}

/// An endpoint that has said nothing of its limits.
fn silent(app: &App, of: Of, width: usize, theme: &Theme) -> Line<'static> {
    let has_answered = match of {
        Of::Chat => has_answered,
        Of::Embedding => has_embedded,
    };
    let said = if app.entries.iter().any(has_answered) {
        ["the endpoint reported none", "none reported"]
    } else {
        ["the endpoint was not asked yet", "not asked yet"]
    };
    first(width, &said, theme.dim)
}

/// Whether the endpoint has said something in this run: a decline's words are the program's own.
fn has_answered(entry: &Entry) -> bool {
    let exchange = &entry.exchange;
    let asked = |row: &StageRow| Of::Chat.stages().contains(&row.name);
    exchange.first_token_ms.is_some() && exchange.stages.iter().any(asked)
}

/// Whether the question's vector was made for it, and not kept.
fn has_embedded(entry: &Entry) -> bool {
    entry.exchange.vector.is_some_and(|vector| vector.tier.is_none())
}

/// Where the figures come from, and how old they are: in one line, unless two origins do not fit into one.
fn origin(now: &LimitsNow<'_>, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let of = |limit: Option<Limit>| limit.map(|limit| origin_of(&limit, now));
    let said = |ways: Vec<String>| {
        let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
        first(width, &ways, theme.dim)
    };
    match (of(now.limits.requests), of(now.limits.tokens)) {
        (Some(requests), Some(tokens)) if requests != tokens => {
            let both = |n: usize| format!("requests {}, tokens {}", requests[n], tokens[n]);
            if text::width(&both(2)) <= width {
                return vec![said((0..3).map(both).collect())];
            }
            let alone = |name: &str, ways: [String; 3]| said(ways.map(|way| format!("{name} {way}")).into());
            vec![alone("requests", requests), alone("tokens", tokens)]
        }
        (Some(ways), _) | (None, Some(ways)) => vec![said(ways.into())],
        (None, None) => Vec::new(),
    }
}

/// Three ways to say it, each shorter.
fn origin_of(limit: &Limit, now: &LimitsNow<'_>) -> [String; 3] {
    let ago = now.age(limit).map(section::ago);
    let origin = match limit.origin.unwrap_or(LimitOrigin::Reported) {
        // That the window has passed is our reckoning.
        LimitOrigin::Reported if now.full_again(limit) => LimitOrigin::Estimated,
        origin => origin,
    };
    match (origin, ago) {
        (LimitOrigin::Reported, Some(ago)) => [
            format!("reported {ago} ago"),
            format!("reported {ago} ago"),
            "reported".into(),
        ],
        (LimitOrigin::Reported, None) => ["reported"; 3].map(Into::into),
        (LimitOrigin::Configured, _) => ["configured"; 3].map(Into::into),
        (LimitOrigin::Estimated, Some(ago)) => [
            format!("estimated from a report {ago} ago"),
            format!("estimated, reported {ago} ago"),
            "estimated".into(),
        ],
        (LimitOrigin::Estimated, None) => ["estimated"; 3].map(Into::into),
        (LimitOrigin::NotReported, _) => ["not reported"; 3].map(Into::into),
    }
}

/// Who is on the way and who waits. A limiter at rest is told of only where there is room.
fn traffic(now: &LimitsNow<'_>, roomy: bool, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let limits = now.limits;
    let (flying, queued) = (limits.in_flight?, limits.queued?);
    if !roomy && flying == 0 && queued == 0 {
        return None;
    }
    let who = format!(
        "{} in flight, {} queued",
        limit_bar::compact(flying),
        limit_bar::compact(queued)
    );
    let slot = now.left(limits.next_slot_ms).map(section::countdown);
    let ways = match (slot, limits.breaker) {
        (Some(slot), _) => vec![
            format!("{who}, next in {slot}"),
            format!("{who}, {slot}"),
            who.clone(),
        ],
        (None, Some(BreakerPhase::Closed)) => vec![format!("{who}, circuit closed"), who.clone()],
        (None, _) => vec![who.clone()],
    };
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    let style = if queued > 0 { theme.text } else { theme.dim };
    Some(first(width, &ways, style))
}

fn paused(now: &LimitsNow<'_>, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let left = section::countdown(now.left(now.limits.paused_ms)?);
    let ways = [
        format!("■ paused by the endpoint for {left}"),
        format!("■ paused for {left}"),
    ];
    Some(first(width, &ways.each_ref().map(String::as_str), theme.warn))
}

/// The next try at this endpoint of the selected run, else of the newest that has failed once and goes on.
fn retry(app: &App, of: Of, limits: &Limits, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let asks = |entry: &&Entry| {
        let mut open = entry.exchange.stages.iter().filter(|row| row.ms.is_none());
        open.any(|row| of.stages().contains(&row.name))
    };
    let entries = app
        .current()
        .into_iter()
        .chain(app.entries.iter().rev())
        .filter(asks);
    let (when, why) = entries
        .into_iter()
        .find_map(|entry| match &entry.exchange.phase {
            Phase::Retrying { why, .. } => Some((section::next_try(entry, app.now_ms)?, why)),
            _ => None,
        })?;
    // The endpoint stands in the title.
    let why = why.strip_prefix(&limits.endpoint).unwrap_or(why).trim_start();
    let why = text::sanitize_line(why.strip_prefix("is ").unwrap_or(why)).into_owned();
    let said = format!("↻ {when}: {why}");
    // A few letters of a reason say nothing.
    let said = if text::width(&when) + REASON_AT_LEAST <= width {
        said
    } else {
        format!("↻ {when}")
    };
    Some(first(width, &[&said], theme.warn))
}

/// A circuit that is not closed.
fn breaker(now: &LimitsNow<'_>, width: usize, theme: &Theme) -> Option<Line<'static>> {
    let left = now.left(now.limits.probe_in_ms).map(section::countdown);
    match (now.limits.breaker?, left) {
        (BreakerPhase::Open, Some(left)) => {
            let ways = [
                format!("✗ circuit open, probe in {left}"),
                format!("✗ circuit open, probe {left}"),
            ];
            Some(first(width, &ways.each_ref().map(String::as_str), theme.bad))
        }
        (BreakerPhase::Open | BreakerPhase::HalfOpen, _) => Some(first(
            width,
            &[
                "◐ circuit half-open: one probe goes",
                "◐ circuit half-open",
                "◐ half-open",
            ],
            theme.warn,
        )),
        (BreakerPhase::Closed | BreakerPhase::Unknown, _) => None,
    }
}

fn first(width: usize, ways: &[&str], style: Style) -> Line<'static> {
    let ways = ways
        .iter()
        .map(|said| vec![Span::styled((*said).to_owned(), style)]);
    section::first_that_fits(width, ways.collect())
}

//! What the caches served, counted from the events of this session, and which of their tiers are out of use.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::section;
use crate::agent::event::{CacheStats, Tier, TierState};
use crate::app::{App, CacheCount};
use crate::text;
use crate::tui::theme::Theme;

/// A side panel of this height has a row for the tiers.
const TALL: u16 = 30;

/// Rows that the section wants in a side panel of so many rows, title included.
pub(super) fn wanted(app: &App, height: u16) -> u16 {
    if height >= TALL && app.cache.asked() > 0 {
        3
    } else {
        2
    }
}

pub(super) fn render(buffer: &mut Buffer, area: Rect, app: &App, theme: &Theme) {
    let count = &app.cache;
    let width = usize::from(area.width);
    let probe = app.redis_probe_ms().map(section::countdown);
    let room = width.saturating_sub("Cache".len() + 4);
    let state = state(&app.gauges.cache, probe.as_deref(), room);
    let body = section::title(buffer, area, "Cache", &state, false, theme);
    let lines = if count.asked() == 0 {
        vec![Line::styled("not asked yet", theme.dim)]
    } else if body.height > 1 {
        vec![summary(count, width, theme), by_tier(count, width, theme)]
    } else {
        vec![in_one(count, width, theme)]
    };
    section::lines(buffer, body, lines);
}

/// Which tier is out of use and when it is tried again, as far as `width` columns tell it; else how many vectors are on
/// disk and that the shared tier serves.
fn state(stats: &CacheStats, probe: Option<&str>, width: usize) -> String {
    let again = probe.map_or(String::new(), |left| format!(", next try in {left}"));
    let out = |name: &str, stats: &TierState| match stats {
        TierState::Down { why, .. } => Some(vec![
            format!("{name} down{again}: {why}"),
            format!("{name} down{again}"),
            format!("{name} down: {why}"),
            format!("{name} down"),
        ]),
        TierState::Off { why } => Some(vec![format!("{name} off: {why}"), format!("{name} off")]),
        TierState::Opening => Some(vec![format!("{name} is being opened"), format!("{name} opening")]),
        TierState::Up => None,
    };
    let redis = stats.redis.as_ref().and_then(|stats| out("redis", &stats.state));
    let disk = stats.disk.as_ref().and_then(|stats| out("disk", &stats.state));
    let kept = stats.disk.as_ref().and_then(|stats| stats.entries);
    redis
        .or(disk)
        .into_iter()
        .flatten()
        .map(|said| text::sanitize_line(&said).into_owned())
        .find(|said| text::width(said) <= width)
        .or_else(|| {
            let shared = stats.redis.as_ref().map(|_| "redis up");
            let disk = kept.map(|entries| format!("{entries} on disk"));
            let both: Vec<&str> = shared.into_iter().chain(disk.as_deref()).collect();
            let fits = [both.join(", "), disk.clone().unwrap_or_default()];
            fits.into_iter().find(|said| text::width(said) <= width)
        })
        .unwrap_or_default()
}

/// How many lookups were served.
fn summary(count: &CacheCount, width: usize, theme: &Theme) -> Line<'static> {
    let share = count.hits() as f64 / count.asked() as f64;
    let served = Span::raw(format!("{} of {} served", count.hits(), count.asked()));
    let rate = Span::styled(format!("  {:.0} %", 100.0 * share), theme.dim);
    let mut bar = Vec::from(section::bar(share, 8, theme));
    bar.push(Span::raw(" "));
    let saved = |what: String| Span::styled(format!("  saved {what}"), theme.dim);
    let time = (count.saved_us > 0).then(|| section::duration(count.saved_us as f64 / 1e3));
    let tokens = (count.saved_tokens > 0).then(|| format!("{} tokens", count.saved_tokens));
    let both: Vec<String> = time.clone().into_iter().chain(tokens).collect();
    let all = (!both.is_empty()).then(|| saved(both.join(", ")));
    let time = time.map(saved);
    let told = |bar: &[Span<'static>], more: Option<Span<'static>>| {
        let figures = [served.clone(), rate.clone()].into_iter().chain(more);
        bar.iter().cloned().chain(figures).collect::<Vec<_>>()
    };
    section::first_that_fits(
        width,
        vec![
            told(&bar, all.clone()),
            told(&[], all),
            told(&[], time),
            told(&bar, None),
            told(&[], None),
            vec![served],
        ],
    )
}

/// Hits by tier, and the last lookups as far as there is room for them.
fn by_tier(count: &CacheCount, width: usize, theme: &Theme) -> Line<'static> {
    let tiers = tiers(count, theme);
    let named = if tiers.is_empty() {
        vec![Span::styled("none by a tier", theme.dim)]
    } else {
        tiers
    };
    let room = width.saturating_sub(section::columns(&named) + 2);
    let last = Span::styled(sparkline(count, room), theme.bar);
    let gap = Span::raw("  ");
    section::first_that_fits(width, vec![[&named[..], &[gap, last]].concat(), named])
}

/// Everything in one row. The bar goes first, then tier by tier, each whole.
fn in_one(count: &CacheCount, width: usize, theme: &Theme) -> Line<'static> {
    let share = count.hits() as f64 / count.asked() as f64;
    let served = Span::raw(format!("{} of {} served", count.hits(), count.asked()));
    let mut tiers = tiers(count, theme);
    for tier in &mut tiers {
        tier.content = format!("  {}", tier.content.trim_start()).into();
    }
    let mut bar = Vec::from(section::bar(share, 8, theme));
    bar.push(Span::raw(" "));
    let mut ways = vec![[&bar[..], std::slice::from_ref(&served), &tiers[..]].concat()];
    for shown in (0..=tiers.len()).rev() {
        let more = if shown < tiers.len() { " …" } else { "" };
        let mut way = vec![served.clone()];
        way.extend(tiers.iter().take(shown).cloned());
        way.push(Span::styled(more, theme.dim));
        ways.push(way);
    }
    section::first_that_fits(width, ways)
}

/// The tiers that served something, parted by two columns.
fn tiers(count: &CacheCount, theme: &Theme) -> Vec<Span<'static>> {
    [
        ("memory", count.memory),
        ("redis", count.redis),
        ("disk", count.disk),
    ]
    .into_iter()
    .filter(|(_, hits)| *hits > 0)
    .enumerate()
    .map(|(n, (tier, hits))| {
        let gap = if n == 0 { "" } else { "  " };
        Span::styled(format!("{gap}{tier} {hits}"), theme.dim)
    })
    .collect()
}

/// The last lookups, the newest to the right: the nearer the tier that served, the higher.
fn sparkline(count: &CacheCount, width: usize) -> String {
    let skip = count.last.len().saturating_sub(width);
    let height = |tier: &Option<Tier>| match tier {
        Some(Tier::Memory) => '█',
        Some(Tier::Redis) => '▆',
        Some(Tier::Disk) => '▄',
        Some(Tier::Unknown) | None => '▁',
    };
    count.last.iter().skip(skip).map(height).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::event::TierStats;

    fn off(state: TierState) -> Option<TierStats> {
        Some(TierStats {
            state,
            entries: Some(12),
            ..TierStats::default()
        })
    }

    #[test]
    fn a_tier_that_is_out_of_use_is_named_with_its_reason_where_that_fits() {
        let stats = CacheStats {
            redis: off(TierState::Down {
                since_ms: 1,
                next_probe_ms: 2,
                why: "connection refused".into(),
            }),
            disk: off(TierState::Up),
            ..CacheStats::default()
        };
        assert_eq!(
            state(&stats, Some("5 s"), 50),
            "redis down, next try in 5 s: connection refused"
        );
        assert_eq!(state(&stats, Some("5 s"), 40), "redis down, next try in 5 s");
        assert_eq!(state(&stats, None, 40), "redis down: connection refused");
        assert_eq!(state(&stats, Some("5 s"), 12), "redis down");
        let stats = CacheStats {
            disk: off(TierState::Off {
                why: "a very long sentence with a path in it".into(),
            }),
            ..CacheStats::default()
        };
        assert_eq!(state(&stats, None, 20), "disk off");
    }

    #[test]
    fn tiers_in_use_are_told_by_what_is_on_disk() {
        let stats = CacheStats {
            disk: off(TierState::Up),
            ..CacheStats::default()
        };
        assert_eq!(state(&stats, None, 40), "12 on disk");
        assert_eq!(state(&CacheStats::default(), None, 40), "");
        let both = CacheStats {
            redis: off(TierState::Up),
            ..stats
        };
        assert_eq!(state(&both, None, 40), "redis up, 12 on disk");
        assert_eq!(state(&both, None, 12), "12 on disk");
    }
}

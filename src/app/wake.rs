//! When the screen has to be drawn again though nothing happens: a spinner turns, a countdown goes on.

use std::time::Duration;

use super::App;
use crate::agent::event::{Limit, LimitOrigin, Limits};

/// How often what moves while a run goes on is drawn.
const SPINNER: Duration = Duration::from_millis(100);
const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;

/// The newest limits, and how long ago they were told.
#[derive(Clone, Copy, Debug)]
pub struct LimitsNow<'a> {
    pub limits: &'a Limits,
    since_ms: f64,
}

impl LimitsNow<'_> {
    /// What is left of a span that was told with the limits, in milliseconds; `None` when it is over.
    pub fn left(&self, span_ms: Option<u64>) -> Option<f64> {
        span_ms
            .map(|span| span as f64 - self.since_ms)
            .filter(|left| *left > 0.0)
    }

    /// How long ago the endpoint reported this limit, in milliseconds; `None` when it never did.
    pub fn age(&self, limit: &Limit) -> Option<f64> {
        match limit.origin.unwrap_or(LimitOrigin::Reported) {
            LimitOrigin::Reported => Some(limit.age_ms.unwrap_or(0) as f64 + self.since_ms),
            _ => limit.age_ms.map(|age| age as f64 + self.since_ms),
        }
    }

    /// Whether the window has passed since at whose end everything is left again. One that was full then has none.
    pub fn full_again(&self, limit: &Limit) -> bool {
        limit.reset_ms.is_some_and(|reset| reset > 0) && self.left(limit.reset_ms).is_none()
    }

    /// Every countdown that a screen can show.
    fn countdowns(&self) -> impl Iterator<Item = f64> {
        let limits = self.limits;
        let resets = [limits.requests, limits.tokens].map(|limit| limit.and_then(|limit| limit.reset_ms));
        let others = [limits.next_slot_ms, limits.paused_ms, limits.probe_in_ms];
        resets
            .into_iter()
            .chain(others)
            .filter_map(|span| self.left(span))
    }

    fn ages(&self) -> impl Iterator<Item = f64> {
        let limits = [self.limits.requests, self.limits.tokens];
        limits.into_iter().flatten().filter_map(|limit| self.age(&limit))
    }
}

/// Milliseconds until a countdown in whole seconds changes.
fn next_second(left_ms: f64) -> f64 {
    let part = left_ms % SECOND;
    if part > 0.0 { part } else { SECOND }
}

/// Milliseconds until an age changes that is told in seconds, then in minutes, and after an hour no more.
fn next_age(age_ms: f64) -> Option<f64> {
    let step = if age_ms < MINUTE { SECOND } else { MINUTE };
    (age_ms < HOUR).then(|| step - age_ms % step)
}

impl App {
    /// The newest limits of the chat endpoint as they stand now.
    pub fn limits_now(&self) -> Option<LimitsNow<'_>> {
        self.now(self.limits.as_ref())
    }

    /// The newest limits of the endpoint that embeds as they stand now.
    pub fn embedding_limits_now(&self) -> Option<LimitsNow<'_>> {
        self.now(self.embedding_limits.as_ref())
    }

    fn now<'a>(&self, told: Option<&'a (Limits, f64)>) -> Option<LimitsNow<'a>> {
        let (limits, at_ms) = told?;
        Some(LimitsNow {
            limits,
            since_ms: (self.now_ms - at_ms).max(0.0),
        })
    }

    /// Milliseconds until the cache's shared tier is tried again; `None` when it serves, or when that is due.
    pub fn redis_probe_ms(&self) -> Option<f64> {
        let since = (self.now_ms - self.gauges_ms).max(0.0);
        let left = self.gauges.redis_probe_ms? as f64 - since;
        (left > 0.0).then_some(left)
    }

    /// When time alone changes what is on the screen; `None`: never. A countdown that is not seen wakes nobody.
    pub fn wakes_in(&self) -> Option<Duration> {
        if let Some(replay) = &self.replay {
            return self.replay_wakes_in(replay);
        }
        let pause = self.compare_wakes_in();
        if self.running() > 0 {
            return Some(pause.map_or(SPINNER, |pause| pause.min(SPINNER)));
        }
        if !self.measured.gauges_shown {
            return pause;
        }
        let limits = [self.limits_now(), self.embedding_limits_now()];
        let limits = || limits.iter().flatten();
        let countdowns = limits().flat_map(LimitsNow::countdowns);
        let ages = limits().flat_map(LimitsNow::ages).filter_map(next_age);
        countdowns
            .chain(self.redis_probe_ms())
            .map(next_second)
            .chain(ages)
            .min_by(f64::total_cmp)
            // Rounded up, so that it has changed by then.
            .map(|ms| Duration::from_millis((ms.ceil() as u64).max(1)))
            .into_iter()
            .chain(pause)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Gauges, Message};

    fn limit(reset_ms: Option<u64>, origin: LimitOrigin, age_ms: Option<u64>) -> Option<Limit> {
        Some(Limit {
            limit: 10,
            remaining: 5,
            reset_ms,
            origin: Some(origin),
            age_ms,
        })
    }

    /// An application that was told these limits at 1,000 ms, and shows them.
    fn told(limits: Limits) -> App {
        let mut app = App::default();
        app.measured.gauges_shown = true;
        app.update(Message::Tick(1_000.0));
        app.update(Message::Gauges(Gauges {
            limits: Some(Box::new(limits)),
            ..Gauges::default()
        }));
        app
    }

    fn wakes_at(app: &mut App, now_ms: f64) -> Option<u128> {
        app.update(Message::Tick(now_ms));
        app.wakes_in().map(|wake| wake.as_millis())
    }

    #[test]
    fn a_countdown_wakes_once_a_second_until_it_is_over() {
        let mut app = told(Limits {
            probe_in_ms: Some(2_300),
            ..Limits::default()
        });
        assert_eq!(wakes_at(&mut app, 1_000.0), Some(300));
        assert_eq!(wakes_at(&mut app, 1_300.0), Some(1_000));
        assert_eq!(wakes_at(&mut app, 3_299.5), Some(1));
        assert_eq!(wakes_at(&mut app, 3_300.0), None);
    }

    #[test]
    fn the_endpoint_that_embeds_counts_down_beside_the_other() {
        let mut app = told(Limits {
            probe_in_ms: Some(9_700),
            ..Limits::default()
        });
        app.update(Message::Gauges(Gauges {
            embedding_limits: Some(Box::new(Limits {
                paused_ms: Some(2_300),
                ..Limits::default()
            })),
            ..Gauges::default()
        }));
        assert_eq!(wakes_at(&mut app, 1_000.0), Some(300));
        assert_eq!(wakes_at(&mut app, 3_300.0), Some(400), "only the other is left");
    }

    #[test]
    fn a_countdown_that_is_not_seen_wakes_nobody() {
        let mut app = told(Limits {
            paused_ms: Some(9_000),
            ..Limits::default()
        });
        app.measured.gauges_shown = false;
        assert_eq!(wakes_at(&mut app, 1_000.0), None);
    }

    #[test]
    fn an_age_wakes_each_second_then_each_minute_and_after_an_hour_no_more() {
        let mut app = told(Limits {
            requests: limit(None, LimitOrigin::Estimated, Some(200)),
            ..Limits::default()
        });
        assert_eq!(wakes_at(&mut app, 1_000.0), Some(800));
        assert_eq!(wakes_at(&mut app, 1_000.0 + MINUTE), Some(59_800));
        assert_eq!(wakes_at(&mut app, 1_000.0 + HOUR), None);
    }

    #[test]
    fn configured_limits_and_an_idle_limiter_wake_nobody() {
        let mut app = told(Limits {
            requests: limit(None, LimitOrigin::Configured, None),
            in_flight: Some(0),
            queued: Some(0),
            ..Limits::default()
        });
        assert_eq!(wakes_at(&mut app, 5_000.0), None);
    }

    #[test]
    fn a_shared_tier_that_is_down_counts_down_to_its_next_try() {
        let mut app = told(Limits::default());
        app.update(Message::Gauges(Gauges {
            redis_probe_ms: Some(1_500),
            ..Gauges::default()
        }));
        assert_eq!(wakes_at(&mut app, 1_100.0), Some(400));
        assert_eq!(wakes_at(&mut app, 2_600.0), None);
    }

    #[test]
    fn a_window_whose_end_has_passed_is_full_again() {
        let mut app = told(Limits {
            tokens: limit(Some(500), LimitOrigin::Reported, None),
            ..Limits::default()
        });
        let full = |app: &App| {
            let now = app.limits_now().unwrap();
            now.full_again(&now.limits.tokens.unwrap())
        };
        assert!(!full(&app));
        app.update(Message::Tick(1_500.0));
        assert!(full(&app));
        let untouched = told(Limits {
            tokens: limit(Some(0), LimitOrigin::Configured, None),
            ..Limits::default()
        });
        assert!(!full(&untouched), "it was never anything else");
    }
}

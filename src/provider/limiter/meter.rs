//! One limited quantity, requests or tokens: what is known of its limit, and the bucket that follows from that.

use std::time::Duration;

use tokio::time::Instant;

use super::super::limits::{Limit, LimitOrigin};
use super::bucket::{Bucket, DAY};
use super::state::LimitState;

const MINUTE: Duration = Duration::from_secs(60);

/// Without a report and without a configured limit it has no bucket, and everything may go.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Per minute.
    configured: Option<f64>,
    report: Option<Report>,
    bucket: Option<Bucket>,
    /// All that was ever taken: the difference of two readings is what was taken between them.
    taken: f64,
}

#[derive(Clone, Copy, Debug)]
struct Report {
    said: Limit,
    at: Instant,
    /// The number that the next flight would have had.
    number: u64,
}

/// What a response reports, and what of ours the server cannot have counted in it for sure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported {
    pub(super) said: Limit,
    /// Number of the flight whose response it is.
    pub(super) flight: u64,
    /// Number that the next flight will have.
    pub(super) next: u64,
    pub(super) uncounted: f64,
}

impl Meter {
    pub(super) fn configured(per_minute: Option<u32>, now: Instant) -> Self {
        let configured = per_minute.filter(|limit| *limit > 0).map(f64::from);
        Self {
            configured,
            bucket: configured.map(|limit| Bucket::full(limit, limit / MINUTE.as_secs_f64(), now)),
            ..Self::default()
        }
    }

    /// The most that one request can take at once.
    pub(super) fn capacity(&self) -> Option<u64> {
        self.bucket.as_ref().map(|bucket| bucket.capacity() as u64)
    }

    /// What a request of this size takes: more than the whole bucket can never be there.
    pub(super) fn share(&self, amount: f64) -> f64 {
        self.bucket
            .as_ref()
            .map_or(amount, |bucket| amount.min(bucket.capacity()))
    }

    /// When `amount` is there.
    pub(super) fn ready_at(&self, amount: f64, now: Instant) -> Instant {
        self.bucket
            .as_ref()
            .map_or(now, |bucket| bucket.ready_at(amount, now))
    }

    /// How far apart single units come.
    pub(super) fn interval(&self) -> Option<Duration> {
        let bucket = self.bucket.as_ref()?;
        Duration::try_from_secs_f64(1.0 / bucket.per_second()).ok()
    }

    /// All that was ever taken.
    pub(super) fn taken(&self) -> f64 {
        self.taken
    }

    pub(super) fn take(&mut self, amount: f64, now: Instant) {
        self.taken += amount;
        if let Some(bucket) = &mut self.bucket {
            bucket.take(amount, now);
        }
    }

    /// Puts back what was never used.
    pub(super) fn give(&mut self, amount: f64, now: Instant) {
        self.taken -= amount;
        if let Some(bucket) = &mut self.bucket {
            bucket.give(amount, now);
        }
    }

    /// Follows what a response reports.
    ///
    /// The level becomes what is left without what the server cannot have counted yet. Responses overtake each other,
    /// so a report may only raise the level when its request left after the last report had come; any other may be the
    /// older one and only lowers it. A configured limit below the reported one is not topped up by a report either.
    pub(super) fn report(&mut self, reported: Reported, now: Instant) {
        let Reported { said, uncounted, .. } = reported;
        let newer = self.report.is_none_or(|last| last.number <= reported.flight);
        if newer {
            self.report = Some(Report {
                said,
                at: now,
                number: reported.next,
            });
        }
        if said.limit == 0 {
            // A window that allows nothing is some servers' word for "not limited", and a bucket of it would never open.
            return;
        }
        let limit = said.limit as f64;
        let capacity = self.configured.map_or(limit, |own| own.min(limit));
        let rate = per_second(said).min(capacity / MINUTE.as_secs_f64());
        let level = (said.remaining as f64 - uncounted).max(0.0);
        match &mut self.bucket {
            Some(bucket) => {
                bucket.resize(capacity, rate, now);
                if newer && capacity >= limit {
                    bucket.set(level, now);
                } else {
                    bucket.lower_to(level, now);
                }
            }
            bucket @ None => {
                let mut fresh = Bucket::full(capacity, rate, now);
                fresh.set(level, now);
                *bucket = Some(fresh);
            }
        }
    }

    pub(super) fn snapshot(&self, now: Instant) -> LimitState {
        let Some(bucket) = &self.bucket else {
            return LimitState::default();
        };
        let remaining = bucket.level(now).max(0.0) as u64;
        let report = self
            .report
            .filter(|report| report.said.limit as f64 <= bucket.capacity());
        LimitState {
            limit: Some(bucket.capacity() as u64),
            remaining: Some(remaining),
            reset_in: Some(bucket.full_in(now)),
            origin: match report {
                Some(report) if report.said.remaining == remaining => LimitOrigin::Reported,
                Some(_) => LimitOrigin::Estimated,
                None => LimitOrigin::Configured,
            },
            age: report.map(|report| now.saturating_duration_since(report.at)),
        }
    }
}

/// How fast a window fills. The headers do not name its length; most are a minute. One that is full only after more
/// than a minute is a longer one (Groq counts requests by the day), and fills by what is missing over that time.
fn per_second(said: Limit) -> f64 {
    let missing = said.limit.saturating_sub(said.remaining) as f64;
    match said.reset_ms.map(Duration::from_millis) {
        Some(reset) if reset > MINUTE && missing > 0.0 => missing / reset.min(DAY).as_secs_f64(),
        _ => said.limit as f64 / MINUTE.as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(limit: u64, remaining: u64, reset_ms: Option<u64>) -> Limit {
        Limit {
            limit,
            remaining,
            reset_ms,
            ..Limit::default()
        }
    }

    /// The report of flight `flight`, when `next` would be the next one.
    fn reported(said: Limit, flight: u64, next: u64, uncounted: f64) -> Reported {
        Reported {
            said,
            flight,
            next,
            uncounted,
        }
    }

    #[test]
    fn nothing_is_limited_before_somebody_says_so() {
        let t = Instant::now();
        let mut meter = Meter::configured(None, t);
        meter.take(1e9, t);
        assert_eq!(meter.ready_at(1e9, t), t);
        assert_eq!(meter.capacity(), None);
        assert_eq!(meter.snapshot(t), LimitState::default());
        assert_eq!(Meter::configured(Some(0), t).capacity(), None);
    }

    #[test]
    fn a_report_makes_the_bucket_and_leaves_out_what_it_cannot_have_counted() {
        let t = Instant::now();
        let mut meter = Meter::configured(None, t);
        meter.report(reported(said(60, 20, None), 0, 3, 2.0), t);
        let seen = meter.snapshot(t);
        assert_eq!((seen.limit, seen.remaining), (Some(60), Some(18)));
        assert_eq!(seen.origin, LimitOrigin::Estimated);
        assert_eq!(meter.ready_at(20.0, t), t + Duration::from_secs(2));
        meter.report(reported(said(60, 20, None), 3, 4, 0.0), t);
        assert_eq!(meter.snapshot(t).origin, LimitOrigin::Reported);
    }

    #[test]
    fn a_report_that_may_be_older_only_lowers() {
        let t = Instant::now();
        let mut meter = Meter::configured(None, t);
        meter.report(reported(said(60, 10, None), 5, 6, 0.0), t);
        meter.report(reported(said(60, 50, None), 5, 6, 0.0), t);
        assert_eq!(
            meter.snapshot(t).remaining,
            Some(10),
            "its request left before the last report had come"
        );
        meter.report(reported(said(60, 4, None), 2, 6, 0.0), t);
        assert_eq!(meter.snapshot(t).remaining, Some(4));
        meter.report(reported(said(60, 50, None), 6, 7, 0.0), t);
        assert_eq!(meter.snapshot(t).remaining, Some(50));
    }

    #[test]
    fn a_configured_limit_holds_against_a_wider_report_and_yields_to_a_narrower() {
        let t = Instant::now();
        let mut meter = Meter::configured(Some(10), t);
        meter.take(10.0, t);
        meter.report(reported(said(500, 490, None), 0, 1, 0.0), t);
        let seen = meter.snapshot(t);
        assert_eq!(
            (seen.limit, seen.remaining, seen.origin),
            (Some(10), Some(0), LimitOrigin::Configured)
        );
        meter.report(reported(said(6, 6, None), 1, 2, 0.0), t);
        let seen = meter.snapshot(t);
        assert_eq!(
            (seen.limit, seen.remaining, seen.origin),
            (Some(6), Some(6), LimitOrigin::Reported)
        );
    }

    #[test]
    fn a_window_of_a_day_fills_by_the_day() {
        let t = Instant::now();
        let mut meter = Meter::configured(None, t);
        // 30 of 14,400 a day are gone: full again in 180 s.
        meter.report(reported(said(14_400, 0, Some(86_400_000)), 0, 1, 0.0), t);
        assert_eq!(meter.ready_at(1.0, t), t + Duration::from_secs(6));
        meter.report(reported(said(14_400, 14_370, Some(180_000)), 1, 2, 0.0), t);
        assert_eq!(meter.interval(), Some(Duration::from_secs(6)));
    }

    #[test]
    fn nonsense_in_a_report_closes_nothing_for_ever() {
        let t = Instant::now();
        for odd in [
            said(0, 0, None),
            said(u64::MAX, u64::MAX, Some(u64::MAX)),
            said(1, u64::MAX, Some(0)),
            said(1, 0, Some(u64::MAX)),
        ] {
            let mut meter = Meter::configured(None, t);
            meter.report(reported(odd, 0, 1, f64::from(u32::MAX)), t);
            let share = meter.share(1.0);
            assert!(meter.ready_at(share, t) <= t + DAY, "{odd:?}");
            let _ = meter.snapshot(t + DAY);
        }
    }
}

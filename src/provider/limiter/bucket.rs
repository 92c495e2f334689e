//! A token bucket as plain arithmetic: every question is asked with its instant.

use std::time::Duration;

use tokio::time::Instant;

/// The longest window that a limit may have. What claims a longer one is not believed.
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Differences below this are rounding, in units of what the bucket holds.
const ROUNDING: f64 = 1e-6;

/// It fills at a steady rate up to its capacity. The level may fall below zero: more was used than had been thought.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    /// What it held at `at`.
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket. `capacity` is at least 1; `per_second` is held to a capacity a day at the least.
    pub(super) fn full(capacity: f64, per_second: f64, now: Instant) -> Self {
        let mut bucket = Self {
            capacity,
            per_second,
            level: capacity,
            at: now,
        };
        bucket.resize(capacity, per_second, now);
        bucket
    }

    /// Another size and rate from now on.
    pub(super) fn resize(&mut self, capacity: f64, per_second: f64, now: Instant) {
        self.level = self.level(now).min(capacity);
        self.at = self.at.max(now);
        self.capacity = capacity;
        self.per_second = per_second.max(capacity / DAY.as_secs_f64());
    }

    pub(super) fn capacity(&self) -> f64 {
        self.capacity
    }

    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    /// What it holds.
    pub(super) fn level(&self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.level + since * self.per_second).min(self.capacity)
    }

    /// When it will have filled by enough to hold `amount`, if nobody takes from it: `now` when it does already. An
    /// amount above the capacity is a queue's: each of its requests is taken out before the next fits in.
    pub(super) fn ready_at(&self, amount: f64, now: Instant) -> Instant {
        let missing = amount - self.level(now);
        if missing <= ROUNDING {
            return now;
        }
        let wait = Duration::try_from_secs_f64(missing / self.per_second).unwrap_or(DAY);
        // A timer counts milliseconds: rounded up, it does not come too early and has to wait again.
        let wait = Duration::from_millis(u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX));
        now.checked_add(wait).unwrap_or(now + DAY)
    }

    /// How long until it is full, if nobody takes from it.
    pub(super) fn full_in(&self, now: Instant) -> Duration {
        self.ready_at(self.capacity, now).saturating_duration_since(now)
    }

    pub(super) fn take(&mut self, amount: f64, now: Instant) {
        self.set(self.level(now) - amount, now);
    }

    /// Puts back what was taken and not used.
    pub(super) fn give(&mut self, amount: f64, now: Instant) {
        self.set(self.level(now) + amount, now);
    }

    pub(super) fn set(&mut self, level: f64, now: Instant) {
        self.level = level.min(self.capacity);
        self.at = self.at.max(now);
    }

    /// Lets it hold no more than this.
    pub(super) fn lower_to(&mut self, level: f64, now: Instant) {
        self.set(self.level(now).min(level), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn it_fills_at_its_rate_and_not_above_its_capacity() {
        let t = Instant::now();
        let mut bucket = Bucket::full(60.0, 1.0, t);
        bucket.take(60.0, t);
        assert_eq!(bucket.level(t + s(10.5)), 10.5);
        assert_eq!(bucket.level(t + s(3600.0)), 60.0);
        assert_eq!(bucket.ready_at(3.0, t), t + s(3.0));
        assert_eq!(bucket.ready_at(3.0, t + s(5.0)), t + s(5.0));
        assert_eq!(bucket.full_in(t + s(20.0)), s(40.0));
    }

    #[test]
    fn a_debt_is_paid_before_anybody_goes() {
        let t = Instant::now();
        let mut bucket = Bucket::full(10.0, 2.0, t);
        bucket.take(14.0, t);
        assert_eq!(bucket.ready_at(1.0, t), t + s(2.5));
        bucket.give(100.0, t);
        assert_eq!(bucket.level(t), 10.0);
    }

    #[test]
    fn lowering_never_raises_and_a_smaller_size_spills() {
        let t = Instant::now();
        let mut bucket = Bucket::full(10.0, 1.0, t);
        bucket.lower_to(4.0, t);
        bucket.lower_to(8.0, t);
        assert_eq!(bucket.level(t), 4.0);
        bucket.resize(2.0, 1.0, t);
        assert_eq!(bucket.level(t), 2.0);
        bucket.resize(20.0, 1.0, t);
        assert_eq!(bucket.level(t), 2.0, "a larger bucket is not fuller");
    }

    #[test]
    fn an_instant_of_the_past_changes_nothing() {
        let t = Instant::now();
        let mut bucket = Bucket::full(10.0, 1.0, t);
        bucket.take(5.0, t + s(5.0));
        assert_eq!(bucket.level(t), 5.0);
        bucket.take(1.0, t);
        assert_eq!(bucket.level(t + s(6.0)), 5.0);
    }

    proptest! {
        #[test]
        fn at_the_instant_it_names_it_holds_enough(
            capacity in 1.0f64..1e9, window in 0.1f64..1e6, used in 0.0f64..2.0, need in 0.0f64..=1.0, later in 0u64..100_000,
        ) {
            let t = Instant::now();
            let mut bucket = Bucket::full(capacity, capacity / window, t);
            bucket.take(capacity * used, t);
            let now = t + Duration::from_millis(later);
            let ready = bucket.ready_at(capacity * need, now);
            prop_assert_eq!(bucket.ready_at(capacity * need, ready), ready);
            prop_assert!(ready <= now + 2 * DAY + s(1.0));
        }

        #[test]
        fn whatever_happens_no_more_goes_out_than_capacity_and_refill(
            steps in prop::collection::vec((0u64..5_000, 0.0f64..20.0), 1..60),
        ) {
            let t = Instant::now();
            let mut bucket = Bucket::full(10.0, 2.0, t);
            let (mut now, mut out) = (t, 0.0);
            for (pause, amount) in steps {
                now += Duration::from_millis(pause);
                let amount = amount.min(10.0);
                if bucket.ready_at(amount, now) == now {
                    bucket.take(amount, now);
                    out += amount;
                }
                prop_assert!(out <= 10.0 + 2.0 * (now - t).as_secs_f64() + 1e-3);
            }
        }
    }
}

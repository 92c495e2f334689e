//! What a response's headers say beside its body: limits, and how long to wait.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::limits::{Limit, LimitOrigin, Limits};

/// Plain numbers from here on are moments (seconds since 1970), not spans.
const EPOCH_LIKE: f64 = 1e9;

/// The limits that a response reports, by OpenAI's names for the headers (`x-ratelimit-limit-requests` and five more).
/// `None` when it reports none. A quantity counts as reported when both its limit and its remainder can be read.
pub(super) fn limits(headers: &HeaderMap, endpoint: &str, model: &str) -> Option<Limits> {
    let limits = Limits {
        endpoint: endpoint.to_owned(),
        model: model.to_owned(),
        requests: limit(headers, "requests"),
        tokens: limit(headers, "tokens"),
        ..Limits::default()
    };
    (limits.requests.is_some() || limits.tokens.is_some()).then_some(limits)
}

fn limit(headers: &HeaderMap, what: &str) -> Option<Limit> {
    let text = |part: &str| text(headers, &format!("x-ratelimit-{part}-{what}"));
    Some(Limit {
        limit: text("limit")?.parse().ok()?,
        remaining: text("remaining")?.parse().ok()?,
        reset_ms: text("reset")
            .and_then(span)
            .and_then(|span| u64::try_from(span.as_millis()).ok()),
        origin: Some(LimitOrigin::Reported),
        age_ms: Some(0),
    })
}

/// How long the server asks to wait: `retry-after-ms`, else `retry-after` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let finer = || {
        let ms: f64 = text(headers, "retry-after-ms")?.parse().ok()?;
        Duration::try_from_secs_f64(ms / 1000.0).ok()
    };
    let coarser = || {
        let wait = text(headers, "retry-after")?;
        span(wait).or_else(|| {
            let date = httpdate::parse_http_date(wait).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        })
    };
    finer().or_else(coarser)
}

/// A span of time: Go's form (`1s`, `6m0s`, `1m30.5s`, `20ms`) or plain seconds. `None` for anything else.
fn span(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds < EPOCH_LIKE)
            .then(|| Duration::try_from_secs_f64(seconds).ok())
            .flatten();
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let seconds = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // Not `to_str`: it refuses the µ of `500µs`.
    let text = std::str::from_utf8(headers.get(name)?.as_bytes()).ok()?.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::try_from(*name).unwrap(),
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn spans_are_read_as_go_writes_them_and_as_plain_seconds() {
        for (text, ms) in [
            ("1s", 1_000.0),
            ("6m0s", 360_000.0),
            ("1m30.5s", 90_500.0),
            ("20ms", 20.0),
            ("2h45m", 9_900_000.0),
            ("1d1s", 86_401_000.0),
            ("500µs", 0.5),
            ("0s", 0.0),
            ("12", 12_000.0),
            ("0.25", 250.0),
        ] {
            assert_eq!(span(text), Some(Duration::from_secs_f64(ms / 1e3)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_not_guessed_at() {
        for text in [
            "",
            "s",
            "m5",
            "5x",
            "1.2.3s",
            "-5",
            "-5s",
            "1s ",
            "NaN",
            "inf",
            "1e400",
            "1e300s",
            "1718000000",
            "soon",
            "5 s",
            "٣s",
            "99999999999999999999999999s",
        ] {
            assert_eq!(span(text), None, "{text:?}");
        }
    }

    #[test]
    fn limits_are_told_as_far_as_they_are_reported() {
        let seen = limits(
            &headers(&[
                ("x-ratelimit-limit-requests", "500"),
                ("x-ratelimit-remaining-requests", "499"),
                ("x-ratelimit-reset-requests", "120ms"),
                ("x-ratelimit-limit-tokens", "30000"),
            ]),
            "h",
            "m",
        )
        .unwrap();
        assert_eq!(
            seen.requests,
            Some(Limit {
                limit: 500,
                remaining: 499,
                reset_ms: Some(120),
                origin: Some(LimitOrigin::Reported),
                age_ms: Some(0),
            })
        );
        assert_eq!(
            seen.tokens, None,
            "a limit without a remainder is half a statement"
        );
    }

    #[test]
    fn no_headers_and_nonsense_are_not_reported() {
        assert_eq!(limits(&HeaderMap::new(), "h", "m"), None);
        let odd = headers(&[
            ("x-ratelimit-limit-tokens", "many"),
            ("x-ratelimit-remaining-tokens", "-1"),
        ]);
        assert_eq!(limits(&odd, "h", "m"), None);
    }

    #[test]
    fn the_finer_wait_wins_and_a_date_is_a_wait_from_now() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (pairs, ms) in [
            (
                &[("retry-after-ms", "1234"), ("retry-after", "9")][..],
                Some(1_234),
            ),
            (&[("retry-after", "9")], Some(9_000)),
            (&[("retry-after", "1.5")], Some(1_500)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], Some(30_000)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after-ms", "-1")], None),
            (&[("retry-after-ms", "-1"), ("retry-after", "2")], Some(2_000)),
            (&[], None),
        ] {
            assert_eq!(
                retry_after(&headers(pairs), now),
                ms.map(Duration::from_millis),
                "{pairs:?}"
            );
        }
    }
}

//! The clock, and times as people write them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time; a fixed one serves tests.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    fixed: Option<u64>,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self { fixed: None }
    }

    /// A clock that stands still at this time (milliseconds since 1970, UTC).
    pub fn fixed(millis: u64) -> Self {
        Self { fixed: Some(millis) }
    }

    /// Milliseconds since 1970, UTC.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now_millis(&self) -> u64 {
        self.fixed.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }

    /// Wall time, for dates in HTTP headers.
    pub fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.now_millis())
    }

    /// A monotonic point in time, for measuring.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// RFC 3339 in UTC with milliseconds, such as `2026-11-22T09:00:00.000Z`.
pub fn format_time(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| "1970-01-01T00:00:00.000Z".to_owned(), |t| format!("{t:.3}"))
}

/// Milliseconds since 1970, UTC, of a time as people write it: RFC 3339, or less of it. Without a time of day a
/// day's beginning is meant; without a zone, UTC.
pub fn parse_time(text: &str) -> Option<u64> {
    let text = text.trim();
    let civil = || {
        let civil = text.trim_end_matches(['Z', 'z']).parse::<jiff::civil::DateTime>().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    let time = text.parse::<jiff::Timestamp>().ok().or_else(civil)?;
    u64::try_from(time.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_times() {
        assert_eq!(format_time(1_795_338_000_123), "2026-11-22T09:00:00.123Z");
        assert_eq!(format_time(u64::MAX), "1970-01-01T00:00:00.000Z");
    }
}

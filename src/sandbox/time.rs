//! Times as Genesys Cloud and SAML write them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Formats a time in UTC with milliseconds, such as `2026-03-01T09:30:00.000Z`. A time before 1970
/// becomes 1970.
pub(super) fn format_time(time: SystemTime) -> String {
    let time = Timestamp::try_from(time.max(SystemTime::UNIX_EPOCH));
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

/// Parses a time in UTC (SAML 2.0 core, section 1.3.3), with or without a fraction of a second.
/// Returns `None` for other texts and for times before 1970.
pub(super) fn parse_time(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix('Z')?;
    let (time, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let time = format!("{time}Z");
    // jiff also reads other forms, and reads second 60 as 59.
    let parsed: Timestamp = time.parse().ok()?;
    if !is_fraction || parsed.to_string() != time {
        return None;
    }
    let seconds = parsed.as_second().try_into().ok()?;
    let nanoseconds = format!("{fraction:0<9.9}").parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_the_gregorian_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_767_225_599, "2025-12-31T23:59:59.000Z"),
            (1_772_357_400, "2026-03-01T09:30:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (13_569_465_600, "2400-01-01T00:00:00.000Z"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(format_time(time), text);
            assert_eq!(parse_time(text), Some(time));
        }
    }

    #[test]
    fn fractions_are_parsed_and_other_texts_are_not() {
        for (text, nanoseconds) in [
            ("2026-03-01T09:30:00Z", 0),
            ("2026-03-01T09:30:00.5Z", 500_000_000),
            ("2026-03-01T09:30:00.0000001Z", 100),
            ("2026-03-01T09:30:00.12345678999Z", 123_456_789),
        ] {
            let expected = Duration::new(1_772_357_400, nanoseconds);
            let expected = SystemTime::UNIX_EPOCH + expected;
            assert_eq!(parse_time(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "Z",
            "2026-03-01T09:30:00",
            "2026-03-01T09:30:00+00:00",
            "2026-03-01 09:30:00Z",
            "2026-03-01T09:30Z",
            "2026-03-01T09:30:00.Z",
            "2026-03-01T09:30:00.xZ",
            "2026-3-01T09:30:00Z",
            "2026-03-+1T09:30:00Z",
            "2026-00-01T09:30:00Z",
            "2026-13-01T09:30:00Z",
            "2026-02-29T09:30:00Z",
            "2026-03-00T09:30:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T09:60:00Z",
            "2026-03-01T09:30:60Z",
            "1970-01-00T00:00:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}

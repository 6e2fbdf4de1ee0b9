//! Times as RFC 3339 and `xs:dateTime` write them.

use std::time::{Duration, SystemTime};

use jiff::{
    Timestamp,
    civil::{DateTime, date},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Parses a time such as `2026-01-31T12:00:00.5Z`. The fraction of a second is dropped, and a time
/// before 1970 becomes 1970. A time without an offset is in UTC (SAML Core 1.3.3). A leap second,
/// 24:00, the year 0000 and an offset over 14 hours are errors.
pub(crate) fn parse_date_time(text: &str) -> Option<SystemTime> {
    let (date_time, rest) = text.trim_ascii().split_at_checked(DATE_TIME.len())?;
    // jiff also reads other forms, and reads second 60 as 59.
    if !has_shape(date_time, DATE_TIME) || date_time.ends_with("60") {
        return None;
    }
    let date_time: DateTime = date_time.parse().ok()?;
    if date_time.year() == 0 {
        return None;
    }
    let since_1970 = date_time.duration_since(date(1970, 1, 1).at(0, 0, 0, 0));
    let seconds = since_1970.as_secs() - offset_seconds(without_fraction(rest)?)?;
    let seconds = u64::try_from(seconds).unwrap_or(0).min(MAX_SECONDS);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Formats a time in UTC with milliseconds, such as `2026-01-31T12:00:00.500Z`. A time before 1970
/// becomes 1970, and one after the year 9999 its last days.
pub(crate) fn format_date_time(time: SystemTime) -> String {
    let time = Timestamp::try_from(time.max(SystemTime::UNIX_EPOCH));
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

/// Reads an optional field with a time. Another form counts as absent.
pub(crate) fn date_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(parse_date_time))
}

/// Writes an optional field with a time.
#[allow(
    clippy::ref_option,
    reason = "serde calls it with a reference to the field"
)]
pub(crate) fn write_date_time<S: Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(format_date_time).serialize(serializer)
}

fn without_fraction(text: &str) -> Option<&str> {
    let Some(fraction) = text.strip_prefix('.') else {
        return Some(text);
    };
    let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < fraction.len()).then_some(rest)
}

fn offset_seconds(text: &str) -> Option<i64> {
    if text.is_empty() || text == "Z" {
        return Some(0);
    }
    let sign = match text {
        _ if has_shape(text, "+00:00") => 1,
        _ if has_shape(text, "-00:00") => -1,
        _ => return None,
    };
    let hours: i64 = text.get(1..3)?.parse().ok()?;
    let minutes: i64 = text.get(4..6)?.parse().ok()?;
    let minutes_in_all = hours * 60 + minutes;
    (minutes < 60 && minutes_in_all <= MAX_OFFSET_MINUTES).then_some(sign * minutes_in_all * 60)
}

/// Whether the text is the shape, with any digit where that has a zero.
fn has_shape(text: &str, shape: &str) -> bool {
    let matches = |(byte, expected): (u8, u8)| match expected {
        b'0' => byte.is_ascii_digit(),
        _ => byte == expected,
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(matches)
}

const DATE_TIME: &str = "0000-00-00T00:00:00";

/// XML Schema 1.1, part 2, 3.3.7.
const MAX_OFFSET_MINUTES: i64 = 14 * 60;

/// The last second of the year 9999.
const MAX_SECONDS: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        let since_1970 = parse_date_time(text)?.duration_since(SystemTime::UNIX_EPOCH);
        Some(since_1970.unwrap().as_secs())
    }

    #[test]
    fn valid_times_are_parsed() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2026-01-31T12:00:00.9999999Z", 1_769_860_800),
            ("2026-01-31T12:00:00.9999999999999999999999Z", 1_769_860_800),
            ("2026-01-31T12:00:00", 1_769_860_800),
            (" 2026-01-31T12:00:00.1\n", 1_769_860_800),
            ("2026-01-31T12:00:00+00:00", 1_769_860_800),
            ("2026-01-31T12:00:00-00:00", 1_769_860_800),
            ("2026-01-31T13:30:00.5+01:30", 1_769_860_800),
            ("2026-01-31T04:00:00-08:00", 1_769_860_800),
            ("2026-02-01T02:00:00+14:00", 1_769_860_800),
            ("2100-12-31T23:59:59Z", 4_133_980_799),
            ("9999-12-31T23:59:59Z", MAX_SECONDS),
            ("9999-12-31T23:59:59-14:00", MAX_SECONDS),
            ("1969-12-31T23:59:59Z", 0),
            ("0001-01-01T00:00:00+14:00", 0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn formatted_times_are_parsed() {
        let after = |seconds: f64| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds);
        for (time, expected) in [
            (after(0.0), "1970-01-01T00:00:00.000Z"),
            (after(1_769_860_800.5), "2026-01-31T12:00:00.500Z"),
            (after(4_133_980_799.0), "2100-12-31T23:59:59.000Z"),
            (after(1e12), "9999-12-30T22:00:00.999Z"),
            (
                SystemTime::UNIX_EPOCH - Duration::from_secs(1),
                "1970-01-01T00:00:00.000Z",
            ),
        ] {
            assert_eq!(format_date_time(time), expected);
            assert!(parse_date_time(expected).is_some());
        }
    }

    #[test]
    fn other_texts_are_not_times() {
        for text in [
            "",
            "Z",
            "T",
            "2026-01-31",
            "2026-01-31 12:00:00Z",
            "2026-01-31t12:00:00Z",
            "2026-01-31T12:00:00z",
            "2026-01-31T12:00:00ZZ",
            "2026-01-31T12:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00.1.2Z",
            "2026-01-31T12:00:00,5Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T12:00:60Z",
            "2026-00-31T12:00:00Z",
            "2026-13-31T12:00:00Z",
            "2026-01-00T12:00:00Z",
            "2026-04-31T12:00:00Z",
            "2025-02-29T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "0000-01-01T12:00:00Z",
            "-2026-01-31T12:00:00Z",
            "12026-01-31T12:00:00Z",
            "2026-1-31T12:00:00Z",
            "2026-01-31T12:00:00+1:00",
            "2026-01-31T12:00:00+14:01",
            "2026-01-31T12:00:00+01:60",
            "2026-01-31T12:00:00+01:00Z",
            "2026-01-31T12:00:00Z[UTC]",
            "2026-01-31T+2:00:00Z",
            "２026-01-31T12:00:00Z",
            "2026-01-31T12:00:0é",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}

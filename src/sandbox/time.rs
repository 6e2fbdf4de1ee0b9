//! Times as Genesys Cloud and SAML write them.
//!
//! The client reads times by a crate; the calendar here is its own, so that it checks the client's.

use std::time::{Duration, SystemTime};

/// Formats a time in UTC with milliseconds, such as `2026-03-01T09:30:00.000Z`.
pub(super) fn format_time(time: SystemTime) -> String {
    let since_1970 = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since_1970.as_secs();
    let (year, month, day) = date_from_days(seconds / 86_400);
    let second_of_day = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60,
        since_1970.subsec_millis()
    )
}

/// Parses a time in UTC (SAML 2.0 core, section 1.3.3), with or without a fraction of a second.
/// Returns `None` for other texts and for times before 1970.
pub(super) fn parse_time(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let date = parse_numbers(date, '-', [4, 2, 2])?;
    let [hours, minutes, seconds] = parse_numbers(time, ':', [2, 2, 2])?;
    if hours > 23 || minutes > 59 || seconds > 59 || !is_digits(fraction) {
        return None;
    }
    let seconds = days_since_1970(date)? * 86_400 + hours * 3_600 + minutes * 60 + seconds;
    let nanoseconds = format!("{fraction:0<9.9}").parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

/// Parses three numbers with these numbers of digits.
fn parse_numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && is_digits(part);
        *number = part.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the days from 1970-01-01 to a date.
fn days_since_1970([year, month, day]: [u64; 3]) -> Option<u64> {
    let lengths = month_lengths(year);
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    if year < 1970 || !(1..=*lengths.get(month)?).contains(&day) {
        return None;
    }
    let years: u64 = (1970..year).map(|year| 365 + leap_days(year)).sum();
    Some(years + lengths.iter().take(month).sum::<u64>() + day - 1)
}

/// Returns year, month and day, by counting whole years and months.
fn date_from_days(mut days: u64) -> (u64, usize, u64) {
    // 400 years always have the same number of days.
    let mut year = 1970 + days / 146_097 * 400;
    days %= 146_097;
    while days >= 365 + leap_days(year) {
        days -= 365 + leap_days(year);
        year += 1;
    }
    let mut month = 1;
    for length in month_lengths(year) {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

/// Returns the number of days in each month.
fn month_lengths(year: u64) -> [u64; 12] {
    let february = 28 + leap_days(year);
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

fn leap_days(year: u64) -> u64 {
    u64::from(year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400))
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

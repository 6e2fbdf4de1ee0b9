//! A SAML time: an `xs:dateTime` in UTC (SAML Core 1.3.3).

use std::time::{Duration, SystemTime};

/// Reads a time, whose fraction is dropped and which is none before 1970. In UTC it ends in `Z` or
/// in nothing; an offset from UTC is as clear, and read too.
pub(super) fn date_time(text: &str) -> Option<SystemTime> {
    let text = text.trim_ascii();
    let (date, clock) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, offset) = offset(clock)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = digits && hour < 24 && minute < 60 && second < 60;
    if !is_time || year == 0 || !(1..=days_of(year, month)?).contains(&day) {
        return None;
    }
    let seconds = days_before(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let seconds = u64::try_from(seconds - offset).unwrap_or(0).min(LATEST);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The time without its offset from UTC, and that in seconds.
fn offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(clock) = clock.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(at) = clock.find(['+', '-']) else {
        return Some((clock, 0));
    };
    let (clock, offset) = clock.split_at_checked(at)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let [hours, minutes] = numbers(offset, ':', [2, 2])?;
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Some((clock, if sign == "-" { -seconds } else { seconds }))
}

/// Numbers with these many digits each.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn days_of(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => Some(if leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// Days from 1970 on, in years that begin in March: so the day that comes and goes is the last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - DAYS_TO_1970
}

/// From the first of March of the year 0.
const DAYS_TO_1970: i64 = 719_468;

/// The last second of the year 9999.
const LATEST: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        let since = date_time(text)?.duration_since(SystemTime::UNIX_EPOCH);
        Some(since.unwrap().as_secs())
    }

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2026-01-31T12:00:00.9999999Z", 1_769_860_800),
            ("2026-01-31T12:00:00", 1_769_860_800),
            (" 2026-01-31T12:00:00.1\n", 1_769_860_800),
            ("2026-01-31T12:00:00+00:00", 1_769_860_800),
            ("2026-01-31T13:30:00.5+01:30", 1_769_860_800),
            ("2026-01-31T04:00:00-08:00", 1_769_860_800),
            ("2100-12-31T23:59:59Z", 4_133_980_799),
            ("9999-12-31T23:59:59Z", LATEST),
            ("9999-12-31T23:59:59-14:00", LATEST),
            ("1969-12-31T23:59:59Z", 0),
            ("0001-01-01T00:00:00+14:00", 0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told() {
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
            "2026-01-31T+2:00:00Z",
            "２026-01-31T12:00:00Z",
            "2026-01-31T12:00:0é",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn each_day_follows_the_other() {
        let mut expected = 0;
        for year in 1970..=2400 {
            for month in 1..=12 {
                for day in 1..=days_of(year, month).unwrap() {
                    assert_eq!(
                        days_before(year, month, day),
                        expected,
                        "{year}-{month}-{day}"
                    );
                    expected += 1;
                }
            }
        }
    }
}

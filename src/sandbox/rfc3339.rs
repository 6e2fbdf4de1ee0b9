//! Dates as Genesys Cloud writes them.

use std::time::{Duration, SystemTime};

/// ISO 8601 in UTC with milliseconds, such as `2026-03-01T09:30:00.000Z`.
pub(super) fn timestamp(time: SystemTime) -> String {
    let since_1970 = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since_1970.as_secs();
    let (year, month, day) = civil_date(seconds / 86_400);
    let of_day = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60,
        since_1970.subsec_millis()
    )
}

/// The time that such a date names, with any number of digits after the second or none; `None` for
/// what is no date or not in UTC (SAML 2.0 core, section 1.3.3), and before 1970.
pub(super) fn time(date: &str) -> Option<SystemTime> {
    let (day, time) = date.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let day: [u64; 3] = numbers(day, '-', [4, 2, 2])?;
    let [hours, minutes, seconds] = numbers(time, ':', [2, 2, 2])?;
    if hours > 23 || minutes > 59 || seconds > 59 || !is_digits(fraction) {
        return None;
    }
    let seconds = days_to(day)? * 86_400 + hours * 3_600 + minutes * 60 + seconds;
    let nanoseconds = format!("{fraction:0<9.9}").parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

/// Three numbers of so many digits.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_one = part.len() == digits && is_digits(part);
        *number = part.parse().ok().filter(|_| is_one)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The days from 1970 to a day of the Gregorian calendar.
fn days_to([year, month, day]: [u64; 3]) -> Option<u64> {
    let years: u64 = (1970..year).map(|year| 365 + leap(year)).sum();
    let lengths = lengths(year);
    let before = usize::try_from(month).ok()?.checked_sub(1)?;
    let is_day = (1..=*lengths.get(before)?).contains(&day);
    let days = years + lengths.iter().take(before).sum::<u64>() + day - 1;
    (year >= 1970 && is_day).then_some(days)
}

/// Year, month and day of the Gregorian calendar, by counting off whole years and months.
fn civil_date(mut days: u64) -> (u64, usize, u64) {
    // 400 years always have the same number of days.
    let mut year = 1970 + days / 146_097 * 400;
    days %= 146_097;
    while days >= 365 + leap(year) {
        days -= 365 + leap(year);
        year += 1;
    }
    let mut month = 1;
    for length in lengths(year) {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

/// The months, in days.
fn lengths(year: u64) -> [u64; 12] {
    let february = 28 + leap(year);
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

fn leap(year: u64) -> u64 {
    u64::from(year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, date) in [
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
            assert_eq!(timestamp(time), date);
            assert_eq!(super::time(date), Some(time));
        }
    }

    #[test]
    fn fractions_are_read_and_what_is_no_date_is_not() {
        for (date, nanoseconds) in [
            ("2026-03-01T09:30:00Z", 0),
            ("2026-03-01T09:30:00.5Z", 500_000_000),
            ("2026-03-01T09:30:00.0000001Z", 100),
            ("2026-03-01T09:30:00.12345678999Z", 123_456_789),
        ] {
            let expected = Duration::new(1_772_357_400, nanoseconds);
            assert_eq!(
                time(date),
                Some(SystemTime::UNIX_EPOCH + expected),
                "{date}"
            );
        }
        for date in [
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
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(time(date), None, "{date}");
        }
    }
}

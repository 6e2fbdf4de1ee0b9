//! When to try again: the one table of pauses. Everything here is pure.

mod policy;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header::RETRY_AFTER};

pub use policy::RetryPolicy;
pub(crate) use policy::{Failure, Repeat};

use crate::clock::Moment;

/// A number from 0 to 1, drawn by the caller, so that a table of times stays a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(f64);

impl Jitter {
    /// Draws one.
    pub(crate) fn draw() -> Self {
        let mut bytes = [0; 4];
        // Without random bytes everything goes on, at the middle of each span.
        if aws_lc_rs::rand::fill(&mut bytes).is_err() {
            return Self(0.5);
        }
        Self(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
    }

    #[cfg(test)]
    pub(crate) const fn pinned(luck: f64) -> Self {
        Self(luck)
    }

    /// Somewhere from `low` to `high`.
    fn between(self, low: Duration, high: Duration) -> Duration {
        low + (high.saturating_sub(low)).mul_f64(self.0)
    }

    /// `pause`, 20 % less to 20 % more.
    fn around(self, pause: Duration) -> Duration {
        self.between(pause.mul_f64(0.8), pause.mul_f64(1.2))
    }
}

/// Transient failures in a row: how many in the first minute after the first of them, and since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) first: Moment,
    early: u8,
    late: u8,
}

impl Row {
    /// The row with one more failure.
    pub(crate) fn with_failure(row: Option<Self>, now: Moment) -> Self {
        let mut row = row.unwrap_or(Self {
            first: now,
            early: 0,
            late: 0,
        });
        // More than the pause tells apart need not be told apart here.
        if now - row.first < FIRST_MINUTE {
            row.early = (row.early + 1).min(3);
        } else {
            row.late = (row.late + 1).min(4);
        }
        row
    }

    /// 0.5, 1, 2, 2 … seconds in the first minute, then doubling to 30.
    fn pause(self) -> Duration {
        if self.late > 0 {
            Duration::from_secs(2 << self.late).min(Duration::from_secs(30))
        } else {
            HALF_SECOND * (1 << self.early.saturating_sub(1))
        }
    }
}

/// How long before its end a token that lives for `life` is renewed.
pub(crate) fn margin(life: Duration, luck: Jitter) -> Duration {
    let share = luck.between(life.mul_f64(0.15), life.mul_f64(0.25));
    let fixed = luck.between(Duration::from_secs(6 * 60), Duration::from_secs(10 * 60));
    share.min(fixed)
}

/// The pause after the last of a row of transient failures.
pub(crate) fn after_failure(
    row: Row,
    retry_after: Option<Duration>,
    token_in_hand: bool,
    luck: Jitter,
) -> Duration {
    let pause = match retry_after {
        Some(wait) => wait
            .saturating_add(luck.between(Duration::ZERO, HALF_SECOND))
            .clamp(HALF_SECOND, MOST_RETRY_AFTER),
        None => luck.around(row.pause()),
    };
    with_token(pause, token_in_hand)
}

/// The pause after the `refusals`th refusal of the credentials in a row.
pub(crate) fn after_refusal(refusals: u8, luck: Jitter) -> Duration {
    let doubled = Duration::from_secs(5) * (1 << u32::from(refusals.saturating_sub(1).min(6)));
    luck.around(doubled.min(Duration::from_secs(5 * 60)))
}

/// The pause after a token that had no life left when it came.
pub(crate) fn after_short_life(token_in_hand: bool) -> Duration {
    with_token(Duration::from_secs(1), token_in_hand)
}

/// While there is a valid token nobody is in a hurry.
fn with_token(pause: Duration, token_in_hand: bool) -> Duration {
    if token_in_hand {
        pause.max(Duration::from_secs(2))
    } else {
        pause
    }
}

/// What `Retry-After` asks for, in seconds or as a date (RFC 9110 10.2.3); anything else is none.
pub(crate) fn retry_after(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(wall).unwrap_or_default())
}

const HALF_SECOND: Duration = Duration::from_millis(500);
const FIRST_MINUTE: Duration = Duration::from_secs(60);

/// The longest that a token endpoint's `Retry-After` is taken at its word.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: Jitter = Jitter::pinned(0.0);
    const MIDDLE: Jitter = Jitter::pinned(0.5);
    const HIGH: Jitter = Jitter::pinned(1.0);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_token_is_renewed_in_the_last_quarter_or_the_last_ten_minutes() {
        for (life, low, high) in [
            (2, 0.3, 0.5),
            (300, 45.0, 75.0),
            (2_400, 360.0, 600.0),
            (86_400, 360.0, 600.0),
            (38_880_000, 360.0, 600.0),
        ] {
            let life = Duration::from_secs(life);
            assert_eq!(margin(life, LOW), seconds(low), "{life:?}");
            assert_eq!(margin(life, HIGH), seconds(high), "{life:?}");
        }
    }

    #[test]
    fn pauses_grow_slowly_for_a_minute_and_then_double_to_30_s() {
        let start = Moment::from_nanos(1_000_000_000_000);
        let mut row = None;
        let mut pauses = Vec::new();
        for at in [0, 1, 3, 5, 59, 60, 64, 72, 88, 118] {
            let failed = Row::with_failure(row, start + Duration::from_secs(at));
            pauses.push(after_failure(failed, None, false, MIDDLE).as_secs_f64());
            let low = after_failure(failed, None, false, LOW);
            assert_eq!(low, seconds(pauses.last().unwrap() * 0.8));
            row = Some(failed);
        }
        assert_eq!(
            pauses,
            [0.5, 1.0, 2.0, 2.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
        );
    }

    #[test]
    fn with_a_valid_token_a_pause_is_never_under_two_seconds() {
        let row = Row::with_failure(None, Moment::from_nanos(0));
        for retry_after in [None, Some(Duration::ZERO), Some(seconds(1.0))] {
            for luck in [LOW, MIDDLE, HIGH] {
                let pause = after_failure(row, retry_after, true, luck);
                assert_eq!(pause, seconds(2.0), "{retry_after:?}");
            }
        }
        assert_eq!(after_short_life(true), seconds(2.0));
        assert_eq!(after_short_life(false), seconds(1.0));
    }

    #[test]
    fn retry_after_replaces_the_pause_within_bounds() {
        let row = Row::with_failure(None, Moment::from_nanos(0));
        for (asked, low, high) in [
            (0, 0.5, 0.5),
            (1, 1.0, 1.5),
            (42, 42.0, 42.5),
            (1_000_000_000, 900.0, 900.0),
            (u64::MAX, 900.0, 900.0),
        ] {
            let asked = Some(Duration::from_secs(asked));
            assert_eq!(after_failure(row, asked, false, LOW), seconds(low));
            assert_eq!(after_failure(row, asked, false, HIGH), seconds(high));
        }
    }

    #[test]
    fn refusals_pause_from_five_seconds_to_five_minutes() {
        let pauses: Vec<_> = (1..=9)
            .map(|refusals| after_refusal(refusals, MIDDLE).as_secs())
            .collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(after_refusal(1, LOW), seconds(4.0));
        assert_eq!(after_refusal(1, HIGH), seconds(6.0));
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers, wall)
        };
        assert_eq!(read("42"), Some(Duration::from_secs(42)));
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(
            read("99999999999999999999999"),
            Some(Duration::from_secs(u64::MAX))
        );
        assert_eq!(
            read("Sun, 09 Sep 2001 01:47:10 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(read("Sun, 09 Sep 2001 01:00:00 GMT"), Some(Duration::ZERO));
        for garbage in ["", "-1", "1.5", "soon", "0x10", "+5"] {
            assert_eq!(read(garbage), None, "{garbage}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), wall), None);
    }

    #[test]
    fn drawn_luck_lies_between_0_and_1() {
        for _ in 0..1_000 {
            assert!((0.0..=1.0).contains(&Jitter::draw().0));
        }
    }
}

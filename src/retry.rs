//! When to try again. Everything here is pure: the caller passes the time and the jitter.
//!
//! | what | rule | function |
//! |---|---|---|
//! | renewal of a token | at a random point in the last 15 to 25 % of its life, or in the last 6 to 10 min where that is shorter | `renew_before_expiry` |
//! | transient failure | in the first minute after the first failure in a row 0.5, 1, 2, 2 … s; then 4, 8, 16, 30, 30 … s; each ±20 % | `pause_after_failure` |
//! | `Retry-After` of the token endpoint | replaces that pause, plus 0 to 0.5 s; at least 0.5 s, at most 15 min | `pause_after_failure` |
//! | invalid credentials | 5, 10, 20 … s up to 5 min; each ±20 % | `pause_after_invalid_credentials` |
//! | a token that has expired on arrival | 1 s | `pause_after_expired_token` |
//! | either of the failures above, or an expired token, while there is a valid token | at least 2 s | |
//! | call to the API | as its `RetryPolicy` says: by default 0.5, 1, 2, 4 s, each ±20 %, then none | `RetryPolicy::pause` |
//! | `Retry-After` of the API | replaces that pause, plus 0 to 0.5 s; at least 0.5 s; over 180 s the call is not repeated | `RetryPolicy::pause` |

mod policy;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, header::RETRY_AFTER};

pub use policy::RetryPolicy;
pub(crate) use policy::{Failure, Repeat};

use crate::clock::Moment;

/// A random number from 0 to 1, which the caller draws.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(f64);

impl Jitter {
    /// Draws a number. It is no secret: the first random bytes of aws-lc would cost every program
    /// that sends nothing over TLS some 25 ms.
    #[allow(clippy::disallowed_methods, reason = "jitter is no secret")]
    pub(crate) fn draw() -> Self {
        let random = RandomState::new().build_hasher().finish() >> 32;
        let random = u32::try_from(random).unwrap_or(u32::MAX);
        Self(f64::from(random) / f64::from(u32::MAX))
    }

    #[cfg(test)]
    pub(crate) const fn pinned(value: f64) -> Self {
        Self(value)
    }

    /// A point between `low` and `high`.
    pub(crate) fn between(self, low: Duration, high: Duration) -> Duration {
        low + (high.saturating_sub(low)).mul_f64(self.0)
    }

    /// `pause`, shortened or lengthened by up to 20 %.
    fn around(self, pause: Duration) -> Duration {
        self.between(pause.mul_f64(0.8), pause.mul_f64(1.2))
    }

    /// `retry_after`, lengthened by up to half a second and at least half a second.
    fn after(self, retry_after: Duration) -> Duration {
        let extra = self.between(Duration::ZERO, HALF_SECOND);
        retry_after.saturating_add(extra).max(HALF_SECOND)
    }
}

/// Transient failures in a row: the first, and their numbers in the minute after it and later.
/// Both numbers stop where the pause no longer grows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailureStreak {
    pub(crate) first: Moment,
    pub(crate) early: u8,
    pub(crate) late: u8,
}

impl FailureStreak {
    /// The streak with one more failure.
    pub(crate) fn with_failure(streak: Option<Self>, now: Moment) -> Self {
        let mut streak = streak.unwrap_or(Self {
            first: now,
            early: 0,
            late: 0,
        });
        if now - streak.first < FIRST_MINUTE {
            streak.early = (streak.early + 1).min(3);
        } else {
            streak.late = (streak.late + 1).min(4);
        }
        streak
    }

    fn pause(self) -> Duration {
        if self.late > 0 {
            Duration::from_secs(2 << self.late).min(MAX_FAILURE_PAUSE)
        } else {
            HALF_SECOND * (1 << self.early.saturating_sub(1))
        }
    }
}

/// How long before its end a token with this life is renewed.
pub(crate) fn renew_before_expiry(life: Duration, jitter: Jitter) -> Duration {
    let share = jitter.between(life.mul_f64(0.15), life.mul_f64(0.25));
    let fixed = jitter.between(Duration::from_secs(6 * 60), Duration::from_secs(10 * 60));
    share.min(fixed)
}

/// The pause after the last failure of a streak.
pub(crate) fn pause_after_failure(
    streak: FailureStreak,
    retry_after: Option<Duration>,
    has_valid_token: bool,
    jitter: Jitter,
) -> Duration {
    let pause = match retry_after {
        Some(wait) => jitter.after(wait).min(MAX_TOKEN_RETRY_AFTER),
        None => jitter.around(streak.pause()),
    };
    lengthened(pause, has_valid_token)
}

/// The pause after the `times`th response in a row that reports invalid credentials.
pub(crate) fn pause_after_invalid_credentials(times: u8, jitter: Jitter) -> Duration {
    let doubled = Duration::from_secs(5) * (1 << times.saturating_sub(1).min(6));
    jitter.around(doubled.min(MAX_CREDENTIALS_PAUSE))
}

/// The pause after a token that had expired when it arrived.
pub(crate) fn pause_after_expired_token(has_valid_token: bool) -> Duration {
    lengthened(Duration::from_secs(1), has_valid_token)
}

/// While there is a valid token, a new one is not urgent.
fn lengthened(pause: Duration, has_valid_token: bool) -> Duration {
    if has_valid_token {
        pause.max(MIN_PAUSE_WITH_TOKEN)
    } else {
        pause
    }
}

/// The time that `Retry-After` asks for, in seconds or as a date (RFC 9110 10.2.3), and at most a day.
/// `None` if the header is missing or malformed.
pub(crate) fn retry_after(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = Duration::from_secs(value.parse().unwrap_or(u64::MAX));
        return Some(seconds.min(MAX_WAIT));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let wait = date.duration_since(wall).unwrap_or_default();
    Some(wait.min(MAX_WAIT))
}

/// The longest wait that is reported, so that adding it to a time cannot overflow.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

const HALF_SECOND: Duration = Duration::from_millis(500);
const FIRST_MINUTE: Duration = Duration::from_secs(60);
const MIN_PAUSE_WITH_TOKEN: Duration = Duration::from_secs(2);
const MAX_FAILURE_PAUSE: Duration = Duration::from_secs(30);
const MAX_CREDENTIALS_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The maximum pause for a `Retry-After` of the token endpoint.
const MAX_TOKEN_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

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
    fn renewal_starts_in_the_last_quarter_or_the_last_ten_minutes() {
        for (life, low, high) in [
            (2, 0.3, 0.5),
            (300, 45.0, 75.0),
            (2_400, 360.0, 600.0),
            (86_400, 360.0, 600.0),
            (38_880_000, 360.0, 600.0),
        ] {
            let life = Duration::from_secs(life);
            assert_eq!(renew_before_expiry(life, LOW), seconds(low), "{life:?}");
            assert_eq!(renew_before_expiry(life, HIGH), seconds(high), "{life:?}");
        }
    }

    #[test]
    fn pauses_grow_to_2_s_for_a_minute_and_then_double_to_30_s() {
        let start = Moment::from_nanos(1_000_000_000_000);
        let mut streak = None;
        let mut pauses = Vec::new();
        for at in [0, 1, 3, 5, 59, 60, 64, 72, 88, 118] {
            let failed = FailureStreak::with_failure(streak, start + Duration::from_secs(at));
            let pause = |jitter| pause_after_failure(failed, None, false, jitter);
            assert_eq!(pause(LOW), pause(MIDDLE).mul_f64(0.8), "{at}");
            pauses.push(pause(MIDDLE).as_secs_f64());
            streak = Some(failed);
        }
        assert_eq!(
            pauses,
            [0.5, 1.0, 2.0, 2.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
        );
    }

    #[test]
    fn pause_with_a_valid_token_is_at_least_2_s() {
        let streak = FailureStreak::with_failure(None, Moment::from_nanos(0));
        for retry_after in [None, Some(Duration::ZERO), Some(seconds(1.0))] {
            for jitter in [LOW, MIDDLE, HIGH] {
                let pause = pause_after_failure(streak, retry_after, true, jitter);
                assert_eq!(pause, seconds(2.0), "{retry_after:?}");
            }
        }
        assert_eq!(pause_after_expired_token(true), seconds(2.0));
        assert_eq!(pause_after_expired_token(false), seconds(1.0));
    }

    #[test]
    fn retry_after_replaces_the_pause_within_bounds() {
        let streak = FailureStreak::with_failure(None, Moment::from_nanos(0));
        for (retry_after, low, high) in [
            (0, 0.5, 0.5),
            (1, 1.0, 1.5),
            (42, 42.0, 42.5),
            (1_000_000_000, 900.0, 900.0),
            (u64::MAX, 900.0, 900.0),
        ] {
            let wait = Some(Duration::from_secs(retry_after));
            let pause = |jitter| pause_after_failure(streak, wait, false, jitter);
            assert_eq!(pause(LOW), seconds(low), "{retry_after}");
            assert_eq!(pause(HIGH), seconds(high), "{retry_after}");
        }
    }

    #[test]
    fn invalid_credentials_pause_from_5_s_to_5_min() {
        let pauses: Vec<_> = (1..=9)
            .map(|times| pause_after_invalid_credentials(times, MIDDLE).as_secs())
            .collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(pause_after_invalid_credentials(1, LOW), seconds(4.0));
        assert_eq!(pause_after_invalid_credentials(1, HIGH), seconds(6.0));
    }

    #[test]
    fn retry_after_is_parsed_as_seconds_and_as_a_date() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let parse = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers, wall)
        };
        assert_eq!(parse("42"), Some(Duration::from_secs(42)));
        assert_eq!(parse("0"), Some(Duration::ZERO));
        assert_eq!(parse("86401"), Some(MAX_WAIT));
        assert_eq!(parse("18446744073709551616"), Some(MAX_WAIT));
        assert_eq!(parse("Fri, 31 Dec 9999 23:59:59 GMT"), Some(MAX_WAIT));
        assert_eq!(parse("99999999999999999999999"), Some(MAX_WAIT));
        assert_eq!(
            parse("Sun, 09 Sep 2001 01:47:10 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(parse("Sun, 09 Sep 2001 01:00:00 GMT"), Some(Duration::ZERO));
        for malformed in ["", "-1", "1.5", "soon", "0x10", "+5"] {
            assert_eq!(parse(malformed), None, "{malformed}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), wall), None);
    }

    /// Two draws are equal in one of 4 billion cases.
    #[test]
    fn two_draws_differ() {
        let (Jitter(first), Jitter(second)) = (Jitter::draw(), Jitter::draw());
        assert_ne!(first.to_bits(), second.to_bits());
    }

    /// Each tenth gets 1,000 of 10,000; 30 is the standard deviation.
    #[test]
    fn draws_are_spread_evenly() {
        let mut tenths = [0; 10];
        for Jitter(drawn) in (0..10_000).map(|_| Jitter::draw()) {
            assert!((0.0..=1.0).contains(&drawn));
            let tenth = (1..10).filter(|tenth| drawn * 10.0 >= f64::from(*tenth));
            tenths[tenth.count()] += 1;
        }
        let spread = tenths.iter().all(|count| (700..1_300).contains(count));
        assert!(spread, "{tenths:?}");
    }
}

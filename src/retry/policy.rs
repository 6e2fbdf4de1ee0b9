//! When a call is sent again.

use std::time::Duration;

use http::{Method, StatusCode};

use super::{HALF_SECOND, Jitter};

/// When a call to the Platform API is sent again, and after which pause.
///
/// Repeated are answers of 429, 502, 503 and 504, and calls whose connection failed, where the method
/// is one that may be repeated: `GET`, `HEAD`, `PUT`, `DELETE`, `OPTIONS` and `TRACE` (RFC 9110
/// 9.2.2). Any other is repeated only where nothing of it was sent, or the caller says that it is
/// [repeatable](crate::client::Request::repeatable). A streamed body is never sent again.
///
/// `Retry-After` replaces the pause: it is waited for, and up to half a second more, in all never
/// under half a second. Over 180 seconds it ends the call at once, as does every pause that would
/// last beyond the call's [timeout](crate::client::Request::timeout). The error is the last one. An answer
/// that stalls takes all of that time: no attempt has a limit of its own.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_auth::client::RetryPolicy;
///
/// let patient = RetryPolicy::default()
///     .attempts(10)
///     .backoff(Duration::from_secs(1), Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

impl RetryPolicy {
    /// Sends each call once.
    #[must_use]
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// How often a call is sent at most, the first time included; 5 by default. The repetition with
    /// a new token after a 401 does not count.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pause after the first failure, which doubles with each further one up to the longest;
    /// half a second and 10 seconds by default. Each is up to 20 % shorter or longer.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// The pause before a request is sent again, once it has failed `failures` times and `left` of
    /// its time is left; none where it is not.
    pub(crate) fn pause(
        &self,
        repeat: Repeat,
        failure: Failure,
        failures: u32,
        left: Duration,
        luck: Jitter,
    ) -> Option<Duration> {
        let pause = match failure {
            _ if failures >= self.attempts || !repeat.allows(failure) => return None,
            Failure::Answer {
                retry_after: Some(wait),
                ..
            } if wait > MOST_RETRY_AFTER => return None,
            Failure::Answer {
                retry_after: Some(wait),
                ..
            } => (wait + luck.between(Duration::ZERO, HALF_SECOND)).max(HALF_SECOND),
            _ => self.backoff_after(failures, luck),
        };
        (pause < left).then_some(pause)
    }

    fn backoff_after(&self, failures: u32, luck: Jitter) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let pause = self.first.saturating_mul(1 << doublings);
        // A pause beyond this is past every deadline.
        luck.around(pause.min(self.longest).min(LONGEST_PAUSE))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: HALF_SECOND,
            longest: Duration::from_secs(10),
        }
    }
}

/// Whether a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Allowed,
    /// Only where the server can have seen nothing of it.
    Unsent,
    Never,
}

impl Repeat {
    /// By the method alone (RFC 9110 9.2.2). One that nobody knows is not idempotent.
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET
            | Method::HEAD
            | Method::PUT
            | Method::DELETE
            | Method::OPTIONS
            | Method::TRACE => Self::Allowed,
            _ => Self::Unsent,
        }
    }

    fn allows(self, failure: Failure) -> bool {
        let transient = match failure {
            Failure::Answer { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Failure::NoAnswer { .. } => true,
        };
        let unsent = matches!(failure, Failure::NoAnswer { nothing_sent: true });
        match self {
            Self::Allowed => transient,
            Self::Unsent => unsent,
            Self::Never => false,
        }
    }
}

/// How a request failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    Answer {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    NoAnswer {
        nothing_sent: bool,
    },
}

/// A server that asks for more is not waited for.
const MOST_RETRY_AFTER: Duration = Duration::from_secs(180);

const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use http::{HeaderMap, header::RETRY_AFTER};

    use super::*;
    use crate::retry::retry_after;

    const LOW: Jitter = Jitter::pinned(0.0);
    const MIDDLE: Jitter = Jitter::pinned(0.5);
    const HIGH: Jitter = Jitter::pinned(1.0);
    const BROKEN: Failure = Failure::NoAnswer {
        nothing_sent: false,
    };
    const UNSENT: Failure = Failure::NoAnswer { nothing_sent: true };
    const HOUR: Duration = Duration::from_secs(3_600);

    fn answer(status: u16, retry_after: Option<Duration>) -> Failure {
        Failure::Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after,
        }
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn what_is_repeated_depends_on_the_method_and_the_failure() {
        let method = |name: &str| name.parse::<Method>().unwrap();
        let allowed = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];
        let unsent = ["POST", "PATCH", "CONNECT", "TOMORROW", "get"];
        for name in allowed {
            assert_eq!(Repeat::of(&method(name)), Repeat::Allowed, "{name}");
        }
        for name in unsent {
            assert_eq!(Repeat::of(&method(name)), Repeat::Unsent, "{name}");
        }
        let policy = RetryPolicy::default();
        for (failure, expected) in [
            (UNSENT, [true, true, false]),
            (BROKEN, [true, false, false]),
            (answer(429, None), [true, false, false]),
            (answer(502, None), [true, false, false]),
            (answer(503, None), [true, false, false]),
            (answer(504, None), [true, false, false]),
            (answer(400, None), [false; 3]),
            (answer(401, None), [false; 3]),
            (answer(403, None), [false; 3]),
            (answer(404, None), [false; 3]),
            (answer(408, None), [false; 3]),
            (answer(500, None), [false; 3]),
            (answer(501, None), [false; 3]),
            (answer(200, None), [false; 3]),
        ] {
            let repeated = [Repeat::Allowed, Repeat::Unsent, Repeat::Never]
                .map(|repeat| policy.pause(repeat, failure, 1, HOUR, MIDDLE).is_some());
            assert_eq!(repeated, expected, "{failure:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_until_the_attempts_are_used_up() {
        let pauses = |policy: RetryPolicy, luck| {
            (1..)
                .map_while(|failures| policy.pause(Repeat::Allowed, BROKEN, failures, HOUR, luck))
                .map(|pause| pause.as_secs_f64())
                .take(70)
                .collect::<Vec<_>>()
        };
        let policy = RetryPolicy::default();
        assert_eq!(pauses(policy, MIDDLE), [0.5, 1.0, 2.0, 4.0]);
        assert_eq!(pauses(policy, LOW), [0.4, 0.8, 1.6, 3.2]);
        assert_eq!(pauses(policy, HIGH), [0.6, 1.2, 2.4, 4.8]);
        assert_eq!(pauses(RetryPolicy::never(), MIDDLE), [0.0; 0]);
        assert_eq!(pauses(policy.attempts(0), MIDDLE), [0.0; 0]);
        let policy = policy.attempts(6).backoff(seconds(3.0), seconds(10.0));
        assert_eq!(pauses(policy, MIDDLE), [3.0, 6.0, 10.0, 10.0, 10.0]);
        let endless = policy.attempts(u32::MAX);
        assert_eq!(pauses(endless, MIDDLE).last(), Some(&10.0));
        let absurd = endless.backoff(Duration::MAX, Duration::MAX);
        assert_eq!(pauses(absurd, HIGH), [0.0; 0]);
    }

    #[test]
    fn a_pause_never_lasts_beyond_the_time_that_is_left() {
        let pause = |failure, left| {
            RetryPolicy::default().pause(Repeat::Allowed, failure, 1, seconds(left), MIDDLE)
        };
        assert_eq!(pause(BROKEN, 0.501), Some(seconds(0.5)));
        assert_eq!(pause(BROKEN, 0.5), None);
        assert_eq!(pause(BROKEN, 0.0), None);
        let limited = answer(429, Some(seconds(42.0)));
        assert_eq!(pause(limited, 42.3), Some(seconds(42.25)));
        assert_eq!(pause(limited, 42.2), None);
    }

    #[test]
    fn retry_after_replaces_the_pause_or_ends_the_call() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let backoff = Some((0.4, 0.6));
        for (value, expected) in [
            ("0", Some((0.5, 0.5))),
            ("1", Some((1.0, 1.5))),
            ("42", Some((42.0, 42.5))),
            ("180", Some((180.0, 180.5))),
            ("181", None),
            ("1000000000", None),
            ("99999999999999999999999", None),
            ("Sun, 09 Sep 2001 01:47:10 GMT", Some((30.0, 30.5))),
            ("Sun, 09 Sep 2001 01:49:40 GMT", Some((180.0, 180.5))),
            ("Sun, 09 Sep 2001 01:49:41 GMT", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", None),
            ("Sun, 09 Sep 2001 01:00:00 GMT", Some((0.5, 0.5))),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some((0.5, 0.5))),
            ("-1", backoff),
            ("-1000000000", backoff),
            ("1.5", backoff),
            ("soon", backoff),
            ("", backoff),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            let failure = answer(429, retry_after(&headers, wall));
            let pause =
                |luck| RetryPolicy::default().pause(Repeat::Allowed, failure, 1, HOUR, luck);
            let pauses = pause(LOW).zip(pause(HIGH));
            let expected = expected.map(|(low, high)| (seconds(low), seconds(high)));
            assert_eq!(pauses, expected, "{value:?}");
        }
    }
}

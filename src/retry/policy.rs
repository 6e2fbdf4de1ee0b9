//! When a call to the Platform API is repeated.

use std::time::Duration;

use http::{Method, StatusCode};

use super::{HALF_SECOND, Jitter};

/// When a call to the Platform API is repeated, and after which pause.
///
/// A call is repeated after a response with the status 429, 502, 503 or 504 and after a connection
/// failure, if its method may be repeated: `GET`, `HEAD`, `PUT`, `DELETE`, `OPTIONS` or `TRACE`
/// (RFC 9110 9.2.2). A call with another method is repeated only if nothing of it was sent, or if
/// the caller says that it is [repeatable](crate::client::Request::repeatable). A streamed body is
/// never sent again.
///
/// `Retry-After` replaces the pause. The wait is up to half a second longer, and at least half a
/// second. A call is not repeated if `Retry-After` is over 180 seconds, or if the pause would end
/// after the call's [timeout](crate::client::Request::timeout); the caller then gets the last error.
/// An attempt has no time limit of its own: a response that stalls uses the whole timeout.
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

    /// The maximum number of attempts of a call, 5 by default. The repetition with a new token
    /// after a 401 does not count.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pause after the first failure, half a second by default. It doubles with each further
    /// failure up to `longest`, 10 seconds by default. Each pause is up to 20 % shorter or longer.
    #[must_use]
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// The pause before a request is repeated that has failed `failures` times and has `left` of
    /// its time. `None` if it is not repeated.
    pub(crate) fn pause(
        &self,
        repeat: Repeat,
        failure: Failure,
        failures: u32,
        left: Duration,
        jitter: Jitter,
    ) -> Option<Duration> {
        if failures >= self.attempts || !repeat.allows(failure) {
            return None;
        }
        let pause = match failure.retry_after() {
            Some(wait) if wait > MAX_API_RETRY_AFTER => return None,
            Some(wait) => jitter.after(wait),
            None => self.backoff_after(failures, jitter),
        };
        (pause < left).then_some(pause)
    }

    fn backoff_after(&self, failures: u32, jitter: Jitter) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let pause = self.first.saturating_mul(1 << doublings);
        jitter.around(pause.min(self.longest).min(MAX_PAUSE))
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

/// Whether a request may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Allowed,
    /// Only if nothing of it was sent.
    Unsent,
    Never,
}

impl Repeat {
    /// Idempotent methods may be repeated (RFC 9110 9.2.2). Unknown methods count as not
    /// idempotent.
    pub(crate) fn for_method(method: &Method) -> Self {
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
            Failure::Response { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Failure::NoResponse { .. } => true,
        };
        let unsent = matches!(failure, Failure::NoResponse { nothing_sent: true });
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
    Response {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    NoResponse {
        nothing_sent: bool,
    },
}

impl Failure {
    fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Response { retry_after, .. } => retry_after,
            Self::NoResponse { .. } => None,
        }
    }
}

/// The maximum `Retry-After` of the API that is waited for.
const MAX_API_RETRY_AFTER: Duration = Duration::from_secs(180);

/// Later than every deadline, and small enough to multiply.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use http::{HeaderMap, header::RETRY_AFTER};

    use super::*;
    use crate::retry::retry_after;

    const LOW: Jitter = Jitter::pinned(0.0);
    const MIDDLE: Jitter = Jitter::pinned(0.5);
    const HIGH: Jitter = Jitter::pinned(1.0);
    const BROKEN: Failure = Failure::NoResponse {
        nothing_sent: false,
    };
    const UNSENT: Failure = Failure::NoResponse { nothing_sent: true };
    const HOUR: Duration = Duration::from_secs(3_600);

    fn response(status: u16, retry_after: Option<Duration>) -> Failure {
        Failure::Response {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after,
        }
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn method_and_failure_decide_whether_a_call_is_repeated() {
        let method = |name: &str| name.parse::<Method>().unwrap();
        let allowed = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];
        let unsent = ["POST", "PATCH", "CONNECT", "TOMORROW", "get"];
        for name in allowed {
            assert_eq!(Repeat::for_method(&method(name)), Repeat::Allowed, "{name}");
        }
        for name in unsent {
            assert_eq!(Repeat::for_method(&method(name)), Repeat::Unsent, "{name}");
        }
        let policy = RetryPolicy::default();
        for (failure, expected) in [
            (UNSENT, [true, true, false]),
            (BROKEN, [true, false, false]),
            (response(429, None), [true, false, false]),
            (response(502, None), [true, false, false]),
            (response(503, None), [true, false, false]),
            (response(504, None), [true, false, false]),
            (response(400, None), [false; 3]),
            (response(401, None), [false; 3]),
            (response(403, None), [false; 3]),
            (response(404, None), [false; 3]),
            (response(408, None), [false; 3]),
            (response(500, None), [false; 3]),
            (response(501, None), [false; 3]),
            (response(200, None), [false; 3]),
        ] {
            let repeated = [Repeat::Allowed, Repeat::Unsent, Repeat::Never]
                .map(|repeat| policy.pause(repeat, failure, 1, HOUR, MIDDLE).is_some());
            assert_eq!(repeated, expected, "{failure:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_attempts() {
        let pauses = |policy: RetryPolicy, jitter| {
            (1..)
                .map_while(|failures| policy.pause(Repeat::Allowed, BROKEN, failures, HOUR, jitter))
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
    fn call_is_not_repeated_after_its_deadline() {
        let pause = |failure, left| {
            RetryPolicy::default().pause(Repeat::Allowed, failure, 1, seconds(left), MIDDLE)
        };
        assert_eq!(pause(BROKEN, 0.501), Some(seconds(0.5)));
        assert_eq!(pause(BROKEN, 0.5), None);
        assert_eq!(pause(BROKEN, 0.0), None);
        let limited = response(429, Some(seconds(42.0)));
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
            let failure = response(429, retry_after(&headers, wall));
            let pause =
                |jitter| RetryPolicy::default().pause(Repeat::Allowed, failure, 1, HOUR, jitter);
            let pauses = pause(LOW).zip(pause(HIGH));
            let expected = expected.map(|(low, high)| (seconds(low), seconds(high)));
            assert_eq!(pauses, expected, "{value:?}");
        }
    }
}

//! Rate limits, counted on the sandbox's own clock.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::{ApiRefusal, OAuthRefusal, SandboxBuilder};
use crate::clock::Moment;

/// How often it may be asked.
impl SandboxBuilder {
    /// Answers more than `calls` with one token in a `window` with 429 and `Retry-After`. A window
    /// begins with the first call; [`Sandbox::advance`](super::Sandbox::advance) ends it.
    ///
    /// By default no call is refused, and the `inin-ratelimit-…` headers count as if 300 were
    /// allowed in a minute.
    pub fn api_rate_limit(mut self, calls: u32, window: Duration) -> Self {
        self.0.api_limit = Limit::refusing(calls, window);
        self
    }

    /// Answers more than `requests` for a token in a `window` with 400, `invalid_request` and
    /// `rate limit exceeded;…`, whatever the request says. None by default; Genesys Cloud's own
    /// number is not known.
    pub fn token_rate_limit(mut self, requests: u32, window: Duration) -> Self {
        self.0.token_limit = Some(Limit::refusing(requests, window));
        self
    }

    /// Whether the answer of [`token_rate_limit`](Self::token_rate_limit) has a `Retry-After`. It
    /// is not known what Genesys Cloud does; by default it has none.
    pub fn token_rate_limit_sends_retry_after(mut self, says: bool) -> Self {
        self.0.token_limit_sends_retry_after = says;
        self
    }
}

/// At most so many in each window of time.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) allowed: u32,
    pub(super) window: Duration,
    /// Whether more are refused; else they are only counted.
    refuses: bool,
}

impl Limit {
    /// Genesys Cloud's `token.rate.per.minute`, as a number to count towards.
    pub(super) const PER_MINUTE: Self = Self {
        allowed: 300,
        window: Duration::from_secs(60),
        refuses: false,
    };

    fn refusing(allowed: u32, window: Duration) -> Self {
        Self {
            allowed,
            window,
            refuses: true,
        }
    }
}

/// What was counted since the window began.
pub(super) struct Window {
    began: Moment,
    count: u32,
}

impl Window {
    pub(super) fn begin(now: Moment) -> Self {
        Self {
            began: now,
            count: 0,
        }
    }

    /// Counts one more, unless it is refused.
    pub(super) fn count(&mut self, now: Moment, limit: Limit) -> Counted {
        if self.count == 0 || self.began + limit.window <= now {
            *self = Self::begin(now);
        }
        let refused = limit.refuses && self.count >= limit.allowed;
        if !refused {
            self.count = self.count.saturating_add(1);
        }
        Counted {
            count: self.count,
            allowed: limit.allowed,
            left: (self.began + limit.window) - now,
            refused,
        }
    }
}

/// Where a window stands after one more.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    count: u32,
    allowed: u32,
    /// Until the window ends.
    left: Duration,
    pub(super) refused: bool,
}

impl Counted {
    /// What the Platform API says of it in every answer.
    pub(super) fn tell(self, response: &mut Response) {
        for (name, number) in [
            ("inin-ratelimit-count", u64::from(self.count)),
            ("inin-ratelimit-allowed", u64::from(self.allowed)),
            ("inin-ratelimit-reset", self.seconds_left()),
        ] {
            response.headers_mut().insert(name, number.into());
        }
    }

    /// The Platform API's answer to a call that is refused.
    pub(super) fn too_many_calls(self) -> Response {
        let wait = self.seconds_left();
        let refusal = ApiRefusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too.many.requests.retry.after",
            format!("Rate limit exceeded the maximum. Retry the request in [{wait}] seconds"),
        );
        with_retry_after(refusal, wait)
    }

    /// The token endpoint's answer to a request that is refused.
    pub(super) fn too_many_token_requests(self, says_retry_after: bool) -> Response {
        // What follows the semicolon is not known.
        let refusal = OAuthRefusal::new("invalid_request", "rate limit exceeded; try again later");
        if says_retry_after {
            with_retry_after(refusal, self.seconds_left())
        } else {
            refusal.into_response()
        }
    }

    /// Rounded up, so that a wait this long is long enough.
    fn seconds_left(self) -> u64 {
        self.left.as_secs() + u64::from(self.left.subsec_nanos() > 0)
    }
}

fn with_retry_after(refusal: impl IntoResponse, seconds: u64) -> Response {
    let mut response = refusal.into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.into());
    response
}

//! Rate limits, counted on the sandbox's own clock.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header;

use crate::{
    clock::Moment,
    sandbox::http::error_response::{ApiErrorResponse, OAuthErrorResponse},
};

/// A maximum of requests in each window of time.
#[derive(Clone, Copy)]
pub(crate) struct RateLimit {
    pub(crate) allowed: u32,
    pub(crate) window: Duration,
    /// Whether requests above the limit are rejected; otherwise they are only counted.
    is_enforced: bool,
}

impl RateLimit {
    /// Genesys Cloud's `token.rate.per.minute`, not enforced.
    pub(crate) const PER_MINUTE: Self = Self {
        allowed: 300,
        window: Duration::from_secs(60),
        is_enforced: false,
    };

    pub(crate) fn enforced(allowed: u32, window: Duration) -> Self {
        Self {
            allowed,
            window,
            is_enforced: true,
        }
    }
}

/// A window of a rate limit. It starts with its first request.
pub(crate) struct Window {
    start: Moment,
    count: u32,
}

impl Window {
    pub(crate) fn starting_at(now: Moment) -> Self {
        Self {
            start: now,
            count: 0,
        }
    }

    /// Counts a request, unless it exceeds the limit.
    pub(crate) fn count(&mut self, now: Moment, limit: RateLimit) -> RateLimitCount {
        if self.count == 0 || self.start + limit.window <= now {
            *self = Self::starting_at(now);
        }
        let exceeded = limit.is_enforced && self.count >= limit.allowed;
        if !exceeded {
            self.count = self.count.saturating_add(1);
        }
        RateLimitCount {
            count: self.count,
            allowed: limit.allowed,
            window_left: (self.start + limit.window) - now,
            exceeded,
        }
    }
}

/// The state of a window after a request.
#[derive(Clone, Copy)]
pub(crate) struct RateLimitCount {
    count: u32,
    allowed: u32,
    window_left: Duration,
    pub(crate) exceeded: bool,
}

impl RateLimitCount {
    /// Adds the headers that the Platform API sends with every response.
    pub(crate) fn add_headers(self, response: &mut Response) {
        for (name, number) in [
            ("inin-ratelimit-count", u64::from(self.count)),
            ("inin-ratelimit-allowed", u64::from(self.allowed)),
            ("inin-ratelimit-reset", self.seconds_left()),
        ] {
            response.headers_mut().insert(name, number.into());
        }
    }

    /// Returns the Platform API's response to a call above the limit.
    pub(crate) fn api_response(self) -> Response {
        let seconds = self.seconds_left();
        with_retry_after(ApiErrorResponse::too_many_requests(seconds), seconds)
    }

    /// Returns the token endpoint's response to a request above the limit.
    pub(crate) fn token_response(self, sends_retry_after: bool) -> Response {
        // Genesys Cloud's text after the semicolon is not known.
        let error = OAuthErrorResponse::invalid_request("rate limit exceeded; try again later");
        if sends_retry_after {
            with_retry_after(error, self.seconds_left())
        } else {
            error.into_response()
        }
    }

    /// Returns the rest of the window, rounded up so that waiting this long is enough.
    fn seconds_left(self) -> u64 {
        self.window_left.as_secs() + u64::from(self.window_left.subsec_nanos() > 0)
    }
}

fn with_retry_after(error: impl IntoResponse, seconds: u64) -> Response {
    let mut response = error.into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.into());
    response
}

//! Too many requests.

use std::{fmt, time::Duration};

use super::{ApiError, Head, Limit};

/// Too many requests.
#[derive(Debug)]
pub struct RateLimited {
    pub(crate) head: Head,
    pub(crate) message: Option<String>,
    pub(crate) answer: Option<ApiError>,
}

impl RateLimited {
    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.head.retry_after
    }

    /// The server's own words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The limit that was met, where the answer tells.
    #[must_use]
    pub fn limit(&self) -> Option<&Limit> {
        self.answer.as_ref()?.limit()
    }

    /// The answer itself, where it is the Platform API's.
    #[must_use]
    pub fn answer(&self) -> Option<&ApiError> {
        self.answer.as_ref()
    }
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Head { place, status, .. } = &self.head;
        write!(f, "{place}: too many requests (HTTP {status})")?;
        if let Some(wait) = self.head.retry_after {
            write!(f, "; the server asks to wait {} s", wait.as_secs())?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(limit) = self.limit() {
            write!(f, "; {limit}")?;
        }
        if let Some(id) = &self.head.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        Ok(())
    }
}

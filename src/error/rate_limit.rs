//! Too many requests.

use std::{fmt, time::Duration};

/// Too many requests.
#[derive(Debug)]
pub struct RateLimited {
    pub(crate) status: u16,
    pub(crate) place: String,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) message: Option<String>,
    pub(crate) correlation_id: Option<String>,
}

impl RateLimited {
    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The server's own words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: too many requests (HTTP {})",
            self.place, self.status
        )?;
        if let Some(wait) = self.retry_after {
            write!(f, "; the server asks to wait {} s", wait.as_secs())?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        Ok(())
    }
}

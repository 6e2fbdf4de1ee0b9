//! What the token endpoint refuses.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use crate::region::Region;

/// An error answer of the token endpoint (RFC 6749 5.2), recognised by its `error`, whatever its
/// status.
#[derive(Debug)]
pub struct OAuthError {
    pub(crate) error: String,
    pub(crate) description: Option<String>,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) correlation_id: Option<String>,
}

impl OAuthError {
    /// The code, such as `invalid_client` or `unauthorized_client`.
    #[must_use]
    pub fn error(&self) -> &str {
        &self.error
    }

    /// The server's own words.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The HTTP status; Genesys Cloud answers 400 for most.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The id under which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(super) fn is_transient(&self) -> bool {
        match self.error.as_str() {
            "server_error" | "temporarily_unavailable" => true,
            "access_denied"
            | "invalid_client"
            | "invalid_grant"
            | "invalid_request"
            | "invalid_scope"
            | "unauthorized_client"
            | "unsupported_grant_type" => false,
            // Gateways have words of their own.
            _ => self.status >= 500,
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token endpoint answered {}", self.error)?;
        if let Some(description) = &self.description {
            write!(f, ": {description}")?;
        }
        write!(f, " (HTTP {})", self.status)?;
        if self.error == "unauthorized_client" {
            f.write_str(
                "; the OAuth client has another grant type: choose the one that is asked for here, \
                 or another client (Admin → Integrations → OAuth)",
            )?;
        }
        Ok(())
    }
}

/// The token endpoint does not know the client, or not with this secret.
///
/// A wrong client id, a wrong secret, a disabled client and the wrong region all look the same.
#[derive(Debug)]
pub struct InvalidClient {
    pub(crate) answer: OAuthError,
    pub(crate) region: Region,
    pub(crate) accepted_before: Option<SystemTime>,
}

impl InvalidClient {
    /// The region that was asked.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// When the same client was last accepted: since then its secret was regenerated, or the client
    /// was disabled or deleted.
    #[must_use]
    pub fn accepted_before(&self) -> Option<SystemTime> {
        self.accepted_before
    }

    /// The answer itself.
    #[must_use]
    pub fn answer(&self) -> &OAuthError {
        &self.answer
    }
}

impl fmt::Display for InvalidClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answer, region, .. } = self;
        write!(f, "{answer}; region {region} ")?;
        f.write_str(if self.accepted_before.is_some() {
            "accepted this client before: its secret was regenerated, or the client was disabled; \
             put the new secret where this program reads it"
        } else {
            "does not know this client id with this secret: one of them is wrong, the client is \
             disabled, or it belongs to another region; verify them, and regenerate the secret if \
             it is lost (Admin → Integrations → OAuth)"
        })
    }
}

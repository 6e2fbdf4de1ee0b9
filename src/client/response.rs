//! What the Platform API answered.

use std::{borrow::Cow, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::LOCATION};
use serde::de::DeserializeOwned;

use crate::{
    error::{Error, Problem},
    http::Incoming,
};

/// An answer of the Platform API below 400, its body not read yet.
pub struct Response {
    incoming: Incoming,
    body_limit: usize,
}

impl Response {
    pub(super) fn new(incoming: Incoming, body_limit: usize) -> Self {
        Self {
            incoming,
            body_limit,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.incoming.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.incoming.headers()
    }

    /// The id under which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<String> {
        self.incoming.correlation_id()
    }

    /// How much of the token's rate limit is used, where the answer tells.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        let number = |name: &str| self.headers().get(name)?.to_str().ok()?.trim().parse().ok();
        Some(RateLimit {
            count: number("inin-ratelimit-count")?,
            allowed: number("inin-ratelimit-allowed")?,
            reset: Duration::from_secs(number("inin-ratelimit-reset")?),
        })
    }

    /// Where a redirection points to. It was not followed: fetch it without a token, if at all.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers().get(LOCATION)?.to_str().ok()
    }

    /// Decodes the body as JSON; an empty one as `null`.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); or where and how the body does not decode, never what it holds.
    pub async fn json<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        let body = self.incoming.read(self.body_limit).await?;
        let json: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(json)
            .map_err(|error| self.unexpected(Problem::NotJson((&error).into())))
    }

    /// The body as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); or that it is not UTF-8.
    pub async fn text(mut self) -> Result<String, Error> {
        let body = self.incoming.read(self.body_limit).await?;
        String::from_utf8(body).map_err(|_| self.unexpected(Problem::NotUtf8))
    }

    /// The body.
    ///
    /// # Errors
    /// It is over the [limit](crate::PlatformClient::body_limit), the connection broke, or the
    /// call's time is over.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        Ok(self.incoming.read(self.body_limit).await?.into())
    }

    /// The body piece by piece, without a limit to its length.
    #[must_use]
    pub fn chunks(self) -> Chunks {
        Chunks(self.incoming)
    }

    pub(super) fn unexpected(&self, problem: Problem) -> Error {
        self.incoming.unexpected(problem, None)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self
            .correlation_id()
            .map_or(Cow::Borrowed("none"), Cow::Owned);
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("correlation_id", &id)
            .finish_non_exhaustive()
    }
}

/// The pieces of an answer's body.
#[derive(Debug)]
pub struct Chunks(Incoming);

impl Chunks {
    /// The next piece; none at the end.
    ///
    /// # Errors
    /// The connection broke, or the call's time is over.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        self.0.chunk().await.transpose()
    }
}

/// How much of a rate limit is used.
///
/// Source: Genesys Cloud Developer Center, "Rate limits", the headers `inin-ratelimit-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Requests so far in this window.
    pub count: u64,
    /// Requests allowed in a window.
    pub allowed: u64,
    /// What is left of the window.
    pub reset: Duration,
}

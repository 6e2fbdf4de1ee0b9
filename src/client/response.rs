//! What the Platform API answered.

use std::{
    borrow::Cow,
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode, header::LOCATION};
use serde::de::DeserializeOwned;

use crate::{
    error::{Error, ResponseProblem},
    http_client::Incoming,
};

/// An answer of the Platform API below 400, its body not read yet.
pub struct Response {
    incoming: Incoming,
    body_limit: usize,
    /// Where it was read already.
    body: Option<Vec<u8>>,
}

impl Response {
    pub(super) fn new(incoming: Incoming, body_limit: usize) -> Self {
        Self {
            incoming,
            body_limit,
            body: None,
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
        self.decode().await
    }

    /// The body as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); or that it is not UTF-8.
    pub async fn text(mut self) -> Result<String, Error> {
        let body = self.take_body().await?;
        String::from_utf8(body).map_err(|_| self.unexpected(ResponseProblem::NotUtf8))
    }

    /// The body.
    ///
    /// # Errors
    /// It is over the [limit](crate::PlatformClient::body_limit), the connection broke, or the
    /// call's time is over.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        Ok(self.take_body().await?.into())
    }

    /// The body piece by piece, without a limit to its length. The call's
    /// [timeout](crate::client::Request::timeout) holds to its end: set one that is long enough.
    #[must_use]
    pub fn chunks(self) -> Chunks {
        Chunks(Some(self.incoming))
    }

    /// Reads the body, to be decoded later.
    pub(super) async fn read(&mut self) -> Result<(), Error> {
        self.body = Some(self.take_body().await?);
        Ok(())
    }

    pub(super) async fn decode<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let body = self.take_body().await?;
        let json: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(json)
            .map_err(|error| self.unexpected(ResponseProblem::not_json(&error)))
    }

    async fn take_body(&mut self) -> Result<Vec<u8>, Error> {
        match self.body.take() {
            Some(body) => Ok(body),
            None => self.incoming.read(self.body_limit).await,
        }
    }

    pub(super) fn unexpected(&self, problem: ResponseProblem) -> Error {
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

/// The pieces of an answer's body, by [`next`](Self::next) or as a [`Stream`].
#[derive(Debug)]
pub struct Chunks(Option<Incoming>);

impl Chunks {
    /// The next piece; none at the end, and after an error. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection broke, or the call's time is over.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let Some(incoming) = &mut self.0 else {
            return Poll::Ready(None);
        };
        // A new future each time: all that it waits for is kept in the body.
        let piece = ready!(pin!(incoming.chunk()).poll(context)).transpose();
        if !matches!(piece, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(piece)
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

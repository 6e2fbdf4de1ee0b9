//! Responses of the Platform API.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::OnceLock,
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
    outside_text::without_byte_order_mark,
    retry::MAX_WAIT,
};

/// A response of the Platform API with a status below 400.
pub struct Response {
    incoming: Incoming,
    /// It is redacted when it is first read.
    correlation_id: OnceLock<Option<String>>,
    body_limit: usize,
    /// The body, where it has been read.
    body: Option<Bytes>,
}

impl Response {
    pub(super) fn new(incoming: Incoming, body_limit: usize) -> Self {
        Self {
            incoming,
            correlation_id: OnceLock::new(),
            body_limit,
            body: None,
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.incoming.status()
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.incoming.headers()
    }

    /// Returns the id under which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        let id = || self.incoming.correlation_id();
        self.correlation_id.get_or_init(id).as_deref()
    }

    /// Returns how much of the token's rate limit is used, where the response has all three
    /// headers.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        let number = |name: &str| self.headers().get(name)?.to_str().ok()?.trim().parse().ok();
        Some(RateLimit {
            count: number("inin-ratelimit-count")?,
            allowed: number("inin-ratelimit-allowed")?,
            reset: Duration::from_secs(number("inin-ratelimit-reset")?).min(MAX_WAIT),
        })
    }

    /// Returns the target of a redirection, which was not followed. Do not send a token there.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers().get(LOCATION)?.to_str().ok()
    }

    /// Decodes the body as JSON, and an empty body as `null`.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes); also the place at which the body does not decode, but none
    /// of its content.
    pub async fn json<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        self.decode().await
    }

    /// Returns the body as text, without a byte order mark.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes); also a body that is not UTF-8.
    pub async fn text(mut self) -> Result<String, Error> {
        let body = self.take_body().await?;
        let text = body.slice_ref(without_byte_order_mark(&body));
        drop(body);
        String::from_utf8(text.into()).map_err(|_| self.unexpected(ResponseProblem::NotUtf8))
    }

    /// Returns the body.
    ///
    /// # Errors
    /// The body is over the [limit](crate::client::PlatformClientBuilder::body_limit), the
    /// connection broke, or the call's time is over.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        self.take_body().await
    }

    /// Returns the body in chunks, without a limit to its length. The
    /// [timeout](crate::client::Request::timeout) of the call includes reading them.
    #[must_use]
    pub fn chunks(self) -> Chunks {
        Chunks(Some(self.incoming))
    }

    /// Reads the body for later.
    pub(super) async fn read(&mut self) -> Result<(), Error> {
        self.body = Some(self.take_body().await?);
        Ok(())
    }

    pub(super) async fn decode<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let json = self.take_json().await?;
        serde_json::from_slice(&json).map_err(|error| {
            self.unexpected(ResponseProblem::undecodable(self.headers(), &json, &error))
        })
    }

    /// Returns the JSON of the body: `null` if it is empty.
    pub(super) async fn take_json(&mut self) -> Result<Bytes, Error> {
        let body = self.take_body().await?;
        let json = body.slice_ref(without_byte_order_mark(&body));
        Ok(if json.is_empty() {
            Bytes::from_static(b"null")
        } else {
            json
        })
    }

    pub(super) async fn take_body(&mut self) -> Result<Bytes, Error> {
        match self.body.take() {
            Some(body) => Ok(body),
            None => self.incoming.read(self.body_limit).await,
        }
    }

    /// Returns the error that `body` is, in spite of the response's status.
    pub(crate) fn error_of_body(&self, body: &[u8]) -> Error {
        self.incoming.error_of_body(body)
    }

    pub(crate) fn unexpected(&self, problem: ResponseProblem) -> Error {
        self.incoming.unexpected(problem, None)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("correlation_id", &self.correlation_id())
            .finish_non_exhaustive()
    }
}

/// The chunks of a response's body, read with [`next`](Self::next) or as a [`Stream`].
///
/// [`Stream`]: https://docs.rs/futures-core/latest/futures_core/stream/trait.Stream.html
#[derive(Debug)]
pub struct Chunks(Option<Incoming>);

impl Chunks {
    /// Returns the next chunk, or `None` at the end and after an error. Dropping the future loses
    /// nothing.
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
        // Each poll makes a new future: the state is in the body.
        let chunk = ready!(pin!(incoming.chunk()).poll(context)).transpose();
        if !matches!(chunk, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(chunk)
    }
}

/// How much of a rate limit is used.
///
/// Source: Genesys Cloud Developer Center, "Rate limits", the headers `inin-ratelimit-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The requests so far in this window.
    pub count: u64,
    /// The requests allowed in a window.
    pub allowed: u64,
    /// The time until the window ends, at most a day.
    pub reset: Duration,
}

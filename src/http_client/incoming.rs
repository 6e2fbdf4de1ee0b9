//! An HTTP response, whose body is read on demand.

use std::{fmt, mem, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{CONTENT_ENCODING, TRANSFER_ENCODING},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use zeroize::Zeroizing;

use super::failure::transport_error;
use crate::{
    clock::Clock,
    error::{
        Error, ErrorKind, Peer, ResponseHead, ResponseProblem, TimedOut, UnexpectedResponse,
        classify_api, correlation_id,
    },
    retry::retry_after,
};

/// An HTTP response, and what is known of its request.
pub(crate) struct Incoming {
    response: reqwest::Response,
    /// The request's method.
    method: Method,
    /// The request's `Authorization`, which a server may repeat in its response.
    authorization: Option<HeaderValue>,
    /// The maximum time of the request, with the response's body.
    timeout: Duration,
    body_secrets: Vec<SecretString>,
}

impl Incoming {
    pub(super) fn new(
        response: reqwest::Response,
        method: Method,
        authorization: Option<HeaderValue>,
        timeout: Duration,
    ) -> Self {
        Self {
            response,
            method,
            authorization,
            timeout,
            body_secrets: Vec::new(),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Returns what the status means for the request.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.status().as_u16() {
            200..=299 => Outcome::Success,
            300..=399 => Outcome::Redirection,
            _ => Outcome::Error,
        }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Returns the next chunk of the body. A body with a content coding is not read: none was
    /// requested, and it may be endless once decoded.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = self.next_chunk().await?;
        if chunk.is_some() {
            self.check_coding()?;
        }
        Ok(chunk)
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|error| {
            let (peer, id) = (Peer::of(self.response.url()), self.correlation_id());
            let time = TimedOut {
                endpoint: self.endpoint(),
                limit: self.timeout,
            };
            transport_error(error, peer, time, id)
        })
    }

    /// Returns the whole body, if it has at most `limit` bytes. One that arrives at once is not
    /// copied.
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Bytes, Error> {
        let mut left = self.check_head(limit)?;
        let Some(first) = self.chunk_within(&mut left, limit).await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.chunk_within(&mut left, limit).await? else {
            return Ok(first);
        };
        let capacity = self.announced().unwrap_or(0).min(MAX_BODY_CAPACITY);
        let mut body = Vec::with_capacity(capacity);
        body.extend_from_slice(&first);
        body.extend_from_slice(&second);
        while let Some(chunk) = self.chunk_within(&mut left, limit).await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    /// Returns the whole body, if it has at most `limit` bytes, in a buffer that is wiped when it is
    /// dropped, and when a larger one takes its place.
    pub(crate) async fn read_secret(&mut self, limit: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut left = self.check_head(limit)?;
        let announced = self.announced().unwrap_or(0);
        let mut body = Zeroizing::new(Vec::with_capacity(announced));
        while let Some(chunk) = self.chunk_within(&mut left, limit).await? {
            let length = body.len() + chunk.len();
            if length > body.capacity() {
                let larger = Vec::with_capacity(length.max(2 * body.len()));
                let smaller = mem::replace(&mut body, Zeroizing::new(larger));
                body.extend_from_slice(&smaller);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Returns the length in `Content-Length`.
    fn announced(&self) -> Option<usize> {
        let announced = self.response.content_length()?;
        Some(usize::try_from(announced).unwrap_or(usize::MAX))
    }

    /// Returns how many bytes the body may have, unless its announced length is already over that.
    fn check_head(&self, limit: usize) -> Result<usize, Error> {
        match self.announced() {
            Some(announced) if announced > limit => Err(self.too_long(limit)),
            _ => Ok(limit),
        }
    }

    /// Fails if the body has a coding in any of the headers' lines and lists. The frames of `chunked`
    /// are already removed.
    fn check_coding(&self) -> Result<(), Error> {
        let lines = |name| self.headers().get_all(name).iter();
        let mut lines = lines(CONTENT_ENCODING).chain(lines(TRANSFER_ENCODING));
        let is_encoded = lines.any(|line| {
            let mut codings = line.as_bytes().split(|byte| *byte == b',');
            codings.any(|coding| {
                let coding = coding.trim_ascii();
                let is = |name: &str| coding.eq_ignore_ascii_case(name.as_bytes());
                !(is("") || is("identity") || is("chunked"))
            })
        });
        if is_encoded {
            return Err(self.unexpected(ResponseProblem::Encoded, None));
        }
        Ok(())
    }

    /// Returns the next chunk, if it has at most `left` bytes, which it uses up.
    async fn chunk_within(
        &mut self,
        left: &mut usize,
        limit: usize,
    ) -> Result<Option<Bytes>, Error> {
        let chunk = self.next_chunk().await?;
        // The first chunk shows that there is a body.
        if chunk.is_some() && *left == limit {
            self.check_coding()?;
        }
        let length = chunk.as_ref().map_or(0, Bytes::len);
        *left = left
            .checked_sub(length)
            .ok_or_else(|| self.too_long(limit))?;
        Ok(chunk)
    }

    fn too_long(&self, limit: usize) -> Error {
        self.unexpected(ResponseProblem::TooLong { max: limit }, None)
    }

    /// Returns the id under which Genesys Cloud's support finds the request.
    pub(crate) fn correlation_id(&self) -> Option<String> {
        correlation_id(self.headers(), &expose_all(&self.secrets()))
    }

    /// Sets the secrets in the request's body, to be redacted from error messages.
    pub(crate) fn set_body_secrets(&mut self, secrets: Vec<SecretString>) {
        self.body_secrets = secrets;
    }

    /// Returns the request's own secrets.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let header = self.authorization.as_ref().map(HeaderValue::as_bytes);
        let header = header.and_then(|bytes| str::from_utf8(bytes).ok());
        let mut secrets = header.map_or_else(Vec::new, secrets_of_authorization);
        secrets.extend_from_slice(&self.body_secrets);
        secrets
    }

    /// Returns the error for an error response of the Platform API. `clock` is for a date in
    /// `Retry-After`.
    pub(crate) async fn api_error(&mut self, clock: &Clock) -> Error {
        // The status is enough where the body does not arrive.
        let body = tokio::time::timeout(ERROR_BODY_TIMEOUT, self.read(MAX_ERROR_BODY_BYTES)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let head = self.head(retry_after(self.headers(), clock.wall()));
        classify_api(head, &body, &expose_all(&self.secrets())).into()
    }

    /// Returns the error for a body of the Platform API that was read.
    pub(crate) fn error_of_body(&self, body: &[u8]) -> Error {
        classify_api(self.head(None), body, &expose_all(&self.secrets())).into()
    }

    /// Returns the error for a response that cannot be used.
    pub(crate) fn unexpected(
        &self,
        problem: ResponseProblem,
        retry_after: Option<Duration>,
    ) -> Error {
        let head = self.head(retry_after);
        ErrorKind::UnexpectedResponse(UnexpectedResponse { head, problem }).into()
    }

    /// Returns the request's method and path. The text is made only where an error needs it.
    fn endpoint(&self) -> String {
        endpoint_of(&self.method, self.response.url())
    }

    /// Returns what an error keeps of the response's head.
    pub(crate) fn head(&self, retry_after: Option<Duration>) -> ResponseHead {
        ResponseHead {
            endpoint: endpoint_with_host(&self.method, self.response.url()),
            status: self.status(),
            retry_after,
            correlation_id: self.correlation_id(),
        }
    }
}

/// Returns a request's method and path, without its query, which may contain personal data.
pub(super) fn endpoint_of(method: &Method, url: &Url) -> String {
    format!("{method} {}", url.path())
}

/// Returns the same with the host, and with its port where that is not the default one.
pub(crate) fn endpoint_with_host(method: &Method, url: &Url) -> String {
    format!("{method} {}{}", url.authority(), url.path())
}

/// What a status means (RFC 9110 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Redirection,
    Error,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("endpoint", &self.endpoint())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// Returns the secrets in an `Authorization`: all that follows the scheme, and the secret in Basic.
fn secrets_of_authorization(authorization: &str) -> Vec<SecretString> {
    let (_, all) = authorization.split_once(' ').unwrap_or(("", authorization));
    let plain = STANDARD.decode(all).map(Zeroizing::new);
    let plain = plain
        .as_deref()
        .ok()
        .and_then(|plain| str::from_utf8(plain).ok());
    let secret = plain.and_then(|plain| Some(plain.split_once(':')?.1));
    secret.into_iter().chain([all]).map(Into::into).collect()
}

/// Borrows the secrets as plain strings, for redaction.
pub(crate) fn expose_all(secrets: &[SecretString]) -> Vec<&str> {
    secrets.iter().map(ExposeSecret::expose_secret).collect()
}

/// The maximum size of a buffer that is allocated because of the announced length alone.
const MAX_BODY_CAPACITY: usize = 256 * 1024;

/// The maximum time to wait for the body of an error response.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum size of an error response's body that is read.
const MAX_ERROR_BODY_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests;

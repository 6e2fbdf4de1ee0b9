//! An HTTP response, whose body is read on demand.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, TRANSFER_ENCODING},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::failure::transport_error;
use crate::{
    clock::Clock,
    error::{
        Error, ErrorKind, Peer, ResponseHead, ResponseProblem, UnexpectedResponse, classify_api,
        correlation_id,
    },
    retry::retry_after,
};

/// An HTTP response, and what is known of its request.
pub(crate) struct Incoming {
    response: reqwest::Response,
    peer: Peer,
    /// The request's method and path.
    endpoint: String,
    /// The request's `Authorization`, which a server may repeat in its response.
    authorization: Option<HeaderValue>,
    body_secrets: Vec<SecretString>,
}

impl Incoming {
    pub(super) fn new(
        response: reqwest::Response,
        peer: Peer,
        endpoint: String,
        authorization: Option<HeaderValue>,
    ) -> Self {
        Self {
            response,
            peer,
            endpoint,
            authorization,
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
        let chunk = match self.response.chunk().await {
            Ok(chunk) => chunk,
            Err(error) => {
                let (peer, id) = (self.peer.clone(), self.correlation_id());
                return Err(transport_error(error, peer, id));
            }
        };
        if chunk.is_some() && self.is_encoded() {
            return Err(self.unexpected(ResponseProblem::Encoded, None));
        }
        Ok(chunk)
    }

    /// Whether the body has a coding in any of the headers' lines and lists. The frames of `chunked`
    /// are already removed.
    fn is_encoded(&self) -> bool {
        let lines = |name| self.headers().get_all(name).iter();
        let mut lines = lines(CONTENT_ENCODING).chain(lines(TRANSFER_ENCODING));
        lines.any(|line| {
            let mut codings = line.as_bytes().split(|byte| *byte == b',');
            codings.any(|coding| {
                let coding = coding.trim_ascii().to_ascii_lowercase();
                !matches!(&coding[..], b"" | b"identity" | b"chunked")
            })
        })
    }

    /// Returns the whole body, if it has at most `limit` bytes.
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let announced = self.response.content_length().unwrap_or(0);
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let capacity = announced.clamp(MIN_BODY_CAPACITY, MAX_BODY_CAPACITY);
        let mut body = Vec::with_capacity(capacity.min(limit));
        self.read_into(&mut body, limit).await?;
        Ok(body)
    }

    /// Reads the whole body into the caller's buffer, if it has at most `limit` bytes.
    pub(crate) async fn read_into(
        &mut self,
        body: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Error> {
        let too_long = |this: &Self| this.unexpected(ResponseProblem::TooLong { max: limit }, None);
        let announced = self.response.content_length();
        if announced.is_some_and(|announced| announced > limit as u64) {
            return Err(too_long(self));
        }
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > limit - body.len() {
                return Err(too_long(self));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
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

    /// Returns the error for a response that cannot be used.
    pub(crate) fn unexpected(
        &self,
        problem: ResponseProblem,
        retry_after: Option<Duration>,
    ) -> Error {
        let head = self.head(retry_after);
        ErrorKind::UnexpectedResponse(UnexpectedResponse { head, problem }).into()
    }

    /// Returns what an error keeps of the response's head.
    pub(crate) fn head(&self, retry_after: Option<Duration>) -> ResponseHead {
        ResponseHead {
            endpoint: self.endpoint.clone(),
            status: self.status(),
            retry_after,
            correlation_id: self.correlation_id(),
        }
    }
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
            .field("endpoint", &self.endpoint)
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

const MIN_BODY_CAPACITY: usize = 8 * 1024;

/// The maximum size of a buffer that is allocated because of the announced length alone.
const MAX_BODY_CAPACITY: usize = 256 * 1024;

/// The maximum time to wait for the body of an error response.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum size of an error response's body that is read.
const MAX_ERROR_BODY_BYTES: usize = 256 * 1024;

//! One call: built, authorised, sent, and sent again where that can help.

use std::{borrow::Borrow, error, fmt, time::Duration};

use bytes::Bytes;
use futures_core::Stream;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::{Serialize, de::DeserializeOwned};
use tracing::Instrument;
use url::{Url, form_urlencoded};

use super::{PlatformClient, Response, Target};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind, ResponseProblem},
    http_client::{Outgoing, OutgoingBody, upload},
    provider::TARGET,
    retry::{Failure, Jitter, Repeat, RetryPolicy},
    token::AccessToken,
};

/// A call to the Platform API; made by [`PlatformClient`]'s methods, done by
/// [`fetch`](Self::fetch) or [`send`](Self::send).
#[must_use = "nothing is sent before `fetch` or `send`"]
pub struct Request {
    client: PlatformClient,
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Body,
    timeout: Duration,
    retry: RetryPolicy,
    repeatable: bool,
    /// What was wrong with something given above.
    wrong: Option<Error>,
}

impl Request {
    pub(super) fn new(client: PlatformClient, method: Method, path: &str) -> Self {
        Self {
            method,
            target: Target::new(path),
            headers: client.tokens.app().headers(),
            body: Body::None,
            timeout: client.timeout,
            retry: client.retry,
            repeatable: false,
            wrong: None,
            client,
        }
    }

    /// Appends a segment to the path, such as an id, percent-encoded.
    ///
    /// ```no_run
    /// # async fn example(api: genesys_cloud_auth::PlatformClient, id: &str) -> Result<(), genesys_cloud_auth::Error> {
    /// let user: serde_json::Value = api.get("/api/v2/users").segment(id).fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn segment(mut self, segment: impl AsRef<str>) -> Self {
        self.target.push_segment(segment.as_ref());
        self
    }

    /// Appends pairs to the query, percent-encoded: `&[("pageSize", "100")]`.
    pub fn query<I, K, V>(mut self, pairs: I) -> Self
    where
        I: IntoIterator,
        I::Item: Borrow<(K, V)>,
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut query = form_urlencoded::Serializer::new(String::new());
        self.target.push_query(&query.extend_pairs(pairs).finish());
        self
    }

    /// Sets a header. With an `Authorization` of your own no token is asked for, and a 401 is yours
    /// too.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        if let (Ok(name), Ok(mut value)) = (name.try_into(), value.try_into()) {
            value.set_sensitive(value.is_sensitive() || name == AUTHORIZATION);
            self.headers.insert(name, value);
        } else {
            let wrong = Error::configuration("a header's name or value is malformed");
            self.wrong = Some(wrong);
        }
        self
    }

    /// Sends `body` as JSON.
    pub fn body<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => {
                self.body = Body::Whole(json.into());
                let json = HeaderValue::from_static("application/json");
                self.headers.entry(CONTENT_TYPE).or_insert(json);
            }
            Err(_) => self.wrong = Some(Error::configuration("the body cannot be written as JSON")),
        }
        self
    }

    /// Sends what `stream` yields, piece by piece as it comes, under a `Content-Type` of the caller's
    /// own.
    ///
    /// It is sent once: where the token is refused it is replaced for later calls and the 401 given
    /// back, and no failure leads to a repetition. A stream that fails ends the call with
    /// [`TransportKind::Upload`](crate::error::TransportKind::Upload).
    ///
    /// ```no_run
    /// # async fn example<S>(api: genesys_cloud_auth::PlatformClient, recording: S) -> Result<(), genesys_cloud_auth::Error>
    /// # where S: futures_core::Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static {
    /// api.post("/api/v2/uploads/recordings")
    ///     .header("Content-Type", "audio/wav")
    ///     .stream(recording)
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream<S, E>(mut self, stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn error::Error + Send + Sync>> + 'static,
    {
        self.body = Body::Stream(upload(stream));
        self
    }

    /// Says that sending the request twice does what sending it once does, so that a `POST` or
    /// `PATCH` is sent again where a `GET` is.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// When this call is sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long this call may take in all.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sends the request and decodes the JSON that comes back. An empty answer decodes as `null`,
    /// so that `()` and `Option` take it.
    ///
    /// # Errors
    /// As [`send`](Self::send); and for a redirection, an answer over the
    /// [limit](PlatformClient::body_limit), or one that does not decode.
    pub async fn fetch<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (value, _) = self.decoded().await?;
        Ok(value)
    }

    /// Sends the request. A redirection is not followed but given back.
    ///
    /// # Errors
    /// Why there is no token; why nothing came back; or what an answer of 400 or above means.
    pub async fn send(self) -> Result<Response, Error> {
        self.call(false).await
    }

    /// The decoded answer, and the answer itself.
    pub(super) async fn decoded<T: DeserializeOwned>(self) -> Result<(T, Response), Error> {
        let mut response = self.call(true).await?;
        if response.status().is_redirection() {
            return Err(response.unexpected(ResponseProblem::Redirect));
        }
        let value = response.decode().await?;
        Ok((value, response))
    }

    /// The same request for another target; without a streamed body, which can be sent once only.
    pub(super) fn to(&self, target: Target) -> Self {
        let (body, wrong) = match &self.body {
            Body::None => (Body::None, None),
            Body::Whole(body) => (Body::Whole(body.clone()), None),
            Body::Stream(_) => (Body::None, Some("a streamed body cannot be sent twice")),
        };
        Self {
            client: self.client.clone(),
            method: self.method.clone(),
            target,
            headers: self.headers.clone(),
            body,
            wrong: self.wrong.clone().or(wrong.map(Error::configuration)),
            ..*self
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn api_url(&self) -> &Url {
        self.client.tokens.region().api_url()
    }

    /// The answer, with its body where `whole`, so that a body that breaks off is asked for again.
    async fn call(mut self, whole: bool) -> Result<Response, Error> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let url = self.target.url(self.api_url())?;
        let span = tracing::debug_span!(target: TARGET, "api_call", method = %self.method, path = url.path());
        self.attempts(url, whole).instrument(span).await
    }

    async fn attempts(mut self, url: Url, whole: bool) -> Result<Response, Error> {
        let tokens = self.client.tokens.clone();
        let deadline = tokens.clock().now() + self.timeout;
        let own = self.headers.contains_key(AUTHORIZATION);
        let repeat = self.repeat();
        let (mut failures, mut refusal, mut last) = (0, None, None);
        loop {
            let before = last.as_ref().or(refusal.as_ref());
            let mut token = None;
            if !own {
                let authorised = self.authorise(deadline).await;
                token = Some(authorised.map_err(|error| or_before(error, before))?);
            }
            let error = match self.attempt(&url, deadline, whole).await {
                Ok(response) => return Ok(response),
                Err(error) => or_before(error, before),
            };
            if let Some(token) = token.filter(|_| error.invalidates_token()) {
                tokens.invalidate(&token);
                match refusal {
                    // Not the token's fault, then; the first answer says why.
                    Some(first) => return Err(first),
                    None if repeat == Repeat::Never => return Err(error),
                    None => refusal = Some(error),
                }
                continue;
            }
            failures += 1;
            let left = deadline - tokens.clock().now();
            let pause = failure(&error).and_then(|failure| {
                self.retry
                    .pause(repeat, failure, failures, left, Jitter::draw())
            });
            let status = error.status().map(|status| status.as_u16());
            tracing::debug!(target: TARGET, attempt = failures, status, ?pause, "the call failed");
            let Some(pause) = pause else {
                return Err(error);
            };
            tokens
                .clock()
                .sleep_until(tokens.clock().now() + pause)
                .await;
            last = Some(error);
        }
    }

    async fn authorise(&mut self, deadline: Moment) -> Result<AccessToken, Error> {
        let token = self.client.tokens.token_by(deadline).await?;
        self.headers.insert(AUTHORIZATION, token.header().clone());
        Ok(token)
    }

    async fn attempt(
        &mut self,
        url: &Url,
        deadline: Moment,
        whole: bool,
    ) -> Result<Response, Error> {
        let tokens = &self.client.tokens;
        let timeout = deadline - tokens.clock().now();
        if timeout.is_zero() {
            return Err(ErrorKind::Timeout.into());
        }
        let outgoing = Outgoing {
            method: self.method.clone(),
            url: url.clone(),
            headers: self.headers.clone(),
            body: self.body.next(),
            timeout,
        };
        let mut incoming = tokens.http_client().send(outgoing).await?;
        let status = incoming.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(incoming.api_error(tokens.clock()).await);
        }
        let mut response = Response::new(incoming, self.client.body_limit);
        if whole && !status.is_redirection() {
            response.read().await?;
        }
        Ok(response)
    }

    fn repeat(&self) -> Repeat {
        match self.body {
            Body::Stream(_) => Repeat::Never,
            _ if self.repeatable => Repeat::Allowed,
            _ => Repeat::for_method(&self.method),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.target.path())
            .finish_non_exhaustive()
    }
}

enum Body {
    None,
    Whole(Bytes),
    Stream(OutgoingBody),
}

impl Body {
    /// For the next attempt. A stream is there for one.
    fn next(&mut self) -> Option<OutgoingBody> {
        match self {
            Self::None => None,
            Self::Whole(body) => Some(body.clone().into()),
            Self::Stream(stream) => Some(std::mem::take(stream)),
        }
    }
}

/// What the retry policy has to know of an error.
fn failure(error: &Error) -> Option<Failure> {
    if let ErrorKind::Transport(_) = error.kind() {
        let nothing_sent = error.nothing_sent();
        return Some(Failure::NoResponse { nothing_sent });
    }
    Some(Failure::Response {
        status: error.status()?,
        retry_after: error.retry_after(),
    })
}

/// Time that ran out between two attempts says less than the failure before it.
fn or_before(error: Error, before: Option<&Error>) -> Error {
    match before {
        Some(before) if matches!(error.kind(), ErrorKind::Timeout) => before.clone(),
        _ => error,
    }
}

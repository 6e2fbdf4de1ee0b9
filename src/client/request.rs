//! Builds a request to the Platform API.

use std::{error, fmt, time::Duration};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;
use zeroize::Zeroizing;

use super::{
    PlatformClient,
    call::{Body, Call, ReadBody},
    header::caller_header,
    response::Response,
    target::Target,
};
use crate::{
    error::{Error, ResponseProblem},
    http_client::upload,
    retry::{Repeat, RetryPolicy},
};

impl PlatformClient {
    /// Starts a `GET` of a path such as `/api/v2/users/me`, with or without a query.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// Starts a `GET` of a link in a response of the API.
    pub(crate) fn get_link(&self, link: &str) -> Request {
        let mut request = self.get("/");
        match Target::from_link(link, self.tokens.region().api_url()) {
            Some(target) => request.target = target,
            None => request.fail("a link in a response leads away from the Platform API"),
        }
        request
    }

    /// Starts a `HEAD`.
    pub fn head(&self, path: &str) -> Request {
        self.request(Method::HEAD, path)
    }

    /// Starts a `POST`.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// Starts a `PUT`.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// Starts a `PATCH`.
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    /// Starts a `DELETE`.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// Starts a request with any method but `CONNECT`, which has no path, and `TRACE`, whose response
    /// repeats the token (RFC 9110 9.3.6 and 9.3.8).
    pub fn request(&self, method: Method, path: &str) -> Request {
        let mut request = Request {
            client: self.clone(),
            target: Target::new(path),
            headers: self.tokens.app().headers(),
            body: Body::None,
            timeout: self.timeout,
            retry: self.retry,
            repeatable: false,
            gone_is_done: false,
            body_secrets: Vec::new(),
            invalid: None,
            method,
        };
        let name = request.method.as_str();
        if ["CONNECT", "TRACE"]
            .iter()
            .any(|one| name.eq_ignore_ascii_case(one))
        {
            request
                .fail("the methods CONNECT and TRACE are not sent with a token; use another one");
        }
        request
    }
}

/// A request to the Platform API; made by the methods of [`PlatformClient`], sent by
/// [`fetch`](Self::fetch), [`send`](Self::send) or [`pages`](Self::pages).
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
    /// A 404 counts as success after an attempt that may have been processed.
    gone_is_done: bool,
    body_secrets: Vec<SecretString>,
    /// What is wrong with a value given to one of the methods; returned when the request is sent.
    invalid: Option<Error>,
}

impl Request {
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

    /// Appends pairs to the query, percent-encoded. Accepts what `serde` serialises as pairs: a
    /// slice of pairs, in which a name may occur more than once, a map or a struct. Values are
    /// text, numbers and booleans; `None` is left out.
    ///
    /// ```no_run
    /// # fn example(api: genesys_cloud_auth::PlatformClient) {
    /// let users = api.get("/api/v2/users").query(&[("pageSize", 100), ("pageNumber", 1)]);
    /// let named = api.get("/api/v2/users").query(&[("id", "a"), ("id", "b")]);
    /// # }
    /// ```
    pub fn query<T: Serialize + ?Sized>(mut self, query: &T) -> Self {
        match serde_urlencoded::to_string(query) {
            Ok(pairs) => self.target.push_query(&pairs),
            Err(_) => self.fail("the query is not made of pairs of a name and a plain value"),
        }
        self
    }

    /// Sets a header. With an `Authorization` of the caller's own, no token is requested and a 401
    /// is returned as it is.
    ///
    /// The headers that say where a message goes, how long it is and how it is coded belong to the
    /// connection and are an error: `Host`, `Content-Length`, `Transfer-Encoding`, `TE`, `Trailer`,
    /// `Accept-Encoding`, `Connection`, `Keep-Alive`, `Upgrade`, `HTTP2-Settings`, `Expect`,
    /// `Proxy-Authorization` and `Proxy-Connection`.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match caller_header(name, value) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(error) => {
                self.invalid.get_or_insert(error);
            }
        }
        self
    }

    /// Sends `value` as JSON. The `Content-Type` is `application/json` unless the caller sets
    /// another.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => {
                self.body = Body::Bytes(json.into());
                let json = HeaderValue::from_static("application/json");
                self.headers.entry(CONTENT_TYPE).or_insert(json);
            }
            Err(_) => self.fail("the body cannot be serialised as JSON"),
        }
        self
    }

    /// Sends bytes or text as they are. The caller sets the `Content-Type`.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// Sends what `stream` yields, chunk by chunk. The caller sets the `Content-Type`.
    ///
    /// The request is sent only once: a rejected token is replaced for later calls and the 401
    /// returned, and no failure is retried. A stream that fails ends the call with
    /// [`TransportKind::Upload`](crate::error::TransportKind::Upload).
    ///
    /// ```no_run
    /// # async fn example<S>(api: genesys_cloud_auth::PlatformClient, recording: S) -> Result<(), genesys_cloud_auth::Error>
    /// # where S: futures_core::Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static {
    /// api.post("/api/v2/uploads/recordings")
    ///     .header("Content-Type", "audio/wav")
    ///     .body_stream(recording)
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn body_stream<S, E>(mut self, stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn error::Error + Send + Sync>> + 'static,
    {
        self.body = Body::Stream(upload(stream));
        self
    }

    /// Declares that sending the request twice has the same effect as sending it once, so that a
    /// `POST` or `PATCH` is retried like a `GET`.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Sets when this call is sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets the maximum time of this call.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sends the request and decodes the JSON of the response. An empty body decodes as `null`, so
    /// that `()` and `Option` accept it.
    ///
    /// # Errors
    /// Those of [`send`](Self::send); also a redirection, a body over the
    /// [limit](crate::client::PlatformClientBuilder::body_limit), and a body that does not decode.
    pub async fn fetch<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (value, _) = self.fetch_with_response().await?;
        Ok(value)
    }

    /// Sends the request. A redirection is returned, not followed.
    ///
    /// # Errors
    /// There is no token, no response arrived, or its status is 400 or above.
    pub async fn send(self) -> Result<Response, Error> {
        self.into_call(ReadBody::Later)?.send().await
    }

    /// Sends JSON with secrets, in a buffer that is wiped. No error repeats the secrets.
    pub(crate) fn secret_json(mut self, json: Vec<u8>, secrets: Vec<SecretString>) -> Self {
        self.body = Body::Bytes(Bytes::from_owner(Zeroizing::new(json)));
        let json = HeaderValue::from_static("application/json");
        self.headers.insert(CONTENT_TYPE, json);
        self.body_secrets = secrets;
        self
    }

    /// Sends a `DELETE`. Returns `None` if an attempt whose response was lost has deleted the object. A
    /// redirection is an error.
    pub(crate) async fn delete_object(mut self) -> Result<Option<Response>, Error> {
        self.gone_is_done = true;
        let response = self.read().await?;
        Ok(Some(response).filter(|response| response.status() != StatusCode::NOT_FOUND))
    }

    /// Returns the decoded body, and the response that it came with.
    pub(crate) async fn fetch_with_response<T: DeserializeOwned>(
        self,
    ) -> Result<(T, Response), Error> {
        let mut response = self.read().await?;
        let value = response.decode().await?;
        Ok((value, response))
    }

    /// As `fetch_with_response`, for a request that must not be repeated by itself. Where the server may
    /// have done it although the call failed, the error says so and gives `advice`.
    pub(crate) async fn fetch_once<T: DeserializeOwned>(
        self,
        advice: impl Fn() -> String,
    ) -> Result<(T, Response), Error> {
        let mut response = self.read_once(&advice).await?;
        let value = response.decode().await;
        let value = value.map_err(|error| error.with_unknown_outcome(advice()))?;
        Ok((value, response))
    }

    /// The same without decoding.
    pub(crate) async fn bytes_once(
        self,
        advice: impl Fn() -> String,
    ) -> Result<(Bytes, Response), Error> {
        let mut response = self.read_once(advice).await?;
        let body = response.take_body().await?;
        Ok((body, response))
    }

    async fn read_once(self, advice: impl Fn() -> String) -> Result<Response, Error> {
        let result = self.read().await;
        result.map_err(|error: Error| error.with_possible_effect(advice))
    }

    /// Sends the request and reads the body of the response. A redirection is an error.
    pub(super) async fn read(self) -> Result<Response, Error> {
        let response = self.into_call(ReadBody::Now)?.send().await?;
        if response.status().is_redirection() {
            return Err(response.unexpected(ResponseProblem::Redirect));
        }
        Ok(response)
    }

    /// Returns the same request with another target and, if given, another body. A streamed body
    /// cannot be sent twice.
    pub(super) fn with_page(&self, target: Target, body: Option<Bytes>) -> Self {
        let mut request = Self {
            client: self.client.clone(),
            method: self.method.clone(),
            target,
            headers: self.headers.clone(),
            body: Body::None,
            body_secrets: self.body_secrets.clone(),
            invalid: self.invalid.clone(),
            ..*self
        };
        match &self.body {
            Body::None => {}
            Body::Bytes(bytes) => request.body = Body::Bytes(body.unwrap_or(bytes.clone())),
            Body::Stream(_) => request.fail("a streamed body cannot be sent twice"),
        }
        request
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn body_bytes(&self) -> Option<&Bytes> {
        match &self.body {
            Body::Bytes(bytes) => Some(bytes),
            Body::None | Body::Stream(_) => None,
        }
    }

    /// Whether the caller or the method allows to send the request twice.
    pub(super) fn may_repeat(&self) -> bool {
        self.repeatable || Repeat::for_method(&self.method) == Repeat::Allowed
    }

    pub(super) fn api_url(&self) -> &Url {
        self.client.tokens.region().api_url()
    }

    fn into_call(self, read_body: ReadBody) -> Result<Call, Error> {
        if let Some(error) = self.invalid {
            return Err(error);
        }
        let repeat = match self.body {
            Body::Stream(_) => Repeat::Never,
            _ if self.repeatable => Repeat::Allowed,
            _ => Repeat::for_method(&self.method),
        };
        let PlatformClient {
            tokens,
            body_limit,
            token_wait,
            ..
        } = self.client;
        Ok(Call {
            url: self.target.url(tokens.region().api_url())?,
            deadline: tokens.clock().now() + self.timeout,
            token_wait,
            timeout: self.timeout,
            tokens,
            method: self.method,
            headers: self.headers,
            body: self.body,
            retry: self.retry,
            repeat,
            gone_is_done: self.gone_is_done,
            body_limit,
            read_body,
            body_secrets: self.body_secrets,
        })
    }

    pub(super) fn fail(&mut self, what: &'static str) {
        self.invalid.get_or_insert(Error::configuration(what));
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

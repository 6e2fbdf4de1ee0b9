//! One call: built, authorised, sent, and sent once more where only its token was bad.

use std::{borrow::Borrow, fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::{Serialize, de::DeserializeOwned};
use url::{Url, form_urlencoded};

use super::{PlatformClient, Response, Target};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind, Problem},
    http::{Incoming, Outgoing},
};

/// A call to the Platform API; made by [`PlatformClient`]'s methods, done by
/// [`fetch`](Self::fetch) or [`send`](Self::send).
#[must_use = "nothing is sent before `fetch` or `send`"]
pub struct Request {
    client: PlatformClient,
    method: Method,
    target: Target,
    headers: HeaderMap,
    body: Option<Bytes>,
    timeout: Duration,
    /// What was wrong with something given above.
    wrong: Option<Error>,
}

impl Request {
    pub(super) fn new(client: PlatformClient, method: Method, path: &str) -> Self {
        Self {
            method,
            target: Target::new(path),
            headers: client.tokens.app().headers(),
            body: None,
            timeout: client.timeout,
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
                self.body = Some(json.into());
                let json = HeaderValue::from_static("application/json");
                self.headers.entry(CONTENT_TYPE).or_insert(json);
            }
            Err(_) => self.wrong = Some(Error::configuration("the body cannot be written as JSON")),
        }
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
        let response = self.send().await?;
        if response.status().is_redirection() {
            return Err(response.unexpected(Problem::Redirect));
        }
        response.json().await
    }

    /// Sends the request. A redirection is not followed but given back.
    ///
    /// # Errors
    /// Why there is no token; why nothing came back; or what an answer of 400 or above means.
    pub async fn send(mut self) -> Result<Response, Error> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let api = self.client.tokens.region().api_url();
        let url = self.target.url(api)?;
        let deadline = self.client.tokens.clock().now() + self.timeout;
        let body_limit = self.client.body_limit;
        if self.headers.contains_key(AUTHORIZATION) {
            let mut incoming = self.attempt(&url, deadline).await?;
            if failure(incoming.status()) {
                return Err(incoming.api_error().await);
            }
            return Ok(Response::new(incoming, body_limit));
        }
        let mut first = None;
        loop {
            let token = self.client.tokens.token_by(deadline).await?;
            self.headers.insert(AUTHORIZATION, token.header().clone());
            let mut incoming = self.attempt(&url, deadline).await?;
            if !failure(incoming.status()) {
                return Ok(Response::new(incoming, body_limit));
            }
            let error = incoming.api_error().await;
            if !error.invalidates_token() {
                return Err(error);
            }
            self.client.tokens.invalidate(&token);
            match first {
                // Not the token's fault, then; the first answer says why.
                Some(first) => return Err(first),
                None => first = Some(error),
            }
        }
    }

    async fn attempt(&self, url: &Url, deadline: Moment) -> Result<Incoming, Error> {
        let tokens = &self.client.tokens;
        let timeout = deadline - tokens.clock().now();
        if timeout.is_zero() {
            return Err(ErrorKind::Timeout.into());
        }
        let outgoing = Outgoing {
            method: self.method.clone(),
            url: url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            timeout,
        };
        tokens.connections().send(outgoing).await
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

fn failure(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

//! What was sent to the sandbox.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header, request::Parts};
use parking_lot::Mutex;
use url::form_urlencoded;

use super::Count;

/// Which of Genesys Cloud's two hosts was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SandboxHost {
    /// `login.…`: tokens are issued here.
    Login,
    /// `api.…`: the Platform API.
    Api,
}

/// A request as the sandbox received it.
///
/// It holds what was sent, secrets included, for a test to look at. `Debug` leaves out the query,
/// the body and what Authorization, Cookie and Referer said.
#[derive(Clone)]
pub struct RecordedRequest {
    host: Option<SandboxHost>,
    method: Method,
    uri: Uri,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    status: Option<StatusCode>,
}

impl RecordedRequest {
    pub(super) fn new(host: Option<SandboxHost>, path: String, parts: &Parts, body: Bytes) -> Self {
        let mut headers = parts.headers.clone();
        for (name, value) in &mut headers {
            value.set_sensitive(SENSITIVE.contains(name));
        }
        Self {
            host,
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            path,
            headers,
            body,
            status: None,
        }
    }

    /// The host that was asked; `None` where the request named neither.
    #[must_use]
    pub fn host(&self) -> Option<SandboxHost> {
        self.host
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The request target as it was sent, with the prefix of the host and the query.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The path on its host, such as `/oauth/token` or `/api/v2/users/me`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What followed the `?`, still encoded.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, up to the largest that the sandbox takes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body read as a form, its fields in the order sent.
    #[must_use]
    pub fn form(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(&self.body).collect()
    }

    /// What was answered; `None` while nothing has been, and where the answer was withheld.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    pub(super) fn is_token_request(&self) -> bool {
        self.host == Some(SandboxHost::Login)
            && self.method == Method::POST
            && self.path == TOKEN_PATH
    }

    /// For the pages of the login host, rather than for a token.
    pub(super) fn is_page_request(&self) -> bool {
        self.host == Some(SandboxHost::Login)
            && self.method != Method::OPTIONS
            && self.path != TOKEN_PATH
    }

    fn is_refresh_request(&self) -> bool {
        let mut form = form_urlencoded::parse(&self.body);
        self.is_token_request() && form.any(|field| field == REFRESH)
    }

    /// A browser's preflight is a question about a call, not a call.
    pub(super) fn is_api_request(&self) -> bool {
        self.host == Some(SandboxHost::Api) && self.method != Method::OPTIONS
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("host", &self.host)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// All requests, in the order of their arrival.
pub(super) struct Record {
    requests: Mutex<Vec<RecordedRequest>>,
    pub(super) token_requests: Count,
    pub(super) api_requests: Count,
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            requests: Mutex::default(),
            token_requests: Count::new(),
            api_requests: Count::new(),
        }
    }

    /// Adds a request and returns its place, for [`answered`](Self::answered).
    pub(super) fn add(&self, request: RecordedRequest) -> usize {
        let (token, api) = (request.is_token_request(), request.is_api_request());
        let place = {
            let mut requests = self.requests.lock();
            requests.push(request);
            requests.len() - 1
        };
        if token {
            self.token_requests.up();
        }
        if api {
            self.api_requests.up();
        }
        place
    }

    pub(super) fn answered(&self, place: usize, status: StatusCode) {
        if let Some(request) = self.requests.lock().get_mut(place) {
            request.status = Some(status);
        }
    }

    pub(super) fn refresh_requests(&self) -> usize {
        let requests = self.requests.lock();
        requests
            .iter()
            .filter(|one| one.is_refresh_request())
            .count()
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        self.requests.lock().clone()
    }
}

/// Where tokens are asked for, on the login host.
pub(super) const TOKEN_PATH: &str = "/oauth/token";

const REFRESH: (Cow<'_, str>, Cow<'_, str>) =
    (Cow::Borrowed("grant_type"), Cow::Borrowed("refresh_token"));

/// A page that a browser comes from may have a code in its address.
const SENSITIVE: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::REFERER];

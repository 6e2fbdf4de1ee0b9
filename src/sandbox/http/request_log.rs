//! The requests that the sandbox received.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header, request::Parts};
use parking_lot::Mutex;
use url::form_urlencoded;

use super::counter::Counter;

/// One of Genesys Cloud's two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SandboxHost {
    /// The login host, `login.…`, which issues tokens.
    Login,
    /// The API host, `api.…`, with the Platform API.
    Api,
}

/// A request as the sandbox received it.
///
/// It holds everything that was sent, secrets included. Its `Debug` output leaves out the query, the
/// body and the values of Authorization, Cookie and Referer.
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
    pub(crate) fn new(host: Option<SandboxHost>, path: String, parts: &Parts, body: Bytes) -> Self {
        let mut headers = parts.headers.clone();
        for (name, value) in &mut headers {
            value.set_sensitive(SENSITIVE_HEADERS.contains(name));
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

    /// The host that the request was for, or `None` if it named neither.
    #[must_use]
    pub fn host(&self) -> Option<SandboxHost> {
        self.host
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The request target as it was sent, with the host's prefix and the query.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The path on its host, such as `/oauth/token` or `/api/v2/users/me`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, still encoded.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, cut off at 512,000 bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The fields of the body, read as a form, in the order in which they were sent.
    #[must_use]
    pub fn form(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(&self.body).collect()
    }

    /// The status of the response. It is `None` while there is no response, and if a fault dropped
    /// it.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    pub(crate) fn is_token_request(&self) -> bool {
        self.host == Some(SandboxHost::Login)
            && self.method == Method::POST
            && self.path == TOKEN_PATH
    }

    /// Whether the request is for a page of the login host.
    pub(crate) fn is_page_request(&self) -> bool {
        self.host == Some(SandboxHost::Login)
            && self.method != Method::OPTIONS
            && self.path != TOKEN_PATH
    }

    fn is_refresh_request(&self) -> bool {
        let mut form = form_urlencoded::parse(&self.body);
        self.is_token_request() && form.any(|field| field == REFRESH_GRANT)
    }

    /// Whether the request is an API call; a browser's preflight is not.
    pub(crate) fn is_api_request(&self) -> bool {
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
#[derive(Default)]
pub(crate) struct RequestLog {
    requests: Mutex<Vec<RecordedRequest>>,
    pub(crate) token_requests: Counter,
    pub(crate) api_requests: Counter,
}

impl RequestLog {
    /// Adds a request and returns its index, for [`set_status`](Self::set_status).
    pub(crate) fn add(&self, request: RecordedRequest) -> usize {
        let (is_token_request, is_api_request) =
            (request.is_token_request(), request.is_api_request());
        let index = {
            let mut requests = self.requests.lock();
            requests.push(request);
            requests.len() - 1
        };
        if is_token_request {
            self.token_requests.increment();
        }
        if is_api_request {
            self.api_requests.increment();
        }
        index
    }

    pub(crate) fn set_status(&self, index: usize, status: StatusCode) {
        if let Some(request) = self.requests.lock().get_mut(index) {
            request.status = Some(status);
        }
    }

    pub(crate) fn refresh_requests(&self) -> usize {
        let requests = self.requests.lock();
        requests
            .iter()
            .filter(|request| request.is_refresh_request())
            .count()
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.requests.lock().clone()
    }
}

/// The path of the token endpoint on the login host.
pub(crate) const TOKEN_PATH: &str = "/oauth/token";

const REFRESH_GRANT: (Cow<'_, str>, Cow<'_, str>) =
    (Cow::Borrowed("grant_type"), Cow::Borrowed("refresh_token"));

/// Referer is one of them because the address of a page may contain a code.
const SENSITIVE_HEADERS: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::REFERER];

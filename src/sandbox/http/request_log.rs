//! The requests that the sandbox received.

use std::{borrow::Cow, collections::VecDeque, fmt};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
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
            *value = copy_of(value);
            value.set_sensitive(SENSITIVE_HEADERS.contains(name));
        }
        let uri = parts.uri.to_string().parse();
        Self {
            host,
            method: parts.method.clone(),
            uri: uri.unwrap_or_else(|_| parts.uri.clone()),
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

    /// The request target as it was sent, with the query, and with the host's prefix if it had one.
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

    /// Returns about how much memory the request needs.
    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
        let texts = self.path.len() + self.uri.path().len() + self.query().map_or(0, str::len);
        let fixed = size_of::<Self>() + self.headers.capacity() * HEADER_BYTES;
        fixed + headers.sum::<usize>() + texts + self.body.len()
    }
}

/// Copies a value, which as it was read keeps the whole buffer of its connection alive.
fn copy_of(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone())
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

/// The newest requests, in the order of their arrival, and counters of all.
#[derive(Default)]
pub(crate) struct RequestLog {
    record: Mutex<Record>,
    pub(crate) token_requests: Counter,
    pub(crate) refresh_requests: Counter,
    pub(crate) api_requests: Counter,
}

#[derive(Default)]
struct Record {
    limits: RecordLimits,
    requests: VecDeque<RecordedRequest>,
    /// The sum of their sizes.
    bytes: usize,
    dropped: usize,
}

/// The most that a record holds.
#[derive(Clone, Copy)]
pub(crate) struct RecordLimits {
    pub(crate) requests: usize,
    pub(crate) bytes: usize,
}

impl Default for RecordLimits {
    fn default() -> Self {
        Self {
            requests: 10_000,
            bytes: 32 * 1024 * 1024,
        }
    }
}

impl RequestLog {
    pub(crate) fn new(limits: RecordLimits) -> Self {
        let log = Self::default();
        log.record.lock().limits = limits;
        log
    }

    /// Adds a request and returns its number, for [`set_status`](Self::set_status).
    pub(crate) fn add(&self, request: RecordedRequest) -> usize {
        let counters = [
            (request.is_token_request(), &self.token_requests),
            (request.is_refresh_request(), &self.refresh_requests),
            (request.is_api_request(), &self.api_requests),
        ];
        let number = self.record.lock().add(request);
        for (counts, counter) in counters {
            if counts {
                counter.increment();
            }
        }
        number
    }

    pub(crate) fn set_status(&self, number: usize, status: StatusCode) {
        if let Some(request) = self.record.lock().get_mut(number) {
            request.status = Some(status);
        }
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.record.lock().requests.iter().cloned().collect()
    }

    pub(crate) fn dropped(&self) -> usize {
        self.record.lock().dropped
    }
}

impl Record {
    /// Adds a request, drops the oldest ones that are too many, and returns the request's number.
    fn add(&mut self, request: RecordedRequest) -> usize {
        let number = self.dropped + self.requests.len();
        self.bytes += request.size();
        self.requests.push_back(request);
        while self.requests.len() > self.limits.requests || self.bytes > self.limits.bytes {
            let Some(oldest) = self.requests.pop_front() else {
                break;
            };
            self.bytes -= oldest.size();
            self.dropped += 1;
        }
        number
    }

    fn get_mut(&mut self, number: usize) -> Option<&mut RecordedRequest> {
        self.requests.get_mut(number.checked_sub(self.dropped)?)
    }
}

/// The path of the token endpoint on the login host.
pub(crate) const TOKEN_PATH: &str = "/oauth/token";

const REFRESH_GRANT: (Cow<'_, str>, Cow<'_, str>) =
    (Cow::Borrowed("grant_type"), Cow::Borrowed("refresh_token"));

/// What one header needs besides its name and value.
const HEADER_BYTES: usize = 112;

/// Referer is one of them because the address of a page may contain a code.
const SENSITIVE_HEADERS: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::REFERER];

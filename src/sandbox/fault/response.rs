//! The response that a fault sends.

use std::fmt;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::sandbox::http::{
    error_response::{ApiErrorResponse, OAuthErrorResponse},
    request_log::RecordedRequest,
};

/// A response that a fault sends.
///
/// ```
/// use genesys_cloud_auth::sandbox::FaultResponse;
///
/// let limited = FaultResponse::new(429).header("Retry-After", "3");
/// let html = FaultResponse::new(502).header("Content-Type", "text/html").body("<p>Bad gateway</p>");
/// ```
#[derive(Clone)]
pub struct FaultResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl FaultResponse {
    /// A response with this status, a number or a [`StatusCode`].
    ///
    /// # Panics
    ///
    /// If it is not a valid status.
    #[must_use]
    pub fn new<S: TryInto<StatusCode, Error: fmt::Debug>>(status: S) -> Self {
        Self {
            status: status.try_into().expect("a valid status"),
            headers: HeaderMap::new(),
            body: None,
        }
    }

    /// Adds a header.
    ///
    /// # Panics
    ///
    /// If the name or the value is not valid.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(
            name.parse::<HeaderName>().expect("a valid header name"),
            HeaderValue::from_str(value).expect("a valid header value"),
        );
        self
    }

    /// Sets the body. It is `application/json` unless a header says otherwise. Without this call the
    /// body is the one that Genesys Cloud usually sends with the status.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(Bytes::from(body.into()));
        self
    }

    pub(crate) fn into_response(self, request: &RecordedRequest) -> Response {
        let mut response = match self.body {
            Some(body) => {
                let content_type = [(header::CONTENT_TYPE, "application/json")];
                (self.status, content_type, body).into_response()
            }
            None => self.usual_response(request),
        };
        // Each replaces the usual one, and may itself occur more than once.
        for name in self.headers.keys() {
            response.headers_mut().remove(name);
        }
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response
    }

    fn usual_response(&self, request: &RecordedRequest) -> Response {
        let is_oauth_status = matches!(
            self.status,
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
        );
        if request.is_token_request() && is_oauth_status {
            return OAuthErrorResponse::invalid_client().with_status(self.status);
        }
        let retry_after = self.headers.get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        match ApiErrorResponse::usual(self.status, retry_after) {
            Some(error) => error.into_response(),
            None => self.status.into_response(),
        }
    }
}

impl fmt::Debug for FaultResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl From<StatusCode> for FaultResponse {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

/// Panics if it is not a valid status.
impl From<u16> for FaultResponse {
    fn from(status: u16) -> Self {
        Self::new(status)
    }
}

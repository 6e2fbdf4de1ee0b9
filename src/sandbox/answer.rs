//! What a fault answers.

use std::fmt;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{ApiRefusal, OAuthRefusal, RecordedRequest};

/// An answer that a fault gives.
#[derive(Clone)]
pub struct FaultResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl FaultResponse {
    /// An answer with this status.
    ///
    /// # Panics
    ///
    /// When HTTP has no such status.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a status of HTTP"),
            headers: HeaderMap::new(),
            body: None,
        }
    }

    /// Adds a header.
    ///
    /// # Panics
    ///
    /// When HTTP has no such header name or value.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(
            name.parse::<HeaderName>().expect("a header name"),
            HeaderValue::from_str(value).expect("a header value"),
        );
        self
    }

    /// Takes this body instead of the usual one; `application/json` where no header says otherwise.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(Bytes::from(body.into()));
        self
    }

    pub(super) fn into_response(self, request: &RecordedRequest) -> Response {
        let mut response = match self.body {
            Some(body) => (
                self.status,
                [(header::CONTENT_TYPE, "application/json")],
                body,
            )
                .into_response(),
            None => self.usual_response(request),
        };
        // Those given here replace those of the usual answer, and may themselves be repeated.
        for name in self.headers.keys() {
            response.headers_mut().remove(name);
        }
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response
    }

    fn usual_response(&self, request: &RecordedRequest) -> Response {
        let refused = matches!(
            self.status,
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED
        );
        if request.is_token_request() && refused {
            return OAuthRefusal::invalid_client().with_status(self.status);
        }
        let retry_after = self.headers.get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        match ApiRefusal::usual(self.status, retry_after) {
            Some(refusal) => refusal.into_response(),
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

impl From<u16> for FaultResponse {
    fn from(status: u16) -> Self {
        Self::new(status)
    }
}

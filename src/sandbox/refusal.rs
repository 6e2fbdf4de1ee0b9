//! The two shapes in which Genesys Cloud says no.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// The login host's: RFC 6749 section 5.2, with the text twice.
#[derive(Clone, Debug)]
pub(super) struct OAuthRefusal {
    pub(super) error: Cow<'static, str>,
    pub(super) description: Cow<'static, str>,
}

impl OAuthRefusal {
    pub(super) fn new(
        error: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            error: error.into(),
            description: description.into(),
        }
    }

    /// Wrong id, wrong secret and disabled client look the same.
    pub(super) fn invalid_client() -> Self {
        Self::new("invalid_client", "authentication failed")
    }

    pub(super) fn with_status(self, status: StatusCode) -> Response {
        json_response(status, &self.body())
    }

    pub(super) fn body(&self) -> Value {
        json!({
            "error": self.error,
            "description": self.description,
            "error_description": self.description,
        })
    }
}

/// 400 for all of them, `invalid_client` too.
impl IntoResponse for OAuthRefusal {
    fn into_response(self) -> Response {
        self.with_status(StatusCode::BAD_REQUEST)
    }
}

/// The API host's: an `ErrorBody`.
#[derive(Clone, Debug)]
pub(super) struct ApiRefusal {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    params: Map<String, Value>,
}

impl ApiRefusal {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            params: Map::new(),
        }
    }

    /// Adds one of the `messageParams`.
    pub(super) fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad.request", message)
    }

    pub(super) fn invalid_value(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid.value", message)
    }

    pub(super) fn user_context_required() -> Self {
        Self::bad_request(
            "This request requires a user context. \
             Client credentials cannot be used for requests to this resource.",
        )
    }

    pub(super) fn ip_not_authorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "ip.not.authorized",
            "The IP address is not authorized.",
        )
    }

    pub(super) fn authentication_required() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication.required",
            "No authentication bearer token specified in authorization header.",
        )
    }

    pub(super) fn bad_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "bad.credentials",
            "Invalid login credentials.",
        )
    }

    pub(super) fn credentials_expired() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "credentials.expired",
            "The supplied credentials are expired and cannot be used.",
        )
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not.found",
            "The requested resource was not found.",
        )
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method.not.allowed",
            "The resource does not take this method.",
        )
    }

    pub(super) fn too_large(most: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request.entity.too.large",
            format!("The request is too large. Maximum bytes: {most}"),
        )
    }

    /// What Genesys Cloud says with `status`, where that is known.
    pub(super) fn usual(status: StatusCode, retry_after: Option<&str>) -> Option<Self> {
        let (code, message) = match (status, retry_after) {
            (StatusCode::UNAUTHORIZED, _) => return Some(Self::bad_credentials()),
            (StatusCode::NOT_FOUND, _) => return Some(Self::not_found()),
            (StatusCode::BAD_REQUEST, _) => ("bad.request", "The request is not valid.".into()),
            (StatusCode::FORBIDDEN, _) => (
                "not.authorized",
                "You are not authorized to perform the requested action.".into(),
            ),
            (StatusCode::TOO_MANY_REQUESTS, Some(wait)) => (
                "too.many.requests.retry.after",
                Cow::from(format!(
                    "Rate limit exceeded the maximum. Retry the request in [{wait}] seconds"
                )),
            ),
            (StatusCode::TOO_MANY_REQUESTS, None) => (
                "too.many.requests",
                "Rate limit exceeded the maximum [300] requests within [60] seconds".into(),
            ),
            (StatusCode::INTERNAL_SERVER_ERROR, _) => (
                "internal.server.error",
                "The server met an error it did not expect.".into(),
            ),
            (StatusCode::SERVICE_UNAVAILABLE, _) => (
                "service.unavailable",
                "The service is not available.".into(),
            ),
            (StatusCode::GATEWAY_TIMEOUT, _) => {
                ("request.timeout", "The request timed out.".into())
            }
            _ => return None,
        };
        Some(Self::new(status, code, message))
    }
}

impl IntoResponse for ApiRefusal {
    fn into_response(self) -> Response {
        let body = json!({
            "message": self.message,
            "code": self.code,
            "status": self.status.as_u16(),
            "messageParams": self.params,
            "details": [],
            "errors": [],
        });
        Unsealed::new(self.status, body, "contextId").into_response()
    }
}

/// A refusal that lacks its correlation id, which [`sealed`] adds.
#[derive(Clone)]
pub(super) struct Unsealed {
    status: StatusCode,
    body: Value,
    id_field: &'static str,
}

impl Unsealed {
    /// `body` is a JSON object, and `id_field` where its correlation id goes.
    pub(super) fn new(status: StatusCode, body: Value, id_field: &'static str) -> Self {
        Self {
            status,
            body,
            id_field,
        }
    }
}

/// It rides along until [`sealed`] writes its body.
impl IntoResponse for Unsealed {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the correlation id into the headers, and into the body of a refusal.
pub(super) fn sealed(mut response: Response, correlation_id: &str) -> Response {
    if let Some(mut refusal) = response.extensions_mut().remove::<Unsealed>() {
        refusal.body[refusal.id_field] = correlation_id.into();
        let body = json_response(refusal.status, &refusal.body).into_body();
        *response.body_mut() = body;
        // That of the empty body before.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    }
    if let Ok(value) = correlation_id.parse() {
        response.headers_mut().insert(CORRELATION_ID, value);
    }
    response
}

pub(super) fn ok(body: &Value) -> Response {
    json_response(StatusCode::OK, body)
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const CORRELATION_ID: &str = "inin-correlation-id";

//! The error responses of both hosts.

use std::{borrow::Cow, fmt};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// An error of the login host: RFC 6749 section 5.2, with the description under two names. Its
/// status is 400, also for `invalid_client`.
#[derive(Clone, Debug)]
pub(crate) struct OAuthErrorResponse {
    pub(crate) error: Cow<'static, str>,
    pub(crate) description: Cow<'static, str>,
}

impl OAuthErrorResponse {
    pub(crate) fn new(
        error: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            error: error.into(),
            description: description.into(),
        }
    }

    /// A wrong id, a wrong secret and a disabled client look the same.
    pub(crate) fn invalid_client() -> Self {
        Self::new("invalid_client", "authentication failed")
    }

    pub(crate) fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Response {
        json_response(status, &self.body())
    }

    pub(crate) fn body(&self) -> Value {
        json!({
            "error": self.error,
            "description": self.description,
            "error_description": self.description,
        })
    }
}

impl IntoResponse for OAuthErrorResponse {
    fn into_response(self) -> Response {
        self.with_status(StatusCode::BAD_REQUEST)
    }
}

/// An error of the API host: an `ErrorBody`.
#[derive(Clone, Debug)]
pub(crate) struct ApiErrorResponse {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    params: Vec<(String, Value)>,
    details: Vec<Value>,
}

impl ApiErrorResponse {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            params: Vec::new(),
            details: Vec::new(),
        }
    }

    /// Adds one of the `messageParams`.
    pub(crate) fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a detail about a field of the request.
    pub(crate) fn detail(mut self, code: &str, field: &str) -> Self {
        let detail = json!({ "errorCode": code, "fieldName": field });
        self.details.push(detail);
        self
    }

    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad.request", message)
    }

    pub(crate) fn invalid_value(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid.value", message)
    }

    /// What a request asks for that the sandbox does not have.
    pub(crate) fn not_in_the_sandbox(what: &str) -> Self {
        Self::bad_request(format!("not in the sandbox: {what}"))
    }

    /// An error in one field of the request.
    pub(crate) fn invalid_field(field: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request(message).detail("invalid.value", field)
    }

    pub(crate) fn user_context_required() -> Self {
        Self::bad_request(
            "This request requires a user context. \
             Client credentials cannot be used for requests to this resource.",
        )
    }

    fn unauthorized(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    pub(crate) fn ip_not_authorized() -> Self {
        Self::unauthorized("ip.not.authorized", "The IP address is not authorized.")
    }

    pub(crate) fn authentication_required() -> Self {
        let message = "No authentication bearer token specified in authorization header.";
        Self::unauthorized("authentication.required", message)
    }

    pub(crate) fn bad_credentials() -> Self {
        Self::unauthorized("bad.credentials", "Invalid login credentials.")
    }

    pub(crate) fn credentials_expired() -> Self {
        let message = "The supplied credentials are expired and cannot be used.";
        Self::unauthorized("credentials.expired", message)
    }

    pub(crate) fn not_found() -> Self {
        let message = "The requested resource was not found.";
        Self::new(StatusCode::NOT_FOUND, "not.found", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "The resource does not accept this method.";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method.not.allowed",
            message,
        )
    }

    pub(crate) fn too_large(max_bytes: usize) -> Self {
        let message = format!("The request is too large. Maximum bytes: {max_bytes}");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(status, "request.entity.too.large", message)
    }

    pub(crate) fn too_many_requests(retry_after: impl fmt::Display) -> Self {
        let message = format!(
            "Rate limit exceeded the maximum. Retry the request in [{retry_after}] seconds"
        );
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "too.many.requests.retry.after", message)
    }

    /// Returns the error that Genesys Cloud usually sends with `status`, where that is known.
    pub(crate) fn usual(status: StatusCode, retry_after: Option<&str>) -> Option<Self> {
        let (code, message) = match (status, retry_after) {
            (StatusCode::UNAUTHORIZED, _) => return Some(Self::bad_credentials()),
            (StatusCode::NOT_FOUND, _) => return Some(Self::not_found()),
            (StatusCode::TOO_MANY_REQUESTS, Some(seconds)) => {
                return Some(Self::too_many_requests(seconds));
            }
            (StatusCode::TOO_MANY_REQUESTS, None) => (
                "too.many.requests",
                "Rate limit exceeded the maximum [300] requests within [60] seconds",
            ),
            (StatusCode::BAD_REQUEST, _) => ("bad.request", "The request is not valid."),
            (StatusCode::FORBIDDEN, _) => (
                "not.authorized",
                "You are not authorized to perform the requested action.",
            ),
            (StatusCode::CONFLICT, _) => ("general.conflict", "The resource has a conflict."),
            (StatusCode::INTERNAL_SERVER_ERROR, _) => (
                "internal.server.error",
                "The server met an error it did not expect.",
            ),
            (StatusCode::SERVICE_UNAVAILABLE, _) => {
                ("service.unavailable", "The service is not available.")
            }
            (StatusCode::GATEWAY_TIMEOUT, _) => ("request.timeout", "The request timed out."),
            _ => return None,
        };
        Some(Self::new(status, code, message))
    }
}

impl IntoResponse for ApiErrorResponse {
    fn into_response(self) -> Response {
        let body = json!({
            "message": self.message,
            "code": self.code,
            "status": self.status.as_u16(),
            "messageParams": self.params.into_iter().collect::<Map<_, _>>(),
            "details": self.details,
            "errors": [],
        });
        WithoutCorrelationId::new(self.status, body, "contextId").into_response()
    }
}

/// An error response without its correlation id, which [`with_correlation_id`] adds.
#[derive(Clone)]
pub(crate) struct WithoutCorrelationId {
    status: StatusCode,
    body: Value,
    id_field: &'static str,
}

impl WithoutCorrelationId {
    /// `body` is a JSON object; the correlation id goes into its field `id_field`.
    pub(crate) fn new(status: StatusCode, body: Value, id_field: &'static str) -> Self {
        Self {
            status,
            body,
            id_field,
        }
    }
}

/// The response has no body until [`with_correlation_id`] writes it from its extension.
impl IntoResponse for WithoutCorrelationId {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the correlation id into the headers, and into the body of an error.
pub(crate) fn with_correlation_id(mut response: Response, correlation_id: &str) -> Response {
    if let Some(mut error) = response.extensions_mut().remove::<WithoutCorrelationId>() {
        error.body[error.id_field] = correlation_id.into();
        let body = json_response(error.status, &error.body).into_body();
        *response.body_mut() = body;
        // It is that of the empty body.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    }
    if let Ok(value) = correlation_id.parse() {
        response.headers_mut().insert(CORRELATION_ID, value);
    }
    response
}

pub(crate) fn ok_response(body: &Value) -> Response {
    json_response(StatusCode::OK, body)
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const CORRELATION_ID: &str = "inin-correlation-id";

//! The error responses of data actions, which are not `ErrorBody`s.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::sandbox::http::error_response::{OAuthErrorResponse, WithoutCorrelationId};

/// Why a data action failed: the body of the response, and the field for its correlation id.
pub(super) struct Failure {
    body: Value,
    id_field: &'static str,
    status: StatusCode,
}

impl Failure {
    /// Returns it as a test shows it.
    pub(super) fn as_tested(&self) -> Value {
        let text = |names: [&str; 2]| names.map(|name| &self.body[name]);
        let first = |names| {
            let found = text(names).into_iter().find(|value| !value.is_null());
            found.cloned().unwrap_or_default()
        };
        let code = first(["errorCode", "code"]);
        let code = code.as_str().unwrap_or_default().to_lowercase();
        json!({
            "message": first(["userMessage", "message"]),
            "code": code.replace('_', "."),
            "status": self.body["status"],
            "details": self.body["details"],
            "errors": self.body["errors"],
        })
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        WithoutCorrelationId::new(self.status, self.body, self.id_field).into_response()
    }
}

fn data_action_failure(code: &str, message: &str, detail: &str, inner: Option<String>) -> Failure {
    let inner = inner.map(|words| {
        json!({
            "errorCode": code,
            "status": 400,
            "userMessage": words,
            "userParams": [],
            "details": [],
            "errors": [],
        })
    });
    let body = json!({
        "errorCode": code,
        "status": 400,
        "entityName": "sandbox",
        "userMessage": message,
        "userParams": [],
        "details": [{ "errorCode": detail }],
        "errors": inner.into_iter().collect::<Vec<_>>(),
    });
    Failure {
        body,
        id_field: "correlationId",
        status: StatusCode::BAD_REQUEST,
    }
}

pub(super) fn invalid_credentials() -> Failure {
    let response = OAuthErrorResponse::invalid_client().body();
    let words =
        format!("Request to backend service failed.  Response from web service: {response}");
    data_action_failure(
        "INVALID_CREDENTIALS",
        INVALID_CREDENTIALS,
        "ACTION.AUTHENTICATION",
        Some(words),
    )
}

/// The second form of it, which the API description lists under HTTP 200.
pub(super) fn invalid_credentials_with_200() -> Failure {
    let body = json!({
        "message": INVALID_CREDENTIALS,
        "code": "invalid.credentials",
        "status": 400,
        "messageParams": {},
        "details": [],
        "errors": [],
    });
    Failure {
        body,
        id_field: "contextId",
        status: StatusCode::OK,
    }
}

pub(super) fn processing_failure(message: &str) -> Failure {
    data_action_failure("ACTION_PROCESSING", message, "ACTION.PROCESSING", None)
}

/// A part of a template that the sandbox does not have.
pub(super) fn not_in_the_sandbox(what: &str) -> Failure {
    processing_failure(&format!("not in the sandbox: {what}"))
}

pub(super) fn invalid_schema(field: &str) -> Failure {
    let body = json!({
        "message": "The input does not match the contract.",
        "code": "invalid.schema",
        "status": 400,
        "messageParams": {},
        "details": [{ "errorCode": "invalid.schema", "fieldName": field }],
        "errors": [],
    });
    Failure {
        body,
        id_field: "contextId",
        status: StatusCode::BAD_REQUEST,
    }
}

/// The Platform API's own error, passed on with its status in the body.
pub(super) fn platform_api_failure(status: StatusCode, body: &[u8]) -> Failure {
    let body = serde_json::from_slice::<Map<String, Value>>(body);
    let mut body = body.unwrap_or_default();
    body.insert("status".to_owned(), status.as_u16().into());
    Failure {
        body: body.into(),
        id_field: "contextId",
        status: StatusCode::BAD_REQUEST,
    }
}

const INVALID_CREDENTIALS: &str = "There was an issue validating the credentials.";

//! Error answers of the Platform API.

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{ErrorKind, RateLimited, Troubleshooting, words};

/// An error answer of the Platform API.
///
/// Source: Genesys Cloud Developer Center, "Responses", the schema `ErrorBody`.
#[derive(Debug)]
pub struct ApiError {
    status: u16,
    code: Option<String>,
    message: Option<String>,
    correlation_id: Option<String>,
    retry_after: Option<Duration>,
    place: String,
}

impl ApiError {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The dotted key, such as `not.found`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The server's own words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The id under which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(super) fn is_transient(&self) -> bool {
        self.status >= 500 || self.status == 408
    }

    pub(super) fn troubleshooting(&self) -> Option<Troubleshooting> {
        match self.code.as_deref() {
            Some("bad.grant.type" | "missing.client.roles") => {
                Some(Troubleshooting::RolesTabNotVisible)
            }
            _ => None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered HTTP {}", self.place, self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        Ok(())
    }
}

/// HTTP 403: the token is good, but a permission is missing.
#[derive(Debug)]
pub struct AccessDenied {
    answer: ApiError,
    permissions: Vec<String>,
    any_of: bool,
}

impl AccessDenied {
    /// The permissions that are missing, such as `oauth:client:view`; empty where the server names
    /// none.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Whether one of the [permissions](Self::permissions) is enough; otherwise all are needed.
    #[must_use]
    pub fn any_of(&self) -> bool {
        self.any_of
    }

    /// The answer itself.
    #[must_use]
    pub fn answer(&self) -> &ApiError {
        &self.answer
    }
}

impl fmt::Display for AccessDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt(f)?;
        if !self.permissions.is_empty() {
            let needed = if self.any_of { "one of" } else { "all of" };
            let permissions = self.permissions.join(", ");
            write!(
                f,
                "; a role of the OAuth client needs {needed} {permissions}"
            )?;
        }
        f.write_str(
            "; assign a role with what is missing under Admin → Integrations → OAuth → the client → \
             Roles",
        )
    }
}

/// What the Platform API's error answer means. `place` is the method and the path; `secrets` are
/// those of the request.
pub(crate) fn api_error(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    place: &str,
    retry_after: Option<Duration>,
    secrets: &[&str],
) -> ErrorKind {
    // Empty and foreign bodies come from load balancers; each field is taken for itself.
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| body.get(name)?.as_str().filter(|text| !text.is_empty());
    let safe = |text: &str| words(text, secrets);
    let message = field("message");
    let named = body
        .pointer("/messageParams/permissions")
        .and_then(Value::as_str)
        .or_else(|| Some(message?.rsplit_once(": ")?.1))
        .map_or_else(Vec::new, |listed| permissions(listed, secrets));
    let error = ApiError {
        status: status.as_u16(),
        code: field("code").map(safe),
        message: message.map(safe),
        correlation_id: correlation_id(headers, secrets).or(field("contextId").map(safe)),
        retry_after,
        place: place.to_owned(),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited(RateLimited {
            status: error.status,
            place: error.place,
            retry_after,
            message: error.message,
            correlation_id: error.correlation_id,
        }),
        StatusCode::FORBIDDEN => ErrorKind::AccessDenied(AccessDenied {
            any_of: error.code() == Some("missing.any.permissions"),
            permissions: named,
            answer: error,
        }),
        _ => ErrorKind::Api(error),
    }
}

/// `ININ-Correlation-Id`, or its newer name, without the request's `secrets`.
pub(crate) fn correlation_id(headers: &HeaderMap, secrets: &[&str]) -> Option<String> {
    ["inin-correlation-id", "genesys-correlation-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .map(|value| words(&String::from_utf8_lossy(value.as_bytes()), secrets))
}

/// The permissions in a list such as `[a:b:c, a:b:d]`.
fn permissions(listed: &str, secrets: &[&str]) -> Vec<String> {
    let listed = listed.split_once(']').map_or(listed, |(list, _)| list);
    listed
        .trim_start_matches('[')
        .split(',')
        .map(str::trim)
        // A permission is domain:entity:action.
        .filter(|name| name.split(':').filter(|part| !part.is_empty()).count() == 3)
        .take(MOST_PERMISSIONS)
        .map(|name| words(name, secrets))
        .collect()
}

const MOST_PERMISSIONS: usize = 64;

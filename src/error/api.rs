//! Error responses of the Platform API.

use std::{fmt, time::Duration};

use http::HeaderMap;

use super::{
    data_action::DataActionError, redact::sanitize, response::ResponseHead,
    troubleshooting::Troubleshooting,
};

/// An error response of the Platform API.
///
/// Source: Genesys Cloud Developer Center, "Responses", the schemas `ErrorBody` and `ErrorDetails`.
/// Data actions use a schema of their own.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub(super) head: ResponseHead,
    /// The error's code, such as `not.found`. For a data action it is the `errorCode`.
    pub code: Option<String>,
    /// The server's own words.
    pub message: Option<String>,
    /// The `contextId` of the body. Usually it is the [correlation id](Self::correlation_id).
    pub context_id: Option<String>,
    /// The errors within this one, at most 16.
    pub details: Vec<ErrorDetail>,
    /// The limit that was reached, where the response names it.
    pub limit: Option<PlatformLimit>,
    /// Why a data action failed, where this is the response to its execution.
    pub data_action: Option<DataActionError>,
}

impl ApiError {
    /// Whether the organisation does not allow calls from this IP address (`ip.not.authorized`).
    /// Another token does not help.
    #[must_use]
    pub fn is_ip_not_authorized(&self) -> bool {
        self.code.as_deref() == Some("ip.not.authorized")
    }

    /// Whether the resource needs a user's token, and this one is a client's.
    #[must_use]
    pub fn is_user_required(&self) -> bool {
        // Neither status nor code are documented for it.
        let message = self.message.as_deref().unwrap_or_default();
        message
            .to_ascii_lowercase()
            .contains("requires a user context")
    }

    /// Whether the API rejects the token, so that another token of the same client may help.
    pub(super) fn is_token_rejected(&self) -> bool {
        self.head.status == 401
            && self.data_action.is_none()
            && !self.is_ip_not_authorized()
            && !self.is_user_required()
    }

    pub(super) fn is_transient(&self) -> bool {
        let status = self.head.status.as_u16();
        let is_lasting = self.is_ip_not_authorized() || self.is_user_required();
        (status >= 500 || status == 408) && !is_lasting
    }

    pub(super) fn troubleshooting(&self) -> Option<Troubleshooting> {
        if self.is_ip_not_authorized() || self.is_user_required() {
            return None;
        }
        let details = self.details.iter().map(|detail| &detail.code);
        let mut codes = details.chain([&self.code]).flatten();
        codes.find_map(|code| match code.as_str() {
            "bad.grant.type" | "missing.client.roles" => Some(Troubleshooting::RolesTabNotVisible),
            "INVALID_CREDENTIALS" | "invalid.credentials" | "ACTION.AUTHENTICATION" => {
                Some(Troubleshooting::IntegrationFailsAfterRotation)
            }
            _ => None,
        })
    }

    fn cure(&self) -> Option<&'static str> {
        if self.is_ip_not_authorized() {
            return Some(
                "the organisation does not allow calls from this IP address: add it to the \
                 organisation's allowed addresses",
            );
        }
        if self.is_user_required() {
            return Some(
                "this resource needs a user's token: log in a user with the authorization code \
                 grant",
            );
        }
        let row = self.troubleshooting().map(Troubleshooting::resolution);
        row.or_else(|| self.cure_without_reason())
    }

    /// What to check where the response does not say what is wrong.
    fn cure_without_reason(&self) -> Option<&'static str> {
        let has_reason = self.code.is_some()
            || self.message.is_some()
            || self.limit.is_some()
            || !self.details.is_empty();
        match self.head.status.as_u16() {
            _ if has_reason => None,
            400 => Some("the response has no reason; check the path, the query and the body"),
            404 => Some("the response has no reason; check the path and the ids in it"),
            _ => None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.head)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        for detail in self.details.iter().take(MAX_SHOWN_DETAILS) {
            write!(f, "; {detail}")?;
        }
        if let Some(limit) = &self.limit {
            write!(f, "; {limit}")?;
        }
        f.write_str(&self.head.id())?;
        if let Some(failure) = &self.data_action {
            write!(f, "; {failure}")?;
        }
        self.cure().map_or(Ok(()), |cure| write!(f, "; {cure}"))
    }
}

impl std::error::Error for ApiError {}

/// An error within an [`ApiError`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// Its code, such as `ACTION.AUTHENTICATION`.
    pub code: Option<String>,
    /// The server's own words.
    pub message: Option<String>,
    /// The field of the request that it is about.
    pub field: Option<String>,
    /// The id of the object that it is about.
    pub entity_id: Option<String>,
    /// The name of the object that it is about.
    pub entity_name: Option<String>,
}

impl fmt::Display for ErrorDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.code, &self.field, &self.entity_name, &self.message];
        let parts: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
        f.write_str(&parts.join(" "))
    }
}

/// A limit of the organisation or of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlatformLimit {
    /// Its name, such as `token.rate.per.minute`.
    pub key: String,
    /// The service that it belongs to, such as `platform.api`.
    pub namespace: Option<String>,
    /// The highest value that is allowed.
    pub value: Option<i64>,
}

impl fmt::Display for PlatformLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {}", self.key)?;
        let value = self.value;
        value.map_or(Ok(()), |value| write!(f, " = {value}"))
    }
}

/// HTTP 403: the token is valid, but a permission is missing.
#[derive(Debug)]
#[non_exhaustive]
pub struct AccessDenied {
    /// The missing permissions, such as `oauth:client:view`. The list is empty where the server
    /// names none.
    pub permissions: Vec<String>,
    /// The division in which the permission is needed, where the server names it.
    pub division: Option<String>,
    /// The response itself.
    pub response: ApiError,
}

impl AccessDenied {
    /// Whether one of the [permissions](Self::permissions) is enough. Otherwise all are needed.
    #[must_use]
    pub fn is_any_of(&self) -> bool {
        self.response.code.as_deref() == Some("missing.any.permissions")
    }

    /// Whether the client has the permission, but not in the division of the object.
    #[must_use]
    pub fn is_division_missing(&self) -> bool {
        self.response.code.as_deref() == Some("missing.division.permission")
    }
}

impl fmt::Display for AccessDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.response.fmt(f)?;
        if !self.permissions.is_empty() {
            let quantity = match self.permissions.len() {
                1 => "",
                _ if self.is_any_of() => "one of ",
                _ => "all of ",
            };
            let permissions = self.permissions.join(", ");
            write!(
                f,
                "; the OAuth client needs a role with {quantity}{permissions}"
            )?;
        }
        if self.is_division_missing() {
            let division = self.division.as_deref().unwrap_or("of the object");
            write!(f, "; the role needs the division {division}")?;
        }
        f.write_str(
            "; assign a role that grants what is missing under Admin → Integrations → OAuth → the \
             client → Roles",
        )
    }
}

impl std::error::Error for AccessDenied {}

/// Too many requests: HTTP 429, or the token endpoint's 400 "rate limit exceeded".
#[derive(Debug)]
pub struct RateLimited {
    pub(crate) head: ResponseHead,
    /// The server's own words.
    pub message: Option<String>,
    /// The response itself, where it came from the Platform API.
    pub response: Option<ApiError>,
}

impl RateLimited {
    /// Returns the wait that the server asks for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.head.retry_after
    }

    /// Returns the limit that was reached, where the response names it.
    #[must_use]
    pub fn limit(&self) -> Option<&PlatformLimit> {
        self.response.as_ref()?.limit.as_ref()
    }
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: too many requests", self.head)?;
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(limit) = self.limit() {
            write!(f, "; {limit}")?;
        }
        f.write_str(&self.head.id())?;
        match self.head.retry_after {
            Some(wait) => write!(f, "; retry after {} s", wait.as_secs()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RateLimited {}

/// Returns `ININ-Correlation-Id`, or its newer name, without the request's `secrets`.
pub(crate) fn correlation_id(headers: &HeaderMap, secrets: &[&str]) -> Option<String> {
    ["inin-correlation-id", "genesys-correlation-id"]
        .iter()
        .filter_map(|name| headers.get(*name))
        .find(|value| !value.as_bytes().trim_ascii().is_empty())
        .map(|value| sanitize(&String::from_utf8_lossy(value.as_bytes()), secrets))
}

/// The number of details that the text shows.
const MAX_SHOWN_DETAILS: usize = 3;

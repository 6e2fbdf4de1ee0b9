//! Error answers of the Platform API.

use std::fmt;

use http::HeaderMap;

use super::{Head, Troubleshooting, words};

/// An error answer of the Platform API.
///
/// Source: Genesys Cloud Developer Center, "Responses", the schemas `ErrorBody` and `ErrorDetails`;
/// data actions answer with a shape of their own.
#[derive(Debug)]
pub struct ApiError {
    pub(super) head: Head,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) context_id: Option<String>,
    pub(super) details: Vec<ErrorDetail>,
    pub(super) limit: Option<Limit>,
}

impl ApiError {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The dotted key, such as `not.found`; of a data action its `errorCode`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The server's own words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The id under which Genesys Cloud's support finds the request: that of the headers, or else
    /// that of the body.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.head.correlation_id.as_deref()
    }

    /// The body's own id, `contextId`; as a rule the [correlation id](Self::correlation_id).
    #[must_use]
    pub fn context_id(&self) -> Option<&str> {
        self.context_id.as_deref()
    }

    /// What the answer says beyond that, in its `details` and in the errors within it; 16 at most.
    #[must_use]
    pub fn details(&self) -> &[ErrorDetail] {
        &self.details
    }

    /// The limit that was met, where the answer tells.
    #[must_use]
    pub fn limit(&self) -> Option<&Limit> {
        self.limit.as_ref()
    }

    pub(super) fn is_transient(&self) -> bool {
        self.status() >= 500 || self.status() == 408
    }

    pub(super) fn troubleshooting(&self) -> Option<Troubleshooting> {
        let details = self.details.iter().map(ErrorDetail::code);
        details
            .chain([self.code()])
            .flatten()
            .find_map(|code| match code {
                "bad.grant.type" | "missing.client.roles" => {
                    Some(Troubleshooting::RolesTabNotVisible)
                }
                "INVALID_CREDENTIALS" | "invalid.credentials" | "ACTION.AUTHENTICATION" => {
                    Some(Troubleshooting::IntegrationFailsAfterRotation)
                }
                _ => None,
            })
    }

    /// The words with which a client without a user is refused; neither status nor code is certain.
    pub(super) fn wants_user(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        message
            .to_ascii_lowercase()
            .contains("requires a user context")
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered HTTP {}", self.head.place, self.status())?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        for detail in self.details.iter().take(MOST_SHOWN) {
            write!(f, "; {detail}")?;
        }
        if let Some(limit) = &self.limit {
            write!(f, "; {limit}")?;
        }
        if let Some(id) = &self.head.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        match self.troubleshooting() {
            Some(row) => write!(f, "; {}", row.resolution()),
            None => Ok(()),
        }
    }
}

/// A part of an error answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ErrorDetail {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) field: Option<String>,
    pub(super) entity_id: Option<String>,
    pub(super) entity_name: Option<String>,
}

impl ErrorDetail {
    /// Its code, such as `ACTION.AUTHENTICATION`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The server's own words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The field of the request that is meant.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The id of the object that is meant.
    #[must_use]
    pub fn entity_id(&self) -> Option<&str> {
        self.entity_id.as_deref()
    }

    /// The name of the object that is meant.
    #[must_use]
    pub fn entity_name(&self) -> Option<&str> {
        self.entity_name.as_deref()
    }
}

impl fmt::Display for ErrorDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = [&self.code, &self.field, &self.entity_name, &self.message];
        let told: Vec<&str> = told.into_iter().filter_map(Option::as_deref).collect();
        f.write_str(&told.join(" "))
    }
}

/// A limit of the organisation or the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub(super) key: String,
    pub(super) namespace: Option<String>,
    pub(super) value: Option<i64>,
}

impl Limit {
    /// Its name, such as `token.rate.per.minute`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The service it belongs to, such as `platform.api`.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// How much is allowed.
    #[must_use]
    pub fn value(&self) -> Option<i64> {
        self.value
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {}", self.key)?;
        match self.value {
            Some(value) => write!(f, " = {value}"),
            None => Ok(()),
        }
    }
}

/// `ININ-Correlation-Id`, or its newer name, without the request's `secrets`.
pub(crate) fn correlation_id(headers: &HeaderMap, secrets: &[&str]) -> Option<String> {
    ["inin-correlation-id", "genesys-correlation-id"]
        .iter()
        .find_map(|name| headers.get(*name))
        .map(|value| words(&String::from_utf8_lossy(value.as_bytes()), secrets))
}

/// How many details the text shows.
const MOST_SHOWN: usize = 3;

//! Errors of this side: settings, credential sources, expired tokens, stores.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};

use httpdate::fmt_http_date;

use super::{api::ApiError, redact::sanitize};
use crate::region::InvalidRegion;

/// A setting is missing or malformed. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct InvalidConfiguration {
    kind: ConfigurationKind,
    text: Cow<'static, str>,
}

/// Which setting is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigurationKind {
    /// The region does not exist, or its custom hosts may not be used.
    InvalidRegion(InvalidRegion),
    /// The path of an API call would leave the Platform API, or can be read in more than one way.
    InvalidPath,
    /// There is a client id without its secret.
    MissingSecret,
    /// An OAuth client was to get roles, and its grant type is not client credentials.
    RolesWithoutClientCredentials,
    /// Any other setting.
    Other,
}

impl InvalidConfiguration {
    pub(super) fn new(kind: ConfigurationKind, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self { kind, text }
    }

    /// Returns which setting is wrong.
    #[must_use]
    pub fn kind(&self) -> &ConfigurationKind {
        &self.kind
    }
}

impl From<InvalidRegion> for InvalidConfiguration {
    fn from(error: InvalidRegion) -> Self {
        let text = error.to_string();
        Self::new(ConfigurationKind::InvalidRegion(error), text)
    }
}

/// The source of a client secret, of a SAML assertion or of a token
/// ([`Grant::from_fn`](crate::Grant::from_fn)) failed, panicked, or took longer than 10 seconds.
///
/// Its text contains that of the cause, such as the error that a closure returned. Its source is the
/// source of the cause.
#[derive(Debug)]
pub struct CredentialSourceError {
    pub(super) text: Cow<'static, str>,
    pub(super) cause: Option<BoxError>,
}

impl CredentialSourceError {
    /// Returns the cause, for example to downcast it: the error of the closure or of the file.
    #[must_use]
    pub fn get_ref(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }
}

impl fmt::Display for CredentialSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.cause {
            // It may be a text of several lines from a server.
            Some(cause) => write!(f, ": {}", sanitize(&cause.to_string(), &[])),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CredentialSourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref()?.source()
    }
}

/// A token has expired.
#[derive(Debug)]
pub struct TokenExpired {
    token: ExpiredToken,
    response: Option<Box<ApiError>>,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
enum ExpiredToken {
    #[error(
        "the token endpoint returns tokens that are already expired; set a token duration that \
         fits at the OAuth client (Admin → Integrations → OAuth)"
    )]
    OnArrival,
    #[error(
        "the access token is not accepted, and it cannot be renewed: it has expired, was revoked \
         or belongs to another region; pass a valid one, use a grant that renews (client \
         credentials), or set a token duration that fits (Admin → Integrations → OAuth)"
    )]
    Fixed,
    #[error(
        "the user's token is no longer accepted, and there is no refresh token; log in again, or \
         set a token duration that fits at the OAuth client (Admin → Integrations → OAuth)"
    )]
    Login,
    #[error(
        "{0} from the identity provider. To renew automatically use `Assertion::from_fn`; a longer \
         token duration (Admin → Integrations → OAuth) makes renewals rarer"
    )]
    Assertion(StaleAssertion),
}

/// Why an assertion needs another one in its place.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum StaleAssertion {
    /// The token endpoint has already responded to it.
    #[error("the SAML assertion was already used; get a new one")]
    Used,
    #[error("the SAML assertion expired at {}; get a new one", Date(.0))]
    Ended(SystemTime),
}

#[cfg_attr(
    not(feature = "login"),
    allow(dead_code, reason = "there are no logins without the feature")
)]
impl TokenExpired {
    /// The token endpoint returns tokens that have no life left.
    pub(crate) fn on_arrival() -> Self {
        ExpiredToken::OnArrival.into()
    }

    /// A token that the user of this crate supplied.
    pub(crate) fn fixed() -> Self {
        ExpiredToken::Fixed.into()
    }

    /// A login's token without a refresh token.
    pub(crate) fn of_login() -> Self {
        ExpiredToken::Login.into()
    }

    /// A token whose renewal needs another assertion.
    pub(crate) fn of_assertion(why: StaleAssertion) -> Self {
        ExpiredToken::Assertion(why).into()
    }

    pub(super) fn is_renewable(&self) -> bool {
        matches!(self.token, ExpiredToken::OnArrival)
    }

    pub(super) fn needs_login(&self) -> bool {
        matches!(self.token, ExpiredToken::Login | ExpiredToken::Assertion(_))
    }

    /// The same, with the response in which the API rejected the token.
    pub(super) fn with_response(&self, response: &ApiError) -> Self {
        Self {
            token: self.token,
            response: Some(Box::new(response.clone())),
        }
    }

    /// Returns the 401 with which the API rejected the token, where the call that failed received it.
    #[must_use]
    pub fn response(&self) -> Option<&ApiError> {
        self.response.as_deref()
    }
}

impl fmt::Display for TokenExpired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(response) = &self.response {
            write!(f, "{response}; ")?;
        }
        self.token.fmt(f)
    }
}

impl std::error::Error for TokenExpired {}

impl From<ExpiredToken> for TokenExpired {
    fn from(token: ExpiredToken) -> Self {
        Self {
            token,
            response: None,
        }
    }
}

/// Shows a limit in seconds. It may be the rest of a longer one, to the nanosecond.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ((self.0.as_secs_f64() * 1_000.0).round() / 1_000.0).fmt(f)
    }
}

/// Shows a time as HTTP does, which knows the years 1970 to 9999.
pub(super) struct Date<'a>(pub(super) &'a SystemTime);

impl fmt::Display for Date<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) if since < MAX_HTTP_DATE => f.write_str(&fmt_http_date(*self.0)),
            Ok(_) => f.write_str("a time after the year 9999"),
            Err(_) => f.write_str("a time before the year 1970"),
        }
    }
}

/// The token store failed.
///
/// Its text contains that of the cause, which names the file or the server. Its source is the source
/// of the cause.
#[derive(Debug)]
pub struct StoreError {
    cause: BoxError,
}

impl StoreError {
    /// Makes the error of a store from its cause.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let cause = cause.into();
        Self { cause }
    }

    /// Returns the cause, for example to downcast it.
    #[must_use]
    pub fn get_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.cause
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The cause may be a text of several lines from a server.
        let cause = sanitize(&self.cause.to_string(), &[]);
        write!(f, "the token store failed: {cause}")
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The year 10000.
const MAX_HTTP_DATE: Duration = Duration::from_secs(253_402_300_800);

//! What went wrong, who must act, and how.

mod access_denied;
mod api;
mod api_body;
mod assertion;
mod head;
mod kind;
mod local;
mod login;
mod meaning;
mod rate_limit;
mod redact;
mod token_endpoint;
mod transport;
mod troubleshooting;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

pub use access_denied::AccessDenied;
pub(crate) use api::correlation_id;
pub use api::{ApiError, ErrorDetail, Limit};
pub use assertion::InvalidAssertion;
pub(crate) use assertion::{AssertionFault, FormFault, XmlFault};
pub(crate) use head::Head;
pub use kind::ErrorKind;
pub(crate) use local::StaleAssertion;
pub use local::{Configuration, InvalidPath, SecretError, StoreError, TokenExpired};
#[cfg(feature = "login")]
pub(crate) use login::CallbackFault;
pub use login::{InvalidCallback, ListenerError, LoginRefused, LoginRequired, NoBrowser};
pub(crate) use meaning::{api_error, oauth_error};
pub use rate_limit::RateLimited;
pub(crate) use redact::{long_words, words};
pub use token_endpoint::{
    InvalidClient, InvalidGrant, InvalidGrantCause, OAuthError, UnauthorizedClient,
};
pub(crate) use transport::Problem;
pub use transport::{Transport, TransportKind, UnexpectedResponse};
pub use troubleshooting::Troubleshooting;

pub use crate::region::InvalidRegion;
use api_body::Body;

/// Why there is no token, or why a call to the Platform API did not succeed.
///
/// One pointer wide and cheap to clone, so that all who waited for one token request share its
/// failure. [`kind`](Self::kind) tells what happened; the text says who must act and how.
///
/// ```
/// # use genesys_cloud_auth::{Error, ErrorKind};
/// fn report(error: &Error) {
///     match error.kind() {
///         ErrorKind::InvalidClient(refused) => eprintln!("check the client of {}", refused.region()),
///         ErrorKind::AccessDenied(denied) => eprintln!("missing: {:?}", denied.permissions()),
///         _ => eprintln!("{error}"),
///     }
///     if let Some(row) = error.troubleshooting() {
///         eprintln!("{}: {}. {}", row.issue(), row.likely_cause(), row.resolution());
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[allow(
    clippy::large_enum_variant,
    reason = "it lives behind a pointer, and a pause is rare"
)]
enum Inner {
    Kind(ErrorKind),
    /// A pause after `cause`, seen with `left` to go.
    Pause {
        cause: Error,
        left: Duration,
    },
}

impl Error {
    pub(crate) fn configuration(what: impl Into<Cow<'static, str>>) -> Self {
        ErrorKind::Configuration(Configuration::new(what.into(), false)).into()
    }

    /// A client id without its secret: row 5 of the table.
    pub(crate) fn secret_missing(what: impl Into<Cow<'static, str>>) -> Self {
        ErrorKind::Configuration(Configuration::new(what.into(), true)).into()
    }

    pub(crate) fn secret(
        what: impl Into<Cow<'static, str>>,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        ErrorKind::Secret(SecretError::new(what.into(), source)).into()
    }

    /// This error, met again in the pause that it started.
    pub(crate) fn in_pause(&self, left: Duration) -> Self {
        let cause = match &*self.0 {
            Inner::Kind(_) => self.clone(),
            Inner::Pause { cause, .. } => cause.clone(),
        };
        Self(Arc::new(Inner::Pause { cause, left }))
    }

    pub(crate) fn answer_timeout(url: &url::Url) -> Self {
        Self::no_answer(url, TransportKind::Timeout)
    }

    /// A request that panicked on its way.
    pub(crate) fn request_failed(url: &url::Url) -> Self {
        Self::no_answer(url, TransportKind::Other)
    }

    fn no_answer(url: &url::Url, kind: TransportKind) -> Self {
        ErrorKind::Transport(Transport {
            kind,
            host: url.host_str().unwrap_or_default().to_owned(),
            nothing_sent: false,
            source: None,
        })
        .into()
    }

    /// `invalid_client`, told with what the provider knows of the client; any other error as it is.
    pub(crate) fn of_client(self, known: impl FnOnce(OAuthError) -> InvalidClient) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(Inner::Kind(ErrorKind::OAuth(answer))) if answer.error == "invalid_client" => {
                ErrorKind::InvalidClient(known(answer)).into()
            }
            Ok(inner) => Self(Arc::new(inner)),
            Err(shared) => Self(shared),
        }
    }

    /// A refused refresh token, told as the end of the login; any other error as it is.
    #[cfg(feature = "login")]
    pub(crate) fn of_login(self) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(Inner::Kind(ErrorKind::InvalidGrant(refused)))
                if refused.cause() == InvalidGrantCause::RefreshToken =>
            {
                ErrorKind::LoginRequired(LoginRequired::refused(refused)).into()
            }
            Ok(inner) => Self(Arc::new(inner)),
            Err(shared) => Self(shared),
        }
    }

    /// Whether the token endpoint refuses these credentials, until somebody changes something.
    pub(crate) fn refuses_credentials(&self) -> bool {
        self.kind().refuses_credentials()
    }

    /// Whether nothing renews the token: the login lives as long as it.
    pub(crate) fn ends_with_token(&self) -> bool {
        matches!(self.kind(), ErrorKind::TokenExpired(expired) if expired.needs_login())
    }

    /// Whether the API refuses the token. Where it refuses the caller's address, or wants a user's
    /// token, another one of the same client does not help.
    pub(crate) fn invalidates_token(&self) -> bool {
        matches!(self.kind(), ErrorKind::Api(error) if error.status() == 401)
    }

    /// Whether the server can have seen nothing of the request.
    pub(crate) fn nothing_sent(&self) -> bool {
        matches!(self.kind(), ErrorKind::Transport(transport) if transport.nothing_sent)
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        match &*self.0 {
            Inner::Kind(kind) => kind,
            Inner::Pause { cause, .. } => cause.kind(),
        }
    }

    /// Whether the same may succeed later without a change to this program or what it was given.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }

    /// How long to wait before the next try: what is left of a pause between token requests, or
    /// what the server asked for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &*self.0 {
            Inner::Pause { left, .. } => Some(*left),
            Inner::Kind(kind) => kind.head()?.retry_after,
        }
    }

    /// Whether only a user who logs in, for the first time or anew, can help.
    #[must_use]
    pub fn needs_login(&self) -> bool {
        match self.kind() {
            ErrorKind::TokenExpired(expired) => expired.needs_login(),
            ErrorKind::InvalidGrant(_) | ErrorKind::LoginRequired(_) => true,
            _ => false,
        }
    }

    /// The HTTP status of the answer that led here, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        Some(self.kind().head()?.status)
    }

    /// The id under which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.kind().head()?.correlation_id.as_deref()
    }

    /// The row of Genesys Cloud's troubleshooting table that this error belongs to;
    /// the page [troubleshooting](crate::guide::troubleshooting) shows all of them.
    #[must_use]
    pub fn troubleshooting(&self) -> Option<Troubleshooting> {
        self.kind().troubleshooting()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner::Kind(kind)))
    }
}

impl From<InvalidAssertion> for Error {
    fn from(error: InvalidAssertion) -> Self {
        ErrorKind::InvalidAssertion(error).into()
    }
}

impl From<InvalidRegion> for Error {
    fn from(error: InvalidRegion) -> Self {
        ErrorKind::InvalidRegion(error).into()
    }
}

#[cfg(feature = "login")]
impl From<CallbackFault> for Error {
    fn from(fault: CallbackFault) -> Self {
        ErrorKind::InvalidCallback(fault.into()).into()
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        ErrorKind::Store(error).into()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Kind(kind) => fmt::Debug::fmt(kind, f),
            Inner::Pause { cause, left } => f
                .debug_struct("Pause")
                .field("cause", cause)
                .field("left", left)
                .finish(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Kind(kind) => fmt::Display::fmt(kind, f),
            // A user is waited for, not a request.
            Inner::Pause { cause, .. } if self.needs_login() => fmt::Display::fmt(cause, f),
            Inner::Pause { cause, left } => {
                let left = left.as_secs_f64();
                write!(f, "{cause} (the next token request is due in {left:.1} s)")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::NoBrowser(error) => error.source(),
            ErrorKind::Secret(error) => error.source(),
            ErrorKind::Store(error) => error.source(),
            ErrorKind::Transport(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

//! What went wrong, which person must act, and how.

mod api;
mod api_body;
mod assertion;
mod construct;
mod data_action;
mod kind;
mod local;
mod login;
mod outcome;
mod redact;
mod response;
mod token_endpoint;
mod transport;
mod troubleshooting;

use std::{fmt, sync::Arc, time::Duration};

use http::StatusCode;

pub use crate::region::InvalidRegion;
pub(crate) use api::correlation_id;
pub use api::{AccessDenied, ApiError, ErrorDetail, PlatformLimit, RateLimited};
pub(crate) use api_body::ServerWords;
pub use assertion::InvalidAssertion;
pub(crate) use assertion::{AssertionFault, FormFault, XmlFault};
pub use data_action::{DataActionError, DataActionErrorClass};
pub use kind::ErrorKind;
pub(crate) use kind::classify_api;
pub(crate) use local::StaleAssertion;
pub use local::{
    ConfigurationKind, CredentialSourceError, InvalidConfiguration, StoreError, TokenExpired,
};
#[cfg(feature = "login")]
pub(crate) use login::CallbackFault;
pub use login::{LoginError, LoginErrorKind};
pub(crate) use redact::{is_invisible, sanitize};
pub use response::UnexpectedResponse;
pub(crate) use response::{ResponseHead, ResponseProblem};
pub use token_endpoint::{InvalidClient, InvalidGrantCause, OAuthError, OAuthErrorKind};
pub(crate) use transport::{Peer, Proxy, ProxyOrigin, TimedOut};
pub use transport::{TransportError, TransportKind};
pub use troubleshooting::Troubleshooting;

/// Why there is no token, or why a call to the Platform API failed.
///
/// It is one pointer wide and cheap to clone, so that all callers that waited for one token request
/// share its failure. Its text says what happened, which person must act, and how.
/// [`kind`](Self::kind) is the same for programs.
///
/// `{}` is one line. `{:?}` is that line, followed by its sources, so that `fn main() -> Result<(),
/// Error>` shows all of it. `{:#?}` shows the fields.
///
/// ```
/// # use genesys_cloud_auth::{Error, ErrorKind};
/// fn report(error: &Error) {
///     match error.kind() {
///         ErrorKind::InvalidClient(invalid) => eprintln!("check the client of {}", invalid.region),
///         ErrorKind::AccessDenied(denied) => eprintln!("missing: {:?}", denied.permissions),
///         _ => eprintln!("{error}"),
///     }
///     if let Some(row) = error.troubleshooting() {
///         eprintln!("{row}");
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is behind a pointer, and pauses are rare"
)]
enum Inner {
    Kind(ErrorKind),
    /// A kind without a payload, and its text.
    Named(ErrorKind, String),
    /// A pause after `cause`, with the time `left` until it ends.
    Pause {
        cause: Error,
        left: Duration,
    },
    /// Why a call has no token, which does not tell what became of the call.
    NoToken {
        cause: Error,
    },
    /// The server may have done what it was asked to do before `cause`.
    OutcomeUnknown {
        cause: Error,
        text: String,
    },
}

impl Error {
    /// Returns what happened.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        match &*self.0 {
            Inner::Kind(kind) | Inner::Named(kind, _) => kind,
            Inner::Pause { cause, .. }
            | Inner::NoToken { cause }
            | Inner::OutcomeUnknown { cause, .. } => cause.kind(),
        }
    }

    /// Whether the same may succeed later without a change to this program or its settings. `false`
    /// where the [outcome is unknown](Self::is_outcome_unknown): the same would be done twice.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !self.is_outcome_unknown() && self.kind().is_transient()
    }

    /// Returns how long to wait before the next try: the rest of a pause between token requests, or
    /// what the server asked for, at most a day. `None` where waiting does not help because a user has
    /// to [log in](Self::needs_login) first.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if self.needs_login() {
            return None;
        }
        self.wait()
    }

    /// The rest of the pause, or what the server asked for, also where waiting does not help.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match &*self.0 {
            Inner::Pause { left, .. } => Some(*left),
            Inner::NoToken { cause } => cause.wait(),
            Inner::Kind(_) | Inner::Named(..) | Inner::OutcomeUnknown { .. } => {
                self.kind().head()?.retry_after
            }
        }
    }

    /// Whether a user has to log in, for the first time or again.
    #[must_use]
    pub fn needs_login(&self) -> bool {
        self.kind().needs_login()
    }

    /// Returns the HTTP status of the response that led to this error.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        Some(self.kind().head()?.status)
    }

    /// Returns the id by which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        match self.kind() {
            ErrorKind::Transport(error) => error.correlation_id.as_deref(),
            kind => kind.head()?.correlation_id.as_deref(),
        }
    }

    /// Returns the row of Genesys Cloud's troubleshooting table that this error belongs to. The page
    /// [troubleshooting](crate::guide::troubleshooting) shows all rows.
    #[must_use]
    pub fn troubleshooting(&self) -> Option<Troubleshooting> {
        self.kind().troubleshooting()
    }

    /// Returns this error, as a caller receives it in the pause that it started.
    pub(crate) fn in_pause(&self, left: Duration) -> Self {
        let cause = match &*self.0 {
            Inner::Kind(_) | Inner::Named(..) | Inner::OutcomeUnknown { .. } => self.clone(),
            Inner::Pause { cause, .. } | Inner::NoToken { cause } => cause.clone(),
        };
        Self(Arc::new(Inner::Pause { cause, left }))
    }

    /// Adds to an `invalid_client` what the provider knows of the client. Other errors stay as they
    /// are.
    pub(crate) fn with_client(self, add: impl FnOnce(OAuthError) -> InvalidClient) -> Self {
        self.map_oauth(OAuthErrorKind::InvalidClient, |response| {
            ErrorKind::InvalidClient(add(response))
        })
    }

    /// Turns an invalid refresh token into the end of the login. Other errors stay as they are.
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "there are no logins without the feature")
    )]
    pub(crate) fn with_login_ended(self) -> Self {
        self.map_oauth(kind::ENDED_LOGIN, |response| {
            ErrorKind::Login(LoginError::ended(response))
        })
    }

    /// Adds to an expired token the 401 with which the API rejected it. Other errors stay as they are.
    pub(crate) fn with_rejection(self, rejection: &Self) -> Self {
        match (self.kind(), rejection.kind()) {
            (ErrorKind::TokenExpired(expired), ErrorKind::Api(response)) => {
                expired.with_response(response).into()
            }
            _ => self,
        }
    }

    /// Whether the token endpoint cannot have used what was sent, so that sending it again may help.
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "there are no logins without the feature")
    )]
    pub(crate) fn is_unused(&self) -> bool {
        let is_busy = |status: StatusCode| matches!(status.as_u16(), 429 | 503);
        self.nothing_sent()
            || matches!(self.kind(), ErrorKind::RateLimited(_))
            || self.is_transient() && self.status().is_some_and(is_busy)
    }

    /// Returns the error of a code that got this one as its last response, and is not sent again. A
    /// rejection by the token endpoint stays as it is.
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "there are no logins without the feature")
    )]
    pub(crate) fn with_code_ended(self) -> Self {
        let why = if self.is_unused() {
            "the time for this login is over"
        } else if self.is_transient() || self.status().is_some_and(|status| status.is_success()) {
            "whether this used up the login's code is unknown, and a code is never sent twice"
        } else {
            return self;
        };
        LoginError::code_ended(self.clone(), self.kind().head().cloned(), why).into()
    }

    fn map_oauth(self, kind: OAuthErrorKind, map: impl FnOnce(OAuthError) -> ErrorKind) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(Inner::Kind(ErrorKind::OAuth(error))) if error.kind() == kind => map(error).into(),
            Ok(inner) => Self(Arc::new(inner)),
            Err(shared) => Self(shared),
        }
    }

    /// Whether the token endpoint does not accept these credentials, so that sending them again does
    /// not help.
    pub(crate) fn has_invalid_credentials(&self) -> bool {
        self.kind().has_invalid_credentials()
    }

    /// Whether the token endpoint does not accept the client, whatever grant it sends.
    pub(crate) fn has_invalid_client(&self) -> bool {
        match self.kind() {
            ErrorKind::InvalidClient(_) => true,
            ErrorKind::OAuth(error) => {
                matches!(error.kind(), OAuthErrorKind::UnauthorizedClient { .. })
            }
            _ => false,
        }
    }

    /// Whether the login ends with its token, because nothing renews it.
    pub(crate) fn ends_with_token(&self) -> bool {
        matches!(self.kind(), ErrorKind::TokenExpired(expired) if expired.needs_login())
    }

    /// Whether the API rejects the token, so that another token of the same client may help.
    pub(crate) fn invalidates_token(&self) -> bool {
        matches!(self.kind(), ErrorKind::Api(error) if error.is_token_rejected())
    }

    /// Whether nothing of the request was sent.
    pub(crate) fn nothing_sent(&self) -> bool {
        matches!(self.kind(), ErrorKind::Transport(transport) if transport.nothing_sent)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.0.fmt(f);
        }
        write!(f, "{self}")?;
        let mut source = std::error::Error::source(self);
        if source.is_some() {
            f.write_str("\nCaused by:")?;
        }
        while let Some(error) = source {
            // A source's text may have more than one line.
            write!(f, "\n    {}", sanitize(&error.to_string(), &[]))?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Kind(kind) => kind.fmt(f),
            Inner::Named(_, text) | Inner::OutcomeUnknown { text, .. } => f.write_str(text),
            Inner::NoToken { cause } => cause.fmt(f),
            // The next token request would not help.
            Inner::Pause { cause, .. } if self.needs_login() => cause.fmt(f),
            Inner::Pause { cause, left } => {
                let left = left.as_secs_f64();
                write!(f, "{cause}; the next token request is due in {left:.1} s")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind().source()
    }
}

/// Makes an `Error` from a kind, and from what a kind is made of.
macro_rules! errors_from {
    ($($of:ty => $kind:expr),* $(,)?) => {$(
        impl From<$of> for Error {
            fn from(error: $of) -> Self {
                let kind: fn($of) -> ErrorKind = $kind;
                Self(Arc::new(Inner::Kind(kind(error))))
            }
        }
    )*};
}

errors_from! {
    ErrorKind => |kind| kind,
    InvalidAssertion => ErrorKind::Assertion,
    InvalidConfiguration => ErrorKind::Configuration,
    InvalidRegion => |error| ErrorKind::Configuration(error.into()),
    LoginError => ErrorKind::Login,
    StoreError => ErrorKind::Store,
    TokenExpired => ErrorKind::TokenExpired,
}

#[cfg(feature = "login")]
impl From<CallbackFault> for Error {
    fn from(fault: CallbackFault) -> Self {
        LoginError::from(fault).into()
    }
}

/// Gives errors the getters of their response's head.
macro_rules! response_getters {
    ($($error:ty),*) => {$(
        impl $error {
            /// Returns the HTTP status.
            #[must_use]
            pub fn status(&self) -> StatusCode {
                self.head.status
            }

            /// Returns the id by which Genesys Cloud's support finds the request.
            #[must_use]
            pub fn correlation_id(&self) -> Option<&str> {
                self.head.correlation_id.as_deref()
            }
        }
    )*};
}

response_getters!(ApiError, OAuthError, RateLimited, UnexpectedResponse);

#[cfg(test)]
mod tests;

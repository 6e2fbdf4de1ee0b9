//! What went wrong, who must act, and how.

mod api;
mod here;
mod oauth;
mod rate_limit;
mod server_words;
mod transport;
mod troubleshooting;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

pub use api::{AccessDenied, ApiError};
pub(crate) use api::{api_error, correlation_id};
pub use here::{Configuration, InvalidPath, SecretError, TokenExpired};
pub use oauth::{InvalidClient, OAuthError};
pub use rate_limit::RateLimited;
pub(crate) use server_words::words;
pub(crate) use transport::Problem;
pub use transport::{Transport, TransportKind, UnexpectedAnswer};
pub use troubleshooting::Troubleshooting;

use crate::region::InvalidRegion;

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

enum Inner {
    Kind(ErrorKind),
    /// A pause after `cause`, seen with `left` to go.
    Pause {
        cause: Error,
        left: Duration,
    },
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A region that does not exist, or custom hosts that may not be used.
    InvalidRegion(InvalidRegion),
    /// Something given to this crate is missing or malformed. Nothing was sent.
    Configuration(Configuration),
    /// A path that would leave the Platform API, or names no one place in it. Nothing was sent.
    InvalidPath(InvalidPath),
    /// The source of the client secret failed, panicked, or took longer than 10 seconds.
    Secret(SecretError),
    /// The token endpoint does not know the client, or not with this secret.
    InvalidClient(InvalidClient),
    /// The token endpoint answered with another OAuth error (RFC 6749 5.2).
    OAuth(OAuthError),
    /// Too many requests: HTTP 429, or the token endpoint's 400 "rate limit exceeded".
    RateLimited(RateLimited),
    /// The token's life is over, and nothing could renew it in time.
    TokenExpired(TokenExpired),
    /// The token endpoint handed out a token again that the API had refused, or the API refuses
    /// every new token.
    TokenRefused,
    /// HTTP 403: the token is good, but a permission is missing.
    AccessDenied(AccessDenied),
    /// The Platform API answered with another error.
    Api(ApiError),
    /// No answer came back.
    Transport(Transport),
    /// An answer came back that nobody can use.
    UnexpectedAnswer(UnexpectedAnswer),
    /// The deadline passed before there was a token, or before the request could be sent.
    Timeout,
    /// A token has to be asked for, and that needs a tokio runtime.
    NoRuntime,
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

    /// Whether the token endpoint refuses these credentials, until somebody changes something.
    pub(crate) fn refuses_credentials(&self) -> bool {
        match self.kind() {
            ErrorKind::InvalidClient(_) => true,
            ErrorKind::OAuth(error) => !error.is_transient(),
            _ => false,
        }
    }

    /// Whether the API refuses the token. Where it refuses the caller's address, another token does
    /// not help.
    pub(crate) fn invalidates_token(&self) -> bool {
        match self.kind() {
            ErrorKind::Api(error) => {
                error.status() == 401 && error.code() != Some("ip.not.authorized")
            }
            _ => false,
        }
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

    /// Whether the same may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind() {
            ErrorKind::Transport(_)
            | ErrorKind::RateLimited(_)
            | ErrorKind::TokenRefused
            | ErrorKind::Secret(_)
            | ErrorKind::Timeout => true,
            ErrorKind::OAuth(error) => error.is_transient(),
            ErrorKind::Api(error) => error.is_transient(),
            ErrorKind::UnexpectedAnswer(answer) => answer.is_transient(),
            ErrorKind::TokenExpired(expired) => expired.renewable,
            ErrorKind::InvalidRegion(_)
            | ErrorKind::Configuration(_)
            | ErrorKind::InvalidPath(_)
            | ErrorKind::InvalidClient(_)
            | ErrorKind::AccessDenied(_)
            | ErrorKind::NoRuntime => false,
        }
    }

    /// How long to wait before the next try: what is left of a pause between token requests, or
    /// what the server asked for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &*self.0 {
            Inner::Pause { left, .. } => Some(*left),
            Inner::Kind(ErrorKind::RateLimited(limited)) => limited.retry_after,
            Inner::Kind(ErrorKind::UnexpectedAnswer(answer)) => answer.retry_after,
            Inner::Kind(ErrorKind::OAuth(error)) => error.retry_after(),
            Inner::Kind(ErrorKind::Api(error)) => error.retry_after(),
            Inner::Kind(_) => None,
        }
    }

    /// Whether only somebody who hands over a new token or logs in anew can help.
    #[must_use]
    pub fn needs_login(&self) -> bool {
        matches!(self.kind(), ErrorKind::TokenExpired(expired) if !expired.renewable)
    }

    /// The HTTP status of the answer that led here, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.kind() {
            ErrorKind::InvalidClient(refused) => Some(refused.answer().status()),
            ErrorKind::OAuth(error) => Some(error.status()),
            ErrorKind::RateLimited(limited) => Some(limited.status),
            ErrorKind::AccessDenied(denied) => Some(denied.answer().status()),
            ErrorKind::Api(error) => Some(error.status()),
            ErrorKind::UnexpectedAnswer(answer) => Some(answer.status()),
            _ => None,
        }
    }

    /// The id under which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        match self.kind() {
            ErrorKind::InvalidClient(refused) => refused.answer().correlation_id(),
            ErrorKind::OAuth(error) => error.correlation_id(),
            ErrorKind::RateLimited(limited) => limited.correlation_id.as_deref(),
            ErrorKind::AccessDenied(denied) => denied.answer().correlation_id(),
            ErrorKind::Api(error) => error.correlation_id(),
            ErrorKind::UnexpectedAnswer(answer) => answer.correlation_id(),
            _ => None,
        }
    }

    /// The row of Genesys Cloud's troubleshooting table that this error belongs to.
    #[must_use]
    pub fn troubleshooting(&self) -> Option<Troubleshooting> {
        match self.kind() {
            ErrorKind::InvalidClient(refused) if refused.accepted_before().is_some() => {
                Some(Troubleshooting::IntegrationFailsAfterRotation)
            }
            ErrorKind::InvalidClient(_) => Some(Troubleshooting::TokenRequestFails),
            ErrorKind::AccessDenied(_) => Some(Troubleshooting::ApiAccessDenied),
            ErrorKind::TokenExpired(_) => Some(Troubleshooting::TokenExpired),
            ErrorKind::Configuration(configuration) if configuration.secret_missing() => {
                Some(Troubleshooting::SecretNotVisible)
            }
            ErrorKind::Api(error) => error.troubleshooting(),
            _ => None,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner::Kind(kind)))
    }
}

impl From<InvalidRegion> for Error {
    fn from(error: InvalidRegion) -> Self {
        ErrorKind::InvalidRegion(error).into()
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
            Inner::Pause { cause, left } => {
                let left = left.as_secs_f64();
                write!(f, "{cause} (the next token request is due in {left:.1} s)")
            }
        }
    }
}

/// Never repeats a source's text.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidRegion(error) => error.fmt(f),
            Self::Configuration(error) => error.fmt(f),
            Self::InvalidPath(error) => error.fmt(f),
            Self::Secret(error) => error.fmt(f),
            Self::InvalidClient(error) => error.fmt(f),
            Self::OAuth(error) => error.fmt(f),
            Self::RateLimited(error) => error.fmt(f),
            Self::TokenExpired(error) => error.fmt(f),
            Self::TokenRefused => f.write_str(
                "the API refuses every token the token endpoint hands out; see whether the \
                 organisation revokes tokens or the hosts belong to different regions",
            ),
            Self::AccessDenied(error) => error.fmt(f),
            Self::Api(error) => error.fmt(f),
            Self::Transport(error) => error.fmt(f),
            Self::UnexpectedAnswer(error) => error.fmt(f),
            Self::Timeout => f.write_str("the time allowed is over"),
            Self::NoRuntime => f.write_str(
                "a token has to be asked for, and that needs a tokio runtime; call this inside one",
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.kind() {
            ErrorKind::Secret(error) => error.source(),
            ErrorKind::Transport(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

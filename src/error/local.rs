//! What went wrong on this side.

use std::{borrow::Cow, fmt, time::SystemTime};

use httpdate::fmt_http_date;

/// Something given to this crate is missing or malformed.
#[derive(Debug)]
pub struct Configuration {
    what: Cow<'static, str>,
    secret_missing: bool,
}

impl Configuration {
    pub(super) fn new(what: Cow<'static, str>, secret_missing: bool) -> Self {
        Self {
            what,
            secret_missing,
        }
    }

    /// Whether a client id came without its secret.
    pub(super) fn secret_missing(&self) -> bool {
        self.secret_missing
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// A path that cannot be called.
#[derive(Debug)]
pub struct InvalidPath {
    why: &'static str,
}

impl InvalidPath {
    pub(crate) fn new(why: &'static str) -> Self {
        Self { why }
    }
}

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this path is not called: {}", self.why)
    }
}

/// The source of a client secret, or of a SAML assertion, did not give one.
#[derive(Debug)]
pub struct SecretError {
    what: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl SecretError {
    pub(super) fn new(
        what: Cow<'static, str>,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { what, source }
    }

    pub(super) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_deref()?)
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// A token's life is over.
#[derive(Debug)]
pub struct TokenExpired(Expired);

#[derive(Debug)]
#[cfg_attr(not(feature = "login"), allow(dead_code, reason = "nobody logs in"))]
enum Expired {
    OnArrival,
    Fixed,
    Login,
    Assertion(StaleAssertion),
}

/// Why an assertion brings no token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StaleAssertion {
    /// It was answered already.
    Used,
    /// Since then.
    Ended(SystemTime),
    NotBefore(SystemTime),
}

#[cfg_attr(not(feature = "login"), allow(dead_code, reason = "nobody logs in"))]
impl TokenExpired {
    /// The token endpoint's tokens have no life left when they come.
    pub(crate) fn on_arrival() -> Self {
        Self(Expired::OnArrival)
    }

    /// A token given from outside.
    pub(crate) fn fixed() -> Self {
        Self(Expired::Fixed)
    }

    /// A user's token, for whose renewal there is no refresh token.
    pub(crate) fn of_login() -> Self {
        Self(Expired::Login)
    }

    /// A token for whose renewal the source gives no fresh assertion.
    pub(crate) fn of_assertion(why: StaleAssertion) -> Self {
        Self(Expired::Assertion(why))
    }

    pub(super) fn is_renewable(&self) -> bool {
        matches!(self.0, Expired::OnArrival)
    }

    pub(super) fn needs_login(&self) -> bool {
        matches!(self.0, Expired::Login | Expired::Assertion(_))
    }
}

impl fmt::Display for TokenExpired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Expired::Assertion(why) => return why.fmt(f),
            Expired::OnArrival => {
                "the token endpoint hands out tokens that have no life left; set a token duration \
                 that fits at the OAuth client (Admin → Integrations → OAuth)"
            }
            Expired::Fixed => {
                "the access token is no longer accepted and nothing here can renew it; use a grant \
                 that renews (client credentials), or a token duration that fits (Admin → \
                 Integrations → OAuth)"
            }
            Expired::Login => {
                "the user's token is no longer accepted, and no refresh token came with it; log in \
                 anew, or set a token duration that fits at the OAuth client (Admin → Integrations \
                 → OAuth)"
            }
        })
    }
}

impl fmt::Display for StaleAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no fresh SAML assertion to get a token with: the one given ")?;
        match self {
            Self::Used => f.write_str("was used already; "),
            Self::Ended(when) => write!(f, "is out of date since {}; ", fmt_http_date(*when)),
            Self::NotBefore(when) => write!(
                f,
                "is not valid before {}; see whether this machine's clock is right, else ",
                fmt_http_date(*when)
            ),
        }?;
        f.write_str(
            "log in anew at the identity provider for another; a source that asks it each time \
             (Assertion::from_fn) renews by itself, and a token duration that fits (Admin → \
             Integrations → OAuth) makes it rarer",
        )
    }
}

/// A store failed. [`Error`](std::error::Error::source)s of its own stay its source.
#[derive(Debug)]
pub struct StoreError {
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// A failure of a store, with what it says itself.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self { source }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of tokens failed; see its own words, and whether it can be reached")
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

//! What went wrong on this side.

use std::{borrow::Cow, fmt};

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

/// The source of a client secret did not give one.
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
pub struct TokenExpired {
    pub(crate) renewable: bool,
}

impl fmt::Display for TokenExpired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.renewable {
            "the token endpoint hands out tokens that have no life left; set a token duration that \
             fits at the OAuth client (Admin → Integrations → OAuth)"
        } else {
            "the access token is no longer accepted and nothing here can renew it; use a grant that \
             renews (client credentials), or a token duration that fits (Admin → Integrations → OAuth)"
        })
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

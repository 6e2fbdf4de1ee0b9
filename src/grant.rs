//! The ways to a token, one file each.

mod client_credentials;
mod fixed;

use std::fmt;

pub use client_credentials::ClientCredentials;
pub use fixed::FixedToken;

/// How a [`TokenProvider`](crate::TokenProvider) comes to its tokens. Made from
/// [`ClientCredentials`] or a [`FixedToken`].
pub struct Grant(pub(crate) Kind);

pub(crate) enum Kind {
    ClientCredentials(ClientCredentials),
    Fixed(FixedToken),
}

impl Grant {
    /// Its grant type (RFC 6749, 1.3), as spans and events of `tracing` name it.
    pub(crate) fn name(&self) -> &'static str {
        match &self.0 {
            Kind::ClientCredentials(_) => "client_credentials",
            Kind::Fixed(_) => "fixed_token",
        }
    }
}

impl From<ClientCredentials> for Grant {
    fn from(credentials: ClientCredentials) -> Self {
        Self(Kind::ClientCredentials(credentials))
    }
}

impl From<FixedToken> for Grant {
    fn from(token: FixedToken) -> Self {
        Self(Kind::Fixed(token))
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::ClientCredentials(credentials) => credentials.fmt(f),
            Kind::Fixed(token) => token.fmt(f),
        }
    }
}

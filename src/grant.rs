//! The ways to get a token, one file each.
#![cfg_attr(
    not(feature = "login"),
    allow(
        dead_code,
        unreachable_pub,
        reason = "what is known of logins is always compiled"
    )
)]

mod authorization_code;
mod client_credentials;
mod fixed;
mod saml2_bearer;

use std::fmt;

pub use authorization_code::AuthorizationCode;
pub use client_credentials::ClientCredentials;
pub use fixed::FixedToken;
pub use saml2_bearer::Saml2Bearer;

use crate::{error::Error, secret::ClientSecret};

/// How a [`TokenProvider`](crate::TokenProvider) comes to its tokens. Made from
/// [`ClientCredentials`], [`Saml2Bearer`] or a [`FixedToken`].
///
/// A user's code becomes a provider by a login alone, never by itself:
///
/// ```compile_fail,E0277
/// use genesys_cloud_auth::{AuthorizationCode, Grant};
///
/// fn grant(app: AuthorizationCode) -> Grant {
///     app.into()
/// }
/// ```
#[derive(Clone)]
pub struct Grant(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    AuthorizationCode(Box<AuthorizationCode>),
    ClientCredentials(ClientCredentials),
    Fixed(FixedToken),
    Saml2Bearer(Box<Saml2Bearer>),
}

impl Grant {
    /// Its grant type (RFC 6749, 1.3), as spans and events of `tracing` name it.
    pub(crate) fn name(&self) -> &'static str {
        match &self.0 {
            Kind::AuthorizationCode(_) => "authorization_code",
            Kind::ClientCredentials(_) => "client_credentials",
            Kind::Fixed(_) => "fixed_token",
            Kind::Saml2Bearer(_) => "saml2_bearer",
        }
    }

    /// Where its client's secret is read, if the client has one.
    pub(crate) fn secret(&self) -> Option<&ClientSecret> {
        match &self.0 {
            Kind::AuthorizationCode(app) => app.secret(),
            Kind::ClientCredentials(credentials) => Some(credentials.secret()),
            Kind::Fixed(_) => None,
            Kind::Saml2Bearer(saml) => Some(saml.secret()),
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

impl From<Saml2Bearer> for Grant {
    fn from(saml: Saml2Bearer) -> Self {
        Self(Kind::Saml2Bearer(Box::new(saml)))
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::AuthorizationCode(code) => code.fmt(f),
            Kind::ClientCredentials(credentials) => credentials.fmt(f),
            Kind::Fixed(token) => token.fmt(f),
            Kind::Saml2Bearer(saml) => saml.fmt(f),
        }
    }
}

/// Whether this can be the id of a client.
fn check_client_id(client_id: &str) -> Result<(), Error> {
    if client_id.is_empty() {
        return Err(Error::configuration("the client id is empty"));
    }
    if client_id.len() > MOST_BYTES {
        return Err(Error::configuration(
            "the client id is longer than 255 bytes",
        ));
    }
    if client_id.contains(|c: char| c == ':' || c.is_control() || c.is_whitespace()) {
        return Err(Error::configuration(
            "the client id holds a colon, a space or a control character; is it the id alone?",
        ));
    }
    Ok(())
}

/// A client id is a UUID; this is far more.
const MOST_BYTES: usize = 255;

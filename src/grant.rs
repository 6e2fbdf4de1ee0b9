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
mod closure;
mod fixed;
mod saml2_bearer;

use std::{error, fmt, future::Future};

pub use authorization_code::AuthorizationCode;
#[cfg(feature = "login")]
pub(crate) use authorization_code::CodeGrant;
pub(crate) use authorization_code::redirect_uri::RedirectUri;
pub use client_credentials::ClientCredentials;
pub(crate) use closure::Closure;
pub use closure::NewToken;
pub use fixed::FixedToken;
pub use saml2_bearer::Saml2Bearer;

use crate::{async_source::AsyncSource, error::Error, outside_text::clean, secret::ClientSecret};

/// How a [`TokenProvider`](crate::TokenProvider) gets its tokens.
///
/// [`ClientCredentials`], [`Saml2Bearer`] and [`FixedToken`] are grants; [`from_fn`](Self::from_fn)
/// makes one of any other source.
#[derive(Clone)]
pub struct Grant(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    AuthorizationCode(Box<AuthorizationCode>),
    ClientCredentials(ClientCredentials),
    Closure(Closure),
    Fixed(FixedToken),
    Saml2Bearer(Box<Saml2Bearer>),
}

impl Grant {
    /// A token source of the program's own, such as a broker or a sidecar. Its closure is called each
    /// time a token is needed, and the provider does the rest: one call at a time for all callers, a
    /// cached token, renewal before expiry, pauses after failures, and events. Such a token cannot be
    /// kept in a store.
    ///
    /// `name` stands in error texts, and as `grant_type` in the spans of `tracing`. An error, a panic,
    /// or a future that takes longer than 10 seconds counts as a transient failure of the kind
    /// [`CredentialSource`](crate::ErrorKind::CredentialSource).
    ///
    /// ```
    /// use genesys_cloud_auth::{Grant, NewToken, Region, TokenProvider};
    /// # use std::{sync::Arc, time::Duration};
    /// # struct Broker;
    /// # impl Broker {
    /// #     async fn token(&self) -> Result<(String, Duration), std::io::Error> {
    /// #         Ok((String::new(), Duration::from_secs(60)))
    /// #     }
    /// # }
    /// # let broker = Arc::new(Broker);
    ///
    /// let grant = Grant::from_fn("broker", move || {
    ///     let broker = broker.clone();
    ///     async move {
    ///         let (token, expires_in) = broker.token().await?;
    ///         Ok(NewToken { secret: token.into(), expires_in: Some(expires_in) })
    ///     }
    /// });
    /// let tokens = TokenProvider::new(Region::EuWest1, grant)?;
    /// # Ok::<_, genesys_cloud_auth::Error>(())
    /// ```
    ///
    /// A program's own tests can use it for a token that fails, and [`FixedToken`] for a valid one:
    ///
    /// ```
    /// # use genesys_cloud_auth::Grant;
    /// let fails = Grant::from_fn("fails", || async { Err("no token today".into()) });
    /// ```
    pub fn from_fn<F, Fut>(name: impl Into<String>, source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut:
            Future<Output = Result<NewToken, Box<dyn error::Error + Send + Sync>>> + Send + 'static,
    {
        let source = AsyncSource::new(source);
        Self(Kind::Closure(Closure::new(name.into(), source)))
    }

    /// The grant type (RFC 6749, 1.3), or the name of a closure, for spans and events of `tracing`.
    pub(crate) fn name(&self) -> &str {
        match &self.0 {
            Kind::AuthorizationCode(_) => "authorization_code",
            Kind::ClientCredentials(_) => "client_credentials",
            Kind::Closure(closure) => closure.name(),
            Kind::Fixed(_) => "fixed_token",
            Kind::Saml2Bearer(_) => "saml2_bearer",
        }
    }

    /// The source of the client secret; `None` for a public client and where there is no client.
    pub(crate) fn secret(&self) -> Option<&ClientSecret> {
        match &self.0 {
            Kind::AuthorizationCode(app) => app.secret(),
            Kind::ClientCredentials(credentials) => Some(credentials.secret()),
            Kind::Saml2Bearer(saml) => Some(saml.secret()),
            Kind::Closure(_) | Kind::Fixed(_) => None,
        }
    }
}

/// What is a [`Grant`], or becomes one. The trait is sealed.
///
/// A user's code becomes a provider only through a `Login`, so
/// [`AuthorizationCode`](crate::AuthorizationCode) is none:
///
/// ```compile_fail,E0277
/// use genesys_cloud_auth::{AuthorizationCode, Region, TokenProvider};
///
/// fn provider(app: AuthorizationCode) {
///     let tokens = TokenProvider::new(Region::EuWest1, app);
/// }
/// ```
///
/// The call that is meant:
///
/// ```no_run
/// use genesys_cloud_auth::{AuthorizationCode, Error, Login, Region, TokenProvider};
///
/// async fn provider(app: AuthorizationCode) -> Result<TokenProvider, Error> {
///     let login = Login::builder(Region::EuWest1, app).build()?;
///     login.in_browser("default", |url| eprintln!("Log in at {url}")).await
/// }
/// ```
///
/// A mere client id is no grant either, nor is a token as text:
///
/// ```compile_fail,E0277
/// use genesys_cloud_auth::{Region, TokenProvider};
///
/// let tokens = TokenProvider::builder(Region::EuWest1, "a-token");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a grant of a `TokenProvider`",
    label = "expected `ClientCredentials`, `Saml2Bearer`, `FixedToken` or a `Grant`",
    note = "an `AuthorizationCode` becomes a `TokenProvider` through a `Login`"
)]
pub trait IntoGrant: sealed::Sealed {
    /// Converts the value into a [`Grant`].
    fn into_grant(self) -> Grant;
}

mod sealed {
    #[expect(unnameable_types, reason = "it seals `IntoGrant`")]
    pub trait Sealed {}
}

impl sealed::Sealed for Grant {}

impl IntoGrant for Grant {
    fn into_grant(self) -> Grant {
        self
    }
}

impl sealed::Sealed for ClientCredentials {}

impl IntoGrant for ClientCredentials {
    fn into_grant(self) -> Grant {
        Grant(Kind::ClientCredentials(self))
    }
}

impl sealed::Sealed for FixedToken {}

impl IntoGrant for FixedToken {
    fn into_grant(self) -> Grant {
        Grant(Kind::Fixed(self))
    }
}

impl sealed::Sealed for Saml2Bearer {}

impl IntoGrant for Saml2Bearer {
    fn into_grant(self) -> Grant {
        Grant(Kind::Saml2Bearer(Box::new(self)))
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::AuthorizationCode(code) => code.fmt(f),
            Kind::ClientCredentials(credentials) => credentials.fmt(f),
            Kind::Closure(closure) => closure.fmt(f),
            Kind::Fixed(token) => token.fmt(f),
            Kind::Saml2Bearer(saml) => saml.fmt(f),
        }
    }
}

/// Returns the id of a client without what may be around it.
fn client_id(given: &str) -> Result<String, Error> {
    let check = || {
        let id = clean(given)?;
        if id.is_empty() {
            return Err("is empty");
        }
        if id.len() > MAX_CLIENT_ID_BYTES {
            return Err("is longer than 255 bytes");
        }
        if id.contains(|c: char| c == ':' || c.is_control() || c.is_whitespace()) {
            return Err("contains a colon, a space or a control character; pass only the id");
        }
        Ok(id.to_owned())
    };
    check().map_err(|fault| Error::configuration(format!("the client id {fault}")))
}

/// A client id is a UUID, which is far shorter.
const MAX_CLIENT_ID_BYTES: usize = 255;

#![doc = include_str!("../README.md")]
//!
//! # Where to find what
//!
//! - **Start here:** [`Region`], [`ClientCredentials`], [`TokenProvider`], [`PlatformClient`].
//! - **Other grants:** [`Login`] with an [`AuthorizationCode`], [`Saml2Bearer`] with an
//!   [`Assertion`], [`FixedToken`], [`Grant::from_fn`].
//! - **Errors:** [`Error`], [`ErrorKind`], and their payloads in [`error`].
//! - **Requests, responses, pages:** [`client`].
//! - **OAuth clients, integrations, data actions:** [`admin`]; [`audit`] checks all clients, and
//!   [`rotation`] replaces a secret wherever it is.
//! - **Stores:** [`store`]; the guide [Stores](guide::stores).
//! - **Tests:** [`sandbox`], [`Clock`]; the guide [Testing your application](guide::testing).
//! - **Limits and dates of Genesys Cloud:** [`limits`].
//! - **Guides:** [`guide`].
//!
//! [`sandbox`]: https://docs.rs/genesys-cloud-auth/latest/genesys_cloud_auth/sandbox/index.html
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(
        feature = "gc-profile",
        feature = "keyring-store",
        feature = "login",
        feature = "redis-store",
        feature = "sandbox-tls",
        feature = "test-util"
    )),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "guides link to what only features add"
    )
)]

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
compile_error!(
    "genesys-cloud-auth needs TLS to reach Genesys Cloud: enable the feature `rustls` (a default \
     feature) or `native-tls`"
);

mod assertion;
mod async_source;
#[cfg(feature = "login")]
mod callback;
mod clock;
mod environment;
mod grant;
mod http_client;
#[cfg(feature = "keyring-store")]
mod keyring;
#[cfg(feature = "login")]
mod listener;
#[cfg(feature = "login")]
mod login;
mod outside_text;
mod platform_limits;
mod private_file;
#[cfg(feature = "gc-profile")]
mod profile;
mod provider;
mod region;
mod retry;
mod rfc3339;
mod runtime;
mod seal;
mod secret;
mod token;
mod token_endpoint;

pub mod admin;
pub mod audit;
pub mod client;
pub mod error;
pub mod rotation;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod store;

// Start here: a region, a grant, a provider, and the client that uses it.
#[doc(inline)]
pub use client::PlatformClient;
pub use provider::{Event, NamedEntity, TokenInfo, TokenProvider, TokenProviderBuilder};
pub use region::{CustomRegion, Region};
pub use token::AccessToken;

// Grants, and what they are made from.
pub use assertion::Assertion;
#[cfg(feature = "login")]
pub use grant::AuthorizationCode;
pub use grant::{ClientCredentials, FixedToken, Grant, IntoGrant, NewToken, Saml2Bearer};
pub use secret::ClientSecret;

// Users who log in.
#[cfg(feature = "login")]
pub use login::{LocalLogin, Login, LoginBuilder, PendingLogin};

// Errors; the payloads are in `error`.
#[doc(inline)]
pub use error::{Error, ErrorKind};

// Settings.
pub use clock::Clock;
pub use http_client::HttpClient;

// The crates whose types stand in public signatures.
#[cfg(feature = "redis-store")]
pub use redis;
pub use {bytes, http, reqwest, secrecy, url};

/// The documented limits and dates of Genesys Cloud.
pub mod limits {
    pub use crate::platform_limits::{
        DEFAULT_TOKEN_DURATION, HIPAA_IDLE_TIMEOUT, IMMEDIATE_DELETION_AGE,
        IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_EARLIEST_CLOSING, IMPLICIT_GRANT_EARLIEST_END,
        IMPLICIT_GRANT_ENDS, MAX_REDIRECT_URIS, MAX_SCIM_TOKEN_DURATION, Month,
        RECOMMENDED_TOKEN_DURATION, RESTORATION_PERIOD, SECRET_SHOWN_ONCE_SINCE, TOKEN_DURATION,
    };
}

/// The functions that the fuzz targets call.
#[cfg(all(fuzzing, feature = "login"))]
pub mod fuzzing {
    /// Reads a SAML assertion in any form.
    pub fn assertion(given: &[u8]) {
        crate::assertion::fuzzing::assertion(given);
    }

    /// Reads a request to the redirect URI.
    pub fn callback(sent: &[u8]) {
        crate::listener::fuzzing::callback(sent);
    }

    /// Reads what a user pastes instead.
    pub fn pasted(text: &[u8]) {
        crate::callback::fuzzing::pasted(text);
    }
}

/// Guides.
#[cfg(doc)]
pub mod guide {
    #[doc = include_str!("guide/behaviour.md")]
    pub mod behaviour {}
    #[doc = include_str!("guide/data_actions.md")]
    pub mod data_actions {}
    #[doc = include_str!("guide/errors.md")]
    pub mod errors {}
    #[doc = include_str!("guide/gc_cli.md")]
    pub mod gc_cli {}
    #[doc = include_str!("guide/implicit_grant.md")]
    pub mod implicit_grant {}
    #[doc = include_str!("guide/oauth_clients.md")]
    pub mod oauth_clients {}
    #[doc = include_str!("guide/observability.md")]
    pub mod observability {}
    #[doc = include_str!("guide/paging.md")]
    pub mod paging {}
    #[doc = include_str!("guide/promises.md")]
    pub mod promises {}
    #[doc = include_str!("guide/proxies.md")]
    pub mod proxies {}
    #[doc = include_str!("guide/rotation.md")]
    pub mod rotation {}
    #[doc = include_str!("guide/sso.md")]
    pub mod sso {}
    #[doc = include_str!("guide/stores.md")]
    pub mod stores {}
    #[doc = include_str!("guide/testing.md")]
    pub mod testing {}
    #[doc = include_str!("guide/troubleshooting.md")]
    pub mod troubleshooting {}
}

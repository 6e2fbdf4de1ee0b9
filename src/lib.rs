#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod assertion;
mod async_source;
#[cfg(feature = "login")]
mod callback;
mod clock;
mod environment;
mod grant;
mod http_client;
#[cfg(feature = "login")]
mod listener;
#[cfg(feature = "login")]
mod login;
mod platform_limits;
mod private_file;
mod provider;
mod region;
mod retry;
mod rfc3339;
mod seal;
mod secret;
mod token;
mod token_endpoint;

pub mod client;
pub mod error;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod store;

// Start here: a region, a grant, a provider, and the client that uses it.
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
pub use error::{Error, ErrorKind};

// Settings.
pub use clock::Clock;
pub use http_client::HttpClient;

// The crates whose types stand in public signatures.
pub use {bytes, http, reqwest, secrecy, url};

/// The documented limits and dates of Genesys Cloud.
pub mod limits {
    pub use crate::platform_limits::{
        IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_ENDS, LONGEST_SCIM_TOKEN_DURATION,
        MAX_REDIRECT_URIS, Month, RECOMMENDED_TOKEN_DURATION, SECRET_SHOWN_ONCE_SINCE,
        TOKEN_DURATION,
    };
}

/// What the fuzz targets call.
#[cfg(all(fuzzing, feature = "login"))]
pub mod fuzzing {
    /// A SAML assertion in whichever form.
    pub fn assertion(given: &[u8]) {
        crate::assertion::fuzzing::assertion(given);
    }

    /// A request to the redirect URI.
    pub fn callback(sent: &[u8]) {
        crate::listener::fuzzing::callback(sent);
    }

    /// What a user pastes instead.
    pub fn pasted(text: &[u8]) {
        crate::callback::fuzzing::pasted(text);
    }
}

/// Guides.
#[cfg(doc)]
pub mod guide {
    #[doc = include_str!("guide/implicit_grant.md")]
    pub mod implicit_grant {}
    #[doc = include_str!("guide/observability.md")]
    pub mod observability {}
    #[doc = include_str!("guide/promises.md")]
    pub mod promises {}
    #[doc = include_str!("guide/sso.md")]
    pub mod sso {}
    #[doc = include_str!("guide/troubleshooting.md")]
    pub mod troubleshooting {}
}

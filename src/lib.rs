#![doc = include_str!("../README.md")]

mod assertion;
mod async_source;
mod client;
mod clock;
mod environment;
mod error;
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
#[cfg(feature = "sandbox")]
mod sandbox;
mod seal;
mod secret;
mod store;
mod token;
mod token_endpoint;

pub use assertion::Assertion;
pub use client::{
    Chunks, Pages, PlatformClient, PlatformClientBuilder, RateLimit, Request, Response,
};
pub use clock::Clock;
pub use error::{
    AccessDenied, ApiError, Configuration, Error, ErrorDetail, ErrorKind, InvalidAssertion,
    InvalidCallback, InvalidClient, InvalidGrant, InvalidGrantCause, InvalidPath, Limit,
    ListenerError, LoginRefused, LoginRequired, NoBrowser, OAuthError, RateLimited, SecretError,
    StoreError, TokenExpired, Transport, TransportKind, Troubleshooting, UnauthorizedClient,
    UnexpectedResponse,
};
#[cfg(feature = "login")]
pub use grant::AuthorizationCode;
pub use grant::{ClientCredentials, FixedToken, Grant, Saml2Bearer};
pub use http_client::HttpClient;
#[cfg(feature = "login")]
pub use login::{LocalLogin, Login, LoginBuilder, PendingLogin};
pub use platform_limits::{
    IMPLICIT_GRANT_CLOSED_SINCE, IMPLICIT_GRANT_ENDS, LONGEST_SCIM_TOKEN_DURATION,
    MAX_REDIRECT_URIS, Month, RECOMMENDED_TOKEN_DURATION, SECRET_SHOWN_ONCE_SINCE, TOKEN_DURATION,
};
pub use provider::{Event, NamedEntity, TokenInfo, TokenProvider, TokenProviderBuilder};
pub use region::{CustomRegion, InvalidRegion, Region};
pub use retry::RetryPolicy;
#[cfg(feature = "sandbox")]
pub use sandbox::{
    Fault, FaultResponse, FaultScope, Gate, RecordedRequest, RefreshTokens, Sandbox,
    SandboxAssertions, SandboxBuilder, SandboxHost, SandboxUser,
};
pub use seal::SealingKey;
pub use secret::ClientSecret;
pub use store::{FileStore, FileTurn, MemoryStore, MemoryTurn, Sealed, StoreKey, TokenStore};
#[cfg(feature = "test-util")]
pub use store::{store_conformance, store_conformance_with_lost_turns};
pub use token::AccessToken;

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
        crate::login::fuzzing::pasted(text);
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

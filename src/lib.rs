#![doc = include_str!("../README.md")]

mod client;
mod clock;
mod environment;
mod error;
mod grant;
mod http;
mod profile;
mod provider;
mod region;
mod retry;
#[cfg(feature = "sandbox")]
mod sandbox;
mod secret;
mod token;
mod token_endpoint;

pub use client::{Chunks, PlatformClient, RateLimit, Request, Response};
pub use clock::Clock;
pub use error::{
    AccessDenied, ApiError, Configuration, Error, ErrorKind, InvalidClient, InvalidPath,
    OAuthError, RateLimited, SecretError, TokenExpired, Transport, TransportKind, Troubleshooting,
    UnexpectedAnswer,
};
pub use grant::{ClientCredentials, FixedToken, Grant};
pub use http::Connections;
pub use provider::{Event, NamedEntity, TokenInfo, TokenProvider, TokenProviderBuilder};
pub use region::{CustomRegion, InvalidRegion, Region};
#[cfg(feature = "sandbox")]
pub use sandbox::{
    Fault, FaultAnswer, FaultScope, Gate, RecordedRequest, Sandbox, SandboxBuilder, SandboxHost,
};
pub use secret::ClientSecret;
pub use token::AccessToken;

/// Guides.
#[cfg(doc)]
pub mod guide {
    #[doc = include_str!("guide/observability.md")]
    pub mod observability {}
    #[doc = include_str!("guide/promises.md")]
    pub mod promises {}
}

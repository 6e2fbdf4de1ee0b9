//! Authenticated requests to the Platform API.

mod builder;
mod call;
mod header;
mod pages;
mod request;
mod response;
mod target;

use std::time::Duration;

pub use builder::PlatformClientBuilder;
pub use pages::Pages;
pub use request::Request;
pub use response::{Chunks, RateLimit, Response};

use crate::provider::TokenProvider;
pub use crate::retry::RetryPolicy;

/// A client of one organisation's Platform API, which sends the tokens of a [`TokenProvider`].
///
/// A clone is cheap and shares the tokens. The client replaces a token that the API rejects and
/// sends the request once more, retries transient failures by its [`RetryPolicy`], returns typed
/// errors, and never sends a request to another host.
///
/// A call without a valid token waits for one for up to 10 seconds
/// ([`token_wait`](PlatformClientBuilder::token_wait)), and with its repetitions it takes up to 60
/// seconds ([`timeout`](PlatformClientBuilder::timeout)).
///
/// ```no_run
/// use genesys_cloud_auth::{PlatformClient, TokenProvider};
///
/// #[derive(serde::Deserialize)]
/// struct Organization {
///     name: String,
/// }
///
/// # async fn example(tokens: TokenProvider) -> Result<(), genesys_cloud_auth::Error> {
/// let api = PlatformClient::new(tokens);
/// let organization: Organization = api.get("/api/v2/organizations/me").fetch().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PlatformClient {
    tokens: TokenProvider,
    timeout: Duration,
    token_wait: Duration,
    body_limit: usize,
    retry: RetryPolicy,
}

impl PlatformClient {
    /// Returns the provider of the client's tokens.
    #[must_use]
    pub fn tokens(&self) -> &TokenProvider {
        &self.tokens
    }
}

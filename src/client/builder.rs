//! The settings of a platform client.

use std::time::Duration;

use super::PlatformClient;
use crate::{provider::TokenProvider, retry::RetryPolicy};

impl PlatformClient {
    /// Creates a client with the default settings.
    #[must_use]
    pub fn new(tokens: TokenProvider) -> Self {
        Self::builder(tokens).build()
    }

    /// Starts a client with other settings.
    ///
    /// ```no_run
    /// # use genesys_cloud_auth::{PlatformClient, TokenProvider};
    /// # fn example(tokens: TokenProvider) {
    /// let api = PlatformClient::builder(tokens)
    ///     .timeout(std::time::Duration::from_secs(20))
    ///     .body_limit(1024 * 1024)
    ///     .build();
    /// # }
    /// ```
    pub fn builder(tokens: TokenProvider) -> PlatformClientBuilder {
        PlatformClientBuilder(Self {
            tokens,
            timeout: DEFAULT_TIMEOUT,
            token_wait: DEFAULT_TOKEN_WAIT,
            body_limit: DEFAULT_BODY_LIMIT,
            retry: RetryPolicy::default(),
        })
    }
}

/// The settings of a [`PlatformClient`]; made by [`PlatformClient::builder`].
#[derive(Clone, Debug)]
#[must_use = "a client is made by `build`"]
pub struct PlatformClientBuilder(PlatformClient);

impl PlatformClientBuilder {
    /// Sets the maximum time of a call: waiting for its token, all its attempts and reading its
    /// response. The default is 60 seconds. A [request](crate::client::Request::timeout) may have
    /// its own.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.0.timeout = limit;
        self
    }

    /// Sets the maximum time for which a call without a valid token waits for one, whatever its
    /// [`RetryPolicy`]: token requests and the pauses between them together. The default is 10
    /// seconds. A call that would have to wait longer for the next token request fails at once. The
    /// error is the last cause, or [`Timeout`](crate::ErrorKind::Timeout) where no token request has
    /// ended. [`timeout`](Self::timeout) includes this time.
    pub fn token_wait(mut self, limit: Duration) -> Self {
        self.0.token_wait = limit;
        self
    }

    /// Sets when calls are sent again. A [request](crate::client::Request::retry) may have its own
    /// policy.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.0.retry = policy;
        self
    }

    /// Sets the maximum size of a response's body in bytes. The default is 32 MiB. Larger bodies
    /// can be read in [chunks](crate::client::Response::chunks).
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.0.body_limit = bytes;
        self
    }

    /// Creates the client.
    #[must_use]
    pub fn build(self) -> PlatformClient {
        self.0
    }
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const DEFAULT_TOKEN_WAIT: Duration = Duration::from_secs(10);
const DEFAULT_BODY_LIMIT: usize = 32 * 1024 * 1024;

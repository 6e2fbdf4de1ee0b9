//! Authenticated requests to the Platform API.

mod pages;
mod request;
mod response;
mod target;

use std::time::Duration;

use http::Method;

pub use pages::Pages;
pub use request::Request;
pub use response::{Chunks, RateLimit, Response};

use crate::provider::TokenProvider;
pub use crate::retry::RetryPolicy;
use target::Target;

/// The Platform API of one organisation, called with the tokens of a [`TokenProvider`].
///
/// Cheap to clone. A token that the API refuses is replaced and the request sent once more; what
/// failed and may be repeated is, by a [`RetryPolicy`]; errors are typed; nothing is ever sent to
/// another host.
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
    body_limit: usize,
    retry: RetryPolicy,
}

impl PlatformClient {
    /// A client that calls with these tokens.
    #[must_use]
    pub fn new(tokens: TokenProvider) -> Self {
        Self {
            tokens,
            timeout: Duration::from_secs(60),
            body_limit: 32 * 1024 * 1024,
            retry: RetryPolicy::default(),
        }
    }

    /// How long a call may take, with waiting for its token, all its repetitions and reading its
    /// answer; 60 seconds by default. A [request](Request::timeout) may have its own.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// How many bytes of an answer are read at most; 32 MiB by default. For more, read it in
    /// [chunks](Response::chunks).
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// When calls are sent again. A [request](Request::retry) may have its own policy.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// The tokens it calls with.
    #[must_use]
    pub fn tokens(&self) -> &TokenProvider {
        &self.tokens
    }

    /// A `GET` of a path such as `/api/v2/users/me`, with or without a query.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// A `HEAD`.
    pub fn head(&self, path: &str) -> Request {
        self.request(Method::HEAD, path)
    }

    /// A `POST`.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// A `PUT`.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// A `PATCH`.
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    /// A `DELETE`.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A request by any method.
    pub fn request(&self, method: Method, path: &str) -> Request {
        Request::new(self.clone(), method, path)
    }
}

//! A valid token at any time: cached, requested once for all callers, and renewed before it expires.
#![cfg_attr(
    not(feature = "login"),
    allow(dead_code, reason = "what is known of logins is always compiled")
)]

mod builder;
mod cache;
mod driver;
mod event;
mod from_env;
mod gateway;
#[cfg(feature = "login")]
mod login;
mod memory;
mod outside_code;
mod policy;
mod refresh;
mod snapshot;
mod storage;
mod token_info;

use std::{
    fmt,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use http::HeaderValue;

pub use builder::TokenProviderBuilder;
pub use event::Event;
pub(crate) use event::TARGET;
#[cfg(feature = "gc-profile")]
pub(crate) use gateway::{Gateway, Origin, OriginNames};
#[cfg(feature = "login")]
pub(crate) use login::WeakTokenProvider;
pub use token_info::{NamedEntity, TokenInfo};

use self::{
    cache::TokenCache,
    driver::{cached_token, wait_for_token},
};
use crate::{
    clock::{Clock, Moment},
    error::Error,
    http_client::{App, HttpClient},
    region::Region,
    token::AccessToken,
};

/// A handle that always has a valid token. All clones share one token.
///
/// A valid token is returned at once, without a lock and without allocating. If there is none, one
/// request is sent, whatever the number of callers, and all of them receive its result. The token is
/// renewed before it expires by the next caller that uses it; meanwhile the valid one is returned.
///
/// ```no_run
/// use genesys_cloud_auth::{ClientCredentials, Region, TokenProvider};
///
/// # async fn example() -> Result<(), genesys_cloud_auth::Error> {
/// let credentials = ClientCredentials::new("my-client-id", "my-client-secret")?;
/// let tokens = TokenProvider::new(Region::EuWest1, credentials)?;
/// let token = tokens.token().await?;
/// # Ok(())
/// # }
/// ```
///
/// What a program does about an error depends on its [`kind`](Error::kind):
///
/// ```no_run
/// use genesys_cloud_auth::{ErrorKind, TokenProvider};
///
/// # async fn example(tokens: TokenProvider) {
/// if let Err(error) = tokens.token().await {
///     match error.kind() {
///         ErrorKind::InvalidClient(_) => eprintln!("check the client id and its secret"),
///         ErrorKind::RateLimited(_) => eprintln!("wait {:?}", error.retry_after()),
///         _ if error.is_transient() => eprintln!("try again later: {error}"),
///         _ => eprintln!("{error}"),
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct TokenProvider {
    cache: Arc<TokenCache>,
}

impl TokenProvider {
    /// Returns a valid token.
    ///
    /// In a pause after a failure it fails at once, with that failure and the remaining wait. Use
    /// [`ready`](Self::ready) to wait a pause out.
    ///
    /// # Errors
    /// Why there is no token; [`Error::retry_after`] returns when the next request is due.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        if let Some(token) = self.cache.snapshot.load().token(self.clock()) {
            return Ok(token.clone());
        }
        let waiting: Waiting = pin!(wait_for_token(&self.cache, self.cache.settings.total));
        waiting.await
    }

    /// Returns `Bearer …` for the header `Authorization`, marked sensitive.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn authorization_header(&self) -> Result<HeaderValue, Error> {
        if let Some(token) = self.cache.snapshot.load().token(self.clock()) {
            return Ok(token.header().clone());
        }
        let waiting: Waiting = pin!(wait_for_token(&self.cache, self.cache.settings.total));
        Ok(waiting.await?.header().clone())
    }

    /// Returns the valid token, if there is one, for code outside async. Inside a runtime it starts a
    /// refresh that is due.
    #[must_use]
    pub fn cached_token(&self) -> Option<AccessToken> {
        self.valid_token().or_else(|| cached_token(&self.cache))
    }

    /// Waits until there is a valid token, for instance at start-up. It waits out pauses after
    /// [transient](Error::is_transient) failures. Any other failure ends the wait at once: invalid
    /// credentials, for example, or a login that only its user can renew.
    ///
    /// # Errors
    /// Why there is no token within `limit`.
    pub async fn ready(&self, limit: Duration) -> Result<(), Error> {
        let deadline = self.clock().now() + limit;
        self.token_by(deadline).await.map(drop)
    }

    /// Reports that the API rejected `token`. If it is still the current token, it is dropped, and
    /// the next caller gets a new one. [`PlatformClient`](crate::PlatformClient) does so by itself;
    /// this is for requests that are sent in another way.
    ///
    /// ```no_run
    /// use genesys_cloud_auth::{TokenProvider, reqwest, reqwest::StatusCode};
    ///
    /// # async fn example(
    /// #     tokens: TokenProvider,
    /// #     http: reqwest::Client,
    /// #     url: &str,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let token = tokens.token().await?;
    /// let request = http.get(url).bearer_auth(token.expose_secret());
    /// let response = request.send().await?;
    /// if response.status() == StatusCode::UNAUTHORIZED {
    ///     tokens.invalidate(&token);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn invalidate(&self, token: &AccessToken) {
        self.cache.invalidate(token.fingerprint());
    }

    /// The region whose tokens these are.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.cache.endpoint.region
    }

    pub(crate) fn http_client(&self) -> &HttpClient {
        &self.cache.endpoint.http_client
    }

    pub(crate) fn app(&self) -> &App {
        &self.cache.endpoint.app
    }

    #[inline]
    pub(crate) fn clock(&self) -> &Clock {
        self.cache.clock()
    }

    /// Passes an event that does not concern the token to the program's handler.
    pub(crate) fn report(&self, event: &Event) {
        let events = &self.cache.settings.events;
        drop(events.push(event));
        events.deliver();
    }

    /// Returns the token that readers see without a lock, if it is valid. Starts nothing.
    pub(crate) fn valid_token(&self) -> Option<AccessToken> {
        self.cache.snapshot.load().token(self.clock()).cloned()
    }

    /// Returns a valid token before `deadline`, and waits out pauses.
    pub(crate) async fn token_by(&self, deadline: Moment) -> Result<AccessToken, Error> {
        if let Some(token) = self.valid_token() {
            return Ok(token);
        }
        loop {
            let left = deadline - self.clock().now();
            let error = match wait_for_token(&self.cache, left).await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            let next = error.retry_after().map(|left| self.clock().now() + left);
            match next {
                Some(next) if error.is_transient() && next < deadline => {
                    self.clock().sleep_until(next).await;
                }
                // Waiting does not help, or ends too late.
                _ => return Err(error),
            }
        }
    }
}

/// A caller that waits, behind a pointer, so that the code for a valid token is small enough to be
/// inlined.
type Waiting<'a> = Pin<&'a mut (dyn Future<Output = Result<AccessToken, Error>> + Send)>;

impl fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenProvider")
            .field("region", self.region())
            .field("grant", &self.cache.grant)
            .field("token", &self.cache.snapshot.load().token(self.clock()))
            .finish()
    }
}

#[cfg(test)]
mod tests;

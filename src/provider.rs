//! A valid token, always: cached, asked for once however many want it, renewed ahead of its end.

mod builder;
mod from_env;
#[cfg(feature = "login")]
mod login;
mod policy;
mod shared;
mod token_info;

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderValue;

pub use builder::TokenProviderBuilder;
pub use shared::Event;
pub use token_info::{NamedEntity, TokenInfo};

use crate::{
    clock::{Clock, Moment},
    error::Error,
    grant::Grant,
    http_client::{App, HttpClient},
    region::Region,
    token::AccessToken,
};
#[cfg(feature = "login")]
pub(crate) use login::WeakTokenProvider;
use policy::{
    Cause, CredentialSource, Decision, Dropped, RefreshPolicy, RefreshResult, Ticket, Token,
    WaiterResult,
};
pub(crate) use shared::TARGET;
use shared::{Handler, Keeping, Settings, Shared, Stored};
#[cfg(feature = "login")]
use shared::{Kept, Unsaved, read};

/// A handle that always has a valid token. Every clone shares the same one.
///
/// A valid token is handed out at once, without a lock and without allocating. One that is missing
/// is asked for by one request, whatever the number of callers, and all get its answer. It is
/// renewed ahead of its end by whoever uses it next, while the valid one is still handed out.
///
/// ```no_run
/// use genesys_cloud_auth::{ClientCredentials, Region, TokenProvider};
///
/// # async fn example() -> Result<(), genesys_cloud_auth::Error> {
/// let credentials = ClientCredentials::new("the client id", "the client secret")?;
/// let tokens = TokenProvider::new(Region::EuWest1, credentials)?;
/// let token = tokens.token().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TokenProvider {
    shared: Arc<Shared>,
}

impl TokenProvider {
    /// Tokens of `region` by `grant`, with what the [builder](Self::builder) sets by default.
    ///
    /// Sends nothing yet, and may be called outside a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where no connections can be
    /// made.
    pub fn new(region: Region, grant: impl Into<Grant>) -> Result<Self, Error> {
        Self::builder(region, grant).build()
    }

    /// Starts a provider with settings.
    pub fn builder(region: Region, grant: impl Into<Grant>) -> TokenProviderBuilder {
        TokenProviderBuilder::new(region, grant.into())
    }

    /// A valid token.
    ///
    /// In a pause after a failure it fails at once, with that failure and the time left; use
    /// [`ready`](Self::ready) to wait a pause out.
    ///
    /// # Errors
    /// Why there is none; [`Error::retry_after`] tells when the next request is due.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        if let Some(token) = self.shared.snapshot.token(&self.shared.clock) {
            return Ok(token);
        }
        self.shared
            .wait_for_token(self.shared.total_from_now())
            .await
    }

    /// `Bearer …` for the header `Authorization`, marked sensitive.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub async fn authorization_header(&self) -> Result<HeaderValue, Error> {
        if let Some(header) = self.shared.snapshot.header(&self.shared.clock) {
            return Ok(header);
        }
        let token = self
            .shared
            .wait_for_token(self.shared.total_from_now())
            .await?;
        Ok(token.header().clone())
    }

    /// The valid token there is, for code outside async. Inside a runtime a missing or ageing token
    /// is asked for meanwhile.
    #[must_use]
    pub fn cached_token(&self) -> Option<AccessToken> {
        self.shared
            .snapshot
            .token(&self.shared.clock)
            .or_else(|| self.shared.cached_token())
    }

    /// Waits until there is a valid token, at start-up for instance. Pauses after transient failures
    /// are waited out; refused credentials, and a login that only its user can renew, end the wait at
    /// once.
    ///
    /// # Errors
    /// Why there is no token within `limit`, or none before it can be had.
    pub async fn ready(&self, limit: Duration) -> Result<(), Error> {
        let deadline = self.shared.clock.now() + limit;
        self.token_by(deadline).await.map(drop)
    }

    /// Tells that the API refused `token`. It is dropped if it is still the current one, and the
    /// next caller gets another.
    pub fn invalidate(&self, token: &AccessToken) {
        self.shared.invalidate(token.fingerprint());
    }

    /// The region the tokens are of.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.shared.endpoint.region
    }

    pub(crate) fn http_client(&self) -> &HttpClient {
        &self.shared.endpoint.http_client
    }

    pub(crate) fn app(&self) -> &App {
        &self.shared.endpoint.app
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// A valid token before `deadline`, with pauses waited out.
    pub(crate) async fn token_by(&self, deadline: Moment) -> Result<AccessToken, Error> {
        if let Some(token) = self.shared.snapshot.token(&self.shared.clock) {
            return Ok(token);
        }
        loop {
            let limit = deadline.min(self.shared.total_from_now());
            let error = match self.shared.wait_for_token(limit).await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            // What somebody has to do first, no pause does.
            let waits = !error.has_invalid_credentials() && !error.needs_login();
            let next = error.retry_after().filter(|_| waits);
            let Some(next) = next.map(|left| self.shared.clock.now() + left) else {
                return Err(error);
            };
            if next >= deadline {
                return Err(error);
            }
            self.shared.clock.sleep_until(next).await;
        }
    }
}

impl fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenProvider")
            .field("region", self.region())
            .field("grant", &self.shared.grant)
            .field("token", &self.shared.snapshot.token(&self.shared.clock))
            .finish()
    }
}

#[cfg(test)]
mod tests;

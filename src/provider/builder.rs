//! A provider's settings.

use std::time::Duration;

use super::{Event, Handler, Keeping, Settings, Shared, Stored, TokenProvider};
#[cfg(feature = "login")]
use crate::seal::SealingKey;
use crate::{
    clock::Clock,
    error::Error,
    grant::{Grant, Kind},
    http_client::{App, HttpClient},
    region::Region,
    store::{SharedStore, TokenStore},
    token_endpoint::TokenEndpoint,
};

/// Settings of a [`TokenProvider`]; made by [`TokenProvider::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `build`"]
pub struct TokenProviderBuilder {
    region: Region,
    grant: Grant,
    app: Option<String>,
    http_client: HttpClient,
    clock: Clock,
    attempt: Duration,
    total: Duration,
    background: bool,
    events: Handler,
    store: Option<SharedStore>,
    #[cfg(feature = "login")]
    login: Option<(SealingKey, String)>,
}

impl TokenProviderBuilder {
    pub(super) fn new(region: Region, grant: Grant) -> Self {
        Self {
            region,
            grant,
            app: None,
            http_client: HttpClient::default(),
            clock: Clock::system(),
            attempt: Duration::from_secs(10),
            total: Duration::from_secs(30),
            background: false,
            events: Handler::default(),
            store: None,
            #[cfg(feature = "login")]
            login: None,
        }
    }

    /// The calling program, as `crm-sync/1.4`: sent as `User-Agent` and `Genesys-App`.
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.app = Some(name.into());
        self
    }

    /// Connections with settings of their own, or shared with other providers.
    pub fn http_client(mut self, http_client: HttpClient) -> Self {
        self.http_client = http_client;
        self
    }

    /// How long one request to the token endpoint may take; 10 seconds by default.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt = limit;
        self
    }

    /// How long [`token`](TokenProvider::token) may take in all; 30 seconds by default.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.total = limit;
        self
    }

    /// Renews the token in the background too, so that one that is seldom used stays valid, unless
    /// the organisation ends tokens that are not used at all (its idle timeout). The
    /// first call of [`token`](TokenProvider::token) starts it; it ends with the last handle.
    pub fn renew_in_background(mut self) -> Self {
        self.background = true;
        self
    }

    /// Tells `handle` what happens to the token, for a program's metrics; see the guide
    /// [observability](https://docs.rs/genesys-cloud-auth/latest/genesys_cloud_auth/guide/observability/index.html).
    /// A second handler takes the first one's place.
    ///
    /// It is called with one [`Event`] after the other, on a thread of its own that is there only
    /// while there are events, outside any runtime. Nobody waits for it: one that blocks holds up
    /// neither callers nor the end of a runtime or of the process, and one that panics gets the
    /// next event all the same. At most 256 events wait for it; beyond that the oldest are dropped,
    /// and [`Event::Missed`] tells how many. What still waits when the process ends is lost.
    ///
    /// It may use the provider, but one that holds a clone of it keeps it alive for ever.
    pub fn on_event(mut self, handle: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.events = Handler::new(handle);
        self
    }

    /// Keeps the token over restarts, and shares it with other processes that use the same client,
    /// secret and store: they make one request between them.
    ///
    /// What is stored is sealed under the client's secret, and a rotated secret never finds the
    /// token of the old one. A store that fails makes no token unavailable: each process then asks
    /// for its own, and an event tells ([`Event::StoreFailed`]).
    ///
    /// ```no_run
    /// use genesys_cloud_auth::{ClientCredentials, Region, TokenProvider, store::FileStore};
    ///
    /// # fn example() -> Result<(), genesys_cloud_auth::Error> {
    /// let credentials = ClientCredentials::new("the client id", "the client secret")?;
    /// let tokens = TokenProvider::builder(Region::EuWest1, credentials)
    ///     .store(FileStore::new()?)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn store(mut self, store: impl TokenStore) -> Self {
        self.store = Some(SharedStore::new(store));
        self
    }

    /// Makes it a login's: of the user that the app calls `name`, stored and sealed under `key`.
    #[cfg(feature = "login")]
    pub(crate) fn login(mut self, store: SharedStore, key: SealingKey, name: String) -> Self {
        self.store = Some(store);
        self.login = Some((key, name));
        self
    }

    /// A clock that the test moves.
    #[cfg(feature = "test-util")]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The provider. Sends nothing yet, and may be called outside a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a time limit of zero, an
    /// app name that fits no header, or settings that reqwest refuses.
    pub fn build(self) -> Result<TokenProvider, Error> {
        if self.attempt.is_zero() || self.total.is_zero() {
            return Err(Error::configuration("a time limit is zero"));
        }
        let app = App::new(self.app.as_deref())?;
        let stored = self.stored()?;
        if !matches!(self.grant, Grant(Kind::Fixed(_))) {
            self.http_client.prepare(self.region.login_url())?;
        }
        self.http_client.prepare(self.region.api_url())?;
        let endpoint = TokenEndpoint {
            region: self.region,
            http_client: self.http_client,
            app,
            attempt: self.attempt,
            clock: self.clock,
        };
        let settings = Settings {
            total: self.total,
            background: self.background,
            events: self.events,
            stored,
        };
        let shared = Shared::new(self.grant, endpoint, settings)?;
        Ok(TokenProvider { shared })
    }

    fn stored(&self) -> Result<Stored, Error> {
        let Some(store) = self.store.clone() else {
            return Ok(Stored::Nowhere);
        };
        let mut parts: Vec<String> = vec![
            self.region.login_url().as_str().to_owned(),
            self.region.api_url().as_str().to_owned(),
            self.grant.name().to_owned(),
        ];
        match &self.grant.0 {
            Kind::ClientCredentials(credentials) => {
                parts.push(credentials.client_id().to_owned());
                Ok(Stored::UnderSecret(Keeping::new(store, parts)))
            }
            #[cfg(feature = "login")]
            Kind::AuthorizationCode(app) => {
                let Some((key, name)) = self.login.clone() else {
                    return Ok(Stored::Nowhere);
                };
                let (org, provider) = app.org_and_provider().unzip();
                let asked_for = [org, provider, app.target()].map(Option::unwrap_or_default);
                parts.extend([app.client_id().to_owned(), name]);
                parts.extend(asked_for.map(str::to_owned));
                Ok(Stored::At(Keeping::new(store, parts).under_key(key)))
            }
            Kind::Saml2Bearer(saml) => {
                let identity = saml.identity_for_store()?;
                let own = [saml.client_id(), saml.org_short_name(), identity];
                parts.extend(own.map(str::to_owned));
                Ok(Stored::UnderSecret(Keeping::new(store, parts)))
            }
            Kind::Fixed(_) => Err(Error::configuration(
                "a token from outside is not stored; leave the store out",
            )),
        }
    }
}

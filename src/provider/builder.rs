//! A provider's settings.

use std::time::Duration;

use super::{
    TokenProvider,
    cache::{Settings, TokenCache},
    event::{Event, dispatcher::EventDispatcher},
    storage::{Storage, StoreScope},
};
use crate::{
    clock::Clock,
    error::Error,
    grant::{ClientCredentials, Grant, IntoGrant, Kind},
    http_client::{App, HttpClient},
    region::Region,
    seal::SealingKey,
    store::{SharedStore, TokenStore},
    token_endpoint::TokenEndpoint,
};

/// Settings of a [`TokenProvider`]; made by [`TokenProvider::builder`] and
/// [`TokenProvider::builder_from_env`].
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
    events: EventDispatcher,
    store: Option<SharedStore>,
    /// For a login: its sealing key, and the name that the app gives it.
    login: Option<(SealingKey, String)>,
}

impl TokenProvider {
    /// Makes a provider of tokens of `region` by `grant`, with the default settings of the
    /// [builder](Self::builder).
    ///
    /// It sends nothing yet, and may be called outside a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the HTTP client cannot be
    /// built.
    pub fn new(region: Region, grant: impl IntoGrant) -> Result<Self, Error> {
        Self::builder(region, grant).build()
    }

    /// Starts a provider with settings.
    pub fn builder(region: Region, grant: impl IntoGrant) -> TokenProviderBuilder {
        TokenProviderBuilder::new(region, grant.into_grant())
    }

    /// Creates a provider for another client, with the region, the HTTP client, the app's name, the times
    /// and the clock of this one. It has no store and reports no events.
    pub(crate) fn for_client(&self, credentials: ClientCredentials) -> Result<Self, Error> {
        let settings = Settings {
            total: self.cache.settings.total,
            background: false,
            events: EventDispatcher::default(),
            storage: Storage::Nowhere,
        };
        let endpoint = self.cache.endpoint.clone();
        let cache = TokenCache::new(credentials.into_grant(), endpoint, settings)?;
        Ok(Self { cache })
    }
}

impl TokenProviderBuilder {
    fn new(region: Region, grant: Grant) -> Self {
        Self {
            region,
            grant,
            app: None,
            http_client: HttpClient::default(),
            clock: Clock::system(),
            attempt: Duration::from_secs(10),
            total: Duration::from_secs(30),
            background: false,
            events: EventDispatcher::default(),
            store: None,
            login: None,
        }
    }

    /// The calling program, such as `crm-sync/1.4`: sent as `User-Agent` and `Genesys-App`.
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.app = Some(name.into());
        self
    }

    /// An HTTP client with settings of its own, or shared with other providers.
    pub fn http_client(mut self, http_client: HttpClient) -> Self {
        self.http_client = http_client;
        self
    }

    /// The maximum time of one request to the token endpoint; 10 seconds by default.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt = limit;
        self
    }

    /// The maximum time of [`token`](TokenProvider::token); 30 seconds by default.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.total = limit;
        self
    }

    /// Renews the token in the background, too, so that a token that is seldom used stays valid. It
    /// does not help where the organisation's idle timeout ends tokens that are not used at all. The
    /// first call of [`token`](TokenProvider::token) starts the background task; it ends with the
    /// last handle.
    pub fn renew_in_background(mut self) -> Self {
        self.background = true;
        self
    }

    /// Calls `handler` with what happens to the token, and with each call of a
    /// [`PlatformClient`](crate::PlatformClient), for a program's metrics; see the guide
    /// [observability](https://docs.rs/genesys-cloud-auth/latest/genesys_cloud_auth/guide/observability/index.html).
    /// A second handler replaces the first.
    ///
    /// It is called with one [`Event`] after the other, on a thread of its own that exists only while
    /// there are events, outside any runtime. Nothing waits for it: a handler that blocks does not
    /// delay callers, the end of a runtime or the end of the process, and one that panics still gets
    /// the next event. At most 256 events wait for it; beyond that the oldest are dropped, and
    /// [`Event::Missed`] reports how many. Events that wait when the process ends are lost.
    ///
    /// It may use the provider, but a handler that holds a clone of it keeps it alive for ever.
    pub fn on_event(mut self, handler: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.events = EventDispatcher::new(handler);
        self
    }

    /// Keeps the token over restarts, and shares it with other processes that use the same client,
    /// secret and store: they send one request between them.
    ///
    /// The record is sealed with a key that is derived from the client secret, and a rotated secret
    /// never finds the token of the old one. So no sealing key is passed here, unlike to the `store`
    /// of a `LoginBuilder`: a login must outlive a rotation of the secret, and a public client has no
    /// secret.
    ///
    /// A [`FixedToken`](crate::FixedToken) and the tokens of a
    /// [`Grant::from_fn`](crate::Grant::from_fn) cannot be stored: [`build`](Self::build) then fails.
    ///
    /// A store that fails makes no token unavailable: each process then requests its own, and an
    /// event reports it ([`Event::StoreFailed`]).
    ///
    /// ```no_run
    /// use genesys_cloud_auth::{ClientCredentials, Region, TokenProvider, store::FileStore};
    ///
    /// # fn example() -> Result<(), genesys_cloud_auth::Error> {
    /// let credentials = ClientCredentials::new("my-client-id", "my-client-secret")?;
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

    /// Makes this the provider of the login that the app calls `name`, stored sealed with `key`.
    pub(crate) fn login(mut self, store: SharedStore, key: SealingKey, name: String) -> Self {
        self.store = Some(store);
        self.login = Some((key, name));
        self
    }

    /// A clock that a test moves.
    #[cfg(feature = "test-util")]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the provider. It sends nothing yet, and may be called outside a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): a time limit is zero, the app
    /// name does not fit a header, reqwest rejects the settings, or the grant cannot be stored.
    /// [`ErrorKind::Assertion`](crate::ErrorKind::Assertion): an assertion that was given as a value
    /// cannot be sent in the form of [`rfc7522`](crate::Saml2Bearer::rfc7522).
    pub fn build(self) -> Result<TokenProvider, Error> {
        if self.attempt.is_zero() || self.total.is_zero() {
            return Err(Error::configuration("a time limit is zero"));
        }
        let app = App::new(self.app.as_deref())?;
        let storage = self.storage()?;
        match &self.grant.0 {
            Kind::Closure(closure) => closure.check_name()?,
            Kind::Saml2Bearer(saml) => saml.check()?,
            _ => {}
        }
        if !matches!(self.grant.0, Kind::Closure(_) | Kind::Fixed(_)) {
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
            storage,
        };
        let cache = TokenCache::new(self.grant, endpoint, settings)?;
        Ok(TokenProvider { cache })
    }

    fn storage(&self) -> Result<Storage, Error> {
        let Some(store) = self.store.clone() else {
            return Ok(Storage::Nowhere);
        };
        let mut parts: Vec<String> = vec![
            self.region.login_url().as_str().to_owned(),
            self.region.api_url().as_str().to_owned(),
            self.grant.name().to_owned(),
        ];
        match &self.grant.0 {
            Kind::ClientCredentials(credentials) => {
                parts.push(credentials.client_id().to_owned());
                Ok(Storage::BySecret(StoreScope::new(store, parts)))
            }
            Kind::AuthorizationCode(app) => {
                let Some((key, name)) = self.login.clone() else {
                    return Ok(Storage::Nowhere);
                };
                let (org, provider) = app.org_and_provider().unzip();
                let target = [org, provider, app.target()].map(Option::unwrap_or_default);
                parts.extend([app.client_id().to_owned(), name]);
                parts.extend(target.map(str::to_owned));
                Ok(Storage::Login(
                    StoreScope::new(store, parts).slot_of_key(key),
                ))
            }
            Kind::Saml2Bearer(saml) => {
                let identity = saml.identity_for_store()?;
                let own = [saml.client_id(), saml.org_short_name(), identity];
                parts.extend(own.map(str::to_owned));
                Ok(Storage::BySecret(StoreScope::new(store, parts)))
            }
            Kind::Closure(_) | Kind::Fixed(_) => Err(Error::configuration(
                "a fixed token, or one of a closure, cannot be stored; leave the store out",
            )),
        }
    }
}

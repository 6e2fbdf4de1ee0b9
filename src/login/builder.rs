//! A login's settings.

use std::{sync::Arc, time::Duration};

use super::{Inner, Login, Settings, registry::ProviderRegistry};
use crate::{
    clock::Clock,
    error::Error,
    grant::{AuthorizationCode, Grant, Kind},
    http_client::HttpClient,
    provider::{Event, TokenProvider, TokenProviderBuilder},
    region::Region,
    seal::SealingKey,
    store::{MemoryStore, SharedStore, TokenStore},
};

/// Settings of a [`Login`]; made by [`Login::builder`].
#[derive(Debug)]
#[must_use = "nothing happens before `build`"]
pub struct LoginBuilder {
    app: AuthorizationCode,
    tokens: TokenProviderBuilder,
    store: Option<(SharedStore, SealingKey)>,
    settings: Settings,
}

impl Login {
    /// Logins in `region` with the OAuth client `app`, in memory. They and the pending ones end with
    /// the program, and no other instance has them. [`LoginBuilder::store`] stores them.
    ///
    /// # Errors
    /// The errors of [`LoginBuilder::build`].
    pub fn new(region: Region, app: AuthorizationCode) -> Result<Self, Error> {
        Self::builder(region, app).build()
    }

    /// Builds a login with settings.
    pub fn builder(region: Region, app: AuthorizationCode) -> LoginBuilder {
        let grant = Grant(Kind::AuthorizationCode(Box::new(app.clone())));
        LoginBuilder {
            tokens: TokenProvider::builder(region.clone(), grant),
            app,
            store: None,
            settings: Settings {
                region,
                clock: Clock::system(),
                ports: None,
                login_timeout: DEFAULT_LOGIN_TIMEOUT,
                open_browser_anyway: false,
            },
        }
    }
}

impl LoginBuilder {
    /// The store of the logins, and the key that seals them and the pending ones. By default logins
    /// are in memory under a random key and end with the program. Several instances of a web
    /// application need the same store and key.
    pub fn store(mut self, store: impl TokenStore, key: SealingKey) -> Self {
        self.store = Some((SharedStore::new(store), key));
        self
    }

    /// The ports that [`Login::listen`] tries in this order, in place of the redirect URI's own; 0 is
    /// any port. Register the redirect URI with each of them at the OAuth client, or without a port.
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.settings.ports = Some(ports.into_iter().collect());
        self
    }

    /// The time for which [`LocalLogin::redirected`](super::LocalLogin::redirected) waits for the
    /// browser; 5 minutes by default.
    pub fn login_timeout(mut self, limit: Duration) -> Self {
        self.settings.login_timeout = limit;
        self
    }

    /// Opens a browser also over SSH, in a container, or without a display, for a browser that can
    /// come back to this machine, for example through a forwarded port.
    pub fn open_browser_anyway(mut self) -> Self {
        self.settings.open_browser_anyway = true;
        self
    }

    /// See [`TokenProviderBuilder::app`].
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.tokens = self.tokens.app(name);
        self
    }

    /// See [`TokenProviderBuilder::http_client`].
    pub fn http_client(mut self, http_client: HttpClient) -> Self {
        self.tokens = self.tokens.http_client(http_client);
        self
    }

    /// See [`TokenProviderBuilder::attempt_timeout`].
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.tokens = self.tokens.attempt_timeout(limit);
        self
    }

    /// See [`TokenProviderBuilder::timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.tokens = self.tokens.timeout(limit);
        self
    }

    /// See [`TokenProviderBuilder::renew_in_background`]. The login then keeps no provider without a
    /// handle, see [`Login::saved`].
    pub fn renew_in_background(mut self) -> Self {
        self.tokens = self.tokens.renew_in_background();
        self
    }

    /// See [`TokenProviderBuilder::on_event`]. The handler receives the events of every user's tokens.
    pub fn on_event(mut self, handle: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.tokens = self.tokens.on_event(handle);
        self
    }

    /// A clock that the test moves.
    #[cfg(feature = "test-util")]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.tokens = self.tokens.clock(clock.clone());
        self.settings.clock = clock;
        self
    }

    /// Builds the login. Nothing is sent, and no runtime is needed.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for an empty setting, a time
    /// limit of zero or a sealing key of zeros, and the errors of [`TokenProviderBuilder::build`].
    pub fn build(self) -> Result<Login, Error> {
        self.app.check()?;
        if self.settings.login_timeout.is_zero() {
            return Err(Error::configuration("a time limit is zero"));
        }
        if self.settings.ports.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::configuration("the list of ports is empty"));
        }
        let (store, key) = match self.store {
            Some(store) => store,
            None => (
                SharedStore::new(MemoryStore::new()),
                SealingKey::generate()?,
            ),
        };
        if key.is_blank() {
            return Err(Error::configuration(
                "the sealing key is 32 zeros and not random; check where the program reads it from",
            ));
        }
        let login = Login(Arc::new(Inner {
            app: self.app,
            tokens: self.tokens,
            store,
            key,
            settings: self.settings,
            registry: ProviderRegistry::default(),
        }));
        // Reports errors in the settings of the tokens now, not at the first login.
        login.build_provider("")?;
        Ok(login)
    }
}

const DEFAULT_LOGIN_TIMEOUT: Duration = Duration::from_secs(300);

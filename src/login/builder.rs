//! A login's settings.

use std::time::Duration;

use super::{Login, Settings};
use crate::{
    error::Error,
    grant::{AuthorizationCode, Grant, Kind},
    http_client::HttpClient,
    provider::{Event, TokenProvider, TokenProviderBuilder},
    region::Region,
    seal::SealingKey,
    store::{MemoryStore, SharedStore, TokenStore},
};

#[cfg(feature = "test-util")]
use crate::clock::Clock;

/// Settings of a [`Login`]; made by [`Login::builder`].
#[derive(Debug)]
#[must_use = "nothing happens before `build`"]
pub struct LoginBuilder {
    app: AuthorizationCode,
    tokens: TokenProviderBuilder,
    store: Option<(SharedStore, SealingKey)>,
    settings: Settings,
}

impl LoginBuilder {
    pub(super) fn new(region: Region, app: AuthorizationCode) -> Self {
        let grant = Grant(Kind::AuthorizationCode(Box::new(app.clone())));
        Self {
            settings: Settings::new(region.clone()),
            tokens: TokenProvider::builder(region, grant),
            app,
            store: None,
        }
    }

    /// Where logins are kept, and the key that seals them there, and pending ones too. By default they
    /// are kept in memory under a key of their own, and end with the program. Several instances of a
    /// web application need one store and one key.
    pub fn store(mut self, store: impl TokenStore, key: SealingKey) -> Self {
        self.store = Some((SharedStore::new(store), key));
        self
    }

    /// The ports that [`Login::listen`] tries, in this order, instead of the redirect URI's own; 0 is
    /// any. Each must be registered at the OAuth client with the rest of the redirect URI, or the
    /// redirect URI without a port.
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.settings.ports = Some(ports.into_iter().collect());
        self
    }

    /// How long [`LocalLogin::redirected`](super::LocalLogin::redirected) waits for the user; 5
    /// minutes by default.
    pub fn login_timeout(mut self, limit: Duration) -> Self {
        self.settings.limit = limit;
        self
    }

    /// Opens a browser also over SSH, in a container, or where no display is seen: something leads
    /// the browser back to this machine all the same, such as a forwarded port.
    pub fn open_browser_anyway(mut self) -> Self {
        self.settings.browser_anyway = true;
        self
    }

    /// As [`TokenProviderBuilder::app`].
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.tokens = self.tokens.app(name);
        self
    }

    /// As [`TokenProviderBuilder::http_client`].
    pub fn http_client(mut self, http_client: HttpClient) -> Self {
        self.tokens = self.tokens.http_client(http_client);
        self
    }

    /// As [`TokenProviderBuilder::attempt_timeout`].
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.tokens = self.tokens.attempt_timeout(limit);
        self
    }

    /// As [`TokenProviderBuilder::timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.tokens = self.tokens.timeout(limit);
        self
    }

    /// As [`TokenProviderBuilder::renew_in_background`].
    pub fn renew_in_background(mut self) -> Self {
        self.tokens = self.tokens.renew_in_background();
        self
    }

    /// As [`TokenProviderBuilder::on_event`], for the tokens of every user.
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

    /// The login. Sends nothing yet, and may be called outside a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a setting that is empty or a
    /// time limit of zero, and as [`TokenProviderBuilder::build`].
    pub fn build(self) -> Result<Login, Error> {
        self.app.check()?;
        if self.settings.limit.is_zero() {
            return Err(Error::configuration("a time limit is zero"));
        }
        if self.settings.ports.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::configuration("the list of ports is empty"));
        }
        let (store, key) = match self.store {
            Some(store) => store,
            // Nobody else has to open what ends with this program.
            None => (
                SharedStore::new(MemoryStore::new()),
                SealingKey::generate()?,
            ),
        };
        let login = Login::with(self.app, self.tokens, store, key, self.settings);
        // Tells now what is wrong with the settings of the tokens.
        login.provider_of("")?;
        Ok(login)
    }
}

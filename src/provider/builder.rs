//! A provider's settings.

use std::time::Duration;

use super::{Event, Handler, Settings, Shared, TokenProvider};
use crate::{
    clock::Clock,
    error::Error,
    grant::{Grant, Kind},
    http::{App, Connections},
    region::Region,
    token_endpoint::TokenEndpoint,
};

/// Settings of a [`TokenProvider`]; made by [`TokenProvider::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `build`"]
pub struct TokenProviderBuilder {
    region: Region,
    grant: Grant,
    app: Option<String>,
    connections: Connections,
    clock: Clock,
    attempt: Duration,
    total: Duration,
    background: bool,
    events: Handler,
}

impl TokenProviderBuilder {
    pub(super) fn new(region: Region, grant: Grant) -> Self {
        Self {
            region,
            grant,
            app: None,
            connections: Connections::default(),
            clock: Clock::system(),
            attempt: Duration::from_secs(10),
            total: Duration::from_secs(30),
            background: false,
            events: Handler::default(),
        }
    }

    /// The calling program, as `crm-sync/1.4`: sent as `User-Agent` and `Genesys-App`.
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.app = Some(name.into());
        self
    }

    /// Connections with settings of their own, or shared with other providers.
    pub fn connections(mut self, connections: Connections) -> Self {
        self.connections = connections;
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
        if let Grant(Kind::ClientCredentials(_)) = self.grant {
            self.connections.prepare(self.region.login_url())?;
        }
        self.connections.prepare(self.region.api_url())?;
        let endpoint = TokenEndpoint {
            region: self.region,
            connections: self.connections,
            app,
            attempt: self.attempt,
            clock: self.clock,
        };
        let settings = Settings {
            total: self.total,
            background: self.background,
            events: self.events,
        };
        let shared = Shared::new(self.grant, endpoint, settings)?;
        Ok(TokenProvider { shared })
    }
}

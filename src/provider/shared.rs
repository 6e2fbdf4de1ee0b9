//! What all handles of one provider share.

mod background;
mod event;
mod flight;
mod handler;
mod kept;
mod snapshot;
mod want;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

pub use event::Event;

use super::{
    Cause, CredentialSource, Decision, Dropped, RefreshPolicy, RefreshResult, Ticket, Token,
    WaiterResult,
};
use crate::{
    assertion::Looked,
    clock::{Clock, Moment, either},
    error::{Error, ErrorKind, TokenExpired},
    grant::{Grant, Kind},
    retry::Jitter,
    token::{AccessToken, Fingerprint, Record},
    token_endpoint::{Issued, TokenEndpoint, TokenRequest},
};
use background::{Running, keep_warm};
use event::Landing;
pub(crate) use event::TARGET;
#[cfg(feature = "login")]
pub(super) use flight::Unsaved;
pub(super) use flight::read;
use flight::{Flight, HandedIn, SOURCE_LIMIT};
pub(super) use handler::Handler;
pub(super) use kept::{Keeping, Kept};
use kept::{STORE_LIMIT, TURN_LIMIT};
use snapshot::Snapshot;

/// Sends a request to the token endpoint.
pub(super) type Exchange = Box<dyn Fn(TokenRequest) -> Exchanging + Send + Sync>;

pub(super) type Exchanging = Pin<Box<dyn Future<Output = Result<Issued, Error>> + Send>>;

pub(super) struct Shared {
    pub(super) snapshot: Snapshot,
    pub(super) locked: Mutex<Locked>,
    pub(super) grant: Grant,
    pub(super) endpoint: TokenEndpoint,
    pub(super) clock: Clock,
    pub(super) exchange: Exchange,
    pub(super) settings: Settings,
    pub(super) draw: fn() -> Jitter,
    /// Tells the background task that something changed, and by closing that all handles are gone.
    pub(super) published: watch::Sender<()>,
    background: Running,
}

pub(super) struct Settings {
    pub(super) total: Duration,
    pub(super) background: bool,
    pub(super) events: Handler,
    pub(super) stored: Stored,
}

/// Where the token is stored.
pub(super) enum Stored {
    Nowhere,
    /// With client credentials: under the secret that it was had by.
    UnderSecret(Keeping),
    /// A user's login, which outlives a change of the secret.
    #[cfg(feature = "login")]
    At(Kept),
}

pub(super) struct Locked {
    pub(super) machine: RefreshPolicy<AccessToken, Error>,
    /// Where the flight under way tells its outcome, once.
    pub(super) waiters: Waiters,
    /// Ends the flight under way.
    pub(super) flight: Option<AbortHandle>,
    pub(super) known: Known,
}

/// What the provider has learnt of what it asks with.
#[derive(Default)]
pub(super) struct Known {
    /// When the credentials were last accepted.
    pub(super) accepted: Option<SystemTime>,
    /// The secret that was refused last, and how.
    pub(super) refused: Option<SecretString>,
    pub(super) refusal: Option<Error>,
    /// The SAML assertion that is still without an answer.
    pub(super) unanswered: Option<Looked>,
    /// The generation of the newest record seen; an older one was put back by somebody.
    pub(super) newest: u64,
    /// The login that was refused last, by its generation; 0 is the absence of one.
    #[cfg(feature = "login")]
    pub(super) refused_login: Option<u64>,
    /// The SAML assertions that were answered.
    pub(super) handed_in: HandedIn,
    /// A renewed login that the store has not taken yet.
    #[cfg(feature = "login")]
    pub(super) unsaved: Option<Unsaved>,
    /// Whether a task sees to it that it is stored.
    #[cfg(feature = "login")]
    pub(super) kept_until_stored: bool,
    /// Whether the user logged out here.
    #[cfg(feature = "login")]
    pub(super) logged_out: bool,
    /// The token whose end was told ahead of time.
    pub(super) told_expiring: Option<Fingerprint>,
}

pub(super) type Waiters = Arc<watch::Sender<Option<WaiterResult<AccessToken, Error>>>>;

impl Locked {
    /// That nothing renews the token in hand is told as such, and once.
    pub(super) fn told_in_time(&mut self, event: Event, now: Moment) -> Option<Event> {
        let Event::RequestFailed {
            error,
            token_in_hand: true,
            ..
        } = &event
        else {
            return Some(event);
        };
        let token = self.machine.token_in_hand(now);
        let Some(token) = token.filter(|_| error.ends_with_token()) else {
            return Some(event);
        };
        let told = self.known.told_expiring.replace(token.fingerprint());
        let expires_in = token.end() - now;
        (told != Some(token.fingerprint())).then_some(Event::LoginExpiring { expires_in })
    }
}

impl Known {
    /// From now on an older record counts for nothing.
    pub(super) fn has_seen(&mut self, record: &Record) {
        self.newest = self.newest.max(record.generation());
    }
}

#[cfg(feature = "login")]
impl Known {
    /// A login came by its code: it counts, whatever was known before.
    pub(super) fn logged_in(&mut self, record: &Record) {
        self.newest = record.generation();
        self.refused_login = None;
        self.unsaved = None;
        self.logged_out = false;
        self.told_expiring = None;
    }
}

impl Shared {
    pub(super) fn new(
        grant: Grant,
        endpoint: TokenEndpoint,
        settings: Settings,
    ) -> Result<Arc<Self>, Error> {
        let asks = endpoint.clone();
        let exchange = Box::new(move |request| {
            let asks = asks.clone();
            Box::pin(async move { asks.ask(request).await }) as _
        });
        Self::with_exchange(grant, endpoint, settings, exchange, Jitter::draw)
    }

    /// With a way to the token endpoint, and luck, of the tests' own.
    pub(super) fn with_exchange(
        grant: Grant,
        endpoint: TokenEndpoint,
        settings: Settings,
        exchange: Exchange,
        draw: fn() -> Jitter,
    ) -> Result<Arc<Self>, Error> {
        let first_step = match settings.stored {
            Stored::Nowhere => endpoint.attempt,
            Stored::UnderSecret(_) => STORE_LIMIT,
            #[cfg(feature = "login")]
            Stored::At(_) => STORE_LIMIT,
        };
        let machine = match &grant.0 {
            Kind::Fixed(fixed) => RefreshPolicy::fixed(fixed.token(&endpoint.clock)?),
            Kind::ClientCredentials(credentials) if credentials.secret().can_change() => {
                RefreshPolicy::new(CredentialSource::Dynamic, SOURCE_LIMIT)
            }
            Kind::ClientCredentials(_) => RefreshPolicy::new(CredentialSource::Static, first_step),
            Kind::Saml2Bearer(_) => RefreshPolicy::new(CredentialSource::Dynamic, SOURCE_LIMIT),
            // Another login may be stored at any time.
            #[cfg(feature = "login")]
            Kind::AuthorizationCode(_) => RefreshPolicy::new(CredentialSource::Dynamic, first_step),
        };
        let shared = Self {
            snapshot: Snapshot::default(),
            locked: Mutex::new(Locked {
                machine,
                waiters: Waiters::default(),
                flight: None,
                known: Known::default(),
            }),
            grant,
            clock: endpoint.clock.clone(),
            endpoint,
            exchange,
            settings,
            draw,
            published: watch::Sender::new(()),
            background: Running::default(),
        };
        shared.publish(&shared.locked.lock());
        Ok(Arc::new(shared))
    }

    pub(super) fn invalidate(&self, token: Fingerprint) {
        let mut locked = self.locked.lock();
        let now = self.clock.now();
        let dropped = locked.machine.invalidated(token, now, (self.draw)());
        self.publish(&locked);
        let event = dropped.map(|Dropped { age, pause }| Event::Invalidated { age, pause });
        self.settings.events.push(event.as_ref());
        drop(locked);
        self.tell(event.as_ref());
    }

    /// Tells of an event that was pushed, once nothing is locked.
    pub(super) fn tell(&self, event: Option<&Event>) {
        if let Some(event) = event {
            self.settings.events.deliver();
            self.trace(event);
        }
    }

    /// Gives the token up, here, and ends the flight that would bring another.
    pub(super) fn revoked(&self) -> Option<AccessToken> {
        let mut locked = self.locked.lock();
        let token = locked.machine.revoked();
        locked.known.newest = Record::generation_after(locked.known.newest, &self.clock);
        #[cfg(feature = "login")]
        {
            locked.known.unsaved = None;
            locked.known.logged_out = true;
        }
        let flight = locked.flight.take();
        self.publish(&locked);
        drop(locked);
        // It tells its end, and for that it takes the lock.
        if let Some(flight) = flight {
            flight.abort();
        }
        token
    }

    /// Empties the place in the store, and says which token it held. A record that is put back there
    /// counts for nothing here.
    pub(super) async fn forget(&self) -> Result<Option<AccessToken>, Error> {
        let kept = match (&self.settings.stored, self.grant.secret()) {
            #[cfg(feature = "login")]
            (Stored::At(kept), _) => kept.clone(),
            (Stored::UnderSecret(keeping), Some(source)) => {
                keeping.under_secret(&read(source).await?)?
            }
            _ => return Ok(None),
        };
        let record = kept.forget().await?;
        let token = record.as_ref().and_then(|record| record.token(&self.clock));
        let mut locked = self.locked.lock();
        // What came in while the turn was waited for goes, too.
        if let Some(record) = &record {
            let newest = locked.known.newest.max(record.generation());
            locked.known.newest = Record::generation_after(newest, &self.clock);
        }
        if let Some(token) = &token {
            locked.machine.forgotten(token.fingerprint());
        }
        #[cfg(feature = "login")]
        {
            locked.known.logged_out = true;
        }
        self.publish(&locked);
        Ok(token)
    }

    /// When the background task has something to do.
    pub(super) fn wake(&self) -> Option<Moment> {
        self.locked.lock().machine.wake(self.clock.now())
    }

    /// Shows readers what the machine holds.
    pub(super) fn publish(&self, locked: &Locked) {
        let now = self.clock.now();
        self.snapshot
            .show(locked.machine.snapshot(now), now, &self.clock);
        self.published.send_replace(());
    }
}

impl Token for AccessToken {
    fn fingerprint(&self) -> Fingerprint {
        self.fingerprint()
    }

    fn requested(&self) -> Moment {
        self.requested()
    }

    fn end(&self) -> Moment {
        self.end()
    }
}

fn error(cause: Cause<Error>, left: Option<Duration>) -> Error {
    let error = match cause {
        Cause::Error(error) => error,
        Cause::TokenExpired { renewable } => {
            let expired = if renewable {
                TokenExpired::on_arrival()
            } else {
                TokenExpired::fixed()
            };
            expired.into()
        }
        Cause::TokenRejected => ErrorKind::TokenRejected.into(),
        Cause::NoRuntime => ErrorKind::NoRuntime.into(),
    };
    match left {
        Some(left) => error.in_pause(left),
        None => error,
    }
}

/// A task that ends with whoever waits for it.
struct Aborted<T>(JoinHandle<T>);

impl<T> Drop for Aborted<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

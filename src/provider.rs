//! A valid token, always: cached, asked for once however many want it, renewed ahead of its end.

mod background;
mod builder;
mod event;
mod flight;
mod handler;
mod kept;
#[cfg(feature = "login")]
mod login;
mod me;
mod shared;
mod snapshot;
mod state;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::HeaderValue;
use tokio::{runtime::Handle, task::JoinHandle};

pub use builder::TokenProviderBuilder;
pub use event::Event;
pub use me::{NamedEntity, TokenInfo};

use crate::{
    clock::{Clock, Moment},
    error::{Error, ErrorKind, TokenExpired},
    grant::Grant,
    http::{App, Connections},
    region::Region,
    token::{AccessToken, Fingerprint},
};
use event::Landing;
pub(crate) use event::TARGET;
#[cfg(feature = "login")]
use flight::Unsaved;
use flight::{Flight, SOURCE_LIMIT, read};
use handler::Handler;
use kept::{Keeping, Kept, STORE_LIMIT, TURN_LIMIT};
#[cfg(feature = "login")]
pub(crate) use login::WeakTokenProvider;
use shared::{Settings, Shared, Stored, Waiters};
use snapshot::Snapshot;
use state::{Answer, Cause, Dropped, Launch, Machine, Outcome, Renewal, Reply, Token};

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
    pub async fn authorization(&self) -> Result<HeaderValue, Error> {
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
    pub fn try_token(&self) -> Option<AccessToken> {
        self.shared
            .snapshot
            .token(&self.shared.clock)
            .or_else(|| self.shared.try_token())
    }

    /// Waits until there is a valid token, at start-up for instance. Pauses after transient failures
    /// are waited out; refused credentials end the wait at once.
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

    pub(crate) fn connections(&self) -> &Connections {
        &self.shared.endpoint.connections
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
            let next = error.retry_after().filter(|_| !error.refuses_credentials());
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

/// How handles come to a token.
impl Shared {
    fn total_from_now(&self) -> Moment {
        self.clock.now() + self.settings.total
    }

    /// A valid token, at the latest at `deadline`.
    async fn wait_for_token(self: &Arc<Self>, deadline: Moment) -> Result<AccessToken, Error> {
        loop {
            let (due, mut outcome) = match self.want() {
                (Reply::Serve(token), _) => return Ok(token),
                (Reply::Fail { cause, left }, _) => return Err(error(cause, left)),
                (Reply::Wait { due }, waiters) => (due, waiters.subscribe()),
            };
            // Without a runtime there is no timer to wait by.
            if Handle::try_current().is_err() {
                return Err(ErrorKind::NoRuntime.into());
            }
            let sleep = pin!(self.clock.sleep_until(due.min(deadline)));
            let told = either(pin!(outcome.wait_for(Option::is_some)), sleep).await;
            let told = told.and_then(|outcome| outcome.ok()?.clone());
            match told {
                Some(Outcome::Token(token)) => return Ok(token),
                Some(Outcome::Failed { cause, left }) => return Err(error(cause, Some(left))),
                Some(Outcome::Again) | None if self.clock.now() < deadline => {}
                Some(Outcome::Again) | None => return Err(ErrorKind::Timeout.into()),
            }
        }
    }

    /// The valid token there is; starts what is due.
    fn try_token(self: &Arc<Self>) -> Option<AccessToken> {
        match self.want().0 {
            Reply::Serve(token) => Some(token),
            Reply::Wait { .. } | Reply::Fail { .. } => None,
        }
    }

    /// Asks the machine, and starts the flight it wants, as a task of the current runtime.
    fn want(self: &Arc<Self>) -> (Reply<AccessToken, Error>, Waiters) {
        let runtime = Handle::try_current();
        if self.settings.background
            && let Ok(runtime) = &runtime
        {
            background::start(self, runtime);
        }
        let mut locked = self.locked.lock();
        let now = self.clock.now();
        let (mut reply, launch) = locked.machine.wanted(now, runtime.is_ok());
        let waiters = Arc::clone(&locked.waiters);
        self.publish(&locked);
        drop(locked);
        // A runtime that is shutting down drops the task at once, and that takes the lock.
        if let (Some(launch), Ok(runtime)) = (launch, runtime) {
            let flight = Flight::new(Arc::clone(self), launch, now);
            let task = runtime.spawn(flight.fly());
            self.locked.lock().flight = Some(task.abort_handle());
            if was_turned_away(task) && matches!(reply, Reply::Wait { .. }) {
                let (cause, left) = (Cause::NoRuntime, None);
                reply = Reply::Fail { cause, left };
            }
        }
        (reply, waiters)
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
            ErrorKind::TokenExpired(expired).into()
        }
        Cause::TokenRefused => ErrorKind::TokenRefused.into(),
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

/// Whether the runtime is shutting down and dropped the task before it began.
fn was_turned_away<T>(task: JoinHandle<T>) -> bool {
    let ended = pin!(task).poll(&mut Context::from_waker(Waker::noop()));
    matches!(ended, Poll::Ready(Err(error)) if error.is_cancelled())
}

/// The output of `wanted`, or nothing once `limit` ended first.
async fn either<T>(
    mut wanted: Pin<&mut impl Future<Output = T>>,
    mut limit: Pin<&mut impl Future<Output = ()>>,
) -> Option<T> {
    poll_fn(|context| match wanted.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

#[cfg(test)]
mod tests;

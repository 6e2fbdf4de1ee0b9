//! One token request on its way: a task of its own, so that no caller's leaving loses its answer.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use tracing::{Instrument, Span, field::Empty};

use super::{Answer, Event, Landing, Launch, Outcome, Shared, TARGET};
use crate::{
    clock::Moment,
    error::{Error, InvalidClient},
    grant::{ClientCredentials, Kind},
    secret::ClientSecret,
    token::AccessToken,
    token_endpoint::{Issued, TokenRequest},
};

/// Sends a request to the token endpoint.
pub(super) type Exchange = Box<dyn Fn(TokenRequest) -> Exchanging + Send + Sync>;

pub(super) type Exchanging = Pin<Box<dyn Future<Output = Result<Issued, Error>> + Send>>;

/// A flight; one that is dropped before its end tells so.
pub(super) struct Flight {
    shared: Arc<Shared>,
    launch: Launch,
    started: Moment,
    /// How many requests were sent.
    attempts: AtomicU64,
    span: Span,
    ended: bool,
}

impl Flight {
    pub(super) fn new(shared: Arc<Shared>, launch: Launch, started: Moment) -> Self {
        let span = tracing::debug_span!(
            target: TARGET,
            // It serves many callers and outlives the one who started it.
            parent: None,
            "token_request",
            region = %shared.endpoint.region,
            grant_type = shared.grant.name(),
            attempts = Empty,
            outcome = Empty,
            took = Empty,
            expires_in = Empty,
            pause = Empty,
            token_in_hand = Empty,
        );
        span.follows_from(Span::current());
        Self {
            shared,
            launch,
            started,
            attempts: AtomicU64::new(0),
            span,
            ended: false,
        }
    }

    pub(super) fn fly(mut self) -> impl Future<Output = ()> + Send {
        let span = self.span.clone();
        let flight = async move {
            let answer = match &self.shared.grant.0 {
                Kind::ClientCredentials(credentials) => self.ask(credentials).await,
                #[cfg(feature = "login")]
                Kind::AuthorizationCode(_) => Answer::Lost,
                // The machine starts no flight for it.
                Kind::Fixed(_) => Answer::Lost,
            };
            self.end(answer);
        };
        flight.instrument(span)
    }

    /// From the question for the secret to the answer.
    async fn ask(&self, credentials: &ClientCredentials) -> Answer<AccessToken, Error> {
        let mut secret = match read(credentials.secret()).await {
            Ok(secret) => secret,
            Err(cause) => return failed(cause),
        };
        if self.launch.probe {
            if self.shared.was_refused(|refused| same(refused, &secret)) {
                return Answer::Unchanged;
            }
            self.shared.secret_changed(self.launch);
        }
        let mut asked_enough = !credentials.secret().can_change();
        loop {
            if !self.shared.sending(self.launch) {
                return Answer::Lost;
            }
            let refusal = match self.request(credentials, &secret).await {
                Err(cause) if cause.refuses_credentials() => cause,
                answer => return answered(answer),
            };
            if asked_enough {
                return self.refused(secret, refusal);
            }
            // It may have been rotated since the source gave it.
            asked_enough = true;
            self.shared.asking(self.launch);
            match read(credentials.secret()).await {
                Ok(other) if !same(&other, &secret) => secret = other,
                _ => return self.refused(secret, refusal),
            }
        }
    }

    fn refused(&self, secret: SecretString, cause: Error) -> Answer<AccessToken, Error> {
        self.shared.credentials_refused(secret);
        Answer::Refused(cause)
    }

    /// One request, and a second where nothing of the first was sent.
    async fn request(
        &self,
        credentials: &ClientCredentials,
        secret: &SecretString,
    ) -> Result<AccessToken, Error> {
        let mut answer = self.send(credentials.request(secret.clone())).await;
        if answer.as_ref().is_err_and(Error::nothing_sent) && self.shared.sending(self.launch) {
            answer = self.send(credentials.request(secret.clone())).await;
        }
        match answer {
            Ok(token) => {
                self.shared.credentials_accepted();
                Ok(token)
            }
            Err(error) => Err(error.of_client(|answer| InvalidClient {
                answer,
                region: self.shared.endpoint.region.clone(),
                accepted_before: self.shared.accepted(),
            })),
        }
    }

    async fn send(&self, request: TokenRequest) -> Result<AccessToken, Error> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let exchange = (self.shared.exchange)(request);
        match tokio::time::timeout(self.shared.endpoint.attempt, exchange).await {
            Ok(answer) => answer.map(|issued| issued.token),
            Err(_) => Err(Error::answer_timeout(
                self.shared.endpoint.region.login_url(),
            )),
        }
    }

    fn end(&mut self, answer: Answer<AccessToken, Error>) {
        self.ended = true;
        let attempts = self.attempts.load(Ordering::Relaxed);
        self.span.record("attempts", attempts);
        let without_event = match answer {
            Answer::Unchanged => "unchanged",
            _ => "lost",
        };
        match self.shared.ended(self.launch, self.started, answer) {
            Some(event) => event.record(&self.span),
            None => {
                self.span.record("outcome", without_event);
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.ended {
            let answer = if std::thread::panicking() {
                // Another would panic, too: it takes a pause.
                failed(Error::request_failed(
                    self.shared.endpoint.region.login_url(),
                ))
            } else {
                Answer::Lost
            };
            self.end(answer);
        }
    }
}

/// What a flight tells all handles.
impl Shared {
    fn asking(&self, launch: Launch) {
        let now = self.clock.now();
        self.locked.lock().machine.asking(launch.number, now);
    }

    fn sending(&self, launch: Launch) -> bool {
        let now = self.clock.now();
        self.locked.lock().machine.sending(launch.number, now)
    }

    /// Whether `secret` is the one that was refused last.
    fn was_refused(&self, is_same: impl Fn(&SecretString) -> bool) -> bool {
        self.locked.lock().refused.as_ref().is_some_and(is_same)
    }

    fn secret_changed(&self, launch: Launch) {
        let mut locked = self.locked.lock();
        locked.machine.secret_changed(launch.number);
        self.publish(&locked);
    }

    fn credentials_refused(&self, secret: SecretString) {
        self.locked.lock().refused = Some(secret);
    }

    fn credentials_accepted(&self) {
        self.locked.lock().accepted = Some(self.clock.wall());
    }

    fn accepted(&self) -> Option<SystemTime> {
        self.locked.lock().accepted
    }

    fn ended(
        &self,
        launch: Launch,
        started: Moment,
        answer: Answer<AccessToken, Error>,
    ) -> Option<Event> {
        let mut locked = self.locked.lock();
        let now = self.clock.now();
        let machine = &mut locked.machine;
        let landing = Landing {
            now,
            took: now - started,
            lost: !machine.is_under_way(launch.number),
            token_in_hand: machine.token_in_hand(now).is_some(),
        };
        let outcome = machine.ended(launch.number, now, (self.draw)(), answer);
        let event = Event::of_flight(&landing, &outcome, machine);
        self.publish(&locked);
        // Those who wait, wait for the flight that took a lost one's place; a good answer that comes
        // late may serve them all the same.
        let told = match outcome {
            Outcome::Token(_) if landing.lost => Some(Outcome::Again),
            _ if landing.lost => None,
            outcome => Some(outcome),
        };
        let waiters = told.as_ref().map(|_| mem::take(&mut locked.waiters));
        self.settings.events.push(event.as_ref());
        drop(locked);
        if let Some(waiters) = waiters {
            waiters.send_replace(told);
        }
        self.tell(event.as_ref());
        event
    }
}

/// Asks the source of a secret, which may fail, hang or panic.
async fn read(secret: &ClientSecret) -> Result<SecretString, Error> {
    if !secret.can_change() {
        return secret.clone().read().await;
    }
    let mut task = Aborted(tokio::spawn(secret.clone().read()));
    match tokio::time::timeout(SOURCE_LIMIT, &mut task.0).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Error::secret(
            "the source of the client secret panicked",
            None,
        )),
        Err(_) => Err(Error::secret(
            "the source of the client secret took longer than 10 seconds",
            None,
        )),
    }
}

/// A task that ends with whoever waits for it.
struct Aborted<T>(JoinHandle<T>);

impl<T> Drop for Aborted<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

fn answered(answer: Result<AccessToken, Error>) -> Answer<AccessToken, Error> {
    answer.map_or_else(failed, Answer::Token)
}

fn failed(cause: Error) -> Answer<AccessToken, Error> {
    Answer::Failed {
        retry_after: cause.retry_after(),
        cause,
    }
}

/// How long the source of a secret may take.
pub(super) const SOURCE_LIMIT: Duration = Duration::from_secs(10);

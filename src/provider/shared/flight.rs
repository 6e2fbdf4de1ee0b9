//! One token request on its way: a task of its own, so that no caller's leaving loses its answer.

mod assertion;
mod client;
#[cfg(feature = "login")]
mod login;
mod secret;

use std::{
    future::Future,
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tracing::{Instrument, Span, field::Empty};

use super::{
    Aborted, Event, Keeping, Kept, Landing, RefreshResult, STORE_LIMIT, Shared, Stored, TARGET,
    TURN_LIMIT, Ticket, WaiterResult,
};
use crate::{
    clock::Moment,
    error::{Error, InvalidClient},
    grant::Kind,
    token::{AccessToken, Record},
    token_endpoint::{Issued, TokenRequest},
};
pub(super) use assertion::HandedIn;
use client::Look;
#[cfg(feature = "login")]
pub(in crate::provider) use login::Unsaved;
pub(in crate::provider) use secret::{SOURCE_LIMIT, read};
use secret::{asked, same};

/// A flight; one that is dropped before its end tells so.
pub(super) struct Flight {
    shared: Arc<Shared>,
    ticket: Ticket,
    started: Moment,
    /// How many requests were sent.
    attempts: AtomicU64,
    /// The token is a store's.
    loaded: bool,
    /// Whether the secret's source was asked again after a refusal.
    asked_again: bool,
    span: Span,
    ended: bool,
}

impl Flight {
    pub(super) fn new(shared: Arc<Shared>, ticket: Ticket, started: Moment) -> Self {
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
            ticket,
            started,
            attempts: AtomicU64::new(0),
            loaded: false,
            asked_again: false,
            span,
            ended: false,
        }
    }

    pub(super) fn fly(mut self) -> impl Future<Output = ()> + Send {
        let span = self.span.clone();
        let flight = async move {
            let answer = self.ask().await;
            self.end(answer);
        };
        flight.instrument(span)
    }

    async fn ask(&mut self) -> RefreshResult<AccessToken, Error> {
        let shared = Arc::clone(&self.shared);
        match &shared.grant.0 {
            Kind::ClientCredentials(credentials) => self.ask_as_client(credentials).await,
            #[cfg(feature = "login")]
            Kind::AuthorizationCode(app) => self.ask_as_user(app).await,
            Kind::Saml2Bearer(saml) => self.ask_with_assertion(saml).await,
            // The machine starts no flight for it.
            Kind::Fixed(_) => RefreshResult::Lost,
        }
    }

    /// Tells that a step begins which may take as long as `limit`; false where the flight counts as
    /// lost and may take none.
    fn step(&self, limit: Duration) -> bool {
        let now = self.shared.clock.now();
        let mut locked = self.shared.locked.lock();
        locked.machine.step(self.ticket.number, now, limit)
    }

    /// One request, and a second where nothing of the first was sent; none where the flight is lost.
    async fn request(&self, request: impl Fn() -> TokenRequest) -> Option<Result<Issued, Error>> {
        let attempt = self.shared.endpoint.attempt;
        if !self.step(attempt) {
            return None;
        }
        let mut answer = self.send(request()).await;
        if answer.as_ref().is_err_and(Error::nothing_sent) && self.step(attempt) {
            answer = self.send(request()).await;
        }
        Some(self.shared.told(answer))
    }

    async fn send(&self, request: TokenRequest) -> Result<Issued, Error> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.shared.send(request).await
    }

    fn end(&mut self, answer: RefreshResult<AccessToken, Error>) {
        self.ended = true;
        let attempts = self.attempts.load(Ordering::Relaxed);
        self.span.record("attempts", attempts);
        let without_event = match answer {
            RefreshResult::Unchanged => "unchanged",
            _ => "lost",
        };
        match self
            .shared
            .ended(self.ticket, self.started, self.loaded, answer)
        {
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
                RefreshResult::Lost
            };
            self.end(answer);
        }
    }
}

/// What a flight tells all handles.
impl Shared {
    /// Sends one request, which takes as long as an attempt may.
    pub(in crate::provider) async fn send(&self, request: TokenRequest) -> Result<Issued, Error> {
        let exchange = (self.exchange)(request);
        let answer = tokio::time::timeout(self.endpoint.attempt, exchange).await;
        answer.unwrap_or_else(|_| Err(Error::response_timeout(self.endpoint.region.login_url())))
    }

    /// The answer, told with what is known of the client.
    pub(in crate::provider) fn told(&self, answer: Result<Issued, Error>) -> Result<Issued, Error> {
        let mut locked = self.locked.lock();
        match answer {
            Ok(issued) => {
                locked.known.accepted = Some(self.clock.wall());
                locked.known.refused = None;
                Ok(issued)
            }
            Err(error) => Err(error.with_client(|response| InvalidClient {
                response,
                region: self.endpoint.region.clone(),
                accepted_before: locked.known.accepted,
            })),
        }
    }

    /// A probe found other credentials.
    fn changed(&self, ticket: Ticket) {
        let mut locked = self.locked.lock();
        locked.machine.secret_changed(ticket.number);
        self.publish(&locked);
    }

    /// The token of a record, where it is worth more than the one in hand: valid, not refused, and
    /// not put back by somebody.
    fn usable(&self, record: &Record) -> Option<AccessToken> {
        let mut locked = self.locked.lock();
        let known = &mut locked.known;
        if record.generation() < known.newest {
            return None;
        }
        known.has_seen(record);
        known.accepted = known.accepted.max(Some(record.issued()));
        let now = self.clock.now();
        let token = record.token(&self.clock)?;
        locked.machine.is_better(&token, now).then_some(token)
    }

    /// The token of a record, where it is valid and not refused.
    #[cfg(feature = "login")]
    fn good(&self, record: &Record) -> Option<AccessToken> {
        let mut locked = self.locked.lock();
        locked.known.has_seen(record);
        let now = self.clock.now();
        let token = record.token(&self.clock)?;
        locked.machine.is_good(&token, now).then_some(token)
    }

    /// Whether a new token may be stored: its flight is not from before a revoke, and it is good.
    fn may_save(&self, ticket: Ticket, token: &AccessToken) -> bool {
        let now = self.clock.now();
        self.locked
            .lock()
            .machine
            .may_save(ticket.number, token, now)
    }

    /// A store that is of no use costs its users a request each, and no token.
    fn store_failed(&self, error: Error) {
        let event = Event::StoreFailed { error };
        self.settings.events.push(Some(&event));
        self.tell(Some(&event));
    }

    fn ended(
        &self,
        ticket: Ticket,
        started: Moment,
        loaded: bool,
        answer: RefreshResult<AccessToken, Error>,
    ) -> Option<Event> {
        let mut locked = self.locked.lock();
        let now = self.clock.now();
        let machine = &mut locked.machine;
        let landing = Landing {
            now,
            took: now - started,
            lost: !machine.is_under_way(ticket.number),
            loaded,
            token_in_hand: machine.token_in_hand(now).is_some(),
        };
        let outcome = machine.ended(ticket.number, now, (self.draw)(), answer);
        let event = Event::of_flight(&landing, &outcome, machine);
        let event = event.and_then(|event| locked.told_in_time(event, now));
        self.publish(&locked);
        // Those who wait, wait for the flight that took a lost one's place; a good answer that comes
        // late may serve them all the same.
        let told = match outcome {
            WaiterResult::Token(_) if landing.lost => Some(WaiterResult::Again),
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

fn failed(cause: Error) -> RefreshResult<AccessToken, Error> {
    RefreshResult::Failed {
        retry_after: cause.retry_after(),
        cause,
    }
}

//! One refresh: a task of its own, so that a caller that leaves loses nothing.

mod authorization_code;
mod client_credentials;
mod closure;
mod saml2_bearer;

use std::{future::Future, mem, sync::Arc, time::Duration};

use secrecy::SecretString;
use tracing::{Instrument, Span, field::Empty};

use super::{
    cache::{State, TokenCache},
    event::{Event, TARGET, end_of},
    outside_code::{SOURCE_LIMIT, is_same_secret, read_secret},
    policy::{RefreshResult, Ticket, WaiterResult},
};
use crate::{
    clock::Moment,
    error::{Error, TokenExpired},
    grant::Kind,
    secret::ClientSecret,
    token::{AccessToken, Record},
    token_endpoint::{Issued, TokenRequest},
};

/// A refresh. One that is dropped before its end reports that it is lost.
///
/// The methods of the grants return a token, or as `Err` how else the refresh ends.
pub(super) struct Refresh {
    cache: Arc<TokenCache>,
    ticket: Ticket,
    started: Moment,
    span: Span,
    attempts: u64,
    /// Whether the token comes from the store.
    loaded: bool,
    /// The record that this refresh stored.
    stored: Option<Record>,
    /// Whether the secret's source was asked again after a rejection.
    asked_again: bool,
    ended: bool,
}

impl Refresh {
    pub(super) fn new(cache: Arc<TokenCache>, ticket: Ticket, started: Moment) -> Self {
        let span = tracing::debug_span!(
            target: TARGET,
            // It serves many callers and may outlive the one that started it.
            parent: None,
            "token_request",
            region = %cache.endpoint.region,
            grant_type = cache.grant.name(),
            attempts = Empty,
            outcome = Empty,
            took = Empty,
            expires_in = Empty,
            pause = Empty,
            has_valid_token = Empty,
        );
        span.follows_from(Span::current());
        Self {
            cache,
            ticket,
            started,
            span,
            attempts: 0,
            loaded: false,
            stored: None,
            asked_again: false,
            ended: false,
        }
    }

    /// Gets a token and sends the result to the waiters. Returns whether a renewed login is still to
    /// be stored.
    pub(super) fn run(mut self) -> impl Future<Output = bool> + Send {
        let span = self.span.clone();
        let refresh = async move {
            let cache = Arc::clone(&self.cache);
            let result = match &cache.grant.0 {
                Kind::ClientCredentials(credentials) => self.client_credentials(credentials).await,
                Kind::AuthorizationCode(app) => self.authorization_code(app).await,
                Kind::Saml2Bearer(saml) => self.saml2_bearer(saml).await,
                Kind::Closure(closure) => self.closure(closure).await,
                // The policy starts no refresh for it.
                Kind::Fixed(_) => Err(RefreshResult::Lost),
            };
            self.end(&result.map_or_else(|end| end, RefreshResult::Token))
        };
        refresh.instrument(span)
    }

    /// Begins a step that may take as long as `limit`. A lost refresh may begin none.
    fn step(&self, limit: Duration) -> Result<(), RefreshResult> {
        let ticket = self.ticket;
        let begun = self
            .cache
            .update(|state, now| state.policy.begin_step(ticket, now, limit));
        begun.then_some(()).ok_or(RefreshResult::Lost)
    }

    /// Sends a request, and once more where nothing of the first was sent.
    async fn request(
        &mut self,
        request: impl Fn() -> TokenRequest,
    ) -> Result<Result<Issued, Error>, RefreshResult> {
        self.step(self.cache.endpoint.attempt)?;
        self.attempts += 1;
        let mut response = self.cache.send(request()).await;
        if response.as_ref().is_err_and(|error| self.may_repeat(error)) {
            self.attempts += 1;
            response = self.cache.send(request()).await;
        }
        Ok(response.map_err(|error| self.cache.with_client_context(error)))
    }

    /// Whether a request that failed is sent once more, and begins that step. In an outage no
    /// request is: the pauses decide when the next one is due.
    fn may_repeat(&self, error: &Error) -> bool {
        let (ticket, attempt) = (self.ticket, self.cache.endpoint.attempt);
        error.nothing_sent()
            && self.cache.update(|state, now| {
                let former = state.last_failure.replace(error.clone());
                let is_outage = former.is_some_and(|former| former.nothing_sent());
                !is_outage && state.policy.begin_step(ticket, now, attempt)
            })
    }

    /// Returns the token of a stored record, where it is better than the current one.
    fn token_of(&mut self, record: &Record) -> Option<AccessToken> {
        let cache = &self.cache;
        let token = cache.update(|state, now| state.better_token(record, now, cache.clock()));
        self.loaded = token.is_some();
        token
    }

    /// Returns a secret other than the rejected one: it may have been rotated since it was read. The
    /// source is asked again once.
    async fn other_secret(
        &mut self,
        source: &ClientSecret,
        rejected: &SecretString,
    ) -> Option<SecretString> {
        if !source.can_change() || mem::replace(&mut self.asked_again, true) {
            return None;
        }
        self.step(SOURCE_LIMIT).ok()?;
        let other = read_secret(source).await.ok()?;
        (!is_same_secret(&other, rejected)).then_some(other)
    }

    /// Gives the result to the policy, and what follows from it to the waiters. Returns whether a login
    /// is still to be stored. The result is dropped after the guard: its error may hold the program's
    /// own.
    fn end(&mut self, result: &RefreshResult) -> bool {
        self.ended = true;
        let ticket = self.ticket;
        let (sent, event, login_unsaved) = self.cache.update(|state, now| {
            if let Some(record) = &self.stored {
                state.store.record_seen(record);
            }
            match result {
                RefreshResult::Token(_) => state.last_failure = None,
                RefreshResult::Failed(error) | RefreshResult::InvalidCredentials(error) => {
                    state.last_failure = Some(error.clone());
                }
                RefreshResult::Unchanged | RefreshResult::Lost => {}
            }
            let lost = !state.policy.is_running(ticket);
            let had_token = state.policy.valid_token(now).is_some();
            let (jitter, result) = (self.cache.jitter(), result.clone());
            let result = state.policy.end_refresh(ticket, now, jitter, result);
            let event = self.event(state, now, &result, lost, had_token);
            let event = event.and_then(|event| state.as_login_expiring(event, now));
            state.event.clone_from(&event);
            let result = match result {
                // Waiters follow the refresh that replaced a lost one, but a late token may serve them.
                WaiterResult::Token(_) if lost => Some(WaiterResult::AskAgain),
                _ if lost => None,
                result => {
                    // It would keep the memory of the ended task.
                    state.refresh_task = Arc::default();
                    Some(result)
                }
            };
            let sent = result.map(|result| (mem::take(&mut state.waiters), result));
            (sent, event, state.login.is_unsaved())
        });
        if let Some((waiters, result)) = sent {
            waiters.send_replace(Some(result));
        }
        self.span.record("attempts", self.attempts);
        let without_event = match result {
            RefreshResult::Unchanged => "unchanged",
            _ => "lost",
        };
        match event {
            Some(event) => event.record(&self.span),
            None => {
                self.span.record("outcome", without_event);
            }
        }
        login_unsaved
    }

    /// Returns the event that reports the result.
    fn event(
        &self,
        state: &State,
        now: Moment,
        result: &WaiterResult,
        lost: bool,
        has_valid_token: bool,
    ) -> Option<Event> {
        let took = now - self.started;
        let failed = |error: Error| Event::RequestFailed {
            pause: error.wait().unwrap_or_default(),
            error,
            took,
            has_valid_token,
        };
        let current = state.policy.valid_token(now);
        match result {
            WaiterResult::Token(token)
                if current.map(AccessToken::fingerprint) == Some(token.fingerprint()) =>
            {
                let (expires_in, expires_at) = end_of(token, now);
                Some(if self.loaded {
                    Event::Loaded {
                        expires_in,
                        expires_at,
                    }
                } else if has_valid_token {
                    Event::Renewed {
                        took,
                        expires_in,
                        expires_at,
                    }
                } else {
                    Event::Acquired {
                        took,
                        expires_in,
                        expires_at,
                    }
                })
            }
            // The token had no life left.
            WaiterResult::Token(_) if !lost => {
                let expired = Error::from(TokenExpired::on_arrival());
                let pause = state.policy.pause_left(now).unwrap_or_default();
                Some(failed(expired.in_pause(pause)))
            }
            WaiterResult::Failed(error) => Some(failed(error.clone())),
            WaiterResult::Token(_) | WaiterResult::AskAgain => None,
        }
    }
}

impl Drop for Refresh {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let result = if std::thread::panicking() {
            // The next refresh may panic, too, so a pause begins.
            let url = self.cache.endpoint.region.login_url();
            RefreshResult::Failed(Error::request_failed(url))
        } else {
            RefreshResult::Lost
        };
        self.end(&result);
    }
}

/// An error that no grant handles is a failure, which begins a pause.
impl From<Error> for RefreshResult {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

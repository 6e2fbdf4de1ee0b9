//! What all handles of one provider share: grant, endpoint, and the state behind one lock.

use std::{
    mem,
    sync::{Arc, OnceLock, atomic::AtomicBool},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::watch, task::AbortHandle};

use super::{
    event::{Event, dispatcher::EventDispatcher, end_of, trace},
    memory::{AssertionMemory, ClientMemory, LoginMemory, StoreMemory, UnsavedLogin},
    outside_code::SOURCE_LIMIT,
    policy::{CredentialSource, Invalidation, RefreshPolicy, WaiterResult},
    snapshot::Snapshot,
    storage::{STORE_LIMIT, Storage},
};
use crate::{
    clock::{Clock, Moment},
    error::{Error, InvalidClient},
    grant::{Grant, Kind},
    retry::Jitter,
    token::{AccessToken, Fingerprint, Record},
    token_endpoint::{Issued, TokenEndpoint, TokenRequest},
};

pub(super) struct TokenCache {
    pub(super) snapshot: Snapshot,
    pub(super) grant: Grant,
    pub(super) endpoint: TokenEndpoint,
    pub(super) settings: Settings,
    /// When the background task must ask the policy again. Closes with the last handle.
    pub(super) wake: watch::Sender<Option<Moment>>,
    pub(super) background_task_runs: AtomicBool,
    state: Mutex<State>,
    exchange: Exchange,
    jitter: fn() -> Jitter,
}

pub(super) struct Settings {
    /// The maximum time of `token()`.
    pub(super) total: Duration,
    pub(super) background: bool,
    pub(super) events: EventDispatcher,
    pub(super) storage: Storage,
}

/// How token requests are exchanged for responses.
pub(super) enum Exchange {
    Http,
    /// A token endpoint in memory.
    #[cfg(test)]
    Script(Script),
}

#[cfg(test)]
pub(super) type Script = Box<dyn Fn(TokenRequest) -> Scripted + Send + Sync>;

#[cfg(test)]
type Scripted = std::pin::Pin<Box<dyn Future<Output = Result<Issued, Error>> + Send>>;

/// What the lock guards.
pub(super) struct State {
    pub(super) policy: RefreshPolicy,
    /// Where the current refresh sends its result, once.
    pub(super) waiters: Waiters,
    /// Aborts the current refresh; empty until its task is spawned.
    pub(super) refresh_task: RefreshTask,
    pub(super) store: StoreMemory,
    pub(super) client: ClientMemory,
    pub(super) login: LoginMemory,
    pub(super) assertions: AssertionMemory,
    /// The last failed attempt since there was a token.
    pub(super) last_failure: Option<Error>,
    /// The token whose end was reported ahead of time.
    expiry_announced: Option<Fingerprint>,
    /// The event of the change under way.
    pub(super) event: Option<Event>,
}

type RefreshTask = Arc<OnceLock<AbortHandle>>;

pub(super) type Waiters = Arc<watch::Sender<Option<WaiterResult>>>;

impl TokenCache {
    pub(super) fn new(
        grant: Grant,
        endpoint: TokenEndpoint,
        settings: Settings,
    ) -> Result<Arc<Self>, Error> {
        Self::with_exchange(grant, endpoint, settings, Exchange::Http, Jitter::draw)
    }

    pub(super) fn with_exchange(
        grant: Grant,
        endpoint: TokenEndpoint,
        settings: Settings,
        exchange: Exchange,
        jitter: fn() -> Jitter,
    ) -> Result<Arc<Self>, Error> {
        let policy = policy(&grant, &endpoint, &settings.storage)?;
        let cache = Self {
            snapshot: Snapshot::default(),
            grant,
            endpoint,
            settings,
            wake: watch::Sender::new(None),
            background_task_runs: AtomicBool::new(false),
            state: Mutex::new(State::new(policy)),
            exchange,
            jitter,
        };
        cache.update(|_, _| {});
        Ok(Arc::new(cache))
    }

    #[inline]
    pub(super) fn clock(&self) -> &Clock {
        &self.endpoint.clock
    }

    pub(super) fn jitter(&self) -> Jitter {
        (self.jitter)()
    }

    /// Changes the state under the lock. Afterwards readers see the new state, and its event is
    /// reported.
    pub(super) fn update<R>(&self, change: impl FnOnce(&mut State, Moment) -> R) -> R {
        let mut state = self.state.lock();
        let now = self.clock().now();
        // An error may hold the program's own, whose drop may call the provider: it outlives the
        // guard.
        let errors = [
            state.policy.pause_cause().cloned(),
            state.client.last_rejection().cloned(),
            state.last_failure.clone(),
        ];
        let result = change(&mut state, now);
        self.snapshot
            .show(state.policy.snapshot(now), now, self.clock());
        if self.settings.background {
            let wake = state.policy.wake_at(now);
            self.wake
                .send_if_modified(|shown| mem::replace(shown, wake) != wake);
        }
        let event = state.event.take();
        let events = &self.settings.events;
        let missed = event.as_ref().and_then(|event| events.push(event));
        drop(state);
        drop((errors, missed));
        if let Some(event) = event {
            events.deliver();
            trace(&self.endpoint.region, self.grant.name(), &event);
        }
        result
    }

    /// Reads the state under the lock.
    pub(super) fn read<R>(&self, read: impl FnOnce(&State, Moment) -> R) -> R {
        let state = self.state.lock();
        read(&state, self.clock().now())
    }

    /// Drops `token` if it is the current one, because the API rejected it.
    pub(super) fn invalidate(&self, token: Fingerprint) {
        self.update(|state, now| {
            let dropped = state.policy.invalidate(token, now, self.jitter());
            if let Some(Invalidation { age, pause }) = dropped {
                state.emit(Event::Invalidated { age, pause });
            }
        });
    }

    /// Drops the current token, that of a login still to be stored, and the current refresh. Returns
    /// the tokens.
    pub(super) fn revoke(&self) -> [Option<AccessToken>; 2] {
        let (tokens, refresh) = self.update(|state, _| {
            state.store.records_removed(None, self.clock());
            let unsaved = state.login.logged_out();
            let unsaved = unsaved.and_then(|unsaved| unsaved.record.token(self.clock()));
            (
                [state.policy.revoke(), unsaved],
                mem::take(&mut state.refresh_task),
            )
        });
        abort(&refresh);
        tokens
    }

    /// A look into the store found this record, or none. Returns whether there is a login.
    pub(super) fn login_found(&self, record: Option<&Record>) -> bool {
        let (is_logged_in, former) = self.update(|state, _| {
            if state.login.unsaved_after(record).is_some() {
                return (true, None);
            }
            let Some(record) = record else {
                // The login has ended elsewhere, and its token with it.
                state.policy.forget_token();
                return (state.login.is_unsaved(), None);
            };
            if state.store.is_outdated(record) {
                return (state.login.is_unsaved(), None);
            }
            let former = state.store.is_other_login(record).then(|| {
                state.policy.login_replaced();
                let waiters = mem::take(&mut state.waiters);
                (mem::take(&mut state.refresh_task), waiters)
            });
            state.record_seen(record);
            (true, former)
        });
        if let Some((refresh, waiters)) = former {
            abort(&refresh);
            waiters.send_replace(Some(WaiterResult::AskAgain));
        }
        is_logged_in
    }

    /// Sends one request to the token endpoint, for at most the time of an attempt.
    pub(super) async fn send(&self, request: TokenRequest) -> Result<Issued, Error> {
        let response = async {
            match &self.exchange {
                Exchange::Http => self.endpoint.ask(request).await,
                #[cfg(test)]
                Exchange::Script(script) => script(request).await,
            }
        };
        let limit = self.endpoint.attempt;
        let response = tokio::time::timeout(limit, response).await;
        response.unwrap_or_else(|_| Err(Error::response_timeout(&self.endpoint.url(), limit)))
    }

    /// The last failure since there was a token.
    pub(super) fn last_failure(&self) -> Option<Error> {
        self.read(|state, _| state.last_failure.clone())
    }

    /// Adds to an `invalid_client` error what is known of the client.
    pub(super) fn with_client_context(&self, error: Error) -> Error {
        error.with_client(|response| InvalidClient {
            response,
            region: self.endpoint.region.clone(),
            accepted_before: self.read(|state, _| state.client.last_accepted()),
        })
    }
}

impl State {
    fn new(policy: RefreshPolicy) -> Self {
        Self {
            policy,
            waiters: Waiters::default(),
            refresh_task: Arc::default(),
            store: StoreMemory::default(),
            client: ClientMemory::default(),
            login: LoginMemory::default(),
            assertions: AssertionMemory::default(),
            last_failure: None,
            expiry_announced: None,
            event: None,
        }
    }

    /// Reports an event once the change is done; one change has at most one.
    pub(super) fn emit(&mut self, event: Event) {
        self.event = Some(event);
    }

    /// Returns the token of a record, where it is better than the current one: valid longer, not
    /// rejected, and not of a record that someone put back.
    pub(super) fn better_token(
        &mut self,
        record: &Record,
        now: Moment,
        clock: &Clock,
    ) -> Option<AccessToken> {
        if self.store.is_outdated(record) {
            return None;
        }
        self.record_seen(record);
        self.client.record_seen(record);
        let token = record.token(clock)?;
        self.policy.is_better(&token, now).then_some(token)
    }

    /// Replaces the failure of a renewal by [`Event::LoginExpiring`] where only a user could renew
    /// the token. That is reported once per token.
    pub(super) fn as_login_expiring(&mut self, event: Event, now: Moment) -> Option<Event> {
        let Event::RequestFailed { error, .. } = &event else {
            return Some(event);
        };
        let Some(token) = self.policy.valid_token(now) else {
            return Some(event);
        };
        if !error.ends_with_token() {
            return Some(event);
        }
        let (expires_in, expires_at) = end_of(token, now);
        let announced = self.expiry_announced.replace(token.fingerprint());
        (announced != self.expiry_announced).then_some(Event::LoginExpiring {
            expires_in,
            expires_at,
        })
    }

    /// A user logged in, and the login is still to be stored.
    pub(super) fn login_unsaved(&mut self, unsaved: UnsavedLogin, now: Moment) {
        self.login.logged_in();
        self.login.login_issued(unsaved);
        self.policy.end_pause();
        self.policy.renew_from(now);
    }

    /// A record is in the store. Where it is another login's, the token of the former login is not
    /// served any more.
    pub(super) fn record_seen(&mut self, record: &Record) {
        if self.store.is_other_login(record) {
            self.policy.forget_token();
            self.logged_in(record);
        } else {
            self.store.record_seen(record);
        }
    }

    /// There is another login: what was known of the former one does not matter any more.
    pub(super) fn logged_in(&mut self, record: &Record) {
        self.store.record_seen(record);
        self.login.logged_in();
        self.expiry_announced = None;
    }
}

/// Ends a refresh. It takes the lock when it ends.
fn abort(refresh: &RefreshTask) {
    if let Some(refresh) = refresh.get() {
        refresh.abort();
    }
}

fn policy(
    grant: &Grant,
    endpoint: &TokenEndpoint,
    storage: &Storage,
) -> Result<RefreshPolicy, Error> {
    let first_step = match storage {
        Storage::Nowhere => endpoint.attempt,
        Storage::BySecret(_) | Storage::Login(_) => STORE_LIMIT,
    };
    Ok(match &grant.0 {
        Kind::Fixed(fixed) => RefreshPolicy::fixed(fixed.token(&endpoint.clock)?),
        Kind::ClientCredentials(credentials) if !credentials.secret().can_change() => {
            RefreshPolicy::new(CredentialSource::Static, first_step)
        }
        Kind::ClientCredentials(_) | Kind::Saml2Bearer(_) | Kind::Closure(_) => {
            RefreshPolicy::new(CredentialSource::Dynamic, SOURCE_LIMIT)
        }
        // Another login may be stored at any time.
        Kind::AuthorizationCode(_) => RefreshPolicy::new(CredentialSource::Dynamic, first_step),
    })
}

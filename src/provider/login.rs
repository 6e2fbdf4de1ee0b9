//! What a login does with its provider: it exchanges a code, and asks whether a login is stored.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tracing::{Instrument, Span};

use super::{
    TokenProvider,
    cache::TokenCache,
    driver::keep_until_stored,
    event::{Event, end_of, request_span},
    memory::UnsavedLogin,
    outside_code::read_secret,
    storage::{HeldTurn, Storage},
};
use crate::{
    clock::Moment,
    error::Error,
    grant::{CodeGrant, Kind},
    retry::{FailureStreak, pause_after_failure},
    token::{Lineage, Record},
    token_endpoint::Issued,
};

/// A handle that keeps nothing alive.
#[derive(Clone)]
pub(crate) struct WeakTokenProvider(Weak<TokenCache>);

impl WeakTokenProvider {
    pub(crate) fn upgrade(&self) -> Option<TokenProvider> {
        let cache = self.0.upgrade()?;
        Some(TokenProvider { cache })
    }
}

impl WeakTokenProvider {
    /// Whether there is a handle. Unlike [`upgrade`](Self::upgrade) it makes none, which would drop
    /// the provider if it were the last.
    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl TokenProvider {
    pub(crate) fn downgrade(&self) -> WeakTokenProvider {
        WeakTokenProvider(Arc::downgrade(&self.cache))
    }

    /// Exchanges a code for a login, stores it, and serves its token from then on. The future must be
    /// driven to its end in a task of its own, since the code can be used only once.
    ///
    /// Where the token endpoint cannot have used the code, it is sent again before `deadline`, or
    /// within the total for a token.
    ///
    /// # Errors
    /// A transient error only where the code was not used, or where the login is kept until its store
    /// takes it.
    pub(crate) async fn log_in(
        &self,
        code: &CodeGrant,
        deadline: Option<Moment>,
    ) -> Result<(), Error> {
        let span = request_span(self.region(), self.cache.grant.name());
        let started = self.clock().now();
        let result = self.exchange(code, deadline, started, &span);
        let result = result.instrument(span.clone()).await;
        if result.is_err() {
            span.record("outcome", "failed");
            span.record("took", (self.clock().now() - started).as_secs_f64());
        }
        result
    }

    async fn exchange(
        &self,
        code: &CodeGrant,
        deadline: Option<Moment>,
        started: Moment,
        span: &Span,
    ) -> Result<(), Error> {
        let cache = &self.cache;
        let (Kind::AuthorizationCode(app), Storage::Login(slot)) =
            (&cache.grant.0, &cache.settings.storage)
        else {
            return Err(Error::configuration("this provider is not a login's"));
        };
        let deadline = deadline.unwrap_or(started + cache.settings.total);
        let (mut streak, mut attempts) = (None, 0_u64);
        let (turn, issued) = loop {
            let secret = match app.secret() {
                Some(source) => Some(read_secret(source).await?),
                None => None,
            };
            // A store that fails is reported before the code is used.
            let turn = slot.take_turn().await?;
            attempts += 1;
            span.record("attempts", attempts);
            let error = match cache.send(app.exchange(secret, code)).await {
                Ok(issued) => break (turn, issued),
                Err(error) => cache.with_client_context(error),
            };
            // Others may use the store in the pause.
            drop(turn);
            let now = cache.clock().now();
            let is_first = streak.is_none();
            let failures = FailureStreak::with_failure(streak, now);
            streak = Some(failures);
            let pause = if is_first && error.nothing_sent() {
                // A pooled connection may have died with its runtime.
                Duration::ZERO
            } else {
                pause_after_failure(failures, error.retry_after(), false, cache.jitter())
            };
            if !error.is_unused() || now + pause >= deadline {
                return Err(error.with_code_ended());
            }
            self.report_pause(&error, now - started, pause);
            cache.clock().sleep_until(now + pause).await;
        };
        self.store_login(turn, issued, started, span).await
    }

    /// Reports a code that is sent again after `pause`. Its caller receives the last error only.
    fn report_pause(&self, error: &Error, took: Duration, pause: Duration) {
        self.cache.update(|state, now| {
            state.emit(Event::RequestFailed {
                error: error.in_pause(pause),
                took,
                pause,
                has_valid_token: state.policy.valid_token(now).is_some(),
            });
        });
    }

    /// Stores a new login, and serves its token from then on. Where that fails, the login is kept in
    /// memory until it can be stored.
    async fn store_login(
        &self,
        turn: HeldTurn,
        issued: Issued,
        started: Moment,
        span: &Span,
    ) -> Result<(), Error> {
        let cache = &self.cache;
        let token = issued.token;
        let former = turn.record.as_ref();
        let mut record = Record::new(&token, issued.refresh_token, former, cache.clock());
        // Without random bytes the login counts as a continuation of the one before.
        if let Some(lineage) = Lineage::draw() {
            record = record.of_lineage(lineage);
        }
        let unsaved = UnsavedLogin {
            former: former.map(Record::version),
            record: record.clone(),
        };
        let stored = async {
            // A login under an older key would come back when this one has ended.
            turn.slot.clear_older().await?;
            turn.save(&record).await
        };
        let stored = stored.await;
        cache.update(|state, now| {
            state.client.credentials_accepted(cache.clock().wall());
            if stored.is_err() {
                state.login_unsaved(unsaved, now);
                return;
            }
            state.logged_in(&record);
            state.policy.adopt(token.clone(), cache.jitter());
            state.last_failure = None;
            let (expires_in, expires_at) = end_of(&token, now);
            let event = Event::Acquired {
                took: now - started,
                expires_in,
                expires_at,
            };
            event.record(span);
            state.emit(event);
        });
        if stored.is_err() {
            keep_until_stored(Arc::clone(cache));
        }
        stored
    }

    /// Whether a login waits to be stored.
    pub(crate) fn has_unsaved_login(&self) -> bool {
        self.cache.read(|state, _| state.login.is_unsaved())
    }

    /// Whether there is a login: it is stored, or waits to be. Where another login was stored under
    /// this name, its token is served from then on.
    pub(crate) async fn is_logged_in(&self) -> Result<bool, Error> {
        let Storage::Login(slot) = &self.cache.settings.storage else {
            return Ok(false);
        };
        let has_unsaved = self.has_unsaved_login();
        let record = match slot.find().await {
            // It waits for this store.
            Err(_) if has_unsaved => return Ok(true),
            record => record?,
        };
        Ok(self.cache.login_found(record.as_ref()))
    }

    /// Whether a task renews the token as long as there is a handle.
    pub(crate) fn renews_in_background(&self) -> bool {
        self.cache.settings.background
    }
}

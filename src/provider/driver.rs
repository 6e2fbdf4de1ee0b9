//! Serves callers: returns the cached token, starts a refresh and waits for it, or fails.

mod background;

use std::{
    future::Future,
    mem,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::runtime::Handle;

use super::{
    cache::{TokenCache, Waiters},
    policy::{Decision, WaiterResult},
    refresh::Refresh,
};
use crate::{
    clock::either,
    error::{Error, ErrorKind},
    grant::Kind,
    runtime,
    token::AccessToken,
};

/// Returns a valid token, or an error after `limit` at the latest.
pub(super) async fn wait_for_token(
    cache: &Arc<TokenCache>,
    limit: Duration,
) -> Result<AccessToken, Error> {
    let deadline = cache.clock().now() + limit;
    loop {
        let (until, mut results) = match poll_policy(cache) {
            (Decision::Serve(token), _) => return Ok(token),
            (Decision::Fail(error), _) => return Err(error),
            (Decision::Wait { until }, waiters) => (until, waiters.subscribe()),
        };
        // The refresh may run on another runtime.
        if runtime::with_timers().is_none() {
            return Err(ErrorKind::NoRuntime.into());
        }
        let sleep = pin!(cache.clock().sleep_until(until.min(deadline)));
        let result = either(pin!(results.wait_for(Option::is_some)), sleep).await;
        match result.and_then(|result| result.ok()?.clone()) {
            Some(WaiterResult::Token(token)) => return Ok(token),
            Some(WaiterResult::Failed(error)) => return Err(error),
            Some(WaiterResult::AskAgain) | None if cache.clock().now() < deadline => {}
            Some(WaiterResult::AskAgain) | None => {
                let host = cache.endpoint.region.login_url().authority();
                let what = format!("waiting for a token from {host}");
                // The last failure says more than that the time is over.
                let last = cache.last_failure();
                return Err(last.unwrap_or_else(|| Error::timeout(&what, limit)));
            }
        }
    }
}

/// Returns the valid token, if there is one, and starts a refresh that is due.
pub(super) fn cached_token(cache: &Arc<TokenCache>) -> Option<AccessToken> {
    match poll_policy(cache).0 {
        Decision::Serve(token) => Some(token),
        Decision::Wait { .. } | Decision::Fail(_) => None,
    }
}

/// Asks the policy, and starts the refresh that it wants as a task of the current runtime.
fn poll_policy(cache: &Arc<TokenCache>) -> (Decision, Waiters) {
    let runtime = runtime::with_timers();
    // A closure needs no sockets of ours.
    let can_refresh = |runtime: &Handle| {
        matches!(cache.grant.0, Kind::Closure(_)) || runtime::has_sockets(runtime)
    };
    if cache.settings.background
        && let Some(runtime) = &runtime
        && can_refresh(runtime)
    {
        background::start(cache, runtime, |cache| drop(poll_policy(cache)));
    }
    let (mut decision, started, waiters) = cache.update(|state, now| {
        let (decision, ticket) = state.policy.decide(now, runtime.is_some());
        let started = ticket.map(|ticket| {
            state.refresh_task = Arc::default();
            (ticket, now, Arc::clone(&state.refresh_task))
        });
        (decision, started, Arc::clone(&state.waiters))
    });
    // A runtime that is shutting down drops the task at once, which takes the lock.
    if let Some(((ticket, now, abort), runtime)) = started.zip(runtime) {
        let refresh = Refresh::new(Arc::clone(cache), ticket, now);
        let is_dropped = if can_refresh(&runtime) {
            let cache = Arc::clone(cache);
            let task = runtime.spawn(async move {
                let login_unsaved = refresh.run().await;
                if login_unsaved {
                    keep_until_stored(cache);
                }
            });
            // It is set only here.
            let _ = abort.set(task.abort_handle());
            let ended = pin!(task).poll(&mut Context::from_waker(Waker::noop()));
            matches!(ended, Poll::Ready(Err(error)) if error.is_cancelled())
        } else {
            drop(refresh);
            true
        };
        if is_dropped && matches!(decision, Decision::Wait { .. }) {
            decision = Decision::Fail(ErrorKind::NoRuntime.into());
        }
    }
    (decision, waiters)
}

/// Keeps the provider alive, and starts refreshes, until a new or renewed login is stored: with the
/// last handle it would be lost.
pub(super) fn keep_until_stored(cache: Arc<TokenCache>) {
    if cache.update(|state, _| mem::replace(&mut state.login.is_being_stored, true)) {
        return;
    }
    let keeper = Keeper(cache);
    tokio::spawn(async move {
        let Keeper(cache) = &keeper;
        loop {
            let soon = cache.clock().now() + BETWEEN_TRIES;
            let wake = cache.read(|state, now| state.policy.wake_at(now));
            let wake = wake.unwrap_or(soon).max(soon);
            cache.clock().sleep_until(wake).await;
            if !cache.update(|state, _| state.login.continue_storing()) {
                return;
            }
            drop(poll_policy(cache));
        }
    });
}

/// Lets another task take over if the runtime of this one ends.
struct Keeper(Arc<TokenCache>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0
            .update(|state, _| state.login.is_being_stored = false);
    }
}

/// The minimum time between two tries to store a renewed login.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

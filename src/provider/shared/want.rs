//! How a handle comes to a token: at once, after a flight, or not at all.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::{runtime::Handle, task::JoinHandle};

use super::{Decision, Flight, Shared, WaiterResult, Waiters, either, keep_warm};
use crate::{
    clock::Moment,
    error::{Error, ErrorKind},
    token::AccessToken,
};

impl Shared {
    pub(in crate::provider) fn total_from_now(&self) -> Moment {
        self.clock.now() + self.settings.total
    }

    /// A valid token, at the latest at `deadline`.
    pub(in crate::provider) async fn wait_for_token(
        self: &Arc<Self>,
        deadline: Moment,
    ) -> Result<AccessToken, Error> {
        loop {
            let (until, mut outcome) = match self.want() {
                (Decision::Serve(token), _) => return Ok(token),
                (Decision::Fail(error), _) => return Err(error),
                (Decision::Wait { until }, waiters) => (until, waiters.subscribe()),
            };
            // Without a runtime there is no timer to wait by.
            if Handle::try_current().is_err() {
                return Err(ErrorKind::NoRuntime.into());
            }
            let sleep = pin!(self.clock.sleep_until(until.min(deadline)));
            let told = either(pin!(outcome.wait_for(Option::is_some)), sleep).await;
            let told = told.and_then(|outcome| outcome.ok()?.clone());
            match told {
                Some(WaiterResult::Token(token)) => return Ok(token),
                Some(WaiterResult::Failed(error)) => return Err(error),
                Some(WaiterResult::AskAgain) | None if self.clock.now() < deadline => {}
                Some(WaiterResult::AskAgain) | None => return Err(ErrorKind::Timeout.into()),
            }
        }
    }

    /// The valid token there is; starts what is due.
    pub(in crate::provider) fn cached_token(self: &Arc<Self>) -> Option<AccessToken> {
        match self.want().0 {
            Decision::Serve(token) => Some(token),
            Decision::Wait { .. } | Decision::Fail(_) => None,
        }
    }

    /// Asks the machine, and starts the flight it wants, as a task of the current runtime.
    pub(super) fn want(self: &Arc<Self>) -> (Decision, Waiters) {
        let runtime = Handle::try_current();
        if self.settings.background
            && let Ok(runtime) = &runtime
        {
            keep_warm(self, runtime);
        }
        let mut locked = self.locked.lock();
        let now = self.clock.now();
        let (mut reply, ticket) = locked.machine.decide(now, runtime.is_ok());
        let waiters = Arc::clone(&locked.waiters);
        self.publish(&locked);
        drop(locked);
        // A runtime that is shutting down drops the task at once, and that takes the lock.
        if let (Some(ticket), Ok(runtime)) = (ticket, runtime) {
            let flight = Flight::new(Arc::clone(self), ticket, now);
            let task = runtime.spawn(flight.fly());
            self.locked.lock().flight = Some(task.abort_handle());
            if was_turned_away(task) && matches!(reply, Decision::Wait { .. }) {
                reply = Decision::Fail(ErrorKind::NoRuntime.into());
            }
        }
        (reply, waiters)
    }
}

/// Whether the runtime is shutting down and dropped the task before it began.
fn was_turned_away<T>(task: JoinHandle<T>) -> bool {
    let ended = pin!(task).poll(&mut Context::from_waker(Waker::noop()));
    matches!(ended, Poll::Ready(Err(error)) if error.is_cancelled())
}

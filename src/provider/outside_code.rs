//! Runs code of the program's, which may fail, hang or panic: credential sources and stores.

use std::{future::Future, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::{task::JoinHandle, time::timeout};

use crate::{
    error::{Error, ErrorKind},
    runtime,
    secret::ClientSecret,
};

/// Returns the client secret; a closure, file or variable is read again each time.
pub(super) async fn read_secret(secret: &ClientSecret) -> Result<SecretString, Error> {
    if !secret.can_change() {
        return secret.clone().read().await;
    }
    ask("client secret", secret.clone().read()).await
}

/// Waits for the source of `what`, for at most [`SOURCE_LIMIT`].
pub(super) async fn ask<T: Send + 'static>(
    what: &str,
    source: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let fault = |fault| {
        let fault = match fault {
            TaskFault::Panicked => "panicked; correct it",
            TaskFault::TimedOut => "took longer than 10 seconds; check what it asks or reads",
        };
        Error::credential_source(format!("the source of the {what} {fault}"), None)
    };
    run_within(SOURCE_LIMIT, source, fault).await
}

/// Runs `future` as a task, for at most `limit`. It is aborted when the caller stops waiting.
pub(super) async fn run_within<T: Send + 'static, E: Into<Error> + Send + 'static>(
    limit: Duration,
    future: impl Future<Output = Result<T, E>> + Send + 'static,
    error_of: impl FnOnce(TaskFault) -> E,
) -> Result<T, Error> {
    let runtime = runtime::with_timers().ok_or(ErrorKind::NoRuntime)?;
    let mut task = AbortOnDrop(runtime.spawn(future));
    let result = match timeout(limit, &mut task.0).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(error_of(TaskFault::Panicked)),
        Err(_) => Err(error_of(TaskFault::TimedOut)),
    };
    result.map_err(Into::into)
}

/// Why a task returned nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum TaskFault {
    Panicked,
    TimedOut,
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) fn is_same_secret(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// The maximum time that a credential source may take.
pub(super) const SOURCE_LIMIT: Duration = Duration::from_secs(10);

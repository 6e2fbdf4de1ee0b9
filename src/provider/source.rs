//! Asks credential sources, which may fail, hang or panic.

use std::{future::Future, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use super::task::{TaskError, run_within};
use crate::{
    error::{Error, ErrorKind},
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
    let fault = match run_within(SOURCE_LIMIT, source).await {
        Ok(result) => return result,
        Err(TaskError::NoRuntime) => return Err(ErrorKind::NoRuntime.into()),
        Err(TaskError::Panicked) => "panicked; correct it",
        Err(TaskError::TimedOut) => "took longer than 10 seconds; check what it asks or reads",
    };
    let what = format!("the source of the {what} {fault}");
    Err(Error::credential_source(what, None))
}

pub(super) fn is_same_secret(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// The maximum time that a credential source may take.
pub(super) const SOURCE_LIMIT: Duration = Duration::from_secs(10);

//! The sources of secrets, which may fail, hang or panic.

use std::{future::Future, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use super::Aborted;
use crate::{error::Error, secret::ClientSecret};

/// Asks the source.
pub(in crate::provider) async fn read(secret: &ClientSecret) -> Result<SecretString, Error> {
    if !secret.can_change() {
        return secret.clone().read().await;
    }
    asked("client secret", secret.clone().read()).await
}

/// The answer of the source of `what`, which may never come.
pub(super) async fn asked<T: Send + 'static>(
    what: &str,
    source: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let mut task = Aborted(tokio::spawn(source));
    match tokio::time::timeout(SOURCE_LIMIT, &mut task.0).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Error::credential_source(
            format!("the source of the {what} panicked"),
            None,
        )),
        Err(_) => Err(Error::credential_source(
            format!("the source of the {what} took longer than 10 seconds"),
            None,
        )),
    }
}

pub(super) fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// How long the source of a secret may take.
pub(in crate::provider) const SOURCE_LIMIT: Duration = Duration::from_secs(10);

//! The source of a secret, which may fail, hang or panic.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Aborted;
use crate::{error::Error, secret::ClientSecret};

/// Asks the source.
pub(in crate::provider) async fn read(secret: &ClientSecret) -> Result<SecretString, Error> {
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

pub(super) fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// How long the source of a secret may take.
pub(in crate::provider) const SOURCE_LIMIT: Duration = Duration::from_secs(10);

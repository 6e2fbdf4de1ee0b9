//! Whether the token endpoint accepts a secret.

use std::time::Duration;

use secrecy::SecretString;

use crate::{
    client::PlatformClient,
    error::{Error, ErrorKind, OAuthErrorKind},
    grant::ClientCredentials,
    provider::TokenProvider,
};

/// Requests a token, which is then revoked.
pub(super) async fn is_accepted(
    api: &PlatformClient,
    client_id: &str,
    secret: &SecretString,
) -> Result<bool, Error> {
    let tokens = api.tokens();
    let credentials = ClientCredentials::new(client_id, secret.clone())?;
    let own = TokenProvider::builder(tokens.region().clone(), credentials)
        .http_client(tokens.http_client().clone())
        .with_clock(tokens.clock().clone())
        .build()?;
    match own.token().await {
        Ok(_) => {
            // The proof is the token. One that is left ends by itself.
            let _ = own.revoke().await;
            Ok(true)
        }
        Err(error) => match error.kind() {
            ErrorKind::InvalidClient(_) => Ok(false),
            // The secret was accepted, and the client has another grant.
            ErrorKind::OAuth(response)
                if matches!(response.kind(), OAuthErrorKind::UnauthorizedClient { .. }) =>
            {
                Ok(true)
            }
            _ => Err(error),
        },
    }
}

/// The same, but a new secret may not be known everywhere at once.
pub(super) async fn prove(
    api: &PlatformClient,
    client_id: &str,
    secret: &SecretString,
) -> Result<(), Error> {
    let clock = api.tokens().clock();
    for pause in PAUSES {
        if is_accepted(api, client_id, secret).await? {
            return Ok(());
        }
        clock.sleep_until(clock.now() + pause).await;
    }
    if is_accepted(api, client_id, secret).await? {
        return Ok(());
    }
    Err(Error::configuration(
        "the token endpoint does not accept the new secret; it may have been generated again elsewhere",
    ))
}

const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

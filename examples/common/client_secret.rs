//! Where an example reads the client's secret.
#![allow(clippy::duplicate_mod, reason = "several examples share it")]

use std::env;

use genesys_cloud_auth::ClientSecret;

/// Returns the place of the secret, which is read again each time it is needed.
///
/// # Errors
/// No place is set. Without this check, a server would report it only when a user logs in.
pub(crate) fn client_secret() -> Result<ClientSecret, &'static str> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    match (set(FILE), set(VARIABLE)) {
        (Some(file), _) => Ok(ClientSecret::from_file(file)),
        (None, Some(_)) => Ok(ClientSecret::from_env(VARIABLE)),
        (None, None) => Err(
            "there is no client secret; set GENESYSCLOUD_OAUTHCLIENT_SECRET, or set \
             GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE to the path of a file with the secret",
        ),
    }
}

const VARIABLE: &str = "GENESYSCLOUD_OAUTHCLIENT_SECRET";
const FILE: &str = "GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE";

//! A provider with the settings of environment variables.

use super::TokenProvider;
use crate::{
    environment::{has_variable, variable},
    error::Error,
    grant::{ClientCredentials, FixedToken, Grant, IntoGrant},
    region::Region,
    secret::ClientSecret,
};

impl TokenProvider {
    /// Makes a provider from the environment variables that Genesys Cloud's command line and its
    /// Terraform provider use:
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `GENESYSCLOUD_REGION` | the region, in any form that [`Region`] parses |
    /// | `GENESYSCLOUD_OAUTHCLIENT_ID` | the client id |
    /// | `GENESYSCLOUD_OAUTHCLIENT_SECRET` | the client secret, read again each time it is needed |
    /// | `GENESYSCLOUD_ACCESS_TOKEN` | an access token; it takes precedence over the client |
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) names what is missing or
    /// malformed. A client id without a secret leads to
    /// [`Troubleshooting::SecretNotVisible`](crate::error::Troubleshooting::SecretNotVisible).
    pub fn from_env() -> Result<Self, Error> {
        let region: Region = variable(REGION)
            .ok_or_else(|| {
                Error::configuration("GENESYSCLOUD_REGION is not set; set it to, say, eu-west-1")
            })?
            .parse()?;
        Self::new(region, grant()?)
    }
}

fn grant() -> Result<Grant, Error> {
    if let Some(token) = variable(ACCESS_TOKEN) {
        return Ok(FixedToken::new(token)?.into_grant());
    }
    let id = variable(CLIENT_ID).ok_or_else(|| {
        Error::configuration(
            "neither GENESYSCLOUD_OAUTHCLIENT_ID nor GENESYSCLOUD_ACCESS_TOKEN is set",
        )
    })?;
    if !has_variable(CLIENT_SECRET) {
        return Err(Error::secret_missing(
            "GENESYSCLOUD_OAUTHCLIENT_ID is set and GENESYSCLOUD_OAUTHCLIENT_SECRET is not; a secret \
             is shown only when it is generated, so generate a new one if it is lost (Admin → \
             Integrations → OAuth)",
        ));
    }
    Ok(ClientCredentials::new(id, ClientSecret::from_env(CLIENT_SECRET))?.into_grant())
}

const REGION: &str = "GENESYSCLOUD_REGION";
const CLIENT_ID: &str = "GENESYSCLOUD_OAUTHCLIENT_ID";
const CLIENT_SECRET: &str = "GENESYSCLOUD_OAUTHCLIENT_SECRET";
const ACCESS_TOKEN: &str = "GENESYSCLOUD_ACCESS_TOKEN";
